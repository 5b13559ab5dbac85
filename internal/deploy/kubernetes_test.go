package deploy

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	network "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"presage/internal/config"
)

// workload is a Deployment or a StatefulSet.
type workload struct {
	name     string
	replicas int32
	selector *meta.LabelSelector
	pod      core.PodTemplateSpec
	claims   []core.PersistentVolumeClaim
}

// manifests are deploy/kubernetes, with the example of the secret and what is optional.
type manifests struct {
	namespaces []core.Namespace
	configs    []core.ConfigMap
	secrets    []core.Secret
	services   []core.Service
	workloads  []workload
	budgets    []policy.PodDisruptionBudget
	networks   []network.NetworkPolicy
	first      string // kind of the first document
}

func kubernetes(t *testing.T) *manifests {
	t.Helper()
	m := &manifests{}
	for _, folder := range []string{"deploy/kubernetes", "deploy/kubernetes/optional"} {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries { // in the order in which kubectl applies them
			if e.IsDir() {
				continue // as kubectl does
			}
			for i, text := range strings.Split(read(t, folder, e.Name()), "\n---\n") {
				m.add(t, fmt.Sprintf("%s, document %d", e.Name(), i+1), []byte(text))
			}
		}
	}
	return m
}

// Re-keying ends with an error where no graph asks for it, and the configuration's asks for none: it must not be applied with the rest.
func TestRekeyingIsOptional(t *testing.T) {
	m := kubernetes(t)
	for _, g := range clusterConfig(t, m).Graphs {
		if g.Rekey {
			t.Errorf("graph %s asks for re-keying", g.Name)
		}
	}
	if !slices.ContainsFunc(m.workloads, func(w workload) bool { return w.name == "presage-rekey" }) {
		t.Error("nothing re-keys")
	}
	entries, err := filepath.Glob(filepath.Join(root, "deploy/kubernetes/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range entries {
		if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "[rekey,") {
			t.Errorf("%s is applied with the rest, and re-keys (%v)", path, err)
		}
	}
}

func (m *manifests) add(t *testing.T, where string, text []byte) {
	t.Helper()
	var kind meta.TypeMeta
	if err := yaml.Unmarshal(text, &kind); err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	if m.first == "" {
		m.first = kind.Kind
	}
	var err error
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Namespace":
		m.namespaces, err = decoded(m.namespaces, text)
	case "v1 ConfigMap":
		m.configs, err = decoded(m.configs, text)
	case "v1 Secret":
		m.secrets, err = decoded(m.secrets, text)
	case "v1 Service":
		m.services, err = decoded(m.services, text)
	case "policy/v1 PodDisruptionBudget":
		m.budgets, err = decoded(m.budgets, text)
	case "networking.k8s.io/v1 NetworkPolicy":
		m.networks, err = decoded(m.networks, text)
	case "apps/v1 Deployment":
		var d apps.Deployment
		err = yaml.UnmarshalStrict(text, &d)
		m.workloads = append(m.workloads, workload{d.Name, *d.Spec.Replicas, d.Spec.Selector, d.Spec.Template, nil})
	case "apps/v1 StatefulSet":
		var s apps.StatefulSet
		err = yaml.UnmarshalStrict(text, &s)
		m.workloads = append(m.workloads, workload{s.Name, *s.Spec.Replicas, s.Spec.Selector, s.Spec.Template, s.Spec.VolumeClaimTemplates})
	default:
		t.Fatalf("%s: no check is written for %s %s", where, kind.APIVersion, kind.Kind)
	}
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
}

func decoded[T any](list []T, text []byte) ([]T, error) {
	var v T
	err := yaml.UnmarshalStrict(text, &v)
	return append(list, v), err
}

// selected counts the workloads whose pods a selector takes.
func (m *manifests) selected(t *testing.T, selector *meta.LabelSelector) (names []string) {
	t.Helper()
	s, err := meta.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range m.workloads {
		if !s.Empty() && s.Matches(labels.Set(w.pod.Labels)) {
			names = append(names, w.name)
		}
	}
	return names
}

