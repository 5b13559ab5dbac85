package nn

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"presage/model/tensor"
	"presage/model/tensor/kernel"
	"presage/model/tensor/pool"
)

// Problem is what Train minimises.
type Problem interface {
	// Samples is the number of training samples.
	Samples() int
	// Loss is the loss of a batch of sample numbers; rng serves dropout.
	Loss(t *tensor.Tape[float32], batch []int, rng *rand.Rand) *tensor.Var[float32]
	// Validate is the error on what the network isn't trained on; lower is better. It
	// is NaN for untrained weights only where there is nothing to validate on.
	Validate() float64
}

// Options are the choices of one training run.
type Options struct {
	Seed      uint64
	Epochs    int     // at most
	PerEpoch  int     // samples an epoch, drawn without replacement; 0 means all
	Batch     int     // samples a step
	Rate      float64 // highest learning rate
	Decay     float64 // weight decay, decoupled from the gradient if Decoupled is set
	Decoupled bool
	Clip      float64 // largest norm of the gradient; 0 means no bound
	Patience  int     // epochs without improvement before stopping; 0 means never
	// Average is the decay of the running average of the weights that is validated
	// and kept in place of the weights themselves; 0 means no averaging.
	Average float64
	// Schedule is the learning rate of a step, of which an epoch has perEpoch; nil means a short warm-up and a
	// cosine down to a hundredth of Rate.
	Schedule func(step, perEpoch int) float64
	// Stop is asked before every step; true ends training with the best weights so far. nil is allowed.
	Stop func() bool
	// Buffers are arrays beside the parameters that belong to the weights that are kept, as running means.
	Buffers [][]float32
	Lane    *pool.Lane // whose workers a step is split over; nil means one thread
	// Progress is told after every epoch; nil is allowed.
	Progress func(epoch int, loss, valid float64)
}

// Report says how Train ended.
type Report struct {
	Epochs    int     // run
	BestEpoch int     // whose weights were kept; 0 are those before training
	Valid     float64 // their validation error
	Stopped   string  // why training ended, in words
	Diverged  bool
	Cut       bool // Stop ended it
}

// Train runs epochs of Adam with a cosine schedule after a short warm-up, and leaves in
// params the weights with the lowest validation error, which may be those it started
// from. A loss or validation error that is not finite ends training with the best weights so
// far. When ctx ends Train puts them back too, and returns ctx.Err(). Where there is nothing to
// validate on, all epochs are run and the last weights kept.
func Train(ctx context.Context, p Problem, params []Param[float32], o Options) (Report, error) {
	r := run{
		o: o, problem: p, params: params,
		rng:  rand.New(rand.NewPCG(o.Seed, 0x7261696e)),
		adam: NewAdam(params), tape: tensor.NewTape[float32](o.Lane),
		average: Copy(params), best: Copy(params),
	}
	r.adam.Decay, r.adam.Decoupled, r.adam.Clip = o.Decay, o.Decoupled, o.Clip
	r.order = make([]int, p.Samples())
	for i := range r.order {
		r.order[i] = i
	}
	r.perEpoch = len(r.order)
	if o.PerEpoch > 0 {
		r.perEpoch = min(o.PerEpoch, r.perEpoch)
	}
	r.batches = (r.perEpoch + o.Batch - 1) / max(o.Batch, 1)
	r.total = max(1, r.batches*o.Epochs)
	r.buffers = copies(o.Buffers)
	return r.train(ctx)
}

// run is the state of one call of Train.
type run struct {
	o        Options
	problem  Problem
	params   []Param[float32]
	rng      *rand.Rand
	adam     *Adam[float32]
	tape     *tensor.Tape[float32]
	average  [][]float32
	best     [][]float32
	buffers  [][]float32 // of the best weights
	order    []int
	perEpoch int
	batches  int // steps an epoch
	step     int
	total    int // steps planned
	stopped  bool
}

