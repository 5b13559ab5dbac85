package alibaba

import (
	"bytes"
	"context"

	"presage/replay"
	"presage/replay/files"
)

// sampled is the tracestate that declares the 2021 and 2022 traces' sampling of
// 0.5 %: a rejection threshold of 0.995 × 2^56.
const sampled = "ot=th:feb851eb851eb8"

// Open2021 opens a cluster-trace-microservices-v2021: MSCallGraph, MSResource and MSRTQps
// files, at least one of them. Close the source at the end.
func Open2021(ctx context.Context, path string, opts Options) (replay.Source, error) {
	opts = opts.withDefaults()
	found, err := files.Find(ctx, path,
		files.Table{Name: "call graph", Patterns: []string{"MSCallGraph_*.csv", "MSCallGraph.csv"}},
		files.Table{Name: "resource table", Patterns: []string{"MSResource_*.csv", "MSResource.csv"}},
		files.Table{Name: "rate and response time table", Patterns: []string{"MSRTQps_*.csv", "MSRTQps.csv", "MS_MCR_RT_*.csv"}},
		files.Table{Name: "node table", Patterns: []string{"Node_*.csv", "Node.csv"}})
	if err != nil {
		return nil, err
	}
	state := ""
	if opts.DeclareSampling {
		state = sampled
	}
	return openMicroservices(&opts, found, path, state, true, readRates2021, 1)
}

// readRates2021 packs the rows of MSRTQps: one row a metric.
func readRates2021(pods *containers) readFile {
	columns := []files.Column{
		{Names: []string{"timestamp"}}, {Names: []string{"msname"}}, {Names: []string{"msinstanceid"}},
		{Names: []string{"metric", "metrics"}}, {Names: []string{"value"}},
	}
	kinds := make(map[string][2]int) // metric name → kind, 1 for the response time
	for i := range rateKinds {
		kinds[rateKinds[i].base+"_mcr"] = [2]int{i, 0}
		kinds[rateKinds[i].base+"_rt"] = [2]int{i, 1}
	}
	var packed []byte
	return func(ctx context.Context, f *files.File, t *table, add func(int64, []byte) error) error {
		return each(ctx, f, t, columns, func(rows *files.Rows, fields [][]byte) error {
			at, ok := parseMillis(fields[0])
			if !ok {
				rows.Bad("timestamp", fields[0])
				return nil
			}
			t.grid.add(at)
			kind, ok := kinds[string(bytes.ToLower(fields[3]))]
			if !ok {
				rows.Bad("metric", fields[3])
				return nil
			}
			v, ok := parseNumber(fields[4])
			if !ok || v < 0 {
				rows.Bad("value", fields[4])
				return nil
			}
			service, id := pods.services.get(fields[1]), pods.ids.get(fields[2])
			if service == unknown {
				rows.Bad("msname", fields[1])
				return nil
			}
			packed = packRate(packRates(packed[:0], service, id), kind[0], kind[1] == 1, v)
			return add(at, packed)
		})
	}
}

// openMicroservices joins the streams that 2021 and 2022 have alike: call graph,
// resources, rates; the node table is not read.
func openMicroservices(opts *Options, found [][]files.Part, path, state string, signed bool, readRates func(*containers) readFile, perSecond float64) (replay.Source, error) {
	skips := &files.Skips{}
	pods := newContainers(!signed)
	var streams []stream
	var notes []string
	if len(found[0]) > 0 {
		n := newVocabulary()
		streams = append(streams, newCallStream(opts, n, newTable(opts, skips, found[0], readCalls(n, signed)), state))
	} else {
		notes = append(notes, "no call graph found: there will be metrics but no spans")
	}
	if len(found[1]) > 0 {
		streams = append(streams, &usageStream{opts: opts, pods: pods, table: newTable(opts, skips, found[1], readUsage(pods))})
	} else {
		notes = append(notes, "no resource table found: there will be no CPU and memory readings")
	}
	if len(found[2]) > 0 {
		streams = append(streams, newRateStream(opts, pods, newTable(opts, skips, found[2], readRates(pods)), perSecond))
	} else {
		notes = append(notes, "no table of rates and response times found: loads and response times come from the sampled spans alone")
	}
	if len(found[3]) > 0 {
		notes = append(notes, "the node table is not read: it names no service")
	}
	if len(streams) == 0 {
		return nil, onlyNodes(path)
	}
	return newSource(opts, skips, notes, streams...), nil
}
