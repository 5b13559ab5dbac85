package online

import (
	"context"
	"errors"
	"fmt"
	"math"

	"presage/model"
)

// The shares of a history's windows that a training stops by and is judged by.
const (
	validShare = 0.15
	judgeShare = 0.15
)

// Job is all that one training needs. Its steps are shared with the loop and are
// not changed by either.
type Job struct {
	Target    string
	Task      model.Task
	Method    model.Method // of the network
	Baselines []model.Method
	Level     float64
	Parts     model.Parts
	Seed      uint64
	Epochs    int
	At        int64 // end of the last slice known, Unix nanoseconds; the version's time
	// The champion to start from and to beat; Parent is empty if there is none.
	Parent      string
	Champion    model.State
	TrainedTo   int64 // start of the last slice that the champion was trained on
	Progress    func(model.FitProgress)
	Calibration *model.Calibration // the champion's
}

// Candidate is what a training made. It is given to Promote once.
type Candidate struct {
	Target      string
	Version     string
	Parent      string
	Task        model.Task
	Seed        uint64
	State       model.State
	Report      model.FitReport
	From, To    int64 // start of the first and the last slice trained on (validation included), Unix nanoseconds
	Fingerprint string
	Judged      []Judged // the candidate first, then the champion if there is one, then the baselines

	network     model.Forecaster
	baselines   []model.Forecaster
	calibration *model.Calibration
	standing    map[string]*standing
}

// Judged is how a forecaster did on the slices that neither network was trained
// on, mean over all steps, on the points that every one of them forecast.
type Judged struct {
	Version   string
	Points    int64
	MAE       float64 // the target's unit
	MAEScaled float64 // standardised by service
	Share     float64 // of the points that the forecaster itself spoke of; for the others a baseline did better on validation
}

// schedule adds the jobs that are due: the first after FirstTraining slices, then
// when the history has doubled, or every RetrainEvery once that is sooner. While there is no
// champion, every FirstTraining.
func (l *Loop) schedule(out *Outcome) {
	if l.cfg.Network.New == nil {
		return
	}
	for _, t := range l.tracks {
		if t.training || l.nonEmpty < t.next() {
			continue
		}
		job, err := t.job(l.history)
		if err != nil {
			// Too fragmented a history: look again when there is more of it.
			t.retryAt = l.nonEmpty + int64(l.cfg.Input+l.cfg.Horizons)
			out.Note = fmt.Sprintf("no training of %s yet: %v", t.name, err)
			continue
		}
		t.trainedAt, t.retryAt, t.training, t.overdue = l.nonEmpty, 0, true, false
		t.totals.Trainings++
		out.Jobs = append(out.Jobs, job)
	}
}

// next is at how many slices that are not empty the next training is due.
func (t *track) next() int64 {
	if t.overdue {
		return 0
	}
	// While the history is short, a model is worth training anew when there is twice as much.
	every := min(int64(t.cfg.RetrainEvery), max(t.trainedAt, int64(t.cfg.FirstTraining)))
	if t.network() == nil {
		every = min(every, int64(t.cfg.FirstTraining))
	}
	if t.trainedAt == 0 {
		every = int64(t.cfg.FirstTraining)
	}
	return max(t.trainedAt+every, t.retryAt)
}

func (t *track) job(history []*model.Step) (Job, error) {
	parts, err := model.Split(history, t.task.Input, t.task.Horizons, validShare, judgeShare)
	if err != nil {
		return Job{}, err
	}
	last := history[len(history)-1]
	job := Job{
		Target: t.name, Task: t.task, Method: t.cfg.Trainee, Baselines: t.cfg.Baselines, Level: t.cfg.Level,
		Parts: parts, Seed: t.cfg.Seed + uint64(t.totals.Trainings), Epochs: t.cfg.Epochs, At: last.At + last.Width,
	}
	if n := t.network(); n != nil {
		if job.Champion, err = n.forecaster.State(); err != nil {
			return Job{}, fmt.Errorf("champion %s: %w", n.version, err)
		}
		job.Parent, job.TrainedTo, job.Calibration = n.version, t.trained, n.calibration.Clone()
	}
	return job, nil
}

