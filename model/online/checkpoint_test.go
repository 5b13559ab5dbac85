package online

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"presage/model"
)

// FuzzResume: whatever a damaged file holds, Resume refuses it or gives a loop that
// goes on.
func FuzzResume(f *testing.F) {
	cfg := config()
	cfg.Network = model.Method{}
	cfg.Targets, cfg.Baselines = cfg.Targets[:1], cfg.Baselines[:1]
	l, err := New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range newWorld().snapshots(2) {
		if _, err := l.Observe(s); err != nil {
			f.Fatal(err)
		}
	}
	raw, err := l.Checkpoint()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(bytes.ReplaceAll(raw, []byte(`"standing":{`), []byte(`"standing":null,"x":{`)))
	f.Add(bytes.ReplaceAll(raw, []byte(`"served":[`), []byte(`"served":[9,`)))
	next := newWorld().snapshots(5)
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Resume(data, func(_, v string) (model.State, error) { return model.State{}, fmt.Errorf("no model %s", v) }); err != nil {
			return
		}
		for _, s := range next {
			if s.Index <= l.Index() {
				if err := l.Remember(s); err != nil {
					return
				}
				continue
			}
			if _, err := l.Observe(s); err != nil {
				return
			}
		}
		if _, err := l.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFloatsSurviveJSON(t *testing.T) {
	raw, err := json.Marshal(floats{1.5, float32(nan()), -0.1})
	if err != nil {
		t.Fatal(err)
	}
	var back floats
	if err := json.Unmarshal(raw, &back); err != nil || fmt.Sprint(back) != "[1.5 NaN -0.1]" {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`"AAA="`), &back); err == nil {
		t.Error("two bytes were taken for float32 values")
	}
}

func nan() float64 { var zero float64; return zero / zero }
