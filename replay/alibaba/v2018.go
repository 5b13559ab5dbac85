package alibaba

import (
	"context"
	"fmt"
	"math"

	"presage/replay"
	"presage/replay/files"
)

// Open2018 opens a cluster-trace-v2018: container_usage with container_meta, batch_task,
// or all of them. Close the source at the end.
func Open2018(ctx context.Context, path string, opts Options) (replay.Source, error) {
	opts = opts.withDefaults()
	one := func(name string) files.Table {
		return files.Table{Name: name + " table", Patterns: []string{name + ".csv", name + "_*.csv"}}
	}
	found, err := files.Find(ctx, path, one("container_usage"), one("container_meta"), one("batch_task"),
		one("machine_usage"), one("machine_meta"), one("batch_instance"))
	if err != nil {
		return nil, err
	}
	usage, meta, tasks := found[0], found[1], found[2]
	skips := &files.Skips{}
	var streams []stream
	var notes []string
	switch {
	case len(usage) > 0 && len(meta) > 0:
		pods := newContainers(false)
		units, err := readUnits(ctx, &opts, skips, meta, pods)
		if err != nil {
			return nil, err
		}
		u := &usageStream{opts: &opts, pods: pods, table: newTable(&opts, skips, usage, readContainers(pods, units))}
		streams = append(streams, u)
	case len(usage) > 0:
		notes = append(notes, "container_usage is not read: it names no service without container_meta")
	default:
		notes = append(notes, "no container_usage table found: there will be no CPU and memory readings")
	}
	if len(tasks) > 0 {
		streams = append(streams, newBatchStream(&opts, skips, tasks))
	} else {
		notes = append(notes, "no batch_task table found: there will be no spans")
	}
	for i, name := range []string{"machine_usage", "machine_meta", "batch_instance"} {
		if len(found[3+i]) > 0 {
			notes = append(notes, name+" is not read: it names no service")
		}
	}
	if len(streams) == 0 {
		return nil, fmt.Errorf("recording %s holds no table that names services (machine tables hold none): expected container_usage together with container_meta, or batch_task; found %s", path, names2018(found))
	}
	return newSource(&opts, skips, notes, streams...), nil
}

func names2018(found [][]files.Part) string {
	s := ""
	for _, parts := range found {
		for _, p := range parts {
			if s != "" {
				s += ", "
			}
			s += p.String()
		}
	}
	return s
}

// readUnits reads which service (deploy unit) a container belongs to.
func readUnits(ctx context.Context, opts *Options, skips *files.Skips, parts []files.Part, pods *containers) (map[name]name, error) {
	columns := []string{"container_id", "machine_id", "time_stamp", "app_du", "status", "cpu_request", "cpu_limit", "mem_size"}
	units := make(map[name]name)
	t := newTable(opts, skips, parts, func(ctx context.Context, f *files.File, t *table, _ func(int64, []byte) error) error {
		return eachRow(ctx, files.ReadPlain(f, skips, columns, 4), t, func(rows *files.Rows, fields [][]byte) error {
			if missing(fields[0]) {
				rows.Bad("container_id", fields[0])
				return nil
			}
			if missing(fields[3]) {
				rows.Bad("app_du", fields[3])
				return nil
			}
			id, unit := pods.ids.get(fields[0]), pods.services.get(fields[3])
			if _, ok := units[id]; !ok {
				units[id] = unit
			}
			return nil
		})
	})
	defer func() { _ = t.close() }()
	for _, p := range parts {
		if err := t.part(ctx, p, nil); err != nil {
			return nil, err
		}
	}
	return units, nil
}

const noUnit = "unknown_container" // a container that container_meta does not have

// readContainers packs the rows of container_usage.
func readContainers(pods *containers, units map[name]name) readFile {
	columns := []string{"container_id", "machine_id", "time_stamp", "cpu_util_percent", "mem_util_percent", "cpi", "mem_gps", "mpki", "net_in", "net_out", "disk_io_percent"}
	var packed []byte
	return func(ctx context.Context, f *files.File, t *table, add func(int64, []byte) error) error {
		return eachRow(ctx, files.ReadPlain(f, t.skips, columns, 5), t, func(rows *files.Rows, fields [][]byte) error {
			at, ok := parseSeconds(fields[2])
			if !ok {
				rows.Bad("time_stamp", fields[2])
				return nil
			}
			id := pods.ids.get(fields[0])
			unit, ok := units[id]
			if !ok {
				rows.Skip(noUnit, "container "+string(fields[0])+" is not in container_meta")
				return nil
			}
			cpu, memory := percent(fields[3]), percent(fields[4])
			if math.IsNaN(cpu) && math.IsNaN(memory) {
				rows.Skip(noValue, "neither a CPU nor a memory reading from 0 to 100")
				return nil
			}
			packed = packUsage(packed[:0], unit, id, cpu, memory)
			return add(at, packed)
		})
	}
}

// percent reads a utilisation in percent; −1, 101 and what is no number are missing.
func percent(field []byte) float64 {
	v := share(field, 100)
	if v > 1 {
		return math.NaN()
	}
	return v
}

// parseSeconds reads a time in seconds as milliseconds.
func parseSeconds(field []byte) (int64, bool) {
	v, ok := parseNumber(field)
	return int64(v * 1000), ok && v >= 0 && v < maxMillis/1000
}
