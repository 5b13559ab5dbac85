package panel

import "fmt"

// The protocols.
const (
	Published = "published" // a network's own recipe
	Common    = "common"    // the same inputs, head, loss and budget for all
)

// The values of Recipe.Scaling.
const (
	ScaleGlobal  = "global"  // by one mean and deviation of all services
	ScaleService = "service" // by each service's own mean and deviation
	ScaleMax     = "max"     // divided by the largest value of training
)

// The values of Recipe.Loss.
const (
	LossMAE      = "mae"     // mean absolute error in the target's unit before scaling
	LossSquares  = "squares" // half the sum of squares, scaled
	LossPinball  = "pinball" // of all quantiles, and a tenth of the centre's Huber loss, scaled
	huberOfTotal = float32(0.1)
)

// The values of Recipe.Head.
const (
	HeadValue  = "value"  // the network gives scaled values
	HeadChange = "change" // it gives quantiles of the change from the last value
)

// Recipe is how a network is fed and trained.
type Recipe struct {
	Protocol   string
	Scaling    string
	Loss       string
	Head       string
	Attributes bool // all channels of the task, and whether the target was observed, are inputs beside it
	Day        bool // the time of day is the last input channel

	Epochs, Batch, Patience int
	Rate, Decay, Clip       float64
	Decoupled               bool    // weight decay beside the gradient (AdamW)
	Average                 float64 // decay of the weights' running average
	Cosine                  bool    // rate falls along a cosine; else it stays but for Halve
	Halve                   []int   // epochs at whose end the rate is halved
	// Level is the number of horizons that are trained after a number of steps; nil means all.
	Level func(seen int) int
}

// CommonRecipe is the recipe that all networks get under the common protocol: the inputs, loss and optimiser of
// STGNN's default mode. scaling is ScaleService, or ScaleGlobal for a plain matrix of like series.
func CommonRecipe(scaling string, rate float64) Recipe {
	return Recipe{
		Protocol: Common, Scaling: scaling, Loss: LossPinball, Head: HeadChange, Attributes: true, Day: true,
		Epochs: 30, Batch: 64, Patience: 8, Rate: rate, Decay: 1e-2, Decoupled: true, Clip: 5, Average: 0.99, Cosine: true,
	}
}

func (r Recipe) check(name string) error {
	if r.Epochs < 1 || r.Batch < 1 || r.Rate <= 0 {
		return fmt.Errorf("%s: recipe of %d epochs, batches of %d and rate %g: all must be positive", name, r.Epochs, r.Batch, r.Rate)
	}
	return nil
}

// schedule is the learning rate by step; nil means the training loop's cosine.
func (r Recipe) schedule() func(step, perEpoch int) float64 {
	if r.Cosine {
		return nil
	}
	return func(step, perEpoch int) float64 {
		rate := r.Rate
		for _, e := range r.Halve {
			if step >= e*perEpoch {
				rate /= 2
			}
		}
		return rate
	}
}
