package dgcrn

import "math"

// Config are the choices of a network. Default has the published ones.
type Config struct {
	Hidden    int // of the recurrent units
	Hyper     int // first layer of the hyper-networks
	Middle    int // and their second
	Embedding int // of a node, for each side of an edge
	Depth     int // hops of a graph convolution

	// Weights of a hop: of the input itself, of the made graphs, of the fixed graphs.
	Alpha, Beta, Gamma float64
	Steepness          float64 // of the tanh that make a graph

	CurriculumStep int // training steps to the next horizon
	SamplingDecay  int // how slowly the truth is withdrawn from the decoder: k of Threshold
	// ClockInX says that the last channel of a batch's inputs is the time of day already. Otherwise it is taken from
	// the batch's times and is one input more.
	ClockInX bool
}

// Default is the published configuration.
func Default() Config {
	return Config{Hidden: 64, Hyper: 16, Middle: 2, Embedding: 40, Depth: 2, Alpha: 0.05, Beta: 0.95, Gamma: 0.95,
		Steepness: 3, CurriculumStep: 2500, SamplingDecay: 2000}
}

// Level is how many horizons a training step learns after seen others.
func (c Config) Level(seen, horizons int) int {
	if c.CurriculumStep <= 0 {
		return horizons
	}
	return min(1+seen/c.CurriculumStep, horizons)
}

// Threshold is the probability that the decoder is given the truth after seen training steps, k / (k + exp(seen / k)).
func (c Config) Threshold(seen int) float64 {
	k := float64(c.SamplingDecay)
	if k <= 0 {
		return 0
	}
	return k / (k + math.Exp(float64(seen)/k))
}
