package stgnn

import (
	"fmt"

	"presage/model"
)

// The modes of Config.
const (
	ModeDefault = "default"
	ModePaper   = "paper"
)

// The values of Config.Scaling.
const (
	ScalePerService = "service" // by each service's own mean and deviation
	ScalePooled     = "pooled"  // by one mean and deviation for all: for a plain matrix of like series
)

// The values of Config.Graph.
const (
	GraphOn   = "on"
	GraphMean = "mean" // the mean over all services is all that a service learns of others
	GraphOff  = "off"  // nothing comes from other services
)

// The values of Config.Guard: whether the network is held back where its training doesn't
// reach. With it, inputs far out are compressed, changes are forecast in a unit of the window's
// own, services far from their training move less, and rows count by what a deviation is
// worth in the target's unit.
const (
	GuardAuto = "auto" // on for targets on a logarithmic scale, off for others
	GuardOn   = "on"
	GuardOff  = "off"
)

// The values of Config.Edges: what weighs a callee.
const (
	EdgesTime  = "time"  // the number of calls, and beside it the time spent in them
	EdgesCalls = "calls" // the number of calls alone
)

// The values of Config.Window: how a service's window is read.
const (
	WindowMLP = "mlp" // all slices at once
	WindowGRU = "gru" // one after the other
)

// The values of Config.Adjacency, paper mode's edge weights.
const (
	AdjacencyLog    = "log"    // log(1 + calls), scaled to [0, 1]
	AdjacencyRaw    = "raw"    // calls as they are
	AdjacencyBinary = "binary" // 1 where there are calls
)

// Config are the choices of the network and its training. The zero value of a field
// means its default.
type Config struct {
	Mode    string `json:"mode"`    // default ModeDefault
	Scaling string `json:"scaling"` // default ScalePerService

	Width    int     `json:"width"`    // of the window's first layer; default 64
	Embed    int     `json:"embed"`    // of the time-of-day and identity embeddings; default 24
	Blocks   int     `json:"blocks"`   // residual blocks; default 3
	Dropout  float64 `json:"dropout"`  // in residual blocks; default 0.15; negative for none
	Lead     int     `json:"lead"`     // services that move before a service does, averaged; default 10; negative for none
	Identity string  `json:"identity"` // "on" (default) or "off": an embedding for each service seen in training
	Graph    string  `json:"graph"`    // default GraphOn
	Time     string  `json:"time"`     // "auto" (default: day from two days of history, week from two weeks) or "off"
	Edges    string  `json:"edges"`    // default EdgesTime
	Window   string  `json:"window"`   // default WindowMLP
	Blank    float64 `json:"blank"`    // share of training rows whose neighbours, or other channels, are blanked out; default 0.1; negative for none
	Guard    string  `json:"guard"`    // default GuardAuto
	Huber    float64 `json:"huber"`    // weight of the centre's Huber loss beside the pinball loss; default 0.1; negative for none

	Hidden    int    `json:"hidden"`    // paper mode: width of the convolutions, GRU and MLP; default 64
	Adjacency string `json:"adjacency"` // paper mode: default AdjacencyLog

	Epochs   int     `json:"epochs"`    // at most; default 30 (paper mode 60)
	Patience int     `json:"patience"`  // epochs without improvement; default 6
	Budget   int     `json:"budget"`    // training rows (window × service) over all epochs; default 3 000 000, and never less than four passes
	BatchRow int     `json:"batch_row"` // training rows of one step, about; default 512
	Rate     float64 `json:"rate"`      // learning rate; default 2e-3 (paper mode 1e-3)
	Decay    float64 `json:"decay"`     // weight decay, decoupled; default 1e-2 (paper mode none); negative for none
	Average  float64 `json:"average"`   // decay of the weights' running average; default 0.99; negative for none
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	defFloat := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	defText := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	defText(&c.Mode, ModeDefault)
	defText(&c.Scaling, ScalePerService)
	defText(&c.Identity, "on")
	defText(&c.Graph, GraphOn)
	defText(&c.Time, "auto")
	defText(&c.Guard, GuardAuto)
	defText(&c.Edges, EdgesTime)
	defText(&c.Window, WindowMLP)
	defText(&c.Adjacency, AdjacencyLog)
	epochs, rate, decay := 30, 2e-3, 1e-2
	if c.Mode == ModePaper {
		epochs, rate, decay = 60, 1e-3, -1
	}
	def(&c.Width, 64)
	def(&c.Embed, 24)
	def(&c.Blocks, 3)
	def(&c.Lead, 10)
	def(&c.Hidden, 64)
	def(&c.Epochs, epochs)
	def(&c.Patience, 6)
	def(&c.Budget, 3_000_000)
	def(&c.BatchRow, 512)
	defFloat(&c.Dropout, 0.15)
	defFloat(&c.Huber, 0.1)
	defFloat(&c.Blank, 0.1)
	defFloat(&c.Rate, rate)
	defFloat(&c.Decay, decay)
	defFloat(&c.Average, 0.99)
	return c
}

