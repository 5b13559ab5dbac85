package alibaba

import (
	"context"
	"encoding/binary"
	"math"

	"presage/ingest/otlp"
	"presage/replay"
	"presage/replay/files"
)

// usageStream gives the CPU and memory readings of containers as gauges from 0 to
// 1 of what the container may use.
type usageStream struct {
	opts  *Options
	table *table
	pods  *containers
}

// containers are the services and container ids of metrics' resources.
type containers struct {
	services, ids *names
	resources     map[uint64][]otlp.KeyValue
	instance      bool // say the id as service.instance.id too
	counted       stream
}

func newContainers(instance bool) *containers {
	return &containers{services: newNames(), ids: newNames(), resources: make(map[uint64][]otlp.KeyValue), instance: instance}
}

func (c *containers) resource(service, id name) []otlp.KeyValue {
	key := uint64(service)<<32 | uint64(id)
	if r, ok := c.resources[key]; ok {
		return r
	}
	if len(c.resources) >= maxShared {
		clear(c.resources)
	}
	r := []otlp.KeyValue{otlp.String("service.name", c.services.text(service))}
	if c.instance {
		r = append(r, otlp.String("service.instance.id", c.ids.text(id)))
	}
	r = append(r, otlp.String("container.id", c.ids.text(id)))
	c.resources[key] = r
	return r
}

// count adds what did not fit, once, for the first of the streams that share c.
func (c *containers) count(by stream, skipped map[string]int64) {
	if c.counted == nil {
		c.counted = by
	}
	if c.counted == by {
		skipped["name_cap"] += c.services.cut + c.ids.cut
	}
}

// usageColumns are service, container, time, CPU and memory in 2021's and 2022's
// spellings, and those of 2021's documentation.
func usageColumns() []files.Column {
	return []files.Column{
		{Names: []string{"msname"}}, {Names: []string{"msinstanceid"}}, {Names: []string{"timestamp"}},
		{Names: []string{"instance_cpu_usage", "cpu_utilization"}}, {Names: []string{"instance_memory_usage", "memory_utilization"}},
	}
}

const noValue = "no_value" // neither CPU nor memory is there

// readUsage packs rows as service, container, CPU, memory; what is missing is NaN.
func readUsage(pods *containers) readFile {
	var packed []byte
	return func(ctx context.Context, f *files.File, t *table, add func(int64, []byte) error) error {
		return each(ctx, f, t, usageColumns(), func(rows *files.Rows, fields [][]byte) error {
			at, ok := parseMillis(fields[2])
			if !ok {
				rows.Bad("timestamp", fields[2])
				return nil
			}
			service, id := pods.services.get(fields[0]), pods.ids.get(fields[1])
			if service == unknown || id == unknown {
				rows.Bad("msname or msinstanceid", append(append([]byte(nil), fields[0]...), fields[1]...))
				return nil
			}
			cpu, memory := share(fields[3], 1), share(fields[4], 1)
			if math.IsNaN(cpu) && math.IsNaN(memory) {
				rows.Skip(noValue, "neither a CPU nor a memory reading from 0 up")
				return nil
			}
			packed = packUsage(packed[:0], service, id, cpu, memory)
			return add(at, packed)
		})
	}
}

// share reads a utilisation of which whole is all; NaN if it is missing or no
// utilisation.
func share(field []byte, whole float64) float64 {
	v, ok := parseNumber(field)
	if !ok || v < 0 || v > 1e6 {
		return math.NaN()
	}
	return v / whole
}

func packUsage(dst []byte, service, id name, cpu, memory float64) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(service))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(id))
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(cpu))
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(memory))
}

// next implements stream.
func (u *usageStream) next(ctx context.Context) (replay.Item, error) {
	key, b, err := u.table.Next(ctx)
	if err != nil {
		return replay.Item{}, err
	}
	at := u.opts.nanos(key)
	service, id := name(binary.LittleEndian.Uint32(b)), name(binary.LittleEndian.Uint32(b[4:]))
	m := &otlp.ResourceMetrics{Resource: u.pods.resource(service, id)}
	gauge := func(metric string, bits uint64) {
		if v := math.Float64frombits(bits); !math.IsNaN(v) {
			m.Metrics = append(m.Metrics, otlp.Metric{Name: metric, Unit: "1", Type: otlp.Gauge, Points: []otlp.Point{{Time: at, Value: v}}})
		}
	}
	gauge("container.cpu.utilization", binary.LittleEndian.Uint64(b[8:]))
	gauge("container.memory.utilization", binary.LittleEndian.Uint64(b[16:]))
	return replay.Item{At: at, Metrics: m}, nil
}

func (u *usageStream) tables() []*table { return []*table{u.table} }

func (u *usageStream) count(skipped map[string]int64) {
	skipped[files.LateRow] += u.table.merger.Late()
	u.pods.count(u, skipped)
}

func (u *usageStream) span(ctx context.Context) (first, last int64, err error) {
	return u.table.ends(ctx, func(key int64, _ []byte) int64 { return u.opts.nanos(key) })
}
