package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "presage.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The example shows the defaults, so both must say the same.
func TestExampleIsTheDefault(t *testing.T) {
	got, err := Load("../../presage.example.yaml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	g := DefaultGraph()
	g.Name, g.Spans, g.Metrics = "shop", []string{"otlp_spans"}, []string{"otlp_metrics"}
	g.TombstoneTTL = g.Lateness
	want.Graphs = []Graph{g}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("example gives\n%+v\nwant\n%+v", got, want)
	}
}

func TestPrecedence(t *testing.T) {
	path := write(t, "graphs: [{name: a, spans: [s], slice: 30s, lateness: 7s}]\nstate: /from/file\nhttp: 127.0.0.1:1\n")
	environ := []string{"PRESAGE_STATE=/from/variable", "PRESAGE_HTTP=127.0.0.1:2", "OTHER=x"}
	c, err := Load(path, environ, map[string]string{"http": "127.0.0.1:3"})
	if err != nil {
		t.Fatal(err)
	}
	if c.State != "/from/variable" || c.HTTP.Address != "127.0.0.1:3" {
		t.Errorf("state %q, http %+v", c.State, c.HTTP)
	}
	g := c.Graphs[0]
	if g.Slice.Std() != 30*time.Second || g.TombstoneTTL.Std() != 7*time.Second || g.MaxServices != 20000 {
		t.Errorf("graph %+v", g)
	}
}

func TestFlagsAloneMakeAGraph(t *testing.T) {
	c, err := Load("", nil, map[string]string{"brokers": "a:1,b:2", "slice": "10s"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Graphs) != 1 || c.Graphs[0].Name != "default" || c.Graphs[0].Slice.Std() != 10*time.Second {
		t.Errorf("graphs %+v", c.Graphs)
	}
}

func TestErrorsNameWhereAndWhat(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "state: x\nstat: y\n", `line 2: unknown key "stat" (known here: graphs, http`},
		{"unknown graph key", "graphs:\n  - name: a\n    span: [s]\n", `line 3: unknown key "span" (known here: clock, dedupe_spans, idle_timeout`},
		{"unknown model key", "model:\n  inptu: 3\n", `line 2: unknown key "inptu"`},
		{"bad duration", "graphs: [{name: a, spans: [s], slice: 60}]\n", "60"},
		{"no graph", "state: x\n", "graphs: expected at least one graph"},
		{"bad name", "graphs: [{name: 'A B', spans: [s]}]\n", "graphs[0].name"},
		{"shared topic", "graphs: [{name: a, spans: [s]}, {name: b, spans: [s]}]\n", `topic "s" already belongs to graph "a"`},
		{"a re-keyed topic taken", "graphs: [{name: a, spans: [s], rekey: true}, {name: b, spans: [s.by_trace]}]\n", `topic "s.by_trace" already belongs to graph "a"`},
		{"nothing to re-key", "graphs: [{name: a, metrics: [m], rekey: true}]\n", "graphs[0].rekey: expected a topic in spans"},
		{"a compacted copy", "graphs: [{name: a, spans: [s]}]\ntopics: {settings: {rekeyed: {cleanup_policy: compact}}}\n", "topics.settings.rekeyed.cleanup_policy: expected delete, found"},
		{"two documents", "state: x\n---\nstate: y\n", "one YAML document"},
		{"not YAML", "graphs: [", "line"},
		{"level", "graphs: [{name: a, spans: [s]}]\nlog: loud\n", "log: expected debug"},
		{"lost offset", "graphs: [{name: a, spans: [s], on_lost_offset: newest}]\n", "graphs[0].on_lost_offset: expected earliest, latest or stop"},
		{"unknown topic setting", "topics:\n  settings:\n    slices: {retain: 1h}\n", `line 3: unknown key "retain" (known here: cleanup_policy, min_insync_replicas`},
		{"compacted slices", "graphs: [{name: a, spans: [s]}]\ntopics: {settings: {slices: {cleanup_policy: compact}}}\n", "topics.settings.slices.cleanup_policy: expected delete, found"},
		{"retention", "graphs: [{name: a, spans: [s]}]\ntopics: {settings: {slices: {retention: long}}}\n", `such as 6h, 30d or forever`},
		{"no partition", "graphs: [{name: a, spans: [s]}]\ntopics: {settings: {partials: {partitions: 0}}}\n", "topics.settings.partials.partitions: expected at least 1"},
		{"in sync", "graphs: [{name: a, spans: [s]}]\ntopics: {settings: {slices: {min_insync_replicas: 2}}}\n", "expected at most the 1 replicas"},
		{"one topic twice", "graphs: [{name: a, spans: [s]}]\ntopics: {slices: x, partials: x}\n", "topics.slices: expected a name of its own"},
		{"small messages", "graphs: [{name: a, spans: [s]}]\ntopics: {max_message_bytes: 1000}\n", "topics.max_message_bytes"},
		{"http key", "http: {adres5: 'a:1'}\n", `line 1: unknown key "adres5" (known here: address, tls, token_file)`},
		{"http tls key", "http:\n  tls:\n    cert: x\n", `line 3: unknown key "cert" (known here: cert_file, client_ca_file, key_file)`},
		{"http address", "graphs: [{name: a, spans: [s]}]\nhttp: nowhere\n", "http: expected an address"},
		{"http key alone", "graphs: [{name: a, spans: [s]}]\nhttp: {tls: {cert_file: x}}\n", "http.tls: cert_file and key_file go together"},
		{"http client authority alone", "graphs: [{name: a, spans: [s]}]\nhttp: {tls: {client_ca_file: x}}\n", "http.tls: client_ca_file needs"},
		{"http as a list", "http: [a]\n", "line 1"},
		{"session", "kafka: {session_timeout: 10ms}\ngraphs: [{name: a, spans: [s]}]\n", "kafka.session_timeout: expected 1s to 30m, found 10ms"},
		{"target", "graphs: [{name: a, spans: [s]}]\nmodel: {target: p42}\n", "model.target"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.text)
			_, err := Load(path, nil, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q, want it to name %q and the file", err, tt.want)
			}
		})
	}
}

