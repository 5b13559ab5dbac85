package sink

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"presage/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

func example() model.Forecast {
	return model.Forecast{
		Graph: "shop", Service: `cart "<é>"`, SliceStart: 1767225600e9, SliceWidth: 60e9, Model: "stgnn-20260101T000000Z-1a2b",
		Target: "response_time", Unit: "ms", Observed: float64(float32(12.3)), Complete: true, Level: 0.9,
		Horizons: []model.Horizon{
			{Step: 1, At: 1767225660e9, Yhat: float64(float32(12.1)), Lower: float64(float32(9.8)), Upper: 15},
			{Step: 2, At: 1767225720e9, Yhat: float64(float32(1e-9)), Lower: 0, Upper: float64(float32(1.5e20))},
		},
	}
}

func TestEncodeGolden(t *testing.T) {
	missing := example()
	missing.Observed, missing.Complete = math.NaN(), false
	got := append(append(Encode(example(), 1767225700123e6), '\n'), append(Encode(missing, 0), '\n')...)
	path := filepath.Join("testdata", "forecast.json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("records\n%s\nwant\n%s", got, want)
	}
}

func TestDecodeGivesBackWhatWasEncoded(t *testing.T) {
	f := example()
	f.Observed = math.NaN()
	r, err := Decode(Encode(f, 5e6))
	if err != nil {
		t.Fatal(err)
	}
	if again := Encode(r.Forecast, r.MadeAt); !bytes.Equal(again, Encode(f, 5e6)) {
		t.Errorf("encoded again: %s", again)
	}
	if !math.IsNaN(r.Observed) || r.MadeAt != 5e6 || fmt.Sprint(r.Horizons[0].Yhat) != "12.1" {
		t.Errorf("decoded %+v", r)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":           ``,
		"cut":             string(Encode(example(), 0)[:100]),
		"an array":        `[]`,
		"two values":      string(Encode(example(), 0)) + `{}`,
		"no schema":       `{"graph":"a","service":"b","target":"c","slice_start_ms":1,"slice_ms":1}`,
		"a later schema":  `{"schema":2,"graph":"a","service":"b","target":"c","slice_start_ms":1,"slice_ms":1}`,
		"no service":      `{"schema":1,"graph":"a","target":"c","slice_start_ms":1,"slice_ms":1}`,
		"no width":        `{"schema":1,"graph":"a","service":"b","target":"c","slice_start_ms":1}`,
		"overflow":        `{"schema":1,"graph":"a","service":"b","target":"c","slice_start_ms":9223372036854775807,"slice_ms":1}`,
		"a string number": `{"schema":1,"graph":"a","service":"b","target":"c","slice_start_ms":"1","slice_ms":1}`,
	} {
		if _, err := Decode([]byte(text)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: error %v, want ErrRecord", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(example(), 1))
	f.Add([]byte(`{"schema":1,"graph":"a","service":"b","target":"c","slice_start_ms":1,"slice_ms":1,"observed":1e300}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data)
		if err != nil {
			return
		}
		once := Encode(r.Forecast, r.MadeAt)
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("%s does not decode: %v", once, err)
		}
		if twice := Encode(again.Forecast, again.MadeAt); !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s", once, twice)
		}
	})
}
