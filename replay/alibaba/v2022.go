package alibaba

import (
	"context"
	"fmt"

	"presage/replay"
	"presage/replay/files"
)

// perSecond2022 is how many calls a second a normalised rate of 1 counts as. The
// real constant is not published: loads are right in proportion only.
const perSecond2022 = 1000

// Open2022 opens a cluster-trace-microservices-v2022: CallGraph, MCRRTUpdate and
// MSMetricsUpdate files, at least one of them. Close the source at the end.
func Open2022(ctx context.Context, path string, opts Options) (replay.Source, error) {
	opts = opts.withDefaults()
	found, err := files.Find(ctx, path,
		files.Table{Name: "call graph", Patterns: []string{"CallGraph_*.csv", "CallGraph.csv"}},
		files.Table{Name: "resource table", Patterns: []string{"MSMetricsUpdate_*.csv", "MSMetrics_*.csv", "MSMetricsUpdate.csv"}},
		files.Table{Name: "rate and response time table", Patterns: []string{"MCRRTUpdate_*.csv", "MSRTMCR_*.csv", "MCRRTUpdate.csv"}},
		files.Table{Name: "node table", Patterns: []string{"NodeMetricsUpdate_*.csv", "NodeMetrics_*.csv"}})
	if err != nil {
		return nil, err
	}
	state := ""
	if opts.DeclareSampling {
		state = sampled
	}
	return openMicroservices(&opts, found, path, state, false, readRates2022, perSecond2022)
}

func onlyNodes(path string) error {
	return fmt.Errorf("recording %s holds the node table alone, which names no service: expected the call graph, the resource table or the table of rates too", path)
}

// readRates2022 packs the rows of MCRRTUpdate: one row a container and time, a
// pair of columns for each kind, any of which may be missing.
func readRates2022(pods *containers) readFile {
	columns := files.Columns("timestamp", "msname", "msinstanceid")
	for i := range rateKinds {
		columns = append(columns,
			files.Column{Names: []string{rateKinds[i].base + "_mcr"}, Optional: i > 0},
			files.Column{Names: []string{rateKinds[i].base + "_rt"}, Optional: i > 0})
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
			service, id := pods.services.get(fields[1]), pods.ids.get(fields[2])
			if service == unknown {
				rows.Bad("msname", fields[1])
				return nil
			}
			packed = packRates(packed[:0], service, id)
			for i, field := range fields[3:] {
				if len(field) == 0 {
					continue
				}
				v, ok := parseNumber(field)
				if !ok || v < 0 {
					if !missing(field) {
						rows.Bad(columns[3+i].Names[0], field)
						return nil
					}
					continue
				}
				packed = packRate(packed, i/2, i%2 == 1, v)
			}
			return add(at, packed)
		})
	}
}
