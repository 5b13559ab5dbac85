package sink

import (
	"context"
	"time"

	"presage/model"
	"presage/model/online"
	"presage/model/registry"
)

// trainer runs trainings one at a time, in a goroutine of its own in background
// mode. At most one job waits for each target, because the loop gives no other out before
// the last has come back.
type trainer struct {
	background bool
	cancel     context.CancelFunc
	ctx        context.Context
	waiting    []online.Job
	results    chan trained // of the one that runs
	running    bool
}

type trained struct {
	job       online.Job
	candidate *online.Candidate
	err       error
	seconds   float64
}

func startTrainer(ctx context.Context, background bool) *trainer {
	t := &trainer{background: background, results: make(chan trained, 1)}
	t.ctx, t.cancel = context.WithCancel(ctx)
	return t
}

// stop ends the training that runs and waits for it.
func (t *trainer) stop() {
	t.cancel()
	if t.running {
		<-t.results
		t.running = false
	}
}

func work(ctx context.Context, job online.Job, now func() time.Time) trained {
	begin := now()
	c, err := online.Train(ctx, job)
	return trained{job: job, candidate: c, err: err, seconds: now().Sub(begin).Seconds()}
}

// train runs the jobs at once, or queues them.
func (f *forecaster) train(ctx context.Context, jobs []online.Job) error {
	for _, job := range jobs {
		f.Log.Info("training", "graph", f.Loop.Graph, "target", job.Target, "slices", len(job.Parts.Train), "from", job.Parent)
		if f.OnProgress != nil {
			job.Progress = func(p model.FitProgress) { f.OnProgress(job.Target, p) }
		}
		if f.worker.background {
			f.worker.waiting = append(f.worker.waiting, job)
			continue
		}
		if err := f.finish(ctx, work(ctx, job, f.Now)); err != nil {
			return err
		}
	}
	return f.collect(ctx)
}

// collect takes in what a background training has made, and starts the next one.
func (f *forecaster) collect(ctx context.Context) error {
	w := f.worker
	if w.running {
		select {
		case r := <-w.results:
			w.running = false
			if err := f.finish(ctx, r); err != nil {
				return err
			}
		default:
		}
	}
	if !w.running && len(w.waiting) > 0 {
		job := w.waiting[0]
		w.waiting = w.waiting[1:]
		w.running = true
		go func() { w.results <- work(w.ctx, job, f.Now) }()
	}
	return nil
}

// finish promotes or drops what a training made, and stores it.
func (f *forecaster) finish(ctx context.Context, r trained) error {
	if ctx.Err() != nil {
		return context.Cause(ctx) // cut off: the checkpoint gives it out again
	}
	report := TrainingReport{Decision: online.Decision{Target: r.job.Target}, Seconds: r.seconds, Err: r.err}
	result := "failed"
	f.Metrics.trainSeconds.WithLabelValues(f.Loop.Graph).Observe(r.seconds)
	if r.err != nil {
		f.loop.Abandon(r.job.Target)
		f.Log.Error("training failed; what serves goes on", "graph", f.Loop.Graph, "target", r.job.Target, "err", r.err)
	} else {
		d, err := f.loop.Promote(r.candidate)
		if err != nil {
			return err
		}
		report.Decision, report.Report, report.Judged = d, r.candidate.Report, r.candidate.Judged
		result = "kept"
		if d.Promoted {
			result = "promoted"
			f.unstored = append(f.unstored, r.candidate) // the checkpoint that is due stores it first
		}
		f.Log.Info("training ended", "graph", f.Loop.Graph, "target", d.Target, "version", d.Version, "result", d.Reason,
			"epochs", report.Report.Epochs, "seconds", r.seconds)
	}
	f.Metrics.trainings.WithLabelValues(f.Loop.Graph, r.job.Target, result).Inc()
	if f.OnTraining != nil {
		f.OnTraining(report)
	}
	// A checkpoint belongs to one champion: write it before the next slice.
	f.since = f.CheckpointEvery
	return nil
}

// store puts a promoted model into the registry.
func (f *forecaster) store(c *online.Candidate) error {
	card := registry.Card{
		Version: c.Version, Method: f.Loop.Network.Name, Graph: f.Loop.Graph, Target: c.Target, Task: c.Task, Parent: c.Parent,
		Seed: c.Seed, FromMs: c.From / 1e6, ToMs: c.To / 1e6, Fingerprint: c.Fingerprint, Windows: c.Report.Windows,
		Parameters: c.Report.Parameters, Epochs: c.Report.Epochs, BestEpoch: c.Report.BestEpoch, Libraries: registry.Libraries(),
	}
	if v := c.Report.ValidError; v == v {
		card.ValidError = &v
	}
	for _, j := range c.Judged {
		card.Scores = append(card.Scores, registry.Score{Version: j.Version, Points: j.Points, MAE: j.MAE, MAEScaled: j.MAEScaled, Share: j.Share})
	}
	if err := f.registry.Save(card, c.State); err != nil {
		return err
	}
	if err := f.registry.Promote(c.Target, c.Version); err != nil {
		return err
	}
	return f.registry.Prune(c.Target, f.KeepModels)
}
