package web

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// crowd bounds how many connections are open: one more ends the one that has waited longest for a request, or where none
// waits, the one whose request has taken longest. So whoever holds connections, with a token or without, keeps nobody's
// probe out.
type crowd struct {
	limit int

	mu    sync.Mutex
	clock uint64 // counts what happens
	open  map[net.Conn]standing
}

// standing is how a connection stands since when.
type standing struct {
	asks  bool // a request is under way
	since uint64
}

func newCrowd(limit int) *crowd { return &crowd{limit: limit, open: make(map[net.Conn]standing)} }

// changed is http.Server's ConnState.
func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.open, conn)
		return
	}
	if state == http.StateNew && len(c.open) >= c.limit {
		c.end()
	}
	c.clock++
	c.open[conn] = standing{state == http.StateActive, c.clock}
}

// end closes the connection that is the least loss.
func (c *crowd) end() {
	var least net.Conn
	for conn, s := range c.open {
		if old := c.open[least]; least == nil || old.asks && !s.asks || old.asks == s.asks && s.since < old.since {
			least = conn
		}
	}
	delete(c.open, least)
	if encrypted, ok := least.(*tls.Conn); ok {
		least = encrypted.NetConn() // no farewell, which could take its time
	}
	_ = least.Close()
}