// The network policy is of every pod, and lets nobody but one namespace reach the one port that pods have.
func TestNetworkPolicy(t *testing.T) {
	m := kubernetes(t)
	if len(m.networks) != 1 {
		t.Fatalf("%d network policies, expected one", len(m.networks))
	}
	spec := m.networks[0].Spec
	var all []string
	for _, w := range m.workloads {
		all = append(all, w.name)
		for _, p := range w.pod.Spec.Containers[0].Ports {
			if p.Name != "http" {
				t.Errorf("%s has the port %s, which the policy does not know", w.name, p.Name)
			}
		}
	}
	if got := m.selected(t, &spec.PodSelector); !slices.Equal(got, all) {
		t.Errorf("the policy is of %v, expected %v", got, all)
	}
	if !slices.Equal(spec.PolicyTypes, []network.PolicyType{network.PolicyTypeIngress}) || len(spec.Ingress) != 1 {
		t.Fatalf("policy types %v with %d rules, expected one of ingress", spec.PolicyTypes, len(spec.Ingress))
	}
	rule := spec.Ingress[0]
	if len(rule.Ports) != 1 || *rule.Ports[0].Port != intstr.FromString("http") || *rule.Ports[0].Protocol != core.ProtocolTCP {
		t.Errorf("ports %v, expected http alone", rule.Ports)
	}
	if len(rule.From) != 1 || rule.From[0].NamespaceSelector == nil || len(rule.From[0].NamespaceSelector.MatchLabels) == 0 {
		t.Errorf("from %v, expected one namespace", rule.From)
	}
}

func TestSelectorsTakeTheirPods(t *testing.T) {
	m := kubernetes(t)
	if m.first != "Namespace" {
		t.Errorf("%s comes before its namespace", m.first)
	}
	for _, w := range m.workloads {
		if got := m.selected(t, w.selector); !slices.Equal(got, []string{w.name}) {
			t.Errorf("%s selects the pods of %v", w.name, got)
		}
		if !slices.ContainsFunc(m.budgets, func(b policy.PodDisruptionBudget) bool {
			return slices.Equal(m.selected(t, b.Spec.Selector), []string{w.name})
		}) {
			t.Errorf("no disruption budget is for %s", w.name)
		}
	}
	for _, s := range m.services {
		if got := m.selected(t, &meta.LabelSelector{MatchLabels: s.Spec.Selector}); !slices.Equal(got, []string{s.Name}) {
			t.Errorf("service %s selects the pods of %v", s.Name, got)
		}
	}
	for _, b := range m.budgets {
		if b.Spec.MaxUnavailable == nil || b.Spec.MaxUnavailable.IntValue() < 1 {
			t.Errorf("budget %s: no node could ever be drained", b.Name)
		}
	}
}

func TestEverythingIsInTheNamespace(t *testing.T) {
	m := kubernetes(t)
	want := m.namespaces[0].Name
	var objects []meta.ObjectMeta
	for _, o := range m.configs {
		objects = append(objects, o.ObjectMeta)
	}
	for _, o := range m.secrets {
		objects = append(objects, o.ObjectMeta)
	}
	for _, o := range m.services {
		objects = append(objects, o.ObjectMeta)
	}
	for _, o := range m.budgets {
		objects = append(objects, o.ObjectMeta)
	}
	for _, o := range m.networks {
		objects = append(objects, o.ObjectMeta)
	}
	for _, o := range objects {
		if o.Namespace != want {
			t.Errorf("%s is in the namespace %q, expected %q", o.Name, o.Namespace, want)
		}
	}
}

