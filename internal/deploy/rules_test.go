package deploy

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// series are lines of samples a minute apart, from minute zero on, in the notation of promtool's rule tests: `0+5x3` is
// 0 5 10 15, `_` is no sample.
type series []promql.Series

func parsed(t *testing.T, lines string) (all series) {
	t.Helper()
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		metric, values, err := parser.ParseSeriesDesc(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		one := promql.Series{Metric: metric}
		for i, v := range values {
			if !v.Omitted {
				one.Floats = append(one.Floats, promql.FPoint{T: int64(i) * time.Minute.Milliseconds(), F: v.Value})
			}
		}
		all = append(all, one)
	}
	return all
}

func (s series) querier() storage.Queryable {
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
			found := &selected{}
			for _, one := range s {
				if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(one.Metric.Get(m.Name)) }) {
					found.series = append(found.series, promql.NewStorageSeries(one))
				}
			}
			return found
		},
	}}
}

// selected is a storage.SeriesSet.
type selected struct {
	series []storage.Series
	next   int
}

func (s *selected) Next() bool                      { s.next++; return s.next <= len(s.series) }
func (s *selected) At() storage.Series              { return s.series[s.next-1] }
func (*selected) Err() error                        { return nil }
func (*selected) Warnings() annotations.Annotations { return nil }

// firing lists what an alert fires for: what its expression gives at the minute `at`, and gave as long before as its `for` says.
func (r rule) firing(t *testing.T, s series, at time.Duration) (all []string) {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	defer func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	hold := time.Duration(0)
	if r.For != "" {
		var err error
		if hold, err = time.ParseDuration(r.For); err != nil {
			t.Fatal(err)
		}
	}
	for when := at - hold; when <= at; when += 15 * time.Second {
		query, err := engine.NewInstantQuery(context.Background(), s.querier(), nil, r.Expr, time.UnixMilli(when.Milliseconds()))
		if err != nil {
			t.Fatal(err)
		}
		vector, err := query.Exec(context.Background()).Vector()
		if err != nil {
			t.Fatalf("%s: %v", r.Alert, err)
		}
		var now []string
		for _, sample := range vector {
			now = append(now, sample.Metric.DropMetricName().String())
		}
		if when == at-hold {
			all = now
		}
		all = slices.DeleteFunc(all, func(l string) bool { return !slices.Contains(now, l) })
		query.Close()
	}
	slices.Sort(all)
	return all
}

