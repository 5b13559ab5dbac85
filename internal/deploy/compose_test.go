package deploy

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"presage/internal/config"
)

const root = "../.."

// jobs are services that listen on nothing: whether they work shows in their exit code.
var jobs = []string{"topics", "replay"}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func project(t *testing.T, environment types.Mapping) *types.Project {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if environment == nil {
		environment = types.Mapping{}
	}
	p, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: dir, Environment: environment,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeServices(t *testing.T) {
	p := project(t, nil)
	for _, want := range []string{"kafka", "presage", "replay", "prometheus", "grafana"} {
		if _, ok := p.Services[want]; !ok {
			t.Errorf("no service %s", want)
		}
	}
	for name, s := range p.Services {
		if _, tag, _ := strings.Cut(s.Image, ":"); tag == "" || tag == "latest" {
			t.Errorf("%s: expected an image with a version, found %q", name, s.Image)
		}
		checked := s.HealthCheck != nil && !s.HealthCheck.Disable
		if checked == slices.Contains(jobs, name) {
			t.Errorf("%s: health checked %t: expected one of all services but %v", name, checked, jobs)
		}
		if checked && s.HealthCheck.Test[0] != "CMD" {
			t.Errorf("%s: expected a health check without a shell, found %q", name, s.HealthCheck.Test)
		}
		if !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Privileged {
			t.Errorf("%s: expected no capabilities and no new privileges", name)
		}
		if s.MemLimit <= 0 || s.Logging == nil || s.Logging.Options["max-size"] == "" {
			t.Errorf("%s: memory limit %d, logging %+v: a service that runs away takes the machine with it", name, s.MemLimit, s.Logging)
		}
		for _, port := range s.Ports {
			if ip := net.ParseIP(port.HostIP); ip == nil || !ip.IsLoopback() {
				t.Errorf("%s: port %s is published on %q, expected loopback", name, port.Published, port.HostIP)
			}
		}
	}
}

func TestComposeWaitsForWhatIsNeeded(t *testing.T) {
	p := project(t, nil)
	for name, s := range p.Services {
		for on, d := range s.DependsOn {
			other, ok := p.Services[on]
			switch {
			case !ok:
				t.Errorf("%s depends on %s, which is no service", name, on)
			case d.Condition == types.ServiceConditionHealthy && other.HealthCheck.Disable:
				t.Errorf("%s waits until %s is healthy, which nobody checks", name, on)
			case d.Condition == types.ServiceConditionCompletedSuccessfully && other.Restart != "":
				t.Errorf("%s waits until %s has ended, which is started again (%s)", name, on, other.Restart)
			}
		}
	}
	for name, on := range map[string]string{"topics": "kafka", "presage": "topics", "replay": "topics", "prometheus": "presage", "grafana": "prometheus"} {
		if _, ok := p.Services[name].DependsOn[on]; !ok {
			t.Errorf("%s does not wait for %s", name, on)
		}
	}
}

func TestComposeMountsWhatIsThere(t *testing.T) {
	p := project(t, nil)
	for name, s := range p.Services {
		for _, v := range s.Volumes {
			switch v.Type {
			case types.VolumeTypeBind:
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s mounts what is not in the repository: %v", name, err)
				}
				if !v.ReadOnly {
					t.Errorf("%s may write to %s", name, v.Source)
				}
			case types.VolumeTypeVolume:
				if _, ok := p.Volumes[v.Source]; !ok {
					t.Errorf("%s mounts the volume %s, which is not declared", name, v.Source)
				}
			}
		}
	}
	own := project(t, types.Mapping{"REPLAY_FORMAT": "alibaba-2021", "REPLAY_FOLDER": "/traces/2021"}).Services["replay"]
	if !slices.ContainsFunc(own.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Source == "/traces/2021" && v.Target == "/trace" }) {
		t.Errorf("a folder of one's own is not mounted: %v", own.Volumes)
	}
	if !slices.Contains(own.Command, "--format=alibaba-2021") || !slices.Contains(own.Command, "--data=/trace") {
		t.Errorf("a recording of one's own is not replayed: %q", own.Command)
	}
}

func TestComposePresageIsConfined(t *testing.T) {
	p := project(t, nil)
	for _, name := range []string{"presage", "replay"} {
		s := p.Services[name]
		if !s.ReadOnly {
			t.Errorf("%s: expected a read-only root", name)
		}
		var limit int64
		if v := s.Environment["GOMEMLIMIT"]; v != nil {
			if _, err := fmt.Sscanf(*v, "%dMiB", &limit); err != nil {
				t.Errorf("%s: GOMEMLIMIT %q: %v", name, *v, err)
			}
		}
		if share := float64(limit<<20) / float64(s.MemLimit); share < 0.8 || share > 0.95 {
			t.Errorf("%s: GOMEMLIMIT is %.2f of the memory limit, expected 0.8 to 0.95", name, share)
		}
		if s.Build == nil {
			t.Fatalf("%s is not built from the repository", name)
		}
		if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The configuration is valid and names what the other services offer.
func TestComposeConfiguration(t *testing.T) {
	p := project(t, nil)
	s := p.Services["presage"]
	c, err := config.Load(filepath.Join(root, "deploy/compose/presage.yaml"), s.Environment.ToMapping().Values(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if path := *s.Environment["PRESAGE_CONFIG"]; !slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == path }) {
		t.Errorf("PRESAGE_CONFIG names %s, which is not mounted", path)
	}
	if !slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == c.State }) {
		t.Errorf("state: %s is no volume", c.State)
	}
	kafka := *p.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"]
	for _, broker := range append(slices.Clone(c.Kafka.Brokers), *p.Services["replay"].Environment["PRESAGE_BROKERS"]) {
		if !strings.Contains(kafka, "//"+broker) {
			t.Errorf("broker %s is not among Kafka's listeners %s", broker, kafka)
		}
	}
	made := strings.Join(p.Services["topics"].Command, " ")
	for _, topic := range append(slices.Clone(c.Graphs[0].Spans), c.Graphs[0].Metrics...) {
		if !strings.Contains(made, topic) {
			t.Errorf("nobody makes topic %s", topic)
		}
	}
	host, port, err := net.SplitHostPort(c.HTTP.Address)
	if err != nil || !net.ParseIP(host).IsUnspecified() {
		t.Errorf("http: %s, expected all interfaces of the container (%v)", c.HTTP, err)
	}
	if s.Ports[0].Published != port {
		t.Errorf("port %s is published, http listens on %s", s.Ports[0].Published, port)
	}
	if target := "presage:" + port; !strings.Contains(read(t, "deploy/prometheus/prometheus.yml"), target) {
		t.Errorf("Prometheus does not read %s", target)
	}
}

// A replay's command is the only place where time may stand still without anybody noticing: its graph must not be
// moved on by the wall clock.
func TestComposeGraphFollowsTheReplay(t *testing.T) {
	c, err := config.Load(filepath.Join(root, "deploy/compose/presage.yaml"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if g := c.Graphs[0]; g.Clock != "event" || g.IdleTimeout != 0 || g.MaxWait != 0 || g.MetricsWait != 0 {
		t.Errorf("the wall clock decides: %+v", g)
	}
}
