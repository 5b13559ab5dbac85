package registry

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"presage/model"
)

func state(v float32) model.State {
	return model.State{
		Meta:    json.RawMessage(`{"width":2}`),
		Tensors: map[string]model.Tensor{"w": {Shape: []int{2, 2}, Data: []float32{v, 2, 3, 4}}, "b": {Shape: []int{1}, Data: []float32{0.5}}},
	}
}

func card(t *testing.T, at int64, st model.State) Card {
	t.Helper()
	task, err := model.NewTask(model.ChannelResponseTime, 12, 6, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	return Card{
		Version: model.Version("stgnn", at*1e9, st), Method: "stgnn", Graph: "shop", Target: "response_time", Task: task,
		ToMs: at * 1000, Scores: []Score{{Version: "persistence", Points: 3, MAE: 2, MAEScaled: 0.5}}, Libraries: map[string]string{"go": "1"},
	}
}

func open(t *testing.T) (*Registry, string) {
	t.Helper()
	dir := t.TempDir()
	r, err := Open(dir, "shop/eu")
	if err != nil {
		t.Fatal(err)
	}
	return r, filepath.Join(dir, "models", "shop%2Feu")
}

func TestSaveLoadPromote(t *testing.T) {
	r, dir := open(t)
	if _, err := r.Champion("response_time"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("champion of an empty registry: %v, want ErrNotFound", err)
	}
	st := state(1)
	c := card(t, 1767225600, st)
	if !strings.HasPrefix(c.Version, "stgnn-20260101T000000Z-") || len(c.Version) != len("stgnn-20260101T000000Z-1a2b") {
		t.Fatalf("version %q", c.Version)
	}
	for range 2 { // saving again is nothing
		if err := r.Save(c, st); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Promote("response_time", c.Version); err != nil {
		t.Fatal(err)
	}
	version, err := r.Champion("response_time")
	if err != nil || version != c.Version {
		t.Fatalf("champion %q, %v; want %q", version, err, c.Version)
	}
	got, gotState, err := r.Load(version)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotState, st) {
		t.Errorf("state %+v, want %+v", gotState, st)
	}
	if got.Schema != schema || got.Weights == "" || got.Scores[0] != c.Scores[0] || !got.Task.Equal(c.Task) {
		t.Errorf("card %+v", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%d entries in the folder, want the version and the pointer: %v", len(entries), err)
	}
	if err := r.Promote("response_time", "stgnn-20260101T000000Z-ffff"); !errors.Is(err, ErrNotFound) {
		t.Errorf("promoting an unknown version: %v, want ErrNotFound", err)
	}
}

func TestLoadRefusesCorruption(t *testing.T) {
	damage := map[string]struct {
		file string
		with func([]byte) []byte
		want error
	}{
		"weights cut":        {weightsFile, func(b []byte) []byte { return b[:len(b)-1] }, ErrCorrupt},
		"a bit of a weight":  {weightsFile, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, ErrCorrupt},
		"card no JSON":       {cardFile, func(b []byte) []byte { return b[:20] }, ErrCorrupt},
		"card of the future": {cardFile, func(b []byte) []byte { return []byte(strings.Replace(string(b), `"schema": 1`, `"schema": 9`, 1)) }, ErrCorrupt},
		"card of another": {cardFile, func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"version": "stgnn-2026`, `"version": "stgnn-2027`, 1))
		}, ErrCorrupt},
	}
	for name, d := range damage {
		t.Run(name, func(t *testing.T) {
			r, dir := open(t)
			st := state(1)
			c := card(t, 1767225600, st)
			if err := r.Save(c, st); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, c.Version, d.file)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, d.with(raw), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, _, err := r.Load(c.Version); !errors.Is(err, d.want) || !strings.Contains(err.Error(), c.Version) {
				t.Errorf("error %v, want %v with the path", err, d.want)
			}
		})
	}
	r, dir := open(t)
	if err := os.WriteFile(filepath.Join(dir, "champion-response_time"), []byte("../x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Champion("response_time"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("pointer out of the folder: %v, want ErrCorrupt", err)
	}
}

func TestListAndPrune(t *testing.T) {
	r, _ := open(t)
	var versions []string
	for i := range 5 {
		st := state(float32(i))
		c := card(t, 1767225600+int64(i), st)
		versions = append(versions, c.Version)
		if err := r.Save(c, st); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Promote("response_time", versions[0]); err != nil {
		t.Fatal(err)
	}
	if err := r.Prune("response_time", 2); err != nil {
		t.Fatal(err)
	}
	cards, err := r.List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range cards {
		got = append(got, c.Version)
	}
	if want := []string{versions[4], versions[3], versions[0]}; !reflect.DeepEqual(got, want) {
		t.Errorf("left after pruning %v, want %v", got, want)
	}
}