// Every alert fires when what it is about happens, and is silent beside it.
func TestAlertsFire(t *testing.T) {
	const minute, hour = time.Minute, time.Hour
	shop, slow := `{graph="shop"}`, `{graph="shop", partition="0", topic="spans"}`
	response := `{graph="shop", target="response_time"}`
	tests := []struct {
		alert, what, series string
		at                  time.Duration
		want                string // what it fires for; empty: nothing
	}{
		{"PresageDown", "no answer", `up{job="presage", instance="a"} 1 0x10`, 5 * minute, `{instance="a", job="presage"}`},
		{"PresageDown", "an answer", `up{job="presage", instance="a"} 1x10`, 5 * minute, ``},
		{"PresageNoTelemetry", "nothing is read", `presage_records_read_total{graph="shop", signal="spans"} 5x30`, 20 * minute, shop},
		{"PresageNoTelemetry", "only metrics are read", `
			presage_records_read_total{graph="shop", signal="spans"} 5x30
			presage_records_read_total{graph="shop", signal="metrics"} 0+1x30`, 20 * minute, ``},
		{"PresageLagGrows", "lag grows", `presage_lag_records{graph="shop", topic="spans", partition="0"} 2000+100x40`, 35 * minute, slow},
		{"PresageLagGrows", "lag shrinks", `presage_lag_records{graph="shop", topic="spans", partition="0"} 9000-100x40`, 35 * minute, ``},
		{"PresageRekeyAway", "nobody re-keys", `presage_lag_records{graph="shop", topic="spans.by_trace", partition="0"} 0x10`, 5 * minute, `{topic="spans"}`},
		{"PresageRekeyAway", "somebody re-keys another topic", `
			presage_lag_records{graph="shop", topic="spans.by_trace", partition="0"} 0x10
			presage_rekey_lag_records{topic="others", partition="0"} 0x10`, 5 * minute, `{topic="spans"}`},
		{"PresageRekeyAway", "somebody re-keys", `
			presage_lag_records{graph="shop", topic="spans.by_trace", partition="0"} 0x10
			presage_rekey_lag_records{topic="spans", partition="0"} 0x10`, 5 * minute, ``},
		{"PresageRekeyAway", "nothing is to be re-keyed", `presage_lag_records{graph="shop", topic="spans", partition="0"} 0x10`, 5 * minute, ``},
		{"PresageRekeyLagGrows", "lag grows", `presage_rekey_lag_records{topic="spans", partition="0"} 2000+100x40`, 35 * minute, `{partition="0", topic="spans"}`},
		{"PresageRekeyLagGrows", "lag shrinks", `presage_rekey_lag_records{topic="spans", partition="0"} 9000-100x40`, 35 * minute, ``},
		{"PresageSlicesStop", "events and no slices", `
			presage_events_total{graph="shop", signal="spans"} 0+100x40
			presage_slices_written_total{graph="shop", revision="1", complete="true"} 7x40`, 30 * minute, shop},
		{"PresageSlicesStop", "events and slices", `
			presage_events_total{graph="shop", signal="spans"} 0+100x40
			presage_slices_written_total{graph="shop", revision="1", complete="true"} 0+1x40`, 30 * minute, ``},
		{"PresageForecastsStop", "slices and no forecasts", `
			presage_slices_written_total{graph="shop", revision="1", complete="true"} 0+1x40
			presage_forecasts_published_total{graph="shop", target="requests"} 30x40`, 30 * minute, shop},
		{"PresageForecastsStop", "slices and forecasts", `
			presage_slices_written_total{graph="shop", revision="1", complete="true"} 0+1x40
			presage_forecasts_published_total{graph="shop", target="requests"} 0+30x40`, 30 * minute, ``},
		{"PresageEventsLost", "a tenth is late", `
			presage_events_total{graph="shop", signal="spans"} 0+90x40
			presage_events_lost_total{graph="shop", signal="spans", outcome="dropped", reason="late"} 0+10x40`, 30 * minute, `{graph="shop", reason="late", signal="spans"}`},
		{"PresageEventsLost", "all is late", `presage_events_lost_total{graph="shop", signal="spans", outcome="dropped", reason="late"} 0+10x40`, 30 * minute, `{graph="shop", reason="late", signal="spans"}`},
		{"PresageEventsLost", "one in a thousand is late", `
			presage_events_total{graph="shop", signal="spans"} 0+999x40
			presage_events_lost_total{graph="shop", signal="spans", outcome="dropped", reason="late"} 0+1x40`, 30 * minute, ``},
		{"PresageEventsLost", "re-keying has written all twice", `
			presage_events_total{graph="shop", signal="spans"} 0+90x40
			presage_events_lost_total{graph="shop", signal="spans", outcome="dropped", reason="rewritten"} 0+90x40`, 30 * minute, ``},
		{"PresagePartialsRefused", "other rules", `presage_events_lost_total{graph="shop", signal="partials", outcome="dropped", reason="fingerprint"} 0+1x30`, 20 * minute, `{graph="shop", reason="fingerprint"}`},
		{"PresagePartialsRefused", "a restart", `presage_events_lost_total{graph="shop", signal="partials", outcome="dropped", reason="duplicate"} 0+1x30`, 20 * minute, ``},
		{"PresageDeadLetters", "the first one", `presage_dead_letters_total{graph="shop", reason="bad_protobuf"} _x4 1x30`, 6 * minute, `{graph="shop", reason="bad_protobuf"}`},
		{"PresageDeadLetters", "one more", `presage_dead_letters_total{graph="shop", reason="bad_protobuf"} 1x24 2x10`, 27 * minute, `{graph="shop", reason="bad_protobuf"}`},
		{"PresageDeadLetters", "one long ago", `presage_dead_letters_total{graph="shop", reason="bad_protobuf"} _x4 1x30`, 20 * minute, ``},
		{"PresageRetentionOverran", "the first loss", `presage_kafka_lost_records_total{topic="spans", partition="0", instance="a"} _x4 7x30`, 6 * minute, `{instance="a", partition="0", topic="spans"}`},
		{"PresageRetentionOverran", "one more", `presage_kafka_lost_records_total{topic="spans", partition="0", instance="a"} 7x24 9x10`, 27 * minute, `{instance="a", partition="0", topic="spans"}`},
		{"PresageRetentionOverran", "a loss long ago", `presage_kafka_lost_records_total{topic="spans", partition="0", instance="a"} _x4 7x30`, 20 * minute, ``},
		{"PresageCoverageOff", "too few are within", `
			presage_forecasts_covered_total{graph="shop", target="response_time"} 0+70x450
			presage_forecasts_due_total{graph="shop", target="response_time"} 0+100x450`, 7 * hour, response},
		{"PresageCoverageOff", "all are within", `
			presage_forecasts_covered_total{graph="shop", target="response_time"} 0+100x450
			presage_forecasts_due_total{graph="shop", target="response_time"} 0+100x450`, 7 * hour, response},
		{"PresageCoverageOff", "nine in ten are", `
			presage_forecasts_covered_total{graph="shop", target="response_time"} 0+90x450
			presage_forecasts_due_total{graph="shop", target="response_time"} 0+100x450`, 7 * hour, ``},
		{"PresageNetworkWorse", "worse", `
			presage_network_absolute_error_total{graph="shop", target="response_time"} 0+120x450
			presage_persistence_absolute_error_total{graph="shop", target="response_time"} 0+100x450
			presage_network_forecasts_due_total{graph="shop", target="response_time"} 0+100x450`, 7 * hour, response},
		{"PresageNetworkWorse", "better", `
			presage_network_absolute_error_total{graph="shop", target="response_time"} 0+80x450
			presage_persistence_absolute_error_total{graph="shop", target="response_time"} 0+100x450
			presage_network_forecasts_due_total{graph="shop", target="response_time"} 0+100x450`, 7 * hour, ``},
		{"PresageTrainingsFail", "the first one", `presage_trainings_total{graph="shop", target="response_time", result="failed"} _x4 1x30`, 6 * minute, response},
		{"PresageTrainingsFail", "one that is not kept", `presage_trainings_total{graph="shop", target="response_time", result="rejected"} _x4 1x30`, 6 * minute, ``},
		{"PresageKafkaRetries", "one a second", `presage_kafka_retries_total{instance="a", operation="fetch"} 0+60x40`, 30 * minute, `{instance="a", operation="fetch"}`},
		{"PresageKafkaRetries", "a bad minute", `presage_kafka_retries_total{instance="a", operation="fetch"} 0x20 60x20`, 30 * minute, ``},
		{"PresageRebalances", "one a minute", `presage_kafka_rebalances_total{instance="a"} 0+1x40`, 30 * minute, `{instance="a"}`},
		{"PresageRebalances", "a start", `presage_kafka_rebalances_total{instance="a"} 0 3x40`, 10 * minute, ``},
	}
	fired := map[string]bool{}
	all := alerts(t)
	for _, tt := range tests {
		t.Run(tt.alert+"/"+tt.what, func(t *testing.T) {
			i := slices.IndexFunc(all, func(r rule) bool { return r.Alert == tt.alert })
			if i < 0 {
				t.Fatal("there is no such alert")
			}
			if got := strings.Join(all[i].firing(t, parsed(t, tt.series), tt.at), " "); got != tt.want {
				t.Errorf("fires for %q, want %q", got, tt.want)
			}
			fired[tt.alert] = fired[tt.alert] || tt.want != ""
		})
	}
	for _, r := range all {
		if !fired[r.Alert] {
			t.Errorf("nothing shows that %s ever fires", r.Alert)
		}
	}
}
