package chaos

import (
	"fmt"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// proxies lead clients to brokers, one each, so that the network can be harmed.
type proxies struct {
	server *toxiproxy.ApiServer
	all    []*toxiproxy.Proxy
}

func newProxies() *proxies {
	return &proxies{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())}
}

// through makes the proxy of a broker: kraft.Options.Through.
func (p *proxies) through(broker int, addr string) (string, error) {
	proxy := toxiproxy.NewProxy(p.server, fmt.Sprint("broker-", broker), "127.0.0.1:0", addr)
	if err := proxy.Start(); err != nil {
		return "", fmt.Errorf("proxy to %s: %w", addr, err)
	}
	p.all = append(p.all, proxy)
	return proxy.Listen, nil
}

// cut closes all connections to a broker and refuses new ones.
func (p *proxies) cut(i int) { p.all[i].Stop() }

// join lets connections through again, on the same port.
func (p *proxies) join(i int) error {
	if err := p.all[i].Start(); err != nil {
		return fmt.Errorf("proxy %d: %w", i, err)
	}
	return nil
}

// slow delays what a broker answers, and lets little through.
func (p *proxies) slow(i, latencyMs, kilobytes int) error {
	return p.replace(i,
		fmt.Sprintf(`{"name":"latency","type":"latency","stream":"downstream","attributes":{"latency":%d,"jitter":%d}}`, latencyMs, latencyMs/2),
		fmt.Sprintf(`{"name":"bandwidth","type":"bandwidth","stream":"downstream","attributes":{"rate":%d}}`, kilobytes))
}

// mend removes all delays.
func (p *proxies) mend(i int) error { return p.replace(i) }

// replace puts another proxy in the place, on the same port: all connections are cut. To change those that are there may be a
// deadlock in toxiproxy, where they are just being closed.
func (p *proxies) replace(i int, toxics ...string) error {
	old := p.all[i]
	old.Stop()
	p.all[i] = toxiproxy.NewProxy(p.server, old.Name, old.Listen, old.Upstream)
	for _, toxic := range toxics {
		if _, err := p.all[i].Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			return fmt.Errorf("slow the way to broker %d: %w", i, err)
		}
	}
	return p.join(i)
}

func (p *proxies) close() {
	for _, proxy := range p.all {
		proxy.Stop()
	}
}