// check reports the first choice that makes no sense.
func (c Config) check() error {
	one := func(key, value string, allowed ...string) error {
		for _, a := range allowed {
			if value == a {
				return nil
			}
		}
		return fmt.Errorf("stgnn: %s is %q, expected one of %q", key, value, allowed)
	}
	for _, err := range []error{
		one("mode", c.Mode, ModeDefault, ModePaper),
		one("scaling", c.Scaling, ScalePerService, ScalePooled),
		one("identity", c.Identity, "on", "off"),
		one("graph", c.Graph, GraphOn, GraphMean, GraphOff),
		one("time", c.Time, "auto", "off"),
		one("guard", c.Guard, GuardAuto, GuardOn, GuardOff),
		one("edges", c.Edges, EdgesTime, EdgesCalls),
		one("window", c.Window, WindowMLP, WindowGRU),
		one("adjacency", c.Adjacency, AdjacencyLog, AdjacencyRaw, AdjacencyBinary),
	} {
		if err != nil {
			return err
		}
	}
	for key, v := range map[string]int{
		"width": c.Width, "embed": c.Embed, "blocks": c.Blocks, "hidden": c.Hidden,
		"epochs": c.Epochs, "patience": c.Patience, "budget": c.Budget, "batch_row": c.BatchRow,
	} {
		if v < 0 {
			return fmt.Errorf("stgnn: %s is %d, expected a positive number", key, v)
		}
	}
	// Stored models say their own sizes: these are beyond all use, and can still be made.
	for key, v := range map[string][2]int{
		"width": {c.Width, 1024}, "embed": {c.Embed, 1024}, "blocks": {c.Blocks, 16}, "hidden": {c.Hidden, 4096},
	} {
		if v[0] > v[1] {
			return fmt.Errorf("stgnn: %s is %d, expected at most %d", key, v[0], v[1])
		}
	}
	if c.Dropout >= 1 || c.Average >= 1 || c.Rate < 0 {
		return fmt.Errorf("stgnn: dropout %g and average %g must be below 1 and rate %g positive", c.Dropout, c.Average, c.Rate)
	}
	return nil
}

// checkTask reports a task that no mode can work on.
func checkTask(t model.Task) error {
	switch {
	case len(t.Channels) == 0 || t.Target < 0 || t.Target >= len(t.Channels):
		return fmt.Errorf("stgnn: target channel %d of %d channels", t.Target, len(t.Channels))
	case t.Input < 1 || t.Horizons < 1:
		return fmt.Errorf("stgnn: %d input slices and %d horizons, expected at least one of each", t.Input, t.Horizons)
	case median(t.Levels) < 0:
		return fmt.Errorf("stgnn: quantile levels %v, expected rising ones within (0, 1) with 0.5 among them", t.Levels)
	}
	return nil
}

// median is the place of 0.5 in levels, or -1 if levels are not as Task wants them.
func median(levels []float64) int {
	at := -1
	for i, l := range levels {
		if l <= 0 || l >= 1 || i > 0 && l <= levels[i-1] {
			return -1
		}
		if l == 0.5 {
			at = i
		}
	}
	return at
}
