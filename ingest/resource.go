package ingest

import (
	"unsafe"

	"presage/ingest/otlp"
)

// resource is what is kept of a resource message.
type resource struct {
	service string
	keys    []string // join keys, best first
	http    []string // keys with one of the family's own before them
	rpc     []string
	pod     string // "pod:UID" if there is one
	inPod   bool   // a container of a pod: it has a container's name or id
}

// family gives the keys of a protocol family's duration histograms.
func (r *resource) family(suffix string) []string {
	at := &r.http
	if suffix == "#rpc" {
		at = &r.rpc
	}
	if *at == nil && len(r.keys) > 0 {
		*at = append([]string{r.keys[0] + suffix}, r.keys...)
	}
	return *at
}

// resources caches decoded resources by their bytes: a process sends the same ones
// over and over. Resources above maxResource bytes are decoded each time.
type resources struct {
	names      *names
	limits     otlp.Limits
	table      map[string]*resource
	bytes      int
	limit      int
	attributes []otlp.KeyValue
}

const maxResource = 8 << 10

func newResources(n *names, limits otlp.Limits, limit int) *resources {
	return &resources{names: n, limits: limits, table: make(map[string]*resource), limit: limit}
}

func (r *resources) get(raw []byte) (*resource, error) {
	if got, ok := r.table[string(raw)]; ok {
		return got, nil
	}
	cut := r.names.cut
	got, err := r.decode(raw)
	if err != nil || len(raw) > maxResource || r.names.cut != cut {
		return got, err // cut names are counted each time, whatever the table holds
	}
	size := len(raw) + entryBytes
	for _, k := range got.keys {
		size += 3 * len(k)
	}
	if r.bytes += size; r.bytes > r.limit {
		clear(r.table)
		r.bytes = size
	}
	r.table[string(raw)] = got
	return got, nil
}

// attributes of a resource that name it.
type identity struct {
	service, podUID, podName, container, containerID, instance, namespace, deployment string
}

func (r *resources) decode(raw []byte) (*resource, error) {
	var err error
	if r.attributes, err = otlp.ResourceAttributes(raw, r.attributes, r.limits); err != nil {
		return nil, err
	}
	var id identity
	for i := range r.attributes {
		kv := &r.attributes[i]
		if kv.Value.Kind == otlp.KindString {
			id.set(kv.Key, kv.Value.Str)
		}
	}
	got := &resource{service: r.names.get(id.service)}
	add := func(kind, a, b string) string {
		s := kind + ":" + a
		if b != "" {
			s += "/" + b
		}
		s = r.names.get(s)
		got.keys = append(got.keys, s)
		return s
	}
	if id.podUID != "" && id.container != "" {
		got.inPod = true
		add("pod", id.podUID, id.container)
	}
	if id.podUID != "" {
		got.pod = add("pod", id.podUID, "")
	}
	if id.podName != "" {
		add("podname", id.namespace+"/"+id.podName, "")
	}
	if id.containerID != "" {
		got.inPod = got.inPod || id.podUID != ""
		add("container", id.containerID, "")
	}
	if id.instance != "" {
		add("instance", id.instance, "")
	}
	if id.deployment != "" {
		add("deployment", id.namespace+"/"+id.deployment, "")
	}
	if len(got.keys) == 0 && got.service != "" {
		add("service", got.service, "")
	}
	return got, nil
}

func (id *identity) set(key, value string) {
	switch key {
	case "service.name":
		id.service = value
	case "service.instance.id":
		id.instance = value
	case "k8s.pod.uid":
		id.podUID = value
	case "k8s.pod.name":
		id.podName = value
	case "k8s.container.name":
		id.container = value
	case "container.id":
		id.containerID = value
	case "k8s.namespace.name":
		id.namespace = value
	case "k8s.deployment.name":
		id.deployment = value
	}
}

// alias gives b as a string without a copy: valid until b is written again.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
