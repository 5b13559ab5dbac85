package nezha

import (
	"strings"

	"presage/ingest/otlp"
)

// pods numbers the pods of a recording, and their services.
type pods struct {
	index    map[string]int
	list     []pod
	services map[string]int
	peers    [][]otlp.KeyValue // by service: the attribute that names it as a peer
}

type pod struct {
	service   int
	spans     []otlp.KeyValue // the resource of its spans
	container []otlp.KeyValue // the resource of its metrics
}

func newPods() *pods { return &pods{index: map[string]int{}, services: map[string]int{}} }

func (p *pods) get(name []byte) int {
	if i, ok := p.index[string(name)]; ok {
		return i
	}
	text := string(name)
	service := ServiceOf(text)
	s, ok := p.services[service]
	if !ok {
		s = len(p.peers)
		p.services[service] = s
		p.peers = append(p.peers, []otlp.KeyValue{otlp.String("service.peer.name", service)})
	}
	i := len(p.list)
	p.index[text] = i
	p.list = append(p.list, pod{
		service:   s,
		spans:     []otlp.KeyValue{otlp.String("service.name", service), otlp.String("k8s.pod.name", text)},
		container: []otlp.KeyValue{otlp.String("k8s.pod.name", text)},
	})
	return i
}

// podAlphabet is what Kubernetes makes suffixes of.
const podAlphabet = "bcdfghjklmnpqrstvwxz2456789"

// ServiceOf gives a pod's name without the suffixes of its replica set and pod
// (cart-579f59597d-wc2lz), of its daemon set (agent-x8t2c) or stateful set (db-0).
func ServiceOf(pod string) string {
	rest, last, ok := cutLast(pod)
	switch {
	case !ok:
		return pod
	case strings.Trim(last, "0123456789") == "":
		return rest
	case len(last) != 5 || strings.Trim(last, podAlphabet) != "":
		return pod
	}
	shorter, hash, ok := cutLast(rest)
	if ok && len(hash) >= 6 && len(hash) <= 10 && strings.Trim(hash, podAlphabet) == "" {
		return shorter
	}
	return rest
}

func cutLast(name string) (before, last string, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 || i == len(name)-1 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}
