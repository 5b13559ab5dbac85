package ingest

import (
	"testing"

	"presage/ingest/otlp"
)

func TestPeer(t *testing.T) {
	type attrs map[string]string
	for _, c := range []struct {
		kind Kind
		in   attrs
		peer string
		of   PeerKind
	}{
		{KindClient, attrs{}, "", PeerService},
		{KindClient, attrs{"service.peer.name": "a", "peer.service": "b", "server.address": "c"}, "a", PeerService},
		{KindClient, attrs{"peer.service": "b", "net.peer.name": "c"}, "b", PeerService},
		{KindClient, attrs{"peer.service": "users", "db.system": "mysql"}, "users", PeerDatabase},
		{KindClient, attrs{"db.system.name": "postgresql", "db.namespace": "orders", "server.address": "pg-1"}, "postgresql/orders", PeerDatabase},
		{KindClient, attrs{"db.system": "mysql", "db.name": "ts"}, "mysql/ts", PeerDatabase},
		{KindClient, attrs{"db.system": "redis", "net.peer.name": "cache"}, "redis/cache", PeerDatabase},
		{KindClient, attrs{"db.system": "redis"}, "redis", PeerDatabase},
		{KindClient, attrs{"db.namespace": "orders"}, "orders", PeerDatabase},
		{KindServer, attrs{"db.system": "redis"}, "", PeerService},
		{KindProducer, attrs{"messaging.system": "kafka", "messaging.destination.name": "orders", "server.address": "b1"}, "kafka/orders", PeerQueue},
		{KindProducer, attrs{"messaging.destination": "orders"}, "orders", PeerQueue},
		{KindClient, attrs{"messaging.system": "rabbitmq", "messaging.destination.name": "q"}, "rabbitmq/q", PeerQueue},
		{KindProducer, attrs{"messaging.system": "kafka"}, "kafka", PeerQueue},
		{KindProducer, attrs{"server.address": "b1"}, "b1", PeerQueue},
		{KindConsumer, attrs{"messaging.system": "kafka", "messaging.destination.name": "orders"}, "kafka/orders", PeerQueue},
		{KindConsumer, attrs{"server.address": "b1"}, "", PeerQueue},
		{KindServer, attrs{"server.address": "me", "http.host": "me"}, "", PeerService},
		{KindServer, attrs{"service.peer.name": "caller"}, "caller", PeerService},
		{KindClient, attrs{"server.address": "api.example.com"}, "api.example.com", PeerService},
		{KindClient, attrs{"http.host": "api.example.com:8080"}, "api.example.com", PeerService},
		{KindClient, attrs{"http.url": "https://u:p@api.example.com:8080/x?y=@z"}, "api.example.com", PeerService},
		{KindClient, attrs{"url.full": "/relative"}, "", PeerService},
		{KindClient, attrs{"server.address": "[::1]:80"}, "::1", PeerService},
		{KindClient, attrs{"server.address": "fe80::1"}, "fe80::1", PeerService},
		{KindInternal, attrs{"peer.service": "x"}, "", PeerService},
	} {
		var s otlp.Span
		s.Kind = uint8(c.kind)
		for k, v := range c.in {
			s.Attributes = append(s.Attributes, otlp.String(k, v))
		}
		got := decodeSpans(t, s)[0]
		if got.Peer != c.peer || got.PeerKind != c.of {
			t.Errorf("kind %d %v: %q of kind %d, want %q of kind %d", c.kind, c.in, got.Peer, got.PeerKind, c.peer, c.of)
		}
	}
	temporary := otlp.KeyValue{Key: "messaging.destination.temporary", Value: otlp.Value{Kind: otlp.KindBool, Bool: true}}
	s := otlp.Span{Kind: 4, Attributes: []otlp.KeyValue{temporary, otlp.String("messaging.system", "rabbitmq"), otlp.String("messaging.destination.name", "amq.gen-1")}}
	if got := decodeSpans(t, s)[0]; got.Peer != "rabbitmq" {
		t.Errorf("a temporary queue is called %q", got.Peer)
	}
}

func TestAdjustedCount(t *testing.T) {
	for state, want := range map[string]uint32{
		"":                            256,
		"ot=th:0":                     256,
		"ot=th:8":                     512,
		"ot=th:c":                     1024,
		"ot=th:c;rv:9b8233f7e3a151":   1024,
		"ot=rv:9b8233f7e3a151;th:c":   1024,
		"vendor=x, ot=th:8":           512,
		"ot=th:fd70a3d70a3d71":        25600, // 1 in 100
		"ot=th:feb851eb851eb85":       256,   // 15 digits
		"ot=th:feb851eb851eb8":        51200, // 1 in 200
		"ot=th:fae147ae147ae":         12800, // 1 in 50
		"ot=th:ffffffffffffff":        256_000_000,
		"ot=th:fffffffffffffe":        256_000_000,
		"ot=th:":                      256,
		"ot=th:xyz":                   256,
		"ot=th:-1":                    256,
		"other=th:8":                  256,
		"ot=p:3;r:5":                  2048,
		"ot=p:63":                     256,
		"ot=p:62":                     256_000_000,
		"ot=p:x":                      256,
		"ot=th:55555555555555":        384, // 1.5
		"ot=th:8,ot=th:c":             512,
		"es=s:0.5,ot=th:8;rv:0,zz=1":  512,
		"ot=th:80000000000000":        512,
		"ot=th:00000000000001":        256,
		"ot=th:fffff":                 256_000_000, // 1 in 2^20, above the cap
		"ot=th:ffff":                  65536 * 256,
		"OT=th:8":                     256,
		"ot=rv:9b8233f7e3a151":        256,
		strings16("a=b,") + "ot=th:8": 512,
	} {
		if got := adjustedCount(state, 1_000_000); got != want {
			t.Errorf("%q stands for %d/256, want %d", state, got, want)
		}
	}
}

func strings16(s string) string {
	for range 4 {
		s += s
	}
	return s
}

func TestSamplerParam(t *testing.T) {
	typ := otlp.String("sampler.type", "probabilistic")
	double := func(v float64) otlp.KeyValue {
		return otlp.KeyValue{Key: "sampler.param", Value: otlp.Value{Kind: otlp.KindDouble, Double: v}}
	}
	for _, c := range []struct {
		in   []otlp.KeyValue
		want uint32
	}{
		{[]otlp.KeyValue{typ, double(0.01)}, 25600},
		{[]otlp.KeyValue{typ, otlp.String("sampler.param", "0.5")}, 512},
		{[]otlp.KeyValue{typ, double(1e-9)}, 256_000_000},
		{[]otlp.KeyValue{typ, double(0)}, 256},
		{[]otlp.KeyValue{typ, double(2)}, 256},
		{[]otlp.KeyValue{otlp.String("sampler.type", "ratelimiting"), double(0.5)}, 256},
		{[]otlp.KeyValue{double(0.5)}, 256},
	} {
		if got := samplerCount(c.in, 1_000_000); got != c.want {
			t.Errorf("%v stands for %d/256, want %d", c.in, got, c.want)
		}
	}
}
