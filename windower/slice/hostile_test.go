package slice

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/klauspost/compress/zstd"

	"presage/internal/hostile"
)

// number is an unsigned number of the encodings.
func number(v uint64) string { return string(binary.AppendUvarint(nil, v)) }

// sealed puts an envelope around a body.
func sealed(magic string, version byte, body string) []byte {
	return sealEnvelope(append(beginEnvelope(nil, magic, version), body...))
}

const huge = 1 << 40

// Counts and lengths that a partial's chunk only claims are refused before anything is
// reserved.
func TestHostilePartials(t *testing.T) {
	header := number(1) + "g" + strings.Repeat("f", 8) + number(1) + number(0) + number(1) + "t" + number(0) + number(1) + number(0)
	begin := number(0) + number(1) + header
	// One string, "n", and a node of that name up to its histogram.
	node := number(1) + number(1) + "n" + number(1) + number(0) + strings.Repeat(number(0), 7)
	fill := strings.Repeat("x", 900)
	tests := map[string]string{
		"chunks":                             number(0) + number(huge) + header,
		"text of a header":                   number(0) + number(1) + number(huge) + fill,
		"strings":                            begin + number(huge) + fill,
		"text of a string":                   begin + number(1) + number(huge) + fill,
		"as many strings as there are bytes": begin + number(900) + fill,
		"nodes":                              begin + number(0) + number(huge) + fill,
		"buckets":                            begin + node + number(huge) + fill,
		"edges":                              begin + number(0) + number(0) + number(huge) + fill,
		"sightings":                          begin + number(0) + number(0) + number(0) + number(huge) + fill,
		"resources":                          begin + number(0) + number(0) + number(0) + number(0) + number(huge) + fill,
		"keys of a resource":                 begin + number(1) + number(1) + "n" + number(0) + number(0) + number(0) + number(1) + number(huge) + fill,
		"number of ten bytes":                begin + strings.Repeat("\xff", 10),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			data := sealed(partialMagic, partialVersion, body)
			var err error
			hostile.Spends(t, hostile.Allowance, func() { _, _, _, err = DecodePartial(data) })
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v, want ErrCorrupt", err)
			}
		})
	}
}

// snapshotHead is a chunk's body up to the size of its content.
func snapshotHead(chunks, missing uint64) string {
	fields := number(0) + number(chunks) + "ssss" + number(1) + "g" + strings.Repeat("f", 8) + number(1) + number(0) + number(1) + number(0) + "\x01" + number(missing)
	return fields
}

func snapshotOf(fields, content string) []byte {
	start := binary.LittleEndian.AppendUint32(nil, uint32(envelope+4+len(fields)))
	return sealed(snapshotMagic, snapshotVersion, string(start)+fields+content)
}

