package generated_test

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presage/ingest/otlp"
	"presage/replay"
	"presage/replay/alibaba"
	"presage/replay/generated"
)

func value(list []otlp.KeyValue, key string) string {
	for _, a := range list {
		if a.Key == key {
			return a.Value.Str
		}
	}
	return ""
}

// edges counts the calls of a source by caller and callee, as the windower would:
// a client's half and the server's whose parent it is are one call.
func edges(t *testing.T, source replay.Source, err error, name func(string) string) (map[string]int, int) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	type half struct{ me, peer string }
	clients, children := map[[8]byte]half{}, map[[8]byte]string{}
	got, samples := map[string]int{}, 0
	for {
		item, err := source.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		s := item.Span
		if s == nil {
			samples++
			continue
		}
		me := name(value(s.Resource, "service.name"))
		if s.Kind == 3 || s.Kind == 4 {
			peer := value(s.Attributes, "service.peer.name")
			for _, key := range []string{"server.address", "messaging.destination.name"} {
				if peer == "" {
					peer = strings.TrimSuffix(value(s.Attributes, key), "-events")
				}
			}
			clients[s.SpanID] = half{me, name(peer)}
			continue
		}
		if s.ParentID == ([8]byte{}) {
			got["user>"+me]++
			continue
		}
		children[s.ParentID] = me
		if peer := value(s.Attributes, "service.peer.name"); peer != "" && clients[s.ParentID] == (half{}) {
			clients[s.ParentID] = half{name(peer), me}
		}
	}
	for id, h := range clients {
		if callee, ok := children[id]; ok {
			h.peer = callee
		}
		got[h.me+">"+h.peer]++
	}
	return got, samples
}

// TestFilesReadBackAsTheSpans writes files, reads them with the alibaba-2022 reader
// and compares the calls of every edge with those of the generator's own spans.
func TestFilesReadBackAsTheSpans(t *testing.T) {
	opt := generated.Options{Seed: 31, Services: 25, Rate: 250, Duration: 5 * time.Minute, Incidents: 20}
	same := func(s string) string { return s }
	own, err := generated.Open(opt)
	want, _ := edges(t, own, err, same)
	for _, pack := range []generated.Packing{generated.Plain, generated.TarGz} {
		g, err := generated.Open(opt)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := generated.Write2022(context.Background(), dir, g, generated.Volume{Pack: pack}); err != nil {
			t.Fatal(err)
		}
		names := readNames(t, filepath.Join(dir, "services.csv"))
		source, err := alibaba.Open2022(context.Background(), dir, alibaba.Options{TempDir: t.TempDir()})
		got, samples := edges(t, source, err, func(s string) string {
			if n, ok := names[s]; ok {
				return n
			}
			return s
		})
		if !maps.Equal(got, want) {
			for e := range maps.Keys(want) {
				if got[e] != want[e] {
					t.Errorf("%s: read %d calls, generated %d", e, got[e], want[e])
				}
			}
			for e := range got {
				if want[e] == 0 {
					t.Errorf("%s: read %d calls, generated none", e, got[e])
				}
			}
		}
		if samples == 0 {
			t.Error("no metrics are read")
		}
	}
}

// readNames reads services.csv.
func readNames(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, r := range rows[1:] {
		names[r[0]] = r[1]
	}
	return names
}
