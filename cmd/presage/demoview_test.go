package main

import (
	"strings"
	"testing"

	"presage/internal/summary"
)

func TestWhyNoNetworkWasJudged(t *testing.T) {
	at := 12.5
	for _, c := range []struct {
		name    string
		summary summary.Summary
		want    string
	}{
		{"none trained", summary.Summary{Model: "persistence"}, "too short to train a network on: that takes 112 slices"},
		{"none promoted", summary.Summary{Model: "persistence", Trainings: 2}, "persistence forecast instead"},
		{"none due", summary.Summary{Model: "stgnn-1", Trainings: 2, SecondsToFirstForecast: &at}, "none of its forecasts came due"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := unjudgedText(c.summary, 112); !strings.Contains(got, c.want) {
				t.Errorf("%q does not say %q", got, c.want)
			}
		})
	}
}
