package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"presage/model"
)

// Schema is the version of the forecast record that is written; Decode reads all
// up to it.
const Schema = 1

// ErrRecord is wrapped by the error of every record that Decode refuses.
var ErrRecord = errors.New("not a forecast record")

// Key is the Kafka key of a service's forecasts.
func Key(graph, service string) []byte { return []byte(graph + "/" + service) }

// Encode writes a forecast as JSON in the layout of docs/format/forecast.md. madeAt
// is in Unix nanoseconds and no part of the record's identity. Numbers have the
// shortest form that gives the same float32 again; what is not a finite number is null.
func Encode(f model.Forecast, madeAt int64) []byte {
	b := make([]byte, 0, 320+96*len(f.Horizons))
	b = append(b, `{"schema":`...)
	b = strconv.AppendInt(b, Schema, 10)
	b = text(b, `,"graph":`, f.Graph)
	b = text(b, `,"service":`, f.Service)
	b = millis(b, `,"slice_start_ms":`, f.SliceStart)
	b = millis(b, `,"slice_ms":`, f.SliceWidth)
	b = millis(b, `,"made_at_ms":`, madeAt)
	b = text(b, `,"model":`, f.Model)
	b = text(b, `,"target":`, f.Target)
	b = text(b, `,"unit":`, f.Unit)
	b = number(b, `,"observed":`, f.Observed)
	b = append(b, `,"complete":`...)
	b = strconv.AppendBool(b, f.Complete)
	b = append(b, `,"level":`...)
	b = strconv.AppendFloat(b, f.Level, 'g', -1, 64)
	b = append(b, `,"horizons":[`...)
	for i, h := range f.Horizons {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"step":`...)
		b = strconv.AppendInt(b, int64(h.Step), 10)
		b = millis(b, `,"at_ms":`, h.At)
		b = number(b, `,"yhat":`, h.Yhat)
		b = number(b, `,"lower":`, h.Lower)
		b = number(b, `,"upper":`, h.Upper)
		b = append(b, '}')
	}
	return append(b, ']', '}')
}

func text(b []byte, key, v string) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a string cannot fail; broken UTF-8 becomes U+FFFD
	return append(append(b, key...), bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

func millis(b []byte, key string, ns int64) []byte {
	return strconv.AppendInt(append(b, key...), ns/1e6, 10)
}

func number(b []byte, key string, v float64) []byte {
	b = append(b, key...)
	v = float64(float32(v))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	// JSON's form of a number has no exponent for what people read.
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e15) {
		format = 'e'
	}
	return strconv.AppendFloat(b, v, format, -1, 32)
}

// Record is a forecast as it was published.
type Record struct {
	model.Forecast
	MadeAt int64 // Unix nanoseconds
}

type recordJSON struct {
	Schema       int       `json:"schema"`
	Graph        *string   `json:"graph"`
	Service      *string   `json:"service"`
	SliceStartMs *int64    `json:"slice_start_ms"`
	SliceMs      int64     `json:"slice_ms"`
	MadeAtMs     int64     `json:"made_at_ms"`
	Model        string    `json:"model"`
	Target       *string   `json:"target"`
	Unit         string    `json:"unit"`
	Observed     *float64  `json:"observed"`
	Complete     bool      `json:"complete"`
	Level        float64   `json:"level"`
	Horizons     []horizon `json:"horizons"`
}

type horizon struct {
	Step  int      `json:"step"`
	AtMs  int64    `json:"at_ms"`
	Yhat  *float64 `json:"yhat"`
	Lower *float64 `json:"lower"`
	Upper *float64 `json:"upper"`
}

// Decode reads a record. Keys that it does not know are left out, so that records
// of a later minor change can be read.
func Decode(data []byte) (Record, error) {
	var j recordJSON
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&j); err != nil {
		return Record{}, fmt.Errorf("%w: expected a JSON object: %w", ErrRecord, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Record{}, fmt.Errorf("%w: more than one JSON value", ErrRecord)
	}
	const maxMs = math.MaxInt64 / 1_000_000
	switch {
	case j.Schema < 1 || j.Schema > Schema:
		return Record{}, fmt.Errorf("%w: schema %d, this program reads 1 to %d", ErrRecord, j.Schema, Schema)
	case j.Graph == nil || j.Service == nil || j.Target == nil || j.SliceStartMs == nil:
		return Record{}, fmt.Errorf("%w: one of graph, service, target, slice_start_ms is missing", ErrRecord)
	case j.SliceMs <= 0 || j.SliceMs > maxMs || *j.SliceStartMs > maxMs || *j.SliceStartMs < -maxMs || j.MadeAtMs > maxMs || j.MadeAtMs < -maxMs:
		return Record{}, fmt.Errorf("%w: slice_start_ms %d, slice_ms %d or made_at_ms %d is out of range", ErrRecord, *j.SliceStartMs, j.SliceMs, j.MadeAtMs)
	}
	r := Record{MadeAt: j.MadeAtMs * 1e6, Forecast: model.Forecast{
		Graph: *j.Graph, Service: *j.Service, SliceStart: *j.SliceStartMs * 1e6, SliceWidth: j.SliceMs * 1e6,
		Model: j.Model, Target: *j.Target, Unit: j.Unit, Observed: value(j.Observed), Complete: j.Complete, Level: j.Level,
	}}
	for _, h := range j.Horizons {
		if h.AtMs > maxMs || h.AtMs < -maxMs {
			return Record{}, fmt.Errorf("%w: at_ms %d is out of range", ErrRecord, h.AtMs)
		}
		r.Horizons = append(r.Horizons, model.Horizon{Step: h.Step, At: h.AtMs * 1e6, Yhat: value(h.Yhat), Lower: value(h.Lower), Upper: value(h.Upper)})
	}
	return r, nil
}

func value(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
