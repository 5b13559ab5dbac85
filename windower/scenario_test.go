package windower

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestScenarios runs the scripts in testdata: blocks of commands, "----", and
// what they lead to. Times are whole seconds; ids are small numbers.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario{
		t: t, partitions: map[string]*Partition{}, commits: map[string]Commit{}, configs: map[string]PartitionConfig{},
		offsets: map[string]int64{},
	}
	var rewritten strings.Builder
	blocks := strings.Split(strings.TrimRight(string(data), "\n"), "\n\n")
	for i, block := range blocks {
		input, want, found := strings.Cut(block, "\n----\n")
		s.out.Reset()
		s.words = nil
		for _, line := range strings.Split(strings.TrimSuffix(input, "\n----"), "\n") {
			s.line(line)
		}
		s.flush()
		got := strings.TrimRight(s.out.String(), "\n")
		if i > 0 {
			rewritten.WriteString("\n\n")
		}
		rewritten.WriteString(strings.TrimSuffix(input, "\n----"))
		if found || got != "" {
			rewritten.WriteString("\n----\n" + got)
		}
		if !*update && got != want {
			t.Errorf("%s: %s\n got:\n%s\nwant:\n%s", file, strings.SplitN(input, "\n", 2)[0], got, want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(rewritten.String()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type scenario struct {
	t          *testing.T
	partitions map[string]*Partition
	configs    map[string]PartitionConfig
	commits    map[string]Commit
	offsets    map[string]int64
	assembler  *Assembler
	log        int64 // next offset of the partials
	out        strings.Builder

	words []string      // of the record that is being read
	batch *ingest.Batch // its spans
}

const second = 1_000_000_000

// args are the words of a line: name=value, or flags.
type args map[string]string

func parseArgs(words []string) args {
	a := args{}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		a[name] = value
	}
	return a
}

func (a args) has(name string) bool { _, ok := a[name]; return ok }

func (a args) int(name string) int64 {
	n, _ := strconv.ParseInt(a[name], 10, 64)
	return n
}

func (a args) list(name string) []string {
	if a[name] == "" {
		return nil
	}
	return strings.Split(a[name], ",")
}

func (s *scenario) line(line string) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return
	}
	a := parseArgs(words[1:])
	if strings.HasPrefix(line, " ") {
		s.event(words[0], a)
		return
	}
	s.flush()
	switch words[0] {
	case "partition":
		topic, n, _ := strings.Cut(words[1], "/")
		partition, _ := strconv.Atoi(n)
		s.configs[words[1]] = PartitionConfig{
			Graph: "g", Width: a.int("width") * second, Lateness: a.int("lateness") * second, TombstoneTTL: a.int("ttl") * second,
			Source: slice.Source{Topic: topic, Partition: partition}, Partitions: int(a.int("of")), MaxHalvesPerSlice: int(a.int("halves")), MaxRowsPerSlice: int(a.int("rows")),
		}
		s.partitions[words[1]] = mustPartition(s.t, s.configs[words[1]])
	case "assembler":
		s.assembler = mustAssembler(s.t, AssemblerConfig{
			Graph: "g", Width: a.int("width") * second, SpanTopics: a.list("spans"), MetricTopics: a.list("metrics"),
			NodeSource: NodeSource(a.int("source")), MaxServices: int(a.int("services")), MaxEdges: int(a.int("edges")),
		})
	case "record":
		s.words = words
		s.batch = &ingest.Batch{Time: a.int("at") * second, Watermark: a.int("watermark") * second, Final: a.has("final")}
	case "advance":
		s.advance(words[1], a.int("to")*second)
	case "commit":
		first := int64(AllAcknowledged)
		if a.has("unacknowledged") {
			first = a.int("unacknowledged")
		}
		c := s.partitions[words[1]].Commit(first)
		s.commits[words[1]] = c
		if a.has("keep") {
			s.commits[words[1]+" old"] = c
		}
		r, err := ParseCommit(c)
		if err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&s.out, "commit %s offset=%d high=%s first=%d reached=%d advances=%d\n",
			words[1], c.Offset, at(r.high), r.first, r.reached, len(r.advances))
	case "restart":
		c := s.commits[strings.Join(words[1:], " ")]
		s.partitions[words[1]] = restored(s.t, s.configs[words[1]], &c)
		s.offsets[words[1]] = c.Offset
	case "grow": // the topic has more partitions, and the machine knows
		s.partitions[words[1]].cfg.Partitions = int(a.int("of"))
	case "expire":
		s.assembled(s.assembler.Expire(a.int("slice")))
	case "waive":
		s.assembled(s.assembler.WaiveMetrics(a.int("slice")))
	case "empty":
		if q, ok := s.partitions[words[1]].AnnounceEmpty(); ok {
			s.assemble(q)
		}
	default:
		s.t.Fatalf("unknown command %q", line)
	}
}

// at prints a time in seconds.
func at(ns int64) string {
	switch ns {
	case never:
		return "never"
	case ended:
		return "end"
	}
	return strconv.FormatFloat(float64(ns)/second, 'g', -1, 64)
}

var kinds = map[string]ingest.Kind{
	"internal": ingest.KindInternal, "server": ingest.KindServer, "client": ingest.KindClient,
	"producer": ingest.KindProducer, "consumer": ingest.KindConsumer,
}

var metrics = map[string]ingest.Metric{
	"cpu": ingest.MetricCPUUsage, "cputime": ingest.MetricCPUTime, "memory": ingest.MetricMemory, "duration": ingest.MetricServerDuration,
}

