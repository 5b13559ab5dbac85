package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"presage/internal/kafka"
	"presage/sink"
	"presage/windower/stage"
)

// described collects what is registered, by name, with its labels.
type described map[string][]string

var description = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)

func (d described) Register(c prometheus.Collector) error {
	ch := make(chan *prometheus.Desc)
	go func() {
		defer close(ch)
		c.Describe(ch)
	}()
	for desc := range ch {
		m := description.FindStringSubmatch(desc.String())
		// What the scrape adds, and what a histogram's buckets have.
		d[m[1]] = append(strings.Split(m[2], ","), "job", "instance", "le")
	}
	return nil
}

func (d described) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		_ = d.Register(c)
	}
}

func (described) Unregister(prometheus.Collector) bool { return false }

// registered is what a process of Presage registers, as cmd/presage joins it.
func registered(t *testing.T) described {
	t.Helper()
	d := described{"up": {"job", "instance"}}
	d.MustRegister(new(kafka.Client), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if _, err := stage.NewMetrics(d); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.NewMetrics(d, 0); err != nil {
		t.Fatal(err)
	}
	if len(d) < 40 {
		t.Fatalf("only %d metrics are known", len(d))
	}
	return d
}

// labelsOf gives the labels of a series' metric.
func (d described) labelsOf(name string) ([]string, bool) {
	if l, ok := d[name]; ok {
		return l, true
	}
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if whole, cut := strings.CutSuffix(name, part); cut {
			if l, ok := d[whole]; ok {
				return l, true
			}
		}
	}
	return nil, false
}

// check parses a query as Prometheus does and compares the metrics and labels that it asks for with those that there are.
func (d described) check(t *testing.T, where, query string) {
	t.Helper()
	expr, err := parser.ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v in %s", where, err, query)
		return
	}
	known := map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		there, ok := d.labelsOf(selector.Name)
		if !ok {
			t.Errorf("%s asks for %s, which Presage does not register", where, selector.Name)
			return nil
		}
		for _, l := range there {
			known[l] = true
		}
		for _, m := range selector.LabelMatchers {
			if m.Name != labels.MetricName && !slices.Contains(there, m.Name) {
				t.Errorf("%s asks for the label %s of %s, which has %v", where, m.Name, selector.Name, there)
			}
		}
		return nil
	})
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		var by []string
		switch n := node.(type) {
		case *parser.AggregateExpr:
			by = n.Grouping
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				by = n.VectorMatching.MatchingLabels
			}
		}
		for _, l := range by {
			if !known[l] {
				t.Errorf("%s groups by %s, which none of its metrics has", where, l)
			}
		}
		return nil
	})
}
