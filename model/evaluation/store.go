package evaluation

import (
	"encoding/json"
	"fmt"
	"io"

	"presage/model"
	"presage/model/safetensors"
)

// recordMeta is the JSON beside a stored record's arrays.
type recordMeta struct {
	Exam            string          `json:"exam"` // what it was measured on
	Method          string          `json:"method"`
	Protocol        string          `json:"protocol"`
	Seed            uint64          `json:"seed"`
	Report          json.RawMessage `json:"report"`
	TrainSeconds    float64         `json:"train_seconds"`
	ForecastSeconds float64         `json:"forecast_seconds"`
}

// reportMeta is a FitReport whose error may be no number.
type reportMeta struct {
	model.FitReport
	ValidError *float64
}

// Write stores the record of an exam with the given identity; Read takes it back.
func (r *Record) Write(w io.Writer, identity string) error {
	report := reportMeta{FitReport: r.Report}
	if v := r.Report.ValidError; v == v {
		report.ValidError = &v
	}
	raw, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("record of %s: %w", r.ID(), err)
	}
	meta, err := json.Marshal(recordMeta{identity, r.Method, r.Protocol, r.Seed, raw, r.TrainSeconds, r.ForecastSeconds})
	if err != nil {
		return fmt.Errorf("record of %s: %w", r.ID(), err)
	}
	n := []int{len(r.Yhat)}
	return safetensors.Write(w, safetensors.File{
		Metadata: map[string]string{"record": string(meta)},
		Tensors: map[string]safetensors.Tensor{
			"yhat": safetensors.FromFloat32(n, r.Yhat), "lower": safetensors.FromFloat32(n, r.Lower), "upper": safetensors.FromFloat32(n, r.Upper),
			"smear": safetensors.FromFloat64([]int{len(r.Smear)}, r.Smear),
		},
	})
}

// Read takes back a record of the exam with the given identity; one of another exam is an error.
func Read(from io.Reader, identity string) (*Record, error) {
	f, err := safetensors.Read(from)
	if err != nil {
		return nil, err
	}
	var m recordMeta
	if err := json.Unmarshal([]byte(f.Metadata["record"]), &m); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if m.Exam != identity {
		return nil, fmt.Errorf("record of %s is of another run (%s), expected %s", m.Method, m.Exam, identity)
	}
	var report reportMeta
	if err := json.Unmarshal(m.Report, &report); err != nil {
		return nil, fmt.Errorf("record of %s: %w", m.Method, err)
	}
	if report.ValidError != nil {
		report.FitReport.ValidError = *report.ValidError
	}
	r := &Record{
		Method: m.Method, Protocol: m.Protocol, Seed: m.Seed, Report: report.FitReport,
		TrainSeconds: m.TrainSeconds, ForecastSeconds: m.ForecastSeconds,
	}
	for name, to := range map[string]*[]float32{"yhat": &r.Yhat, "lower": &r.Lower, "upper": &r.Upper} {
		if *to, err = f.Tensors[name].Float32(); err != nil {
			return nil, fmt.Errorf("record of %s: array %q: %w", m.Method, name, err)
		}
	}
	if r.Smear, err = f.Tensors["smear"].Float64(); err != nil {
		return nil, fmt.Errorf("record of %s: array \"smear\": %w", m.Method, err)
	}
	return r, nil
}
