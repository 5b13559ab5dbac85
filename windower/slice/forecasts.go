package slice

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/klauspost/compress/zstd"
)

// ForecastRow is one step of one forecast, as it was published.
type ForecastRow struct {
	SliceStartMs int64 // start of the last slice that was known
	Service      string
	Target       string
	Model        string
	Step         int   // 1 is the next slice
	AtMs         int64 // start of the slice spoken of
	Yhat         float64
	Lower, Upper float64
	Observed     float64 // the target in the last slice that was known; NaN where it is missing
}

const (
	forecastMagic   = "PSGF"
	forecastVersion = 1
	// forecastRows bounds how many rows a frame holds.
	forecastRows = 1 << 16
)

// AppendForecasts writes forecasts. Rows that are there already are written again
// and left out in reading: the first by slice, service, target and step is kept, as
// with the records of presage.forecasts.
func (h *History) AppendForecasts(rows []ForecastRow) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && n < forecastRows && rows[n].SliceStartMs == rows[0].SliceStartMs {
			n++
		}
		payload, err := encodeForecasts(rows[:n])
		if err != nil {
			return err
		}
		start := rows[0].SliceStartMs
		if err := h.forecasts.append(segmentHeader{kind: forecastSegment}, start*1e6, start, 0, [][]byte{payload}); err != nil {
			return fmt.Errorf("forecasts of graph %q: %w", h.graph, err)
		}
		rows = rows[n:]
	}
	return nil
}

// Forecasts gives the forecasts made at each slice, in order of time, sorted by
// service, target and step. After an error it gives no more.
func (h *History) Forecasts() iter.Seq2[[]ForecastRow, error] {
	return func(yield func([]ForecastRow, error) bool) {
		h.mu.Lock()
		entries := slices.Clone(h.forecasts.entries)
		h.mu.Unlock()
		files := logReader{log: h.forecasts}
		defer files.close()
		decoder, err := newForecastReader()
		if err != nil {
			yield(nil, err)
			return
		}
		defer decoder.decompressor.Close()
		for len(entries) > 0 {
			start := entries[0].index
			var rows []ForecastRow
			for len(entries) > 0 && entries[0].index == start {
				payloads, err := files.read(entries[0])
				if err == nil {
					rows, err = decoder.read(rows, payloads[0])
				}
				if err != nil {
					yield(nil, fmt.Errorf("forecasts of graph %q: %w", h.graph, err))
					return
				}
				entries = entries[1:]
			}
			slices.SortStableFunc(rows, compareForecasts)
			rows = slices.CompactFunc(rows, func(a, b ForecastRow) bool { return compareForecasts(a, b) == 0 })
			if !yield(rows, nil) {
				return
			}
		}
	}
}

func compareForecasts(a, b ForecastRow) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Step, b.Step))
}

func forecastFields() []arrow.Field {
	return []arrow.Field{
		field("slice_start_ms", arrow.PrimitiveTypes.Int64), field("service", arrow.BinaryTypes.String), field("target", arrow.BinaryTypes.String),
		field("model", arrow.BinaryTypes.String), field("step", arrow.PrimitiveTypes.Int32), field("at_ms", arrow.PrimitiveTypes.Int64),
		field("yhat", arrow.PrimitiveTypes.Float64), field("lower", arrow.PrimitiveTypes.Float64), field("upper", arrow.PrimitiveTypes.Float64),
		{Name: "observed", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	}
}

func forecastArrays(rows []ForecastRow) []arrow.Array {
	n := len(rows)
	starts, at, steps := make([]int64, n), make([]int64, n), make([]int32, n)
	services, targets, models := make([]string, n), make([]string, n), make([]string, n)
	yhat, lower, upper, observed := make([]float64, n), make([]float64, n), make([]float64, n), NewColumn(n)
	for i, r := range rows {
		starts[i], at[i], steps[i] = r.SliceStartMs, r.AtMs, int32(r.Step)
		services[i], targets[i], models[i] = r.Service, r.Target, r.Model
		yhat[i], lower[i], upper[i] = r.Yhat, r.Lower, r.Upper
		if !math.IsNaN(r.Observed) {
			observed.Set(i, r.Observed)
		}
	}
	return []arrow.Array{
		intArray(starts), stringArray(services), stringArray(targets), stringArray(models), int32Array(steps), intArray(at),
		floatArray(yhat), floatArray(lower), floatArray(upper), columnArray(&observed, 0, n),
	}
}

func encodeForecasts(rows []ForecastRow) ([]byte, error) {
	var content bytes.Buffer
	if err := appendStream(&content, arrow.NewSchema(forecastFields(), nil), len(rows), forecastArrays(rows)); err != nil {
		return nil, fmt.Errorf("encode forecasts: %w", err)
	}
	if content.Len() > maxForecasts {
		return nil, errors.New("encode forecasts: a name is too long")
	}
	compressor, err := newCompressor()
	if err != nil {
		return nil, fmt.Errorf("encode forecasts: %w", err)
	}
	b := beginEnvelope(make([]byte, 0, content.Len()/2+64), forecastMagic, forecastVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(content.Len()))
	return sealEnvelope(compressor.EncodeAll(content.Bytes(), b)), nil
}

type forecastReader struct {
	schema       []byte
	decompressor *zstd.Decoder
}

func newForecastReader() (*forecastReader, error) {
	schema, err := schemaMessage(arrow.NewSchema(forecastFields(), nil))
	if err != nil {
		return nil, err
	}
	d, err := newDecompressor()
	return &forecastReader{schema, d}, err
}

// read appends the rows of one payload.
func (r *forecastReader) read(rows []ForecastRow, data []byte) ([]ForecastRow, error) {
	body, err := openEnvelope(data, forecastMagic, forecastVersion)
	if err != nil {
		return nil, err
	}
	if len(body) < 4 || binary.LittleEndian.Uint32(body) > maxForecasts {
		return nil, fmt.Errorf("%w: size of the content: %x", ErrCorrupt, body[:min(4, len(body))])
	}
	content, err := decompress(r.decompressor, body[4:], int(binary.LittleEndian.Uint32(body)))
	if err != nil {
		return nil, err
	}
	rest, err := readStream(content, r.schema, func(rec arrow.Record) { rows = appendForecastRows(rows, rec) })
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes left over", ErrCorrupt, len(rest))
	}
	return rows, err
}

func appendForecastRows(rows []ForecastRow, rec arrow.Record) []ForecastRow {
	services, targets, models := appendStrings(nil, rec.Column(1)), appendStrings(nil, rec.Column(2)), appendStrings(nil, rec.Column(3))
	integers := func(i int) []int64 { return rec.Column(i).(*array.Int64).Int64Values() }
	floats := func(i int) []float64 { return rec.Column(i).(*array.Float64).Float64Values() }
	starts, steps, at := integers(0), rec.Column(4).(*array.Int32).Int32Values(), integers(5)
	yhat, lower, upper, observed := floats(6), floats(7), floats(8), rec.Column(9).(*array.Float64)
	for i := range starts {
		row := ForecastRow{
			SliceStartMs: starts[i], Service: services[i], Target: targets[i], Model: models[i], Step: int(steps[i]), AtMs: at[i],
			Yhat: yhat[i], Lower: lower[i], Upper: upper[i], Observed: math.NaN(),
		}
		if observed.IsValid(i) {
			row.Observed = observed.Value(i)
		}
		rows = append(rows, row)
	}
	return rows
}
