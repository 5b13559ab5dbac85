package ingest

import (
	"strings"

	"presage/ingest/otlp"
)

// hints are the attributes of a span that say something of its other end, current
// and older names of the semantic conventions merged, the current first.
type hints struct {
	service     [2]string // service.peer.name, peer.service
	dbSystem    [2]string // db.system.name, db.system
	dbName      [2]string // db.namespace, db.name
	queueSystem string    // messaging.system
	queue       [2]string // messaging.destination.name, messaging.destination
	template    string    // messaging.destination.template
	temporary   bool      // the queue's name is made up for one use
	address     [4]string // server.address, net.peer.name, http.host, the host of a URL
}

// peer names the other end of a span. Only calling spans are named by what they
// address; a serving span's server.address is its own.
func (v *spanVisitor) peer(kind Kind, attributes []otlp.KeyValue) (string, PeerKind) {
	var h hints
	for i := range attributes {
		kv := &attributes[i]
		switch kv.Value.Kind {
		case otlp.KindString:
			h.set(kv.Key, kv.Value.Str)
		case otlp.KindBool:
			if kv.Value.Bool && (kv.Key == "messaging.destination.temporary" || kv.Key == "messaging.destination.anonymous") {
				h.temporary = true
			}
		}
	}
	queueing := h.queueSystem != "" || first(h.queue[:]) != "" || kind == KindProducer || kind == KindConsumer
	database := kind == KindClient && (first(h.dbSystem[:]) != "" || first(h.dbName[:]) != "")
	of := PeerService
	switch {
	case database:
		of = PeerDatabase
	case queueing:
		of = PeerQueue
	}
	name := first(h.service[:])
	if name != "" || kind == KindServer {
		return v.names.get(name), of
	}
	address := host(first(h.address[:]))
	switch of {
	case PeerDatabase:
		return v.qualified(first(h.dbSystem[:]), first([]string{first(h.dbName[:]), address})), of
	case PeerQueue:
		queue := first(h.queue[:])
		if h.temporary || queue == "" {
			queue = h.template
		}
		if queue != "" || h.queueSystem != "" {
			return v.qualified(h.queueSystem, queue), of
		}
	}
	if kind == KindConsumer {
		return "", of
	}
	return v.names.get(address), of
}

// qualified gives SYSTEM/NAME, or what there is of it.
func (v *spanVisitor) qualified(system, name string) string {
	switch {
	case system == "":
		return v.names.get(name)
	case name == "":
		return v.names.get(system)
	}
	return v.names.join(system, '/', name)
}

func (h *hints) set(key, value string) {
	switch key {
	case "service.peer.name":
		h.service[0] = value
	case "peer.service":
		h.service[1] = value
	case "db.system.name":
		h.dbSystem[0] = value
	case "db.system":
		h.dbSystem[1] = value
	case "db.namespace":
		h.dbName[0] = value
	case "db.name":
		h.dbName[1] = value
	case "messaging.system":
		h.queueSystem = value
	case "messaging.destination.name":
		h.queue[0] = value
	case "messaging.destination":
		h.queue[1] = value
	case "messaging.destination.template":
		h.template = value
	case "server.address":
		h.address[0] = value
	case "net.peer.name":
		h.address[1] = value
	case "http.host":
		h.address[2] = value
	case "url.full", "http.url":
		h.address[3] = authority(value)
	}
}

func first(names []string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}

// authority gives the host and port of a URL.
func authority(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}

// host cuts the port off.
func host(address string) string {
	if strings.HasPrefix(address, "[") { // [IPv6]:port
		if end := strings.IndexByte(address, ']'); end > 0 {
			return address[1:end]
		}
		return address
	}
	if colon := strings.IndexByte(address, ':'); colon >= 0 && colon == strings.LastIndexByte(address, ':') {
		return address[:colon]
	}
	return address
}
