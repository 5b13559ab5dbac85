package panel

import (
	"math/rand/v2"

	"presage/model"
	"presage/model/nn"
	"presage/model/tensor"
)

// Setup is what a network is built for.
type Setup struct {
	Services        int          // N
	Input, Horizons int          // T, H
	Channels        int          // C of Batch.X; channel 0 is the target
	Outputs         int          // numbers a horizon: 1 for a point, Q for quantiles
	Graph           *model.Graph // over the N services: the training part's mean edges
	Slots           int          // slices of a day, at most 288
	Week            bool         // training holds two weeks: days of the week can be told apart
	Static          []float32    // [N, S] attributes that do not change; may be empty
}

// Batch is what a network reads for B windows. Networks copy what they need in another order.
type Batch struct {
	Size int       // B
	X    []float32 // [B, T, N, C] scaled; missing values are carried forward
	Day  []float32 // [B, T + H] time of day of each input and target slice, a share in [0, 1)
	Week []int32   // [B, T + H] day of week, Monday 0; all 0 where Setup.Week is false
	// Y are the scaled targets [B, H, N] and Weight [B, H, N] is 1 where they were observed; both are nil outside
	// of training.
	Y, Weight []float32
	Seen      int // training steps done before this one
	Level     int // horizons that are wanted: all of them but in a curriculum
}

// Network is a trained map from windows to all horizons of all services.
type Network interface {
	// Params lists everything trained, by the names in stored weights.
	Params() []nn.Param[float32]
	// Buffers are arrays beside the parameters that training moves and a forecast reads, as running
	// means; nil for none.
	Buffers() map[string][]float32
	// Forward gives [B × N, Level × Outputs]: a row a window and service, services of one window side by side.
	// A nil rng is evaluation: no dropout, running statistics. Memory is the tape's.
	Forward(t *tensor.Tape[float32], b *Batch, rng *rand.Rand) *tensor.Var[float32]
}
