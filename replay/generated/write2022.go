package generated

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Written says what Write2022 wrote.
type Written struct {
	Rows   int64 // of the call graph
	Calls  int64 // calls that the rows tell of
	Traces int64
	Files  int64 // of all tables
}

// Volume says how Write2022 writes.
type Volume struct {
	Pack Packing
	// Unknown leaves names out as the real files do: every sixth caller of an http
	// entry and some callees are UNKNOWN.
	Unknown bool
	// Progress, if set, is called about once a simulated minute with the share done.
	Progress func(share float64)
}

// The lengths of the part files.
const (
	callPart   = 3 * time.Minute
	metricPart = 30 * time.Minute
)

// volume writes a run in the format of cluster-trace-microservices-v2022.
type volume struct {
	g       *Generator
	dir     string
	opt     Volume
	rand    Rand // leaves names out
	calls   map[int64]*csvFile
	rates   *csvFile // MSRTMCR
	metrics *csvFile // MSMetrics
	tally   *tally
	written Written
	row     []byte
	paths   []string // rpc ids of the trace at hand
	err     error
}

// Write2022 runs a generator to its end and writes it as files in the format of
// Alibaba's cluster-trace-microservices-v2022 below dir: CallGraph, MSRTMCR, MSMetrics,
// and beside them services.csv (the names behind MS_n) and truth.jsonl (the
// incidents). The generator must be fresh and have a duration; the same options give
// the same files. On an error or when ctx ends, unfinished part files are removed.
func Write2022(ctx context.Context, dir string, g *Generator, opt Volume) (w Written, err error) {
	if g.w.opt.Duration <= 0 {
		return w, errors.New("generated: writing files needs a duration (hours above 0)")
	}
	if g.state.Tick > 0 {
		return w, errors.New("generated: writing files needs a generator that has not run yet")
	}
	switch opt.Pack {
	case Plain, Gzip, TarGz:
	default:
		return w, fmt.Errorf("generated: packing %q: expected nothing, %q or %q", opt.Pack, Gzip, TarGz)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return w, fmt.Errorf("generated: make folder: %w", err)
	}
	truth, err := os.Create(filepath.Join(dir, "truth.jsonl"))
	if err != nil {
		return w, fmt.Errorf("generated: create truth file: %w", err)
	}
	defer func() {
		if shut := truth.Close(); err == nil && shut != nil {
			err = fmt.Errorf("generated: write truth file: %w", shut)
		}
	}()
	g.truth.out = truth
	v := &volume{g: g, dir: dir, opt: opt, rand: NewRand(g.w.opt.Seed, streamRows), calls: map[int64]*csvFile{}, tally: newTally(g.w)}
	defer v.abandon()
	err = v.run(ctx)
	return v.written, err
}

// run writes everything.
func (v *volume) run(ctx context.Context) error {
	if err := v.writeServices(); err != nil {
		return err
	}
	tick := v.g.w.opt.Tick
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		over, err := v.g.step(v.trace)
		if err != nil || v.err != nil {
			return errors.Join(err, v.err)
		}
		now := time.Duration(v.g.state.Tick) * tick
		if over {
			break
		}
		v.tally.tick(v.g.state, v.g.tick)
		if now%time.Minute < tick {
			if err := v.minute(now - now%time.Minute); err != nil {
				return err
			}
		}
	}
	return v.finish()
}

// minute writes the tables' rows of a minute that has passed, and closes files that
// nothing can come to.
func (v *volume) minute(end time.Duration) error {
	from := end - time.Minute
	if err := v.writeRates(from); err != nil {
		return err
	}
	if err := v.writeMetrics(from); err != nil {
		return err
	}
	v.tally.reset()
	for i, f := range v.calls {
		if time.Duration(i+1)*callPart <= end {
			if err := f.close(); err != nil {
				return err
			}
			delete(v.calls, i)
		}
	}
	if v.opt.Progress != nil {
		v.opt.Progress(min(1, float64(end)/float64(v.g.w.opt.Duration)))
	}
	return nil
}

// finish closes what is open.
func (v *volume) finish() error {
	for i, f := range v.calls {
		if err := f.close(); err != nil {
			return err
		}
		delete(v.calls, i)
	}
	for _, f := range []**csvFile{&v.rates, &v.metrics} {
		if *f != nil {
			if err := (*f).close(); err != nil {
				return err
			}
			*f = nil
		}
	}
	return nil
}

// abandon removes what is still open.
func (v *volume) abandon() {
	for _, f := range v.calls {
		f.abandon()
	}
	for _, f := range []*csvFile{v.rates, v.metrics} {
		if f != nil {
			f.abandon()
		}
	}
}

// writeServices writes what is behind the trace's names.
func (v *volume) writeServices() error {
	f, err := createCSV(v.dir, "services.csv", Plain, "msname,service", false, Rand{})
	if err != nil {
		return err
	}
	for i := range v.g.w.services {
		f.row([]byte(msName(i) + "," + v.g.w.services[i].name))
	}
	v.written.Files++
	return f.close()
}

// order returns what puts a file's rows out of order: of each file its own, as
// files are not closed in a fixed order.
func (v *volume) order(base string, part time.Duration) Rand {
	return NewRand(v.g.w.opt.Seed^uint64(part)<<8, streamRows+uint64(len(base))<<16)
}

// msName is a service's name in the files.
func msName(service int) string { return "MS_" + strconv.Itoa(1000+service) }

// part returns the part file for a time, and begins it if a new one is due.
func (v *volume) part(f **csvFile, folder, base, header string, from, long time.Duration) (*csvFile, error) {
	if *f != nil && from%long == 0 {
		if err := (*f).close(); err != nil {
			return nil, err
		}
		*f = nil
	}
	if *f == nil {
		name := base + "_" + strconv.Itoa(int(from/long)) + ".csv"
		file, err := createCSV(filepath.Join(v.dir, folder), name, v.opt.Pack, header, true, v.order(base, from/long))
		if err != nil {
			return nil, err
		}
		v.written.Files++
		*f = file
	}
	return *f, nil
}
