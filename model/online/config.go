package online

import (
	"errors"
	"fmt"
	"slices"

	"presage/model"
	"presage/model/baseline"
)

// Requests is the published name of the load's target.
const Requests = model.ChannelRequests

// Config says what a loop forecasts and how often it learns.
type Config struct {
	Graph string
	// Targets are published names: "response_time" (the mean), "p50", "p95" or
	// "p99" (in its place), and "requests". The first is the main one.
	Targets         []string
	Input, Horizons int            // T and H, slices
	Level           float64        // of the intervals, e.g. 0.9
	Network         model.Method   // none if New is nil: the baselines serve
	Trainee         model.Method   // Network as trainings use it, on a lane that waits for forecasts; Network itself if New is nil
	Baselines       []model.Method // persistence first
	FirstTraining   int            // slices that are not empty; 0 means 8 × (T + H)
	RetrainEvery    int            // slices that are not empty, at most (sooner while the history is short); 0 means 1440
	MaxHistory      int            // slices kept to train on; 0 means 4320
	Seed            uint64
	Epochs          int // upper bound of a training; 0 means the network's default
}

// liveWindow is over how many slices the entrants are compared; liveLeast is how
// many a decision needs.
const (
	liveWindow = 60
	liveLeast  = 30
)

func (c *Config) defaults() {
	if c.FirstTraining == 0 {
		c.FirstTraining = 8 * (c.Input + c.Horizons)
	}
	if c.RetrainEvery == 0 {
		c.RetrainEvery = 1440
	}
	if c.Trainee.New == nil {
		c.Trainee = c.Network
	}
	if c.MaxHistory == 0 {
		c.MaxHistory = 4320
	}
	c.MaxHistory = max(c.MaxHistory, c.FirstTraining, c.Input+c.Horizons)
}

func (c *Config) validate() error {
	switch {
	case len(c.Targets) == 0:
		return errors.New("no target: expected response_time, p50, p95, p99 or requests")
	case !(c.Level > 0 && c.Level < 1):
		return fmt.Errorf("interval level %g: expected a number between 0 and 1, such as 0.9", c.Level)
	case len(c.Baselines) == 0 || c.Baselines[0].Name != baseline.Persistence:
		return errors.New("the baselines must begin with persistence: every network is held against it")
	case c.FirstTraining < 0 || c.RetrainEvery < 0 || c.MaxHistory < 0:
		return errors.New("training schedule: numbers of slices cannot be negative")
	}
	for i, t := range c.Targets {
		if slices.Contains(c.Targets[:i], t) {
			return fmt.Errorf("target %q is named twice", t)
		}
	}
	return nil
}

// step gives the channels' options and each target's task.
func (c *Config) tasks() (model.StepOptions, []model.Task, error) {
	var opt model.StepOptions
	var tasks []model.Task
	for _, name := range c.Targets {
		channel := name
		switch name {
		case "p50", "p95", "p99":
			channel = model.ChannelResponseTime
			if opt.Statistic != "" {
				return opt, nil, fmt.Errorf("targets %v: only one statistic of the response time can be forecast", c.Targets)
			}
			opt.Statistic = name
		case model.ChannelResponseTime:
			if opt.Statistic != "" {
				return opt, nil, fmt.Errorf("targets %v: only one statistic of the response time can be forecast", c.Targets)
			}
			opt.Statistic = "mean"
		}
		task, err := model.NewTask(channel, c.Input, c.Horizons, c.Level)
		if err != nil {
			return opt, nil, fmt.Errorf("target %q: %w", name, err)
		}
		tasks = append(tasks, task)
	}
	return opt, tasks, nil
}

// ErrOtherConfig is wrapped by Resume's error where the checkpoint is of another
// configuration: starting without it is safe, the forecasts then begin as on the first day.
var ErrOtherConfig = errors.New("checkpoint of another configuration")
