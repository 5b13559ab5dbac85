package model

import (
	"fmt"
	"slices"
)

// ServiceChannels are the channels of a step made from a snapshot, in order.
func ServiceChannels() []string {
	return []string{ChannelResponseTime, ChannelRequests, ChannelErrors, ChannelCPU, ChannelMemory, ChannelReplicas}
}

// NewTask is the task of forecasting one channel of the service graph: response
// times in ms or requests in calls per second, with the median and the two ends of
// an interval of the given level (0.9 means 90 %) as quantiles.
func NewTask(channel string, input, horizons int, level float64) (Task, error) {
	t := Task{
		Channels: ServiceChannels(), Target: slices.Index(ServiceChannels(), channel),
		Log: true, Input: input, Horizons: horizons,
		Levels: []float64{(1 - level) / 2, 0.5, (1 + level) / 2},
	}
	switch channel {
	case ChannelResponseTime:
		t.Unit = "ms"
	case ChannelRequests:
		t.Unit = "1/s"
	default:
		return Task{}, fmt.Errorf("no forecast of channel %q: the targets are %q and %q", channel, ChannelResponseTime, ChannelRequests)
	}
	return t, t.Validate()
}

// Validate says what is wrong with a task.
func (t Task) Validate() error {
	switch {
	case t.Input < 1 || t.Horizons < 1:
		return fmt.Errorf("task: input %d and horizons %d: both must be at least 1", t.Input, t.Horizons)
	case t.Target < 0 || t.Target >= len(t.Channels):
		return fmt.Errorf("task: target %d is not one of the %d channels", t.Target, len(t.Channels))
	case t.Median() < 0:
		return fmt.Errorf("task: the quantile levels %v lack 0.5", t.Levels)
	case !slices.IsSorted(t.Levels) || t.Levels[0] <= 0 || t.Levels[len(t.Levels)-1] >= 1:
		return fmt.Errorf("task: the quantile levels %v must rise and lie between 0 and 1", t.Levels)
	}
	return nil
}

// Median is the place of level 0.5 among the task's levels, or -1.
func (t Task) Median() int { return slices.Index(t.Levels, 0.5) }

// Equal reports whether two tasks are the same.
func (t Task) Equal(u Task) bool {
	return t.Target == u.Target && t.Unit == u.Unit && t.Log == u.Log && t.Input == u.Input && t.Horizons == u.Horizons &&
		slices.Equal(t.Channels, u.Channels) && slices.Equal(t.Levels, u.Levels)
}

// Value is channel c of row i, and whether it was observed.
func (s *Step) Value(i, c int) (float64, bool) {
	f := s.Channels()
	return float64(s.Values[i*f+c]), s.Mask[i*f+c] != 0
}

// Channels is F.
func (s *Step) Channels() int {
	if len(s.Services) == 0 {
		return 0
	}
	return len(s.Values) / len(s.Services)
}
