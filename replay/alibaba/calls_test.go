package alibaba

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presage/replay"
)

const header2021 = ",traceid,timestamp,rpcid,um,rpctype,dm,interface,rt\n"

// open2021 opens a call graph of rows written as TRACE TIME RPCID UM KIND DM RT.
func open2021(t *testing.T, opts Options, rows ...string) (replay.Source, error) {
	t.Helper()
	dir := t.TempDir()
	text := header2021
	for i, r := range rows {
		f := strings.Fields(r)
		text += fmt.Sprintf("%d,%s,%s,%s,%s,%s,%s,op,%s\n", i, f[0], f[1], f[2], f[3], f[4], f[5], f[6])
	}
	writeFile(t, dir, "MSCallGraph_0.csv", text)
	return Open2021(context.Background(), dir, opts)
}

func TestSpansFindTheirParents(t *testing.T) {
	s, err := open2021(t, Options{},
		"t 100 0 (?) http a -90",
		"t 110 0.1 a rpc b 50", "t 111 0.1 a rpc b -40",
		"t 112 0.1.1 b mc cache 1", // made by b, the callee of 0.1
		"t 113 0.1.2 b userDefined b 9",
		"t 114 0.1.3 b mq queue 2", "t 120 0.1.3.1 queue mq c -3",
		"t 121 0.1.3.1.1 c rpc d 2", // made by the consumer c
		"t 112 0.1.4 b rpc (?) 1")
	items, _ := drain(t, s, err)
	byID := make(map[[8]byte]*replay.Span)
	for _, it := range items {
		byID[it.Span.SpanID] = it.Span
	}
	kinds := map[uint8]string{1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
	label := func(s *replay.Span) string {
		l := kinds[s.Kind] + " " + attribute(s.Resource, "service.name")
		if p := attribute(s.Attributes, "service.peer.name"); p != "" {
			l += " peer " + p
		}
		return l
	}
	var got []string
	for _, it := range items {
		line := label(it.Span)
		switch p := byID[it.Span.ParentID]; {
		case p != nil:
			line += " below " + label(p)
		case it.Span.ParentID == [8]byte{}:
			line += " root"
		default:
			line += " below nobody"
		}
		got = append(got, line)
	}
	want := []string{
		"client b peer cache below server b",
		"client b peer unknown below server b",
		"producer b peer queue below server b",
		"internal b below server b",
		"consumer c peer queue below nobody",
		"client c peer d below consumer c peer queue",
		"server b below client a peer b",
		"client a peer b below server a peer unknown",
		"server a peer unknown below nobody",
	}
	for i := 0; i < max(len(got), len(want)); i++ {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestUserCallsAreRoots(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "CallGraph_0.csv", `timestamp,traceid,service,rpc_id,rpctype,um,uminstanceid,interface,dm,dminstanceid,rt
10,T_1,S_1,0,http,USER,USER,i,MS_1,MS_1_POD_3,7.0
10,T_1,S_1,0,http,USER,USER,i,MS_1,MS_1_POD_3,7.0
11,T_1,S_1,0.1,db,MS_1,MS_1_POD_3,i,MS_2,UNKNOWN_POD_77,1.5
broken row
`)
	s, err := Open2022(context.Background(), dir, Options{})
	items, stats := drain(t, s, err)
	if len(items) != 2 || stats.Skipped["malformed_row"] != 1 || stats.Skipped["unnamed_half"] != 1 {
		t.Fatalf("%d items, skipped %v", len(items), stats.Skipped)
	}
	db, entry := items[0].Span, items[1].Span
	if entry.Kind != spanServer || entry.ParentID != [8]byte{} || attribute(entry.Attributes, "service.peer.name") != "" {
		t.Errorf("entry %+v: want a root without a peer", entry)
	}
	if db.ParentID != entry.SpanID || db.End-db.Start != 1_500_000 || attribute(db.Attributes, "db.system.name") != "db" {
		t.Errorf("database call %+v", db)
	}
	if attribute(entry.Resource, "service.instance.id") != "MS_1_POD_3" || len(db.Resource) != 3 {
		t.Errorf("resources %v and %v", entry.Resource, db.Resource)
	}
}

// A call that takes long is given out after the short ones that end before it, and
// the memory cap gives everything out all the same.
func TestOrderAndCap(t *testing.T) {
	var rows []string
	for i := range 400 {
		rt := 1 + i*7919%1000*((i+1)%2)
		rows = append(rows, fmt.Sprintf("t%d %d 0.1 a rpc b %d", i%7, 100_000-i*100, rt))
	}
	s, err := open2021(t, Options{}, rows...)
	all, stats := drain(t, s, err) // checks the order
	if len(all) != 400 || len(stats.Skipped) != 0 {
		t.Fatalf("%d spans, skipped %v", len(all), stats.Skipped)
	}
	s, err = open2021(t, Options{OpenRows: 10}, rows...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n := 0
	for ; ; n++ {
		if _, err := s.Next(context.Background()); err != nil {
			break
		}
	}
	if n != 400 || s.Stats().Skipped["group_cap"] == 0 {
		t.Errorf("%d spans under the cap, want 400; counted %v", n, s.Stats().Skipped)
	}
}

func TestArchivesAndDamage(t *testing.T) {
	dir := t.TempDir()
	content := header2021 + "0,t,100,0.1,a,rpc,b,i,5\n"
	pack := func(member, content string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		if err := w.WriteHeader(&tar.Header{Name: member, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(content))
		_ = w.Close()
		_ = z.Close()
		return b.Bytes()
	}
	for i := range 12 {
		name := fmt.Sprintf("MSCallGraph_%d", i)
		rows := header2021 + fmt.Sprintf("0,t%d,%d,0.1,a,rpc,b,i,5\n", i, i*1000)
		if err := os.WriteFile(filepath.Join(dir, name+".tar.gz"), pack(name+".csv", rows), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open2021(context.Background(), dir, Options{})
	items, stats := drain(t, s, err)
	if len(items) != 12 || len(stats.Skipped) != 0 {
		t.Errorf("%d spans, skipped %v: parts are read in natural order", len(items), stats.Skipped)
	}

	whole := pack("MSCallGraph_0.csv", content+strings.Repeat("x\n", 10_000))
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "MSCallGraph_0.tar.gz"), whole[:len(whole)-20], 0o644); err != nil {
		t.Fatal(err)
	}
	s, err = Open2021(context.Background(), broken, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Next(context.Background())
	if err == nil || !strings.Contains(err.Error(), "MSCallGraph_0.tar.gz") || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("got %v, want that the archive is truncated", err)
	}
}

func TestCancelLeavesNoFiles(t *testing.T) {
	dir, temporary := t.TempDir(), t.TempDir()
	var text strings.Builder
	text.WriteString(header2021)
	for i := range 20_000 {
		fmt.Fprintf(&text, "%d,t%d,%d,0.1,a,rpc,b,i,5\n", i, i, i%5000)
	}
	writeFile(t, dir, "MSCallGraph_0.csv", text.String())
	s, err := Open2021(context.Background(), dir, Options{Memory: 1, TempDir: temporary})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := s.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	for err == nil {
		_, err = s.Next(ctx)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(temporary); len(left) > 0 {
		t.Errorf("%d temporary files left", len(left))
	}
	s, _ = Open2021(context.Background(), dir, Options{Memory: 1, TempDir: temporary})
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	_ = s.Close()
}
