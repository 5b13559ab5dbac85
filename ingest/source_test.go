package ingest

import (
	"strings"
	"testing"

	"presage/ingest/otlp"
	"presage/internal/hostile"
)

func TestSourceText(t *testing.T) {
	for text, want := range map[string]Source{
		"0/1/0/0/1700000000000000000/1700000000001000000": {Partitions: 1, High: 1_700_000_000_000_000_000, Time: 1_700_000_000_001_000_000},
		"3/12/41/2/-/1":           {3, 12, 41, 2, NoTime, 1},
		"3/12/41/2/-/-":           {3, 12, 41, 2, NoTime, NoTime},
		"3/12/41/end/17/-":        {3, 12, 41, WholeRecord, 17, NoTime},
		"3/12/41/0/end/5":         {3, 12, 41, 0, EndOfTime, 5},
		"11/12/-1/end/-/-":        {11, 12, -1, WholeRecord, NoTime, NoTime},
		"65535/65536/0/end/end/-": {65535, 65536, 0, WholeRecord, EndOfTime, NoTime},
	} {
		got, err := ParseSource([]byte(text))
		if err != nil || got != want {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
		if again := string(AppendSource(nil, want)); again != text {
			t.Errorf("%+v is written as %s, want %s", want, again, text)
		}
	}
}

func TestSourceRefused(t *testing.T) {
	for _, text := range []string{
		"", "1", "0/1/0/0/1", "0/1/0/0/1/1/1", "0/0/0/0/1/-", "1/1/0/0/1/-", "-1/1/0/0/1/-", "0/65537/0/0/1/-", "0/1/-1/0/1/-", "0/1/-2/end/1/-",
		"0/1/0/-1/1/-", "0/1/0/0/0/-", "0/1/0/0/-5/-", "0/1/0/0/4611686018427387904/-", "0/1/0/9223372036854775807/1/-", "0/1/0/0/9223372036854775807/-",
		"0/1/0/0/-9223372036854775808/-", "+0/1/0/0/1/-", "0/01/0/0/1/-", "0/1/0/0/1/- ", "0/1/9223372036854775807/0/1/-", "0/1/0/END/1/-", "a/b/c/d/e/f",
		"0/1/0/0/1/end", "0/1/0/0/1/0", "0/1/0/0/1/-1", "0/1/0/0/1/4611686018427387904", "0/1/0/0/1/-9223372036854775808", "0/1/0/-/1/1", "0/1/end/0/1/1", "0/1/0/0/1/",
		"0/1/0/0/" + strings.Repeat("0", 1000) + "/-", strings.Repeat("/", 1<<20),
	} {
		s, err := ParseSource([]byte(text))
		if err == nil || s != (Source{}) || len(err.Error()) > 300 {
			t.Errorf("%.40q is read as %+v, %v", text, s, err)
		}
	}
}

func TestSourceOfRecords(t *testing.T) {
	spans := sampleOf("cart")
	header := func(values ...string) (out []Header) {
		for _, v := range values {
			out = append(out, Header{HeaderSource, []byte(v)})
		}
		return out
	}
	for _, tt := range []struct {
		name    string
		headers []Header
		value   []byte
		reason  string
		want    Source
		time    int64
	}{
		{"no header", nil, spans, "", Source{}, 1},
		{"spans", header("1/4/7/0/9/8"), spans, "", Source{1, 4, 7, 0, 9, 8}, 8},
		{"without a time", header("1/4/7/0/9/-"), spans, "", Source{1, 4, 7, 0, 9, NoTime}, 1},
		{"heartbeat", header("1/4/7/end/9/-"), nil, "", Source{1, 4, 7, WholeRecord, 9, NoTime}, 1},
		{"heartbeat with spans", header("1/4/7/end/9/-"), spans, ReasonSource, Source{}, 0},
		{"no spans", header("1/4/7/0/9/8"), nil, ReasonEmpty, Source{}, 0},
		{"twice", header("1/4/7/0/9/8", "1/4/7/0/9/8"), spans, ReasonSource, Source{}, 0},
		{"rubbish", header("x"), spans, ReasonSource, Source{}, 0},
	} {
		d := NewDecoder(Options{})
		b, err := d.Decode(Spans, here, 1, tt.headers, tt.value)
		if (err != nil || tt.reason != "") && Reason(err) != tt.reason {
			t.Errorf("%s: %v, want reason %q", tt.name, err, tt.reason)
			continue
		}
		if err == nil && (b.Source != tt.want || b.Time != tt.time) {
			t.Errorf("%s: %+v at %d, want %+v at %d", tt.name, b.Source, b.Time, tt.want, tt.time)
		}
		// What was there does not stay for the next record.
		if b, err = d.Decode(Spans, here, 1, nil, spans); err != nil || b.Source != (Source{}) || len(b.Spans) != 1 {
			t.Errorf("%s: the next record is %+v, %v", tt.name, b, err)
		}
	}
}

func TestHostileSource(t *testing.T) {
	for _, text := range []string{strings.Repeat("9", 1<<20), strings.Repeat("0/", 1<<19)} {
		value := []byte(text)
		hostile.Spends(t, 1<<16, func() {
			if _, err := ParseSource(value); err == nil {
				t.Error("it was read")
			}
		})
	}
}

func FuzzSource(f *testing.F) {
	f.Add([]byte("3/12/41/2/1700000000000000000/1700000000001000000"))
	f.Add([]byte("11/12/-1/end/-/-"))
	f.Add([]byte("0/1/0/0/end/7"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSource(text)
		if err != nil {
			return
		}
		if again := AppendSource(nil, s); string(again) != string(text) {
			t.Fatalf("%q is written again as %q", text, again)
		}
		if s.Partition < 0 || s.Partition >= s.Partitions {
			t.Fatalf("partition %d of %d", s.Partition, s.Partitions)
		}
	})
}

func sampleOf(service string) []byte {
	return otlp.AppendTraces(nil, []otlp.ResourceSpans{{
		Resource: []otlp.KeyValue{otlp.String("service.name", service)},
		Spans:    []otlp.Span{{TraceID: [16]byte{1}, SpanID: [8]byte{1}, Kind: 2, Start: 1, End: 2}},
	}})
}
