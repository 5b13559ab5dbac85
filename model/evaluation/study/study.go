package study

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"presage/model"
	"presage/model/evaluation"
)

// Study is where and how experiments are run.
type Study struct {
	Out      string // folder of results and of finished records
	Methods  []evaluation.Method
	Hero     string // ID of the method that the others are compared with
	Seeds    []uint64
	Steps    []int         // that the tables show; nil: a few
	Epochs   int           // upper bound of every training; 0: the methods' own
	Budget   time.Duration // of one fit; 0: none
	Finished bool          // read finished records, fit nothing
	Now      func() time.Time
	Command  string // that makes the results again
	// Progress is told often; nil is allowed.
	Progress func(Progress)
}

// Progress is where a study is.
type Progress struct {
	Part     string // of an experiment of several, as a window length; may be empty
	Method   string
	Seed     uint64
	Done, Of int // finished records of this part
	Fit      model.FitProgress
	Since    time.Duration // since this fit began
	Left     time.Duration // of this fit, by the epochs so far and the budget; 0: unknown
	Finished bool          // the record is done; Read says that it was there already
	Read     bool
	Err      error // why the method was left out
}

// records runs every method with every seed, or reads what is there. Methods that can't be fitted are named in left.
func (s *Study) records(ctx context.Context, e *evaluation.Exam, part string, methods []evaluation.Method) (out []*evaluation.Record, left map[string]string, err error) {
	left = map[string]string{}
	dir := filepath.Join(s.Out, "runs", part)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("study: %w", err)
	}
	identity := s.identity(e)
	type job struct {
		method evaluation.Method
		seed   uint64
	}
	var jobs []job
	for _, m := range methods {
		seeds := s.Seeds
		if !m.Seeded {
			seeds = seeds[:1]
		}
		for _, seed := range seeds {
			jobs = append(jobs, job{m, seed})
		}
	}
	for k, j := range jobs {
		if left[j.method.ID()] != "" {
			continue
		}
		p := Progress{Part: part, Method: j.method.ID(), Seed: j.seed, Done: k, Of: len(jobs)}
		r, err := s.record(ctx, e, dir, identity, j.method, j.seed, p)
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case errors.Is(err, errUnfinished):
			continue
		case err != nil:
			left[j.method.ID()] = err.Error()
			p.Err = err
			s.tell(p)
			continue
		}
		out = append(out, r)
	}
	return out, left, nil
}

func (s *Study) record(ctx context.Context, e *evaluation.Exam, dir, identity string, m evaluation.Method, seed uint64, p Progress) (*evaluation.Record, error) {
	path := filepath.Join(dir, fmt.Sprintf("%s-%d.safetensors", strings.ReplaceAll(m.ID(), "/", "-"), seed))
	if r, err := read(path, identity); err == nil && (s.Finished || s.enough(r)) {
		p.Finished, p.Read, p.Done = true, true, p.Done+1
		s.tell(p)
		return r, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.Err = fmt.Errorf("%s is made again: %w", path, err)
		s.tell(p)
		p.Err = nil
	}
	if s.Finished {
		return nil, errUnfinished
	}
	s.tell(p)
	begun := s.Now()
	r, err := e.Run(ctx, m, evaluation.Options{
		Seed: seed, Epochs: s.Epochs, Budget: s.Budget, Now: s.Now,
		Progress: func(f model.FitProgress) {
			p.Fit, p.Since = f, s.Now().Sub(begun)
			p.Left = s.left(f, p.Since)
			s.tell(p)
		},
	})
	if err != nil {
		return nil, err
	}
	if err := write(path, r, identity); err != nil {
		return nil, err
	}
	p.Finished, p.Done = true, p.Done+1
	s.tell(p)
	return r, nil
}

// enough says whether a record serves: its training was not cut short, or not shorter than it would be now.
func (s *Study) enough(r *evaluation.Record) bool {
	return !r.Report.Cut || s.Budget > 0 && r.TrainSeconds >= 0.9*s.Budget.Seconds()
}

// errUnfinished says that a record is not there and was not asked for.
var errUnfinished = errors.New("not finished")

// left is how long a fit still takes at most.
func (s *Study) left(f model.FitProgress, since time.Duration) time.Duration {
	if f.Epoch == 0 {
		return 0
	}
	left := time.Duration(float64(since) / float64(f.Epoch) * float64(f.Epochs-f.Epoch))
	if s.Budget > 0 {
		left = min(left, max(s.Budget-since, 0))
	}
	return left
}

func (s *Study) tell(p Progress) {
	if s.Progress != nil {
		s.Progress(p)
	}
}

// identity is of all that decides a record beside the method and seed.
func (s *Study) identity(e *evaluation.Exam) string {
	h := fnv.New64a()
	for _, st := range e.Steps {
		_, _ = fmt.Fprint(h, st.At, st.Segment, len(st.Services))
		for i := 0; i < len(st.Values); i += max(1, len(st.Values)/16) {
			_, _ = fmt.Fprint(h, st.Values[i], st.Mask[i])
		}
	}
	return fmt.Sprintf("%s %x T=%d H=%d target=%d log=%t levels=%v parts=%g/%g segments=%t stride=%d lead=%d epochs=%d",
		e.Name, h.Sum64(), e.Task.Input, e.Task.Horizons, e.Task.Target, e.Task.Log, e.Task.Levels, e.Valid, e.Test, e.BySegment,
		e.Stride, e.Lead, s.Epochs)
}

func read(path, identity string) (r *evaluation.Record, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return evaluation.Read(f, identity)
}

// write stores a record whole or not at all.
func write(path string, r *evaluation.Record, identity string) error {
	return whole(path, func(f *os.File) error { return r.Write(f, identity) })
}

// whole writes a file beside its place and moves it there.
func whole(path string, fill func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	err = fill(f)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("study: %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