// clusterConfig is the configuration of the config map, checked as `presage config check` does.
func clusterConfig(t *testing.T, m *manifests) config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "presage.yaml")
	if err := os.WriteFile(path, []byte(m.configs[0].Data["presage.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProbesAskTheConfiguredPort(t *testing.T) {
	m := kubernetes(t)
	host, port, err := net.SplitHostPort(clusterConfig(t, m).HTTP.Address)
	if err != nil || !net.ParseIP(host).IsUnspecified() {
		t.Errorf("http listens on %q, where nothing outside of the pod reaches it (%v)", host, err)
	}
	for _, w := range m.workloads {
		c := w.pod.Spec.Containers[0]
		resolve := func(p intstr.IntOrString) string {
			for _, named := range c.Ports {
				if p.Type == intstr.String && named.Name == p.StrVal {
					return fmt.Sprint(named.ContainerPort)
				}
			}
			return p.String()
		}
		for path, probe := range map[string]*core.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || resolve(probe.HTTPGet.Port) != port {
				t.Errorf("%s: expected a probe of %s on port %s, found %+v", w.name, path, port, probe)
			}
		}
		for _, s := range m.services {
			if p := s.Spec.Ports[0]; s.Name == w.name && (resolve(p.TargetPort) != port || fmt.Sprint(p.Port) != port) {
				t.Errorf("service %s: port %+v, the process listens on %s", s.Name, p, port)
			}
		}
	}
}

// Whatever the configuration names is mounted, from keys that exist.
func TestMountsAreThere(t *testing.T) {
	m := kubernetes(t)
	c := clusterConfig(t, m)
	for _, w := range m.workloads {
		pod := w.pod.Spec
		var files []string // that are there once all is mounted
		for _, mount := range pod.Containers[0].VolumeMounts {
			files = append(files, m.mounted(t, w, mount)...)
		}
		needed := []string{"/etc/presage/presage.yaml", c.Kafka.TLS.CAFile, c.Kafka.SASL.PasswordFile}
		if strings.Contains(strings.Join(pod.Containers[0].Args, " "), "forecaster") {
			needed = append(needed, c.State)
		}
		for _, path := range needed {
			if !slices.Contains(files, path) {
				t.Errorf("%s needs %s, mounted are %v", w.name, path, files)
			}
		}
	}
}

// mounted lists the files of a mount; of a claim, its folder.
func (m *manifests) mounted(t *testing.T, w workload, mount core.VolumeMount) (files []string) {
	t.Helper()
	keys := func(data map[string]string) {
		for key := range data {
			switch mount.SubPath {
			case "":
				files = append(files, mount.MountPath+"/"+key)
			case key:
				files = append(files, mount.MountPath)
			}
		}
	}
	for _, claim := range w.claims {
		if claim.Name == mount.Name {
			return []string{mount.MountPath}
		}
	}
	for _, v := range w.pod.Spec.Volumes {
		switch {
		case v.Name != mount.Name:
		case v.ConfigMap != nil:
			for _, c := range m.configs {
				if c.Name == v.ConfigMap.Name {
					keys(c.Data)
				}
			}
		case v.Secret != nil:
			for _, s := range m.secrets {
				if s.Name == v.Secret.SecretName {
					keys(s.StringData)
				}
			}
		}
	}
	if len(files) == 0 {
		t.Errorf("%s mounts %s, in which there is nothing", w.name, mount.Name)
	}
	return files
}

// What the namespace's "restricted" level asks for, and what it does not.
func TestPodsAreConfined(t *testing.T) {
	for _, w := range kubernetes(t).workloads {
		pod := w.pod.Spec
		if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser == 0 ||
			s.SeccompProfile == nil || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: pod's security context %+v", w.name, s)
		}
		if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
			t.Errorf("%s is given a token for the cluster, which it never uses", w.name)
		}
		if s := pod.TerminationGracePeriodSeconds; s == nil || *s <= 10 {
			t.Errorf("%s: expected more than the ten seconds in which a process drains, found %v", w.name, s)
		}
		for _, c := range pod.Containers {
			s := c.SecurityContext
			if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
				s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
				t.Errorf("%s: container's security context %+v", w.name, s)
			}
		}
	}
}

func TestResources(t *testing.T) {
	for _, w := range kubernetes(t).workloads {
		c := w.pod.Spec.Containers[0]
		if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s: resources %+v", w.name, c.Resources)
		}
		if c.Resources.Requests.Memory().Cmp(*c.Resources.Limits.Memory()) > 0 {
			t.Errorf("%s asks for more memory than its limit", w.name)
		}
		var limit int64
		for _, e := range c.Env {
			if e.Name == "GOMEMLIMIT" {
				if _, err := fmt.Sscanf(e.Value, "%dMiB", &limit); err != nil {
					t.Errorf("%s: GOMEMLIMIT %q: %v", w.name, e.Value, err)
				}
			}
		}
		if share := float64(limit<<20) / float64(c.Resources.Limits.Memory().Value()); share < 0.8 || share > 0.95 {
			t.Errorf("%s: GOMEMLIMIT is %.2f of the memory limit, expected 0.8 to 0.95", w.name, share)
		}
	}
	for _, w := range kubernetes(t).workloads {
		if !strings.Contains(w.name, "forecaster") && w.replicas < 2 || strings.Contains(w.name, "forecaster") && (w.replicas != 1 || len(w.claims) != 1) {
			t.Errorf("%s: %d replicas, %d claims", w.name, w.replicas, len(w.claims))
		}
	}
}
