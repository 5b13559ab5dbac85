package generated

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Incident is a line of the truth file. Times are Unix nanoseconds.
type Incident struct {
	ID        uint64   `json:"id"`
	Cause     string   `json:"cause"`
	Service   string   `json:"service"`
	API       string   `json:"api,omitempty"` // of a surge
	Path      []string `json:"path"`          // the busiest way from an entry to the service
	Affected  []string `json:"affected"`      // every service that waits for it, directly or not
	Precursor bool     `json:"precursor"`     // it grew before it hurt
	Size      float64  `json:"size"`          // strength, by cause
	Begin     int64    `json:"begin"`         // the cause begins
	Onset     int64    `json:"onset"`         // its effect is felt; 0: it never was
	Remove    int64    `json:"remove"`        // the cause is removed
	End       int64    `json:"end"`           // the effect is over; 0: not by the end of the run
	BeforeMs  float64  `json:"before_ms"`     // the service's response time before
	PeakMs    float64  `json:"peak_ms"`       // the highest mean of a tick meanwhile
}

// truthWriter writes incidents as JSON lines when they are over.
type truthWriter struct {
	w        *world
	out      io.Writer
	finished bool
}

// write writes incidents that have ended.
func (tw *truthWriter) write(list []Fault) error {
	if tw.out == nil {
		return nil
	}
	for i := range list {
		line, err := json.Marshal(tw.w.incident(&list[i]))
		if err == nil {
			_, err = tw.out.Write(append(line, '\n'))
		}
		if err != nil {
			return fmt.Errorf("generated: write truth of incident %d: %w", list[i].ID, err)
		}
	}
	return nil
}

// finish writes, once, the incidents that are not over.
func (tw *truthWriter) finish(s *State) error {
	if tw.finished {
		return nil
	}
	tw.finished = true
	return tw.write(s.Faults)
}

// incident puts an incident in words.
func (w *world) incident(f *Fault) Incident {
	at := func(tick int64) int64 {
		if tick < 0 {
			return 0
		}
		return w.opt.Start + tick*int64(w.opt.Tick)
	}
	in := Incident{
		ID: f.ID, Cause: f.Kind.String(), Service: w.services[f.Service].name, Precursor: f.Kind.Precursor(), Size: f.Size,
		Begin: at(f.Begin), Onset: at(f.Onset), Remove: at(f.Remove), End: at(f.End),
		BeforeMs: f.Before * 1e3, PeakMs: f.Peak * 1e3,
		Path: w.busiestPath(int(f.Service)), Affected: w.callersOf(int(f.Service)),
	}
	if f.API >= 0 {
		in.API = w.apis[f.API].name
	}
	return in
}

// busiestPath walks from a service to an entry over the callers with most load.
func (w *world) busiestPath(s int) []string {
	path := []string{w.services[s].name}
	for len(w.incoming[s]) > 0 {
		best := -1
		for _, e := range w.incoming[s] {
			if c := w.edges[e].caller; best < 0 || w.loads[c] > w.loads[best] {
				best = c
			}
		}
		s = best
		path = append(path, w.services[s].name)
	}
	slices.Reverse(path)
	return path
}

// callersOf returns every service that waits for s, by name.
func (w *world) callersOf(s int) []string {
	waits := map[int]bool{s: true}
	for c := s; c >= 0; c-- { // callers have lower numbers
		if !waits[c] {
			continue
		}
		for _, e := range w.incoming[c] {
			if w.edges[e].kind != callQueue {
				waits[w.edges[e].caller] = true
			}
		}
	}
	delete(waits, s)
	names := []string{}
	for c := range waits {
		names = append(names, w.services[c].name)
	}
	slices.Sort(names)
	return names
}
