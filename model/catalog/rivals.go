package catalog

import (
	"math/rand/v2"

	"presage/model"
	"presage/model/astgcn"
	"presage/model/dgcrn"
	"presage/model/evaluation"
	"presage/model/graphwavenet"
	"presage/model/ltsf"
	"presage/model/panel"
	"presage/model/stid"
	"presage/model/tensor/pool"
)

// rival is a network over a fixed set of services, with its published recipe.
type rival struct {
	name      string
	published panel.Recipe
	rate      float64 // under the common protocol
	build     func(s panel.Setup, common bool, rng *rand.Rand) panel.Network
}

// rivals are the paper's three and the networks without a graph that every table carries. Recipes are those of the
// publications' own code; where that selects the epoch by the test part, ours selects by validation.
func rivals() []rival {
	halved := []int{1, 2, 3, 4, 5, 6, 7, 8, 9}
	linear := panel.Recipe{
		Protocol: panel.Published, Scaling: panel.ScaleService, Loss: panel.LossSquares, Head: panel.HeadValue,
		Epochs: 10, Batch: 32, Patience: 3, Rate: 5e-3, Halve: halved,
	}
	traffic := panel.Recipe{
		Protocol: panel.Published, Scaling: panel.ScaleGlobal, Loss: panel.LossMAE, Head: panel.HeadValue,
		Epochs: 100, Batch: 64, Rate: 1e-3, Decay: 1e-4, Clip: 5,
	}
	wavenet := traffic
	wavenet.Day = true
	recurrent := traffic
	recurrent.Patience = 100
	astgcnRecipe := panel.Recipe{
		Protocol: panel.Published, Scaling: panel.ScaleMax, Loss: panel.LossSquares, Head: panel.HeadValue, Attributes: true,
		Epochs: 3000, Batch: 64, Rate: 1e-3, Decay: 1.5e-3,
	}
	identity := panel.Recipe{
		Protocol: panel.Published, Scaling: panel.ScaleGlobal, Loss: panel.LossMAE, Head: panel.HeadValue,
		Epochs: 200, Batch: 32, Rate: 2e-3, Decay: 1e-4, Halve: []int{1, 50, 80},
	}
	return []rival{
		{"nlinear", linear, 5e-3, func(s panel.Setup, _ bool, rng *rand.Rand) panel.Network { return ltsf.NewNLinear(s, rng) }},
		{"dlinear", linear, 5e-3, func(s panel.Setup, _ bool, rng *rand.Rand) panel.Network { return ltsf.NewDLinear(s, rng) }},
		{"stid", identity, 2e-3, buildSTID},
		{"astgcn", astgcnRecipe, 1e-3, func(s panel.Setup, _ bool, rng *rand.Rand) panel.Network {
			return astgcn.New(s, astgcn.DefaultConfig(), rng)
		}},
		{"dgcrn", recurrent, 1e-3, buildDGCRN},
		{"graphwavenet", wavenet, 1e-3, func(s panel.Setup, _ bool, rng *rand.Rand) panel.Network {
			return graphwavenet.New(s, graphwavenet.Config{}, rng)
		}},
	}
}

// buildSTID leaves out what the history is too short for.
func buildSTID(s panel.Setup, common bool, rng *rand.Rand) panel.Network {
	cfg := stid.DefaultConfig()
	cfg.Slots = s.Slots
	if !s.Week {
		cfg.DayOfWeek = 0
	}
	cfg.Calendar = !common // the common protocol's inputs hold the time of day
	return stid.New(s, cfg, rng)
}

// buildDGCRN follows the published curriculum, or under the common protocol none: all horizons are trained from the
// first step on, and the decoder is fed by itself.
func buildDGCRN(s panel.Setup, common bool, rng *rand.Rand) panel.Network {
	cfg := dgcrn.Default()
	if common {
		cfg.CurriculumStep, cfg.SamplingDecay, cfg.ClockInX = 0, 0, true
	}
	return dgcrn.New(s, cfg, rng)
}

// networks are the rivals under both protocols. like says that all series share a scale.
func networks(like bool, lane *pool.Lane) []evaluation.Method {
	var out []evaluation.Method
	scaling := panel.ScaleService
	if like {
		scaling = panel.ScaleGlobal
	}
	for _, r := range rivals() {
		for _, recipe := range []panel.Recipe{r.published, panel.CommonRecipe(scaling, r.rate)} {
			common := recipe.Protocol == panel.Common
			out = append(out, evaluation.Method{Name: r.name, Protocol: recipe.Protocol, Seeded: true,
				New: func(t model.Task) (model.Forecaster, error) {
					if r.name == "dgcrn" && !common {
						recipe.Level = func(seen int) int { return dgcrn.Default().Level(seen, t.Horizons) }
					}
					return panel.New(r.name, t, recipe, func(s panel.Setup, rng *rand.Rand) (panel.Network, error) {
						return r.build(s, common, rng), nil
					}, lane)
				}})
		}
	}
	return out
}
