package windower

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
)

// TestMetadataGolden keeps the layout: commits outlive programs.
func TestMetadataGolden(t *testing.T) {
	r := Resume{
		Offset: 41, fingerprint: 0x0123456789abcdef, high: 1_700_000_000_000_000_000, first: 28333333, reached: 99,
		advances: []advance{{90, 1_700_000_001_000_000_000}, {99, 1_700_000_002_000_000_000}},
	}
	const golden = "p1.ASNFZ4mrze-AgNDixr_Oly-q1IIbxgECtAGAqKaczr_Oly_GAYDQ_NXVv86XL9zbAoE"
	c := r.commit()
	if c.Metadata != golden {
		t.Errorf("metadata %s, want %s", c.Metadata, golden)
	}
	back, err := ParseCommit(Commit{41, golden})
	if err != nil {
		t.Fatal(err)
	}
	if back.commit() != c {
		t.Errorf("read back %+v", back)
	}
}

func TestMetadataSize(t *testing.T) {
	r := Resume{fingerprint: math.MaxUint64, high: math.MinInt64, first: math.MinInt64, reached: math.MaxInt64}
	for range maxAdvances {
		r.advances = append(r.advances, advance{math.MaxInt64, math.MaxInt64})
	}
	if n := len(r.commit().Metadata); n > 1024 {
		t.Errorf("metadata of %d bytes, at most 1024 are allowed", n)
	}
}

func TestParseCommitRefuses(t *testing.T) {
	r := Resume{Offset: 5, high: never, first: 3, reached: 9}
	good := r.commit()
	for name, c := range map[string]Commit{
		"empty":            {5, ""},
		"another program":  {5, "consumer-1"},
		"another version":  {5, strings.Replace(good.Metadata, "p1.", "p3.", 1)},
		"another kind":     {5, strings.Replace(good.Metadata, "p1.", "p2.", 1)},
		"cut":              {5, good.Metadata[:len(good.Metadata)-2]},
		"changed":          {5, strings.Replace(good.Metadata, "AAAA", "AAAB", 1)},
		"beyond what's in": {10, good.Metadata},
		"negative":         {-1, good.Metadata},
	} {
		if _, err := ParseCommit(c); !errors.Is(err, ErrMetadata) {
			t.Errorf("%s: error %v, want ErrMetadata", name, err)
		}
	}
}

// TestRekeyedMetadataGolden keeps the layout of re-keyed partitions, and what it refuses.
func TestRekeyedMetadataGolden(t *testing.T) {
	r := Resume{Offset: 41, rekeyed: true, from: 77, fingerprint: 0x0123456789abcdef, high: 1_700_000_000_000_000_000, first: 28333333, reached: 99}
	const golden = "p2.ASNFZ4mrze-AgNDixr_Oly-q1IIbxgGaAQDp25RH"
	c := r.commit()
	if c.Metadata != golden {
		t.Errorf("metadata %s, want %s", c.Metadata, golden)
	}
	back, err := ParseCommit(Commit{41, golden})
	if err != nil {
		t.Fatal(err)
	}
	if back.commit() != c || back.from != 77 {
		t.Errorf("read back %+v", back)
	}
	for name, r := range map[string]Resume{
		"applied before it is read":    {Offset: 5, rekeyed: true, from: 4, high: never, reached: 9},
		"applied after it was reached": {Offset: 5, rekeyed: true, from: 10, high: never, reached: 9},
	} {
		if _, err := ParseCommit(r.commit()); !errors.Is(err, ErrMetadata) {
			t.Errorf("%s: error %v, want ErrMetadata", name, err)
		}
	}
	// A commit of a partition of one kind is none for the other.
	cfg := logShape{width: 10, halfCap: 1}.config()
	cfg.Fingerprint, cfg.Resume = r.fingerprint, back
	if _, err := NewPartition(cfg); !errors.Is(err, ErrFingerprint) {
		t.Errorf("error %v, want ErrFingerprint", err)
	}
}

func TestFingerprintMismatchRefused(t *testing.T) {
	r := Resume{Offset: 5, high: never, first: 3, reached: 9, fingerprint: 1}
	cfg := logShape{width: 10, halfCap: 1}.config()
	cfg.Resume = &r
	if _, err := NewPartition(cfg); !errors.Is(err, ErrFingerprint) {
		t.Errorf("error %v, want ErrFingerprint", err)
	}
}