// Train makes a candidate: it fits the network and the baselines, and judges them on
// the slices that neither the candidate nor the champion was trained on. It may take
// minutes, and ends with ctx.Err() when told to.
func Train(ctx context.Context, job Job) (*Candidate, error) {
	network, err := job.Method.New(job.Task)
	if err != nil {
		return nil, fmt.Errorf("train %s: %w", job.Method.Name, err)
	}
	var champion model.Forecaster
	opt := model.FitOptions{Seed: job.Seed, Epochs: job.Epochs, Progress: job.Progress}
	if job.Parent != "" {
		if champion, err = job.Method.New(job.Task); err == nil {
			err = errors.Join(champion.Restore(job.Champion), network.Restore(job.Champion))
		}
		if err != nil {
			return nil, fmt.Errorf("train from %s: %w", job.Parent, err)
		}
		opt.Warm = true
	}
	p := job.Parts
	c := &Candidate{
		Target: job.Target, Task: job.Task, Parent: job.Parent, Seed: job.Seed, network: network, calibration: job.Calibration,
		From: p.Train[0].At, To: p.Valid[len(p.Valid)-1].At, Fingerprint: fingerprint(p.Train, p.Valid),
	}
	if c.Report, err = network.Fit(ctx, p.Train, p.Valid, opt); err != nil {
		return nil, fmt.Errorf("train %s: %w", job.Method.Name, err)
	}
	for _, m := range job.Baselines {
		b, err := m.New(job.Task)
		if err != nil {
			return nil, fmt.Errorf("train %s: %w", m.Name, err)
		}
		if _, err := b.Fit(ctx, p.Train, p.Valid, opt); err != nil {
			return nil, fmt.Errorf("train %s: %w", m.Name, err)
		}
		c.baselines = append(c.baselines, b)
	}
	if c.State, err = network.State(); err != nil {
		return nil, fmt.Errorf("train %s: %w", job.Method.Name, err)
	}
	c.Version = model.Version(job.Method.Name, job.At, c.State)
	if c.calibration == nil {
		if c.calibration, err = warm(ctx, network, job); err != nil {
			return nil, err
		}
	}
	return c, c.judge(ctx, champion, job)
}

// warm starts a first network's calibration from its scores on the validation and
// judgement windows.
func warm(ctx context.Context, f model.Forecaster, job Job) (*model.Calibration, error) {
	t := job.Task
	middle, q := t.Median(), len(t.Levels)
	c := model.NewCalibration(job.Level, t.Horizons)
	below, above := make([][]float64, t.Horizons), make([][]float64, t.Horizons)
	for _, part := range [][]*model.Step{job.Parts.Valid, job.Parts.Judge} {
		for _, w := range model.Windows(part, t.Input, t.Horizons) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			p, err := f.Forecast(w.Input)
			if err != nil {
				return nil, fmt.Errorf("train: calibrate: %w", err)
			}
			for h, step := range w.Target {
				for i, r := range model.Index(step.Services, p.Services) {
					if r < 0 {
						continue
					}
					truth, ok := step.Value(int(r), t.Target)
					row := p.Values[(i*t.Horizons+h)*q:][:q]
					yhat := float64(row[middle])
					if ok && all([]model.Prediction{p}, (i*t.Horizons+h)*q+middle) {
						below[h] = append(below[h], (yhat-truth)/(yhat-float64(row[0])))
						above[h] = append(above[h], (truth-yhat)/(float64(row[q-1])-yhat))
					}
				}
			}
		}
	}
	for h := range t.Horizons {
		c.Start(h+1, below[h], above[h])
	}
	return c, nil
}

func all(said []model.Prediction, at int) bool {
	for _, p := range said {
		if v := float64(p.Values[at]); math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
