package worlds

import (
	"context"
	"flag"
	"testing"
)

var (
	worldFlag = flag.String("world", "", "world that TestAcceptWorld writes and describes: A, B, C or N")
	intoFlag  = flag.String("into", "", "folder for its files (default: one that is removed)")
	readFlag  = flag.Bool("read", false, "describe the files that are there already")
)

// TestAcceptWorld writes a whole world and holds its figures against the bounds:
//
//	go test ./replay/generated/worlds -run TestAcceptWorld -v -timeout 0 -world A -into DIR
func TestAcceptWorld(t *testing.T) {
	if *worldFlag == "" {
		t.Skip("takes minutes: name a world with -world")
	}
	w, err := Named(*worldFlag)
	if err != nil {
		t.Fatal(err)
	}
	dir := *intoFlag
	if dir == "" {
		dir = t.TempDir()
	}
	if !*readFlag {
		next := 0.0
		if err := w.Write(context.Background(), dir, Options{Progress: func(share float64) {
			if share >= next {
				t.Logf("%.0f %%", 100*share)
				next += 0.1
			}
		}}); err != nil {
			t.Fatal(err)
		}
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Describe(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", f.String())
	for _, line := range f.Check() {
		t.Error(line)
	}
}