func (r *run) train(ctx context.Context) (Report, error) {
	report := Report{Valid: r.problem.Validate(), Stopped: "all epochs done"}
	blind := math.IsNaN(report.Valid)
	for epoch := 1; epoch <= r.o.Epochs; epoch++ {
		loss, err := r.epoch(ctx)
		if err != nil {
			r.restore()
			return report, err
		}
		if r.stopped {
			report.Cut, report.Stopped = true, fmt.Sprintf("told to stop in epoch %d", epoch)
			if r.step%r.batches == 0 {
				break // nothing new since the last validation
			}
		}
		report.Epochs = epoch
		valid := r.validate()
		if r.o.Progress != nil {
			r.o.Progress(epoch, loss, valid)
		}
		if !finite(loss) || !finite(valid) && !blind {
			report.Diverged = true
			report.Stopped = fmt.Sprintf("diverged in epoch %d (loss %g, validation error %g): kept the weights of epoch %d",
				epoch, loss, valid, report.BestEpoch)
			break
		}
		if blind || valid < report.Valid {
			report.Valid, report.BestEpoch = valid, epoch
			r.keep()
		}
		if r.o.Patience > 0 && epoch-report.BestEpoch >= r.o.Patience {
			report.Stopped = fmt.Sprintf("no improvement for %d epochs", r.o.Patience)
			break
		}
		if r.stopped {
			break
		}
	}
	r.restore()
	return report, nil
}

// restore puts the best weights back.
func (r *run) restore() {
	Set(r.params, r.best)
	for i, b := range r.buffers {
		copy(r.o.Buffers[i], b)
	}
}

func copies(arrays [][]float32) [][]float32 {
	out := make([][]float32, len(arrays))
	for i, a := range arrays {
		out[i] = append([]float32(nil), a...)
	}
	return out
}

// epoch trains on one pass and returns the mean loss of its batches.
func (r *run) epoch(ctx context.Context) (float64, error) {
	r.rng.Shuffle(len(r.order), func(i, j int) { r.order[i], r.order[j] = r.order[j], r.order[i] })
	var sum float64
	batches := 0
	for from := 0; from < r.perEpoch; from += r.o.Batch {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if r.stopped = r.o.Stop != nil && r.o.Stop(); r.stopped {
			break
		}
		batch := r.order[from:min(from+r.o.Batch, r.perEpoch)]
		r.tape.Reset()
		loss := r.problem.Loss(r.tape, batch, r.rng)
		value := float64(loss.Data[0])
		if !finite(value) {
			return value, nil
		}
		r.tape.Backward(loss)
		r.adam.Step(r.rate())
		r.step++
		r.track()
		sum += value
		batches++
	}
	return sum / float64(max(batches, 1)), nil
}

// rate is the learning rate of the present step: up over the first twentieth, then down
// along a cosine to a hundredth.
func (r *run) rate() float64 {
	if r.o.Schedule != nil {
		return r.o.Schedule(r.step, r.batches)
	}
	warm := max(1, r.total/20)
	if r.step < warm {
		return r.o.Rate * float64(r.step+1) / float64(warm)
	}
	phase := float64(r.step-warm) / float64(max(1, r.total-warm))
	return r.o.Rate * (0.01 + 0.99*(1+math.Cos(math.Pi*phase))/2)
}

// track moves the running average towards the weights; early on it follows faster, so
// that it forgets where it started.
func (r *run) track() {
	if r.o.Average == 0 {
		return
	}
	decay := float32(min(r.o.Average, float64(1+r.step)/float64(10+r.step)))
	for k, p := range r.params {
		avg := r.average[k]
		kernel.Scale(avg, avg, decay)
		kernel.Axpy(avg, p.Var.Data, 1-decay)
	}
}

// validate is the error of the weights that would be kept now.
func (r *run) validate() float64 {
	if r.o.Average == 0 {
		return r.problem.Validate()
	}
	now := Copy(r.params)
	Set(r.params, r.average)
	valid := r.problem.Validate()
	Set(r.params, now)
	return valid
}

// keep remembers the weights that validate looked at.
func (r *run) keep() {
	for i, b := range r.o.Buffers {
		copy(r.buffers[i], b)
	}
	if r.o.Average == 0 {
		r.best = Copy(r.params)
		return
	}
	for k, avg := range r.average {
		copy(r.best[k], avg)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