func TestConfigRefused(t *testing.T) {
	for _, s := range []logShape{
		{width: 0}, {width: -1}, {width: longest + 1}, {width: 1, lateness: -1}, {width: 1, ttl: -1}, {width: 1, halfCap: -1},
	} {
		if _, err := NewPartition(s.config()); err == nil {
			t.Errorf("%+v was accepted", s)
		}
	}
	if _, err := NewAssembler(AssemblerConfig{Width: 1}); err == nil {
		t.Error("an assembler without topics was accepted")
	}
	if _, err := NewAssembler(AssemblerConfig{SpanTopics: []string{"s"}}); err == nil {
		t.Error("an assembler without slice width was accepted")
	}
}

func FuzzParseCommit(f *testing.F) {
	r := Resume{Offset: 41, fingerprint: 7, high: 17, first: 3, reached: 99, advances: []advance{{90, 18}}}
	body, _ := metadataEncoding.DecodeString(r.commit().Metadata[len(metadataPrefix):])
	f.Add(int64(41), false, body[:len(body)-4])
	f.Add(int64(0), false, []byte("12345678"))
	r.rekeyed, r.from = true, 77
	body, _ = metadataEncoding.DecodeString(r.commit().Metadata[len(rekeyedPrefix):])
	f.Add(int64(41), true, body[:len(body)-4])
	f.Fuzz(func(t *testing.T, offset int64, rekeyed bool, body []byte) {
		for _, prefix := range []string{metadataPrefix, rekeyedPrefix} {
			if _, err := ParseCommit(Commit{offset, prefix + string(body)}); err == nil {
				t.Error("metadata without a checksum was accepted")
			}
		}
		if len(body) < 8 {
			return
		}
		r, err := parseResume(offset, rekeyed, body)
		if err != nil {
			return
		}
		again, err := ParseCommit(r.commit())
		if err != nil || again.commit() != r.commit() {
			t.Errorf("not the same when written again: %v", err)
		}
		cfg := logShape{width: 10, lateness: 5, ttl: 5, halfCap: 10}.config()
		cfg.Fingerprint, cfg.Rekeyed, cfg.Resume = r.fingerprint, rekeyed, r
		p, err := NewPartition(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p.AtEnd()
		if next, err := ParseCommit(p.Commit(AllAcknowledged)); err != nil || next.Offset < r.Offset {
			t.Errorf("commit went from %+v to %+v: %v", r, next, err)
		}
	})
}

// TestCopiedGolden keeps the layout of a re-keyer's commits.
func TestCopiedGolden(t *testing.T) {
	for golden, c := range map[string]Copied{
		"r1.gIDQ4sa_zpcvrALC3_n1": {Next: 41, High: 1_700_000_000_000_000_000, Targets: 300},
	} {
		if got := c.Commit(); got != (Commit{c.Next, golden}) {
			t.Errorf("commit %+v, want metadata %s", got, golden)
		}
		if back, err := ParseCopied(Commit{c.Next, golden}); err != nil || back != c {
			t.Errorf("read back %+v, %v", back, err)
		}
	}
	for _, high := range []int64{never, ended, 1} {
		c := Copied{Next: 7, High: high, Targets: 1}
		if back, err := ParseCopied(c.Commit()); err != nil || back != c {
			t.Errorf("read back %+v, %v", back, err)
		}
	}
	good := Copied{Next: 7, High: 5, Targets: 3}.Commit()
	for name, c := range map[string]Commit{
		"empty": {7, ""}, "another program": {7, "consumer-1"}, "a windower's": {7, "p1" + good.Metadata[2:]},
		"cut": {7, good.Metadata[:len(good.Metadata)-2]}, "negative": {-1, good.Metadata},
		"no time": Copied{Next: 7, High: -5, Targets: 3}.Commit(), "too late": Copied{Next: 7, High: latestTime, Targets: 3}.Commit(),
		"no partitions": Copied{Next: 7, High: 5}.Commit(), "too many": Copied{Next: 7, High: 5, Targets: 1 << 31}.Commit(),
		"without a number of them": {7, seal(copiedPrefix, binary.AppendVarint(nil, 1<<60))},
		"and more":                 {7, seal(copiedPrefix, []byte{10, 3, 0})},
	} {
		if _, err := ParseCopied(c); !errors.Is(err, ErrMetadata) {
			t.Errorf("%s: error %v, want ErrMetadata", name, err)
		}
	}
}

func FuzzParseCopied(f *testing.F) {
	f.Add(int64(7), Copied{Next: 7, High: 5, Targets: 3}.Commit().Metadata)
	f.Add(int64(0), Copied{High: never, Targets: 12}.Commit().Metadata)
	f.Fuzz(func(t *testing.T, offset int64, metadata string) {
		c, err := ParseCopied(Commit{offset, metadata})
		if err != nil {
			return
		}
		if again, err := ParseCopied(c.Commit()); err != nil || again != c {
			t.Errorf("%+v is read again as %+v, %v", c, again, err)
		}
	})
}