// bomb is a zstd frame of a few kilobytes at most that unpacks to so many zeros.
func bomb(t testing.TB, size int) string {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for left := size; left > 0; left -= len(zeros) {
		if _, err := w.Write(zeros[:min(left, len(zeros))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHostileSnapshots(t *testing.T) {
	frame := "\x28\xb5\x2f\xfd" // of zstd
	tests := map[string][]byte{
		"chunks":                    snapshotOf(snapshotHead(huge, 0)+number(0), ""),
		"missing sources":           snapshotOf(snapshotHead(1, huge), strings.Repeat("x", 900)),
		"size of the content":       snapshotOf(snapshotHead(1, 0)+number(huge), bomb(t, 1)),
		"content that is not there": snapshotOf(snapshotHead(1, 0)+number(maxContent), bomb(t, 1)),
		"bomb":                      snapshotOf(snapshotHead(1, 0)+number(100), bomb(t, maxForecasts)),
		"bomb that says its size":   snapshotOf(snapshotHead(1, 0)+number(maxContent), bomb(t, maxContent)),
		"frame of 2^62 bytes":       snapshotOf(snapshotHead(1, 0)+number(100), frame+"\xe0"+"\x00\x00\x00\x00\x00\x00\x00\x40"+"\x01\x00\x00"),
		"window of 2^41 bytes":      snapshotOf(snapshotHead(1, 0)+number(100), frame+"\x00\xff"+"\x01\x00\x00"),
		"many chunks":               snapshotOf(snapshotHead(maxChunks, 0)+number(1), bomb(t, 1)),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			if len(data) > 64<<10 {
				t.Fatalf("%d bytes are no small input", len(data))
			}
			var err error
			// A bomb that says how much it holds is given that room.
			hostile.Spends(t, hostile.Allowance+2*maxContent, func() { _, err = DecodeSnapshot([][]byte{data}) })
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnfinished) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// arrowContent is a chunk's content whose first stream is as a writer with other options makes it.
func arrowContent(t testing.TB, rows int, options ...ipc.Option) []byte {
	t.Helper()
	s := Snapshot{Graph: "g", Width: 1, Revision: 1}
	for range rows {
		s.Nodes.Service = append(s.Nodes.Service, "")
		s.Nodes.Virtual = append(s.Nodes.Virtual, false)
		for _, c := range s.Nodes.columns() {
			c.Value, c.Valid = append(c.Value, 0), append(c.Valid, true)
		}
	}
	var b bytes.Buffer
	schema := arrow.NewSchema(nodeFields(), nil)
	record := array.NewRecord(schema, s.Nodes.arrays(0, rows), int64(rows))
	w := ipc.NewWriter(&b, append(options, ipc.WithSchema(schema))...)
	if err := errors.Join(w.Write(record), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What Arrow's own encoding claims is not believed either: compressed columns, which no
// writer of ours makes, are refused.
func TestHostileArrow(t *testing.T) {
	r, err := NewSnapshotReader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lz4, packed := arrowContent(t, 100_000, ipc.WithLZ4()), arrowContent(t, 100_000, ipc.WithZstd())
	// A frame that says it needs a window of 256 MB: descriptor 0x90 behind magic and flags.
	window := arrowContent(t, 10, ipc.WithZstd())
	for at := 0; ; at += 4 {
		next := bytes.Index(window[at:], []byte("\x28\xb5\x2f\xfd"))
		if next < 0 {
			break
		}
		at += next
		window[at+5] = 0x90
	}
	tests := map[string][]byte{
		"window of a compressed column": window,
		"LZ4":                           lz4,
		"zstd":                          packed,
		"metadata of 4 GB":              append([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"), make([]byte, 900)...),
		"cut":                           packed[:len(packed)/2],
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) {
			var err error
			hostile.Spends(t, hostile.Allowance, func() {
				header := &snapshotChunk{Snapshot: Snapshot{Graph: "g", Width: 1, Revision: 1}, sum: checksum(content)}
				_, err = r.whole(header, [][]byte{content})
			})
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v, want ErrCorrupt", err)
			}
		})
	}
}

// Files of a history, which a crash or a bad disk may leave with any lengths.
func TestHostileSegments(t *testing.T) {
	head := segmentHeader{kind: sliceSegment, fingerprint: 1, width: 1}.bytes()
	forecasts := segmentHeader{kind: forecastSegment}.bytes()
	long := appendFrame(nil, frame{chunks: 1}, make([]byte, 900))
	binary.LittleEndian.PutUint32(long, math.MaxUint32)
	payload := func(size uint32, content string) []byte {
		return sealed(forecastMagic, forecastVersion, string(binary.LittleEndian.AppendUint32(nil, size))+content)
	}
	tests := []struct {
		name string
		kind segmentKind
		data []byte
	}{
		{"frame of 4 GB", sliceSegment, append(bytes.Clone(head), long...)},
		{"chunks", sliceSegment, appendFrame(bytes.Clone(head), frame{chunk: math.MaxUint32 - 1, chunks: math.MaxUint32}, []byte("x"))},
		{"forecasts of 4 GB", forecastSegment, appendFrame(bytes.Clone(forecasts), frame{chunks: 1}, payload(math.MaxUint32, bomb(t, 1)))},
		{"forecasts that are not there", forecastSegment, appendFrame(bytes.Clone(forecasts), frame{chunks: 1}, payload(maxForecasts, bomb(t, 1)))},
		{"bomb of forecasts that says less", forecastSegment, appendFrame(bytes.Clone(forecasts), frame{chunks: 1}, payload(100, bomb(t, maxForecasts)))},
		{"bomb of forecasts", forecastSegment, appendFrame(bytes.Clone(forecasts), frame{chunks: 1}, payload(1<<20, bomb(t, maxForecasts)))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			folder := graphFolder(dir, "g")
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, tt.kind.name()+"-1970-01-01"+segmentEnding), tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
			hostile.Spends(t, hostile.Allowance, func() {
				h, err := OpenHistory(dir, "g")
				if err != nil {
					t.Fatal(err) // what is torn is cut off
				}
				for s, err := range h.Slices(math.MinInt64, math.MaxInt64) {
					t.Errorf("a slice %v, %v", s, err)
				}
				for rows, err := range h.Forecasts() {
					if err == nil {
						t.Errorf("forecasts %v", rows)
					}
				}
				if err := h.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
