package worlds

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"presage/replay/generated"
)

// World is a system and the run of it that networks are compared on. It is plain
// data: the same World gives the same files, whatever the number of cores.
type World struct {
	Name     string
	Version  string // changes whenever the files would
	Seed     uint64
	Services int           // stores come on top
	Slices   int           // length of the run
	Width    time.Duration // of a slice
	Tick     time.Duration // step of the simulation
	Rate     float64       // mean recorded spans a second
	Sampling float64       // share of traces that is recorded
	Lost     float64       // share of points that is lost when nothing is overloaded

	Incidents, Deployments, Bursts float64 // an hour, see generated.Options
	Laws                           generated.Laws

	Floors Floors
}

// Floors says how the floor that knows the simulator's state is measured.
type Floors struct {
	Origins       int // evenly strided over the test part
	Continuations int // of each, with fresh randomness
	Horizons      int // slices ahead
}

// TestShare is the share of the slices, at the end, that forecasts are scored on.
const TestShare = 0.2

// version is that of the laws and of the way that slices are observed.
const version = "1"

// phrase is what the sealed worlds' seeds are drawn from.
const phrase = "presage: a world that nobody picked"

// sealed returns the seed of a world that must not be chosen: the first eight bytes of
// a SHA-256 over the phrase, the version and the name.
func sealed(name string) uint64 {
	sum := sha256.Sum256([]byte(phrase + "\n" + version + "\n" + name))
	return binary.LittleEndian.Uint64(sum[:8])
}

// Named returns world A, B, C or N.
//
//   - A is the world to tune on; its seed is open.
//   - B has the same kind of system under other mechanisms.
//   - C has A's mechanisms in a system of another shape.
//   - N has no calls between services: its graph means nothing.
func Named(name string) (World, error) {
	w := World{
		Name: name, Version: version, Services: 200, Slices: 14 * 24 * 60, Width: time.Minute, Tick: 5 * time.Second,
		Rate: 1000, Sampling: 0.4, Lost: 0.003, Incidents: 4, Deployments: 3, Bursts: 2, Laws: lawsA(),
		Floors: Floors{Origins: 200, Continuations: 64, Horizons: 12},
	}
	switch name {
	case "A":
		w.Seed = 1
	case "B":
		w.Seed = sealed(name)
		mechanismsB(&w)
	case "C":
		w.Seed = sealed(name)
		shapeC(&w.Laws)
	case "N":
		w.Seed = sealed(name)
		alone(&w.Laws)
		w.Rate = 250 // as many calls a service as in A: there a span is half a call
	default:
		return World{}, fmt.Errorf("worlds: no world %q: there are A, B, C and N", name)
	}
	return w, nil
}

// Names are the worlds that Named knows.
func Names() []string { return []string{"A", "B", "C", "N"} }

// lawsA are the mechanisms of world A: the demo's, with memories that differ and work that
// follows what is held. Without these two neighbours tell little that a service's own past does not.
func lawsA() generated.Laws {
	l := generated.DefaultLaws()
	l.LoadDeviation, l.CommonDeviation = 0.08, 0.06
	l.KeepCalled = true
	l.CronEvery = 10 // services that only jobs call are silent most of the time
	l.Memories = generated.Interval{Low: 0.1, High: 2}
	l.Pressure, l.PressureTau = 0.5, 180
	return l
}

// mechanismsB changes every mechanism and leaves the shape of the system.
func mechanismsB(w *World) {
	l := &w.Laws
	l.LoadDeviation, l.LoadTau, l.CommonDeviation, l.Dispersion = 0.09, 480, 0.05, 0.18
	l.BurstHeight, l.BurstRise, l.BurstHold, l.BurstFade = generated.Interval{Low: 0.3, High: 1.2}, generated.Interval{Low: 10, High: 60}, generated.Interval{Low: 20, High: 180}, 60
	w.Bursts = 3
	l.WorkTau, l.MixTau, l.Memories = 900, 400, generated.Interval{Low: 0.2, High: 2}
	l.Pressure, l.PressureTau = 0.4, 120
	l.Sigma, l.StoreSigma = generated.Interval{Low: 0.7, High: 1.15}, generated.Interval{Low: 0.5, High: 1.1}
	l.RetryShare, l.BudgetedShare, l.Budget, l.BreakerShare = 0.75, 0.4, generated.Interval{Low: 0.2, High: 0.4}, 0.3
	l.Timeout = generated.Interval{Low: 6, High: 18}
	l.ScaledShare, l.ScaleTarget, l.ScaleLag = 0.7, 0.55, generated.Interval{Low: 60, High: 150}
	l.GuestsHourly = 1
	// leak, creep, slow store, crash, errors, network, surge, retry storm
	l.Incidents = [8]float64{0.15, 0.35, 0.15, 0.05, 0.02, 0.05, 0.13, 0.1}
	w.Incidents, w.Deployments = 5, 4
}

// shapeC changes the shape of the system: six tiers, flatter fan-in, deeper and larger
// trees.
func shapeC(l *generated.Laws) {
	l.Tiers = []float64{0.12, 0.2, 0.24, 0.22, 0.14, 0.08}
	l.FanInTail, l.MenuMean = 1.8, 1.4
	l.TreeMean, l.TreeSigma, l.TreeMost = 10, 0.8, 80
}

// alone cuts all calls. Without stores, what hits stores in A is left out.
func alone(l *generated.Laws) {
	l.Independent = true
	l.CommonDeviation, l.CronEvery = 0, 0
	l.Incidents = [8]float64{0.25, 0.25, 0, 0.1, 0.1, 0.1, 0.1, 0.1}
}

// Options returns what the generator needs to run the world: what generated.Open streams
// with these is a run of the same system.
func (w *World) Options() generated.Options {
	laws := w.Laws
	return generated.Options{
		Seed: w.Seed, Services: w.Services, Duration: time.Duration(w.Slices) * w.Width, Rate: w.Rate, Tick: w.Tick, Sampling: w.Sampling,
		Incidents: w.Incidents, Deployments: w.Deployments, Bursts: w.Bursts, Laws: &laws,
	}
}

// ticks is how many ticks a slice has.
func (w *World) ticks() int { return int(w.Width / w.Tick) }

// The random streams of observations and continuations, beside generated's own.
const (
	streamSeen   = 1 << 20
	streamFuture = 1 << 24
)

// Steps runs a world without spans or files: visit gets what telemetry shows of each
// slice, valid until it returns.
func Steps(ctx context.Context, w World, visit func(slice int, seen *generated.Observation) error) error {
	sim, err := w.simulation()
	if err != nil {
		return err
	}
	s := generated.NewSlicer(sim)
	r := generated.NewRand(w.Seed, streamSeen)
	var seen generated.Observation
	for k := range w.Slices {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.Run(w.ticks())
		s.Observe(&r, w.Sampling, w.Lost, &seen)
		if err := visit(k, &seen); err != nil {
			return fmt.Errorf("worlds: slice %d: %w", k, err)
		}
	}
	return nil
}

// simulation starts the world.
func (w *World) simulation() (*generated.Simulation, error) {
	if w.Tick <= 0 || w.Width%w.Tick != 0 || w.Slices < 1 {
		return nil, fmt.Errorf("worlds: %d slices of %v in ticks of %v: expected one slice or more, of whole ticks", w.Slices, w.Width, w.Tick)
	}
	sim, err := generated.NewSimulation(w.Options())
	if err != nil {
		return nil, fmt.Errorf("worlds: world %s: %w", w.Name, err)
	}
	return sim, nil
}