// event adds a span or a sample to the record that is being read.
func (s *scenario) event(what string, a args) {
	if kind, ok := kinds[what]; ok {
		s.batch.Spans = append(s.batch.Spans, ingest.Span{
			TraceID: ingest.TraceID{byte(a.int("trace"))}, SpanID: ingest.SpanID{byte(a.int("id"))}, ParentID: ingest.SpanID{byte(a.int("parent"))},
			Kind: kind, Error: a.has("error"), PeerKind: ingest.PeerKind(a.int("peerkind")), Service: a["service"], Peer: a["peer"],
			Keys: a.list("keys"), Start: a.int("start") * second, End: a.int("end") * second, Adjusted: uint32(a.int("stands") * ingest.FullCount),
		})
		return
	}
	metric, ok := metrics[what]
	if !ok {
		s.t.Fatalf("unknown event %q", what)
	}
	s.batch.Samples = append(s.batch.Samples, ingest.Sample{
		Metric: metric, Cumulative: a.has("cumulative"), Service: a["service"], Keys: a.list("keys"), Start: a.int("start") * second,
		Time: a.int("time") * second, Value: a.int("value") * 1e6, Count: a.int("count"), Sum: a.int("sum") * second,
	})
}

// flush applies the record that was read.
func (s *scenario) flush() {
	if s.batch == nil {
		return
	}
	name := s.words[1]
	s.batch.Offset = s.offsets[name]
	s.offsets[name]++
	out := s.partitions[name].Apply(s.batch)
	s.batch = nil
	s.output(name, out)
}

func (s *scenario) advance(name string, to int64) {
	p := s.partitions[name]
	s.output(name, p.AtEnd())
	c, ok := p.PlanAdvance(AllAcknowledged, to)
	if !ok {
		fmt.Fprintf(&s.out, "no advance\n")
		return
	}
	s.commits[name] = c
	s.output(name, p.Advance())
}

func (s *scenario) output(name string, out Output) {
	for _, l := range out.Losses {
		fmt.Fprintf(&s.out, "lost %s %s %d\n", l.Reason, l.Service, l.Count)
	}
	for _, p := range out.Partials {
		if s.assembler == nil {
			s.partial(p)
			continue
		}
		s.assemble(p)
	}
	if s.assembler != nil {
		if q, ok := s.partitions[name].WatermarkOnly(); ok {
			s.assemble(q)
		}
	}
}

func (s *scenario) partial(p *slice.Partial) {
	fmt.Fprintf(&s.out, "partial %d watermark=%s\n", p.Index, at(p.Watermark))
	for _, n := range p.Nodes {
		fmt.Fprintf(&s.out, "  node %s spans=%d requests=%d errors=%d arrivals=%d unpaired=%d seconds=%g\n",
			n.Service, n.Spans, n.Requests/256, n.Errors/256, n.Arrivals/256, n.Unpaired, n.Duration.Float()/256/second)
	}
	for _, e := range p.Edges {
		fmt.Fprintf(&s.out, "  edge %s -> %s %s calls=%d errors=%d seconds=%g\n",
			e.Caller, e.Callee, kindName(e.Kind), e.Calls/256, e.Errors/256, e.Duration.Float()/256/second)
	}
	for _, g := range p.Sightings {
		fmt.Fprintf(&s.out, "  sighting %s %s\n", g.Key, g.Service)
	}
}

func kindName(k slice.EdgeKind) string {
	return [...]string{"call", "queue", "database", "virtual"}[k]
}

func (s *scenario) assemble(p *slice.Partial) {
	s.assembled(s.assembler.Add(s.log, p, 0, 1))
	s.log++
}

func (s *scenario) assembled(out Assembled) {
	for _, l := range out.Losses {
		fmt.Fprintf(&s.out, "lost %s %d\n", l.Reason, l.Count)
	}
	for _, sn := range out.Snapshots {
		if err := sn.Check(); err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&s.out, "snapshot %d.%d segment=%d", sn.Index, sn.Revision, sn.Segment)
		if !sn.Complete {
			s.out.WriteString(" incomplete")
		}
		if len(sn.Missing) > 0 {
			fmt.Fprintf(&s.out, " missing=%s", strings.Join(sn.Missing, ","))
		}
		s.out.WriteString("\n")
		s.nodes(sn)
	}
}

func (s *scenario) nodes(sn *slice.Snapshot) {
	n := &sn.Nodes
	for i, service := range n.Service {
		fmt.Fprintf(&s.out, "  %s", service)
		if n.Virtual[i] {
			s.out.WriteString(" virtual")
		}
		for _, c := range []struct {
			name string
			col  *slice.Column
		}{
			{"requests", &n.Requests}, {"errors", &n.Errors}, {"arrivals", &n.Arrivals}, {"mean", &n.Mean}, {"cpu", &n.CPU},
			{"memory", &n.Memory}, {"replicas", &n.Replicas}, {"unpaired", &n.Unpaired},
		} {
			if v, ok := c.col.At(i); ok {
				fmt.Fprintf(&s.out, " %s=%.6g", c.name, v)
			}
		}
		first, end := sn.Edges.Of(i)
		for k := first; k < end; k++ {
			fmt.Fprintf(&s.out, " [%s %s calls=%g]", kindName(slice.EdgeKind(sn.Edges.Kind[k])), n.Service[sn.Edges.Callee[k]], sn.Edges.Calls[k])
		}
		s.out.WriteString("\n")
	}
}
