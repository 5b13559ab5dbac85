package online

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"presage/internal/hostile"
	"presage/model"
)

// A checkpoint that a bad disk or somebody else wrote is refused, whatever it claims.
func TestHostileCheckpoints(t *testing.T) {
	cfg := config()
	cfg.Network = model.Method{}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range newWorld().snapshots(2) {
		if _, err := l.Observe(s); err != nil {
			t.Fatal(err)
		}
	}
	good, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	with := func(key, value string) []byte {
		var c map[string]json.RawMessage
		if err := json.Unmarshal(good, &c); err != nil {
			t.Fatal(err)
		}
		c[key] = json.RawMessage(value)
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	tests := map[string][]byte{
		"100 000 deep":          []byte(hostile.DeepJSON("tracks", 100_000)),
		"tracks 100 000 deep":   bytes.Replace(good, []byte(`"tracks":[`), []byte(`"x":`+hostile.DeepJSON("", 100_000)+`,"tracks":[`), 1),
		"a huge horizon":        with("horizons", "1000000000000"),
		"a huge input":          with("input", "1000000000000"),
		"no tracks":             with("tracks", "[]"),
		"1000 tracks":           with("tracks", "[{}"+string(bytes.Repeat([]byte(",{}"), 999))+"]"),
		"an index beyond int64": with("index", "99999999999999999999"),
		"cut":                   good[:len(good)/2],
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			l, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			load := func(_, v string) (model.State, error) { return model.State{}, fmt.Errorf("no model %s", v) }
			hostile.Spends(t, hostile.Allowance, func() { err = l.Resume(data, load) })
			if err == nil {
				t.Errorf("error %v", err)
			}
		})
	}
}
