package deploy

import (
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	queries "github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// What of a dashboard is looked at.
type dashboard struct {
	UID        string `json:"uid"`
	Templating struct {
		List []struct {
			Name  string          `json:"name"`
			Type  string          `json:"type"`
			Query json.RawMessage `json:"query"`
		} `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID      int    `json:"id"`
		Title   string `json:"title"`
		Type    string `json:"type"`
		Repeat  string `json:"repeat"`
		GridPos struct {
			X, Y, W, H int
		} `json:"gridPos"`
		Targets []struct {
			RefID string `json:"refId"`
			Expr  string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

func presageDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/dashboards/presage.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// classic is the kind of file that a folder of provisioned dashboards holds.
type classic = grafana.Dashboard //nolint:staticcheck // deprecated for a second schema; Grafana 12 reads this one from files

// The dashboard is decoded strictly into Grafana's own types, with those of the panels and queries that it has: what Grafana does not
// know, or knows as another kind of value, is an error. What is left out has its default.
func TestDashboardIsGrafanas(t *testing.T) {
	runtime := cog.NewRuntime()
	for _, panel := range []variants.PanelcfgConfig{stat.VariantConfig(), timeseries.VariantConfig(), bargauge.VariantConfig()} {
		runtime.RegisterPanelcfgVariant(panel)
	}
	runtime.RegisterDataqueryVariant(queries.VariantConfig())
	text := read(t, "deploy/grafana/dashboards/presage.json")
	var d classic
	err := d.UnmarshalJSONStrict([]byte(text))
	var all cog.BuildErrors
	if err != nil && !errors.As(err, &all) {
		t.Fatal(err)
	}
	for _, e := range all {
		if !strings.Contains(e.Error(), "required field is missing") {
			t.Error(e)
		}
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	// That the types are looked at all the same.
	for _, wrong := range []string{
		strings.Replace(text, `"reduceOptions"`, `"reduceOption"`, 1),
		strings.Replace(text, `"showPoints"`, `"showPoint"`, 1),
		strings.Replace(text, `"legendFormat"`, `"legend"`, 1),
		strings.Replace(text, `"gridPos"`, `"grid"`, 1),
	} {
		if err := new(classic).UnmarshalJSONStrict([]byte(wrong)); wrong == text || err == nil || !strings.Contains(err.Error(), "unexpected") {
			t.Errorf("a wrong key is not seen: %v", err)
		}
	}
}

// What Grafana itself knows, with values as it would put them.
var builtIn = map[string]string{"__rate_interval": "1m"}

var variable = regexp.MustCompile(`\$(\w+)`)

// Every query is PromQL once the variables have values, and asks for what Presage registers.
func TestDashboardQueries(t *testing.T) {
	d := presageDashboard(t)
	known := registered(t)
	values := map[string]string{}
	for name, v := range builtIn {
		values[name] = v
	}
	for _, v := range d.Templating.List {
		values[v.Name] = "1m" // where a duration is wanted; within quotes it does not matter
		if v.Type != "query" {
			continue
		}
		var q struct{ Query string }
		if err := json.Unmarshal(v.Query, &q); err != nil {
			t.Fatalf("variable %s: %v", v.Name, err)
		}
		inner, ok := strings.CutPrefix(q.Query, "label_values(")
		at := strings.LastIndex(inner, ", ")
		if !ok || at < 0 {
			t.Fatalf("variable %s: expected label_values(query, label), found %q", v.Name, q.Query)
		}
		selector, label := inner[:at], strings.TrimSuffix(inner[at+2:], ")")
		known.check(t, "variable "+v.Name, "sum by ("+label+") ("+selector+")")
	}
	for _, p := range d.Panels {
		where := "panel " + p.Title
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s asks for nothing", where)
		}
		if _, ok := values[p.Repeat]; p.Repeat != "" && !ok {
			t.Errorf("%s repeats %s, which is no variable", where, p.Repeat)
		}
		for _, target := range p.Targets {
			query := variable.ReplaceAllStringFunc(target.Expr, func(name string) string {
				v, ok := values[name[1:]]
				if !ok {
					t.Errorf("%s: no variable %s", where, name)
				}
				return v
			})
			known.check(t, where, query)
		}
	}
}

func TestDashboardShowsWhatOperatorsNeed(t *testing.T) {
	var all strings.Builder
	for _, p := range presageDashboard(t).Panels {
		for _, target := range p.Targets {
			all.WriteString(target.Expr + "\n")
		}
	}
	for _, metric := range []string{
		"presage_forecast_yhat{", "presage_forecast_yhat_lower", "presage_forecast_yhat_upper", "presage_observed",
		"presage_network_absolute_error_total", "presage_persistence_absolute_error_total", "presage_forecasts_covered_total",
		"presage_lag_records", "presage_watermark_seconds", "presage_events_lost_total", "presage_dead_letters_total",
		"presage_slices_written_total", "presage_kafka_retries_total", "presage_kafka_rebalances_total",
	} {
		if !strings.Contains(all.String(), metric) {
			t.Errorf("nothing shows %s", metric)
		}
	}
}

func TestDashboardLayout(t *testing.T) {
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range presageDashboard(t).Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the number %d", p.ID)
		}
		ids[p.ID] = true
		at := p.GridPos
		if at.W < 1 || at.H < 1 || at.X+at.W > 24 {
			t.Errorf("panel %s does not fit: %+v", p.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("panels %s and %s overlap", other, p.Title)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

type sourceFile struct {
	APIVersion  int `json:"apiVersion"`
	Datasources []struct {
		Name, UID, Type, Access, URL string
		IsDefault, Editable          bool
		JSONData                     map[string]string
	} `json:"datasources"`
}

type providerFile struct {
	APIVersion int `json:"apiVersion"`
	Providers  []struct {
		Name, Type     string
		AllowUIUpdates bool `json:"allowUiUpdates"`
		Options        struct{ Path string }
	} `json:"providers"`
}

// What is provisioned fits compose.yaml: Prometheus' address, the dashboards' folder, the first page.
func TestGrafanaProvisioning(t *testing.T) {
	p := project(t, nil)
	var sources sourceFile
	strict(t, read(t, "deploy/grafana/provisioning/datasources/prometheus.yaml"), &sources)
	s := sources.Datasources[0]
	if s.Type != "prometheus" || s.Access != "proxy" || s.URL != "http://prometheus:"+p.Services["prometheus"].Ports[0].Published {
		t.Errorf("data source %+v", s)
	}
	var scrapes scrapeFile
	strict(t, read(t, "deploy/prometheus/prometheus.yml"), &scrapes)
	if s.JSONData["timeInterval"] != scrapes.Global.ScrapeInterval {
		t.Errorf("the data source's interval is %s, Prometheus reads every %s", s.JSONData["timeInterval"], scrapes.Global.ScrapeInterval)
	}
	var providers providerFile
	strict(t, read(t, "deploy/grafana/provisioning/dashboards/presage.yaml"), &providers)
	folder := providers.Providers[0].Options.Path
	var mounted []string
	for _, v := range p.Services["grafana"].Volumes {
		mounted = append(mounted, v.Target)
	}
	if !slices.Contains(mounted, folder) {
		t.Errorf("dashboards are looked for in %s, mounted are %v", folder, mounted)
	}
	if home := *p.Services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; home != path.Join(folder, "presage.json") {
		t.Errorf("the first page is %s", home)
	}
}
