package trees

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"presage/model"
)

const (
	// maxRounds is the most trees of a horizon unless the fit says otherwise.
	maxRounds = 500
	// patience is how many rounds a horizon goes on without a lower error on the validation rows.
	patience = 20
	// shrinkage is what a tree counts of its own leaves.
	shrinkage = 0.1
	// bagged is the share of the rows that a round's trees are grown from.
	bagged = 0.5
	// huberLevel is the quantile of the first residuals beyond which a residual pulls no more than there.
	huberLevel = 0.5
)

// booster trains one forest for each anchor.
type booster struct {
	learn, check *rows
	rng          *rand.Rand
	grower       *grower
	checkCells   []uint8
	horizons     []*horizon
	gradients    []float32
}

// horizon is one forest in training.
type horizon struct {
	forest       forest
	known        []int32 // learn's rows with a change
	checked      []int32 // check's
	now, checkAt []float32
	delta        float32 // Huber's bound
	best         int     // trees at the least error
	least        float64
	lossNow      float64
	done         bool
}

func newBooster(learn, check *rows, rng *rand.Rand) *booster {
	e := edges(learn)
	b := &booster{learn: learn, check: check, rng: rng, checkCells: binned(check, e), gradients: make([]float32, learn.len())}
	b.grower = &grower{columns: learn.columns, cells: binned(learn, e), edges: e}
	for a := range learn.changes {
		h := &horizon{known: known(learn.changes[a]), checked: known(check.changes[a])}
		h.start(learn.changes[a])
		h.now, h.checkAt = filled(learn.len(), h.forest.constant), filled(check.len(), h.forest.constant)
		h.least = math.Inf(1)
		if len(h.checked) > 0 {
			h.least = checkError(check, a, h)
		}
		h.done = len(h.known) < 2*minRows
		b.horizons = append(b.horizons, h)
	}
	return b
}

// start sets the constant to the changes' median, and Huber's bound.
func (h *horizon) start(changes []float32) {
	values := make([]float32, 0, len(h.known))
	for _, r := range h.known {
		values = append(values, changes[r])
	}
	if len(values) == 0 {
		return
	}
	slices.Sort(values)
	h.forest.constant = values[len(values)/2]
	for k, v := range values {
		values[k] = max(v-h.forest.constant, h.forest.constant-v)
	}
	slices.Sort(values)
	h.delta = values[int(huberLevel*float64(len(values)-1))]
}

func known(changes []float32) []int32 {
	var rows []int32
	for r, v := range changes {
		if v == v {
			rows = append(rows, int32(r))
		}
	}
	return rows
}

func filled(n int, v float32) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// run adds a tree to every forest, round after round.
func (b *booster) run(ctx context.Context, opt model.FitOptions) (model.FitReport, error) {
	rounds := opt.Epochs
	if rounds <= 0 {
		rounds = maxRounds
	}
	report := model.FitReport{Stopped: "the last round was reached"}
	for round := 1; round <= rounds; round++ {
		grown, err := b.round(ctx, opt.Stop)
		if errors.Is(err, errStopped) {
			report.Stopped, report.Cut = "it was told to stop", true
			break
		}
		if err != nil {
			return model.FitReport{}, err
		}
		if grown == 0 {
			report.Stopped = "the error on the validation windows fell no more"
			break
		}
		report.Epochs = round
		if opt.Progress != nil {
			loss, check := b.errors()
			opt.Progress(model.FitProgress{Epoch: round, Epochs: rounds, TrainLoss: loss, ValidError: check})
		}
	}
	for _, h := range b.horizons {
		report.BestEpoch = max(report.BestEpoch, h.best)
	}
	return report, nil
}

var errStopped = errors.New("told to stop")

// round adds a tree to every forest that is not done, and counts them.
func (b *booster) round(ctx context.Context, stop func() bool) (grown int, err error) {
	chosen := b.bag()
	for a, h := range b.horizons {
		if h.done {
			continue
		}
		if err := ctx.Err(); err != nil {
			return grown, err
		}
		if stop != nil && stop() {
			return grown, errStopped
		}
		b.step(a, h, chosen)
		grown++
	}
	return grown, nil
}

// bag draws the rows that a round's trees are grown from.
func (b *booster) bag() []bool {
	chosen := make([]bool, b.learn.len())
	for i := range chosen {
		chosen[i] = b.learn.len() < 4*minRows || b.rng.Float64() < bagged
	}
	return chosen
}

// step grows one tree.
func (b *booster) step(a int, h *horizon, chosen []bool) {
	changes := b.learn.changes[a]
	rows := make([]int32, 0, len(h.known))
	h.lossNow = 0
	for _, r := range h.known {
		residual := changes[r] - h.now[r]
		h.lossNow += math.Abs(float64(residual))
		b.gradients[r] = min(max(residual, -h.delta), h.delta)
		if chosen[r] {
			rows = append(rows, r)
		}
	}
	h.lossNow /= float64(len(h.known))
	b.grower.grow(&h.forest, rows, b.gradients, func(rows []int32) float32 { return b.value(rows, h) })
	root := h.forest.roots[len(h.forest.roots)-1]
	f := b.learn.columns
	for _, r := range h.known {
		h.now[r] += h.forest.leaf(root, b.grower.cells[int(r)*f:][:f])
	}
	trees := len(h.forest.roots)
	if len(h.checked) == 0 {
		h.best = trees
		return
	}
	for _, r := range h.checked {
		h.checkAt[r] += h.forest.leaf(root, b.checkCells[int(r)*f:][:f])
	}
	if e := checkError(b.check, a, h); e < h.least {
		h.least, h.best = e, trees
	} else if trees-h.best >= patience {
		h.done = true
	}
}

// value is a leaf's: one step of Newton's for Huber's loss, where a residual beyond the bound has
// no curvature, but never more than four times the gradients' mean.
func (b *booster) value(rows []int32, h *horizon) float32 {
	var sum float64
	inside := 0
	for _, r := range rows {
		g := b.gradients[r]
		sum += float64(g)
		if g > -h.delta && g < h.delta {
			inside++
		}
	}
	curvature := max(float64(inside), float64(len(rows))/4) + shrinkRows
	return float32(shrinkage * sum / curvature)
}

// checkError is the mean absolute error on the validation rows in the transformed unit.
func checkError(check *rows, a int, h *horizon) float64 {
	var sum float64
	for _, r := range h.checked {
		sum += float64(check.weight[r]) * math.Abs(float64(check.changes[a][r]-h.checkAt[r]))
	}
	return sum / float64(len(h.checked))
}

// errors are the training error in the scaled unit, a mean over horizons, and the mean absolute error on the
// validation rows in the target's unit.
func (b *booster) errors() (loss, check float64) {
	var sum, count float64
	for a, h := range b.horizons {
		loss += h.lossNow / float64(len(b.horizons))
		for _, r := range h.checked {
			sum += math.Abs(b.check.natural(r, b.check.changes[a][r]) - b.check.natural(r, h.checkAt[r]))
			count++
		}
	}
	return loss, sum / count
}

// best are the forests as they were at their least error.
func (b *booster) best() []forest {
	var all []forest
	for _, h := range b.horizons {
		all = append(all, h.forest.first(h.best))
	}
	return all
}
