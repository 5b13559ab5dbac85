package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// record is everything that was measured of a case.
type record struct {
	group   group
	c       benchCase
	setting string    // how PyTorch ran
	ours    []float64 // nanoseconds a call, by round
	torch   []float64 // empty where PyTorch is missing

	// info has PyTorch's times, from the calibration, of ways that are no baseline.
	info map[string]float64
}

// pause lets the other side's threads, which look for work a while after a call, go to sleep.
const pause = 200 * time.Millisecond

// times are how long one measurement takes.
type times struct {
	ours      string  // as -test.benchtime takes it
	torch     float64 // seconds
	calibrate float64
}

// session is one run of the command.
type session struct {
	ours  *ours
	torch map[int][]*torchSide // by number of threads; empty where PyTorch is missing
	times times
	o     options
}

// measureAll times every case that is asked for. An error may come with the records of the cases
// that did not fail.
func measureAll(ctx context.Context, o options) (m machine, records []record, err error) {
	s := session{torch: map[int][]*torchSide{}, times: times{"0.3s", 0.3, 0.1}, o: o}
	if o.quick {
		s.times = times{"0.1s", 0.1, 0.05}
	}
	if s.ours, err = newOurs(); err != nil {
		return m, nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	m = thisMachine()
	if missing := s.start(ctx); missing != nil {
		fmt.Fprintf(os.Stderr, "PyTorch is left out: %v\n", missing)
	} else {
		about := s.torch[1][0].about
		m.Torch, m.BLAS = about.Torch, about.BLAS
	}
	records, failed, err := s.measureCases(ctx)
	switch {
	case err != nil:
		return m, nil, err
	case len(records) == 0:
		return m, nil, errors.New("no benchmark was run")
	case failed != nil:
		return m, records, fmt.Errorf("left out: %s", strings.Join(failed, ", "))
	}
	return m, records, nil
}

// measureCases times the cases, and names those that failed: the others' figures are worth having.
func (s *session) measureCases(ctx context.Context) (records []record, failed []string, err error) {
	for _, g := range groups() {
		if g.long && s.o.quick && s.o.only.String() == "" {
			continue
		}
		for _, c := range g.cases {
			name := c.name(g)
			if !s.o.only.MatchString(name) {
				continue
			}
			r, err := s.measure(ctx, g, c)
			switch {
			case errors.Is(err, errMissing):
				fmt.Fprintf(os.Stderr, "%s: no such benchmark\n", name)
				continue
			case ctx.Err() != nil:
				return nil, nil, ctx.Err()
			case err == nil:
				records = append(records, r)
				fmt.Fprintln(os.Stderr, r.line())
				continue
			}
			fmt.Fprintf(os.Stderr, "%s is left out: %v\n", name, err)
			failed = append(failed, name)
			if errors.Is(err, errEnded) {
				if err := s.restart(ctx); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return records, failed, nil
}

// start makes a Python process for every setting of one and of two threads.
func (s *session) start(ctx context.Context) error {
	for _, threads := range []int{1, 2} {
		for _, setting := range settings(threads) {
			t, err := startTorch(ctx, s.o.python, setting)
			if err != nil {
				return errors.Join(err, s.closeTorch())
			}
			s.torch[threads] = append(s.torch[threads], t)
		}
	}
	return nil
}

// restart makes the Python processes anew, since one ended.
func (s *session) restart(ctx context.Context) error {
	_ = s.closeTorch() // fails for the one that ended
	return s.start(ctx)
}

func (s *session) close() error { return errors.Join(s.ours.close(), s.closeTorch()) }

func (s *session) closeTorch() error {
	var errs []error
	for _, sides := range s.torch {
		for _, t := range sides {
			errs = append(errs, t.close())
		}
	}
	clear(s.torch)
	return errors.Join(errs...)
}

// measure runs the rounds of a case.
func (s *session) measure(ctx context.Context, g group, c benchCase) (record, error) {
	r := record{group: g, c: c}
	if _, err := s.ours.run(ctx, g, c, "1x"); err != nil { // is it there?
		return r, err
	}
	side, found, err := s.calibrate(g, c)
	if err != nil {
		return r, err
	}
	if side != nil {
		r.setting = fmt.Sprintf("%s, %s", found.Way, side.setting)
		r.info = found.information()
	}
	for range s.o.rounds {
		ns, err := s.ours.run(ctx, g, c, s.times.ours)
		if err != nil {
			return r, err
		}
		r.ours = append(r.ours, ns)
		if side == nil {
			continue
		}
		time.Sleep(pause)
		a, err := side.ask(request{Case: c.torch(g), MinTime: s.times.torch, Way: found.Way})
		if err != nil {
			return r, err
		}
		r.torch = append(r.torch, a.NS)
		time.Sleep(pause)
	}
	for _, t := range s.torch[c.threads] {
		if _, err := t.ask(request{Drop: c.torch(g)}); err != nil {
			return r, err
		}
	}
	return r, nil
}

// calibrate finds the setting and the way in which PyTorch is fastest.
func (s *session) calibrate(g group, c benchCase) (best *torchSide, found answer, err error) {
	for _, t := range s.torch[c.threads] {
		time.Sleep(pause)
		a, err := t.ask(request{Case: c.torch(g), MinTime: s.times.calibrate, Calibrate: &[]string{}})
		if err != nil {
			return nil, found, err
		}
		if best == nil || a.NS < found.NS {
			best, found = t, a
		}
	}
	return best, found, nil
}

// line is the record in one line.
func (r record) line() string {
	text := fmt.Sprintf("%-60s ours %12s", r.c.name(r.group), duration(median(r.ours)))
	if len(r.torch) > 0 {
		text += fmt.Sprintf("  PyTorch %12s  ratio %5.2f  (%s)", duration(median(r.torch)), median(r.ratios()), r.setting)
	}
	return text
}

// ratios are PyTorch's times by ours, of each round.
func (r record) ratios() []float64 {
	out := make([]float64, len(r.torch))
	for i := range out {
		out[i] = r.torch[i] / r.ours[i]
	}
	return out
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// duration writes nanoseconds in three digits.
func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 1e9:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
	return fmt.Sprintf("%.3g s", ns/1e9)
}