// What only talks to Kafka needs no graph, with a file or without, and is told of
// what is wrong with the rest.
func TestClientNeedsNoGraph(t *testing.T) {
	path := write(t, "kafka: {brokers: ['a:1']}\n")
	for _, file := range []string{"", path} {
		if _, err := LoadClient(file, nil, nil); err != nil {
			t.Errorf("file %q: %v", file, err)
		}
		if _, err := LoadClient(file, nil, map[string]string{"brokers": "nowhere"}); err == nil || !strings.Contains(err.Error(), "kafka.brokers") {
			t.Errorf("file %q, bad brokers: %v", file, err)
		}
	}
	if _, err := Load(path, nil, nil); err == nil || !strings.Contains(err.Error(), "graphs") {
		t.Errorf("run without a graph: %v", err)
	}
}

func TestBadOverride(t *testing.T) {
	_, err := Load("", []string{"PRESAGE_SLICE=soon"}, nil)
	if err == nil || !strings.Contains(err.Error(), "PRESAGE_SLICE") {
		t.Errorf("error %v", err)
	}
	_, err = Load("", nil, map[string]string{"retrain_every": "x"})
	if err == nil || !strings.Contains(err.Error(), "retrain-every") {
		t.Errorf("error %v", err)
	}
}

func TestSettingsAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Settings() {
		if seen[s.Flag()] || s.Usage == "" {
			t.Errorf("setting %q is there twice or has no usage", s.Key)
		}
		seen[s.Flag()] = true
	}
}

func TestRetention(t *testing.T) {
	tests := []struct {
		text  string
		want  Retention
		again string
	}{
		{"", 0, ""}, {"forever", Forever, "forever"}, {"6h", Retention(6 * time.Hour), "6h0m0s"}, {"30d", Retention(30 * day), "30d"}, {"48h", Retention(2 * day), "2d"},
	}
	for _, test := range tests {
		var r Retention
		if err := r.UnmarshalText([]byte(test.text)); err != nil || r != test.want || r.String() != test.again {
			t.Errorf("%q is %v (%q), error %v", test.text, r, r, err)
		}
	}
	for _, text := range []string{"d", "0s", "-1h", "x", "0d", "-1"} {
		if err := new(Retention).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// What a topic's settings leave out is the default, and the older keys keep working.
func TestTopicSettings(t *testing.T) {
	path := write(t, "graphs: [{name: a, spans: [s]}]\ntopics: {replication: 3, forecast_partitions: 8, settings: {slices: {retention: 90d, min_insync_replicas: 2}, forecasts: {cleanup_policy: 'compact,delete'}}}\n")
	c, err := Load(path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultTopics()
	want.Replication, want.ForecastPartitions = 3, 8
	want.Settings.Slices.Retention, want.Settings.Slices.MinInsyncReplicas = Retention(90*day), 2
	want.Settings.Forecasts.CleanupPolicy = "compact,delete"
	if !reflect.DeepEqual(c.Topics, want) {
		t.Errorf("topics\n%+v\nwant\n%+v", c.Topics, want)
	}
}

// http is an address, or a mapping that starts from the default one; variables and flags set the address.
func TestHTTPForms(t *testing.T) {
	const graph = "graphs: [{name: a, spans: [s]}]\n"
	tls := HTTPTLS{CertFile: "c", KeyFile: "k", ClientCAFile: "a"}
	tests := []struct {
		name, text string
		flags      map[string]string
		want       HTTP
		printed    string
	}{
		{"left out", "", nil, HTTP{Address: "127.0.0.1:8088"}, "http: 127.0.0.1:8088\n"},
		{"address", "http: ':9'\n", nil, HTTP{Address: ":9"}, "http: :9\n"},
		{"nothing", "http: ''\n", nil, HTTP{}, "http: \"\"\n"},
		{"mapping", "http: {address: 'h:9', token_file: t, tls: {cert_file: c, key_file: k, client_ca_file: a}}\n", nil,
			HTTP{Address: "h:9", TokenFile: "t", TLS: tls}, "http:\n    address: h:9\n    token_file: t\n"},
		{"mapping without an address", "http: {token_file: t}\n", nil, HTTP{Address: "127.0.0.1:8088", TokenFile: "t"}, "http:\n    address: 127.0.0.1:8088\n"},
		{"flag over a mapping", "http: {token_file: t}\n", map[string]string{"http": "h:1"}, HTTP{Address: "h:1", TokenFile: "t"}, "http:\n    address: h:1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Load(write(t, graph+tt.text), nil, tt.flags)
			if err != nil || c.HTTP != tt.want {
				t.Fatalf("%v, %+v, want %+v", err, c.HTTP, tt.want)
			}
			out, err := yaml.Marshal(c)
			if err != nil || !strings.Contains(string(out), tt.printed) {
				t.Errorf("%v, %q is not printed:\n%s", err, tt.printed, out)
			}
			again, err := Load(write(t, string(out)), nil, nil)
			if err != nil || again.HTTP != tt.want {
				t.Errorf("what is printed is read as %+v, %v", again.HTTP, err)
			}
		})
	}
}
