package registry

import (
	"runtime"
	"runtime/debug"

	"presage/model"
)

// schema is the newest version of the card, which is written; older ones are read.
const schema = 1

// Card says what a model is and where it comes from.
type Card struct {
	Schema      int               `json:"schema"`
	Version     string            `json:"version"`
	Method      string            `json:"method"`
	Graph       string            `json:"graph"`
	Target      string            `json:"target"` // as published, e.g. response_time
	Task        model.Task        `json:"task"`
	Parent      string            `json:"parent"`      // version that the training started from, empty for none
	Seed        uint64            `json:"seed"`        // of the training
	FromMs      int64             `json:"from_ms"`     // start of the first slice trained on, validation included
	ToMs        int64             `json:"to_ms"`       // start of the last one
	Fingerprint string            `json:"fingerprint"` // of the data trained on
	Windows     int               `json:"windows"`     // training windows
	Parameters  int               `json:"parameters"`
	Epochs      int               `json:"epochs"`
	BestEpoch   int               `json:"best_epoch"`
	ValidError  *float64          `json:"valid_error"`    // mean absolute error on validation, target's unit; null if unknown
	Scores      []Score           `json:"scores"`         // on slices that no model of the list was trained on
	Libraries   map[string]string `json:"libraries"`      // modules and the Go version, by name
	Weights     string            `json:"weights_sha256"` // of weights.safetensors, hexadecimal
}

// Score is how one forecaster did on the judgement slices, mean over all steps.
type Score struct {
	Version   string  `json:"version"`
	Points    int64   `json:"points"`
	MAE       float64 `json:"mae"`        // the target's unit
	MAEScaled float64 `json:"mae_scaled"` // standardised by service
	Share     float64 `json:"share"`      // of the points that it spoke of itself, see docs/format/model.md
}

// Libraries are the program's modules with their versions, for the card.
func Libraries() map[string]string {
	libs := map[string]string{"go": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			libs[m.Path] = m.Version
		}
	}
	return libs
}
