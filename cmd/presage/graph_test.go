package main

import (
	"testing"

	"presage/internal/config"
)

// TestFingerprintStays: slices outlive programs, so a new option must not change the
// fingerprint of the graphs that do without it.
func TestFingerprintStays(t *testing.T) {
	g := config.DefaultGraph()
	g.Name, g.Spans, g.Metrics = "shop", []string{"otlp_spans"}, []string{"otlp_metrics"}
	if got := fingerprint(g); got != 0xbeb34f7b7efecd2e {
		t.Errorf("fingerprint %#x", got)
	}
	deduped := g
	deduped.DedupeSpans = true
	if fingerprint(deduped) == fingerprint(g) {
		t.Error("slices with and without duplicates have the same fingerprint")
	}
	if !stageGraph(deduped).DedupeSpans {
		t.Error("the windower is not told to dedupe")
	}
}
