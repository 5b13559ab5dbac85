package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// What of Prometheus' configuration is used here. Any other key is an error.
type scrapeFile struct {
	Global struct {
		ScrapeInterval     string `json:"scrape_interval"`
		EvaluationInterval string `json:"evaluation_interval"`
	} `json:"global"`
	RuleFiles     []string `json:"rule_files"`
	ScrapeConfigs []struct {
		JobName       string `json:"job_name"`
		StaticConfigs []struct {
			Targets []string `json:"targets"`
		} `json:"static_configs"`
	} `json:"scrape_configs"`
}

type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

type ruleFile struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []rule `json:"rules"`
	} `json:"groups"`
}

func strict(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

func alerts(t *testing.T) []rule {
	t.Helper()
	var file ruleFile
	strict(t, read(t, "deploy/prometheus/alerts.yml"), &file)
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func TestPrometheusFile(t *testing.T) {
	var file scrapeFile
	strict(t, read(t, "deploy/prometheus/prometheus.yml"), &file)
	for _, name := range file.RuleFiles {
		read(t, "deploy/prometheus", name)
	}
	if len(file.ScrapeConfigs) != 1 || len(file.ScrapeConfigs[0].StaticConfigs) != 1 {
		t.Fatalf("expected one job with one list of targets, found %+v", file.ScrapeConfigs)
	}
	for _, interval := range []string{file.Global.ScrapeInterval, file.Global.EvaluationInterval} {
		if d, err := time.ParseDuration(interval); err != nil || d <= 0 {
			t.Errorf("interval %q: %v", interval, err)
		}
	}
	if job := file.ScrapeConfigs[0].JobName; !strings.Contains(alerts(t)[0].Expr, `job="`+job+`"`) {
		t.Errorf("%s does not look at the job %s", alerts(t)[0].Alert, job)
	}
}

// Who is woken by an alert finds what to do about it, and nothing is written of alerts that are gone.
func TestAlertsAreExplained(t *testing.T) {
	var want, got []string
	for _, r := range alerts(t) {
		want = append(want, r.Alert)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(Presage\\w+)` \\| .+ \\| .+ \\|$").FindAllStringSubmatch(read(t, "docs/operations.md"), -1) {
		got = append(got, row[1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("docs/operations.md explains %v, there are %v", got, want)
	}
}

var templated = regexp.MustCompile(`\$labels\.(\w+)`)

func TestAlerts(t *testing.T) {
	known := registered(t)
	var names []string
	for _, r := range alerts(t) {
		names = append(names, r.Alert)
		known.check(t, r.Alert, r.Expr)
		if d, err := time.ParseDuration(r.For); r.For != "" && (err != nil || d <= 0) {
			t.Errorf("%s: for %q", r.Alert, r.For)
		}
		if s := r.Labels["severity"]; s != "warning" && s != "critical" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		for _, key := range []string{"summary", "description"} {
			if r.Annotations[key] == "" {
				t.Errorf("%s has no %s", r.Alert, key)
			}
		}
		// A label that an aggregation has dropped would be an empty place in the text.
		if by := regexp.MustCompile(`^\(?\s*sum by \(([^)]*)\)`).FindStringSubmatch(strings.TrimSpace(r.Expr)); by != nil {
			for _, m := range templated.FindAllStringSubmatch(r.Annotations["summary"]+r.Annotations["description"], -1) {
				if !slices.Contains(strings.Split(by[1], ", "), m[1]) {
					t.Errorf("%s speaks of the label %s, which its expression has not", r.Alert, m[1])
				}
			}
		}
	}
	for _, want := range []string{"PresageDown", "PresageLagGrows", "PresageSlicesStop", "PresageForecastsStop", "PresageEventsLost", "PresageDeadLetters", "PresageCoverageOff", "PresageNetworkWorse"} {
		if !slices.Contains(names, want) {
			t.Errorf("no alert %s", want)
		}
	}
}
