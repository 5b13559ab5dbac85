package kafka

import (
	"context"
	"net"
	"sync"
	"time"
)

// connSet knows every open network connection, so that closing it leaves none
// behind: kafka-go's transport lets connections in use live until their request
// ends, and its consumer group waits in a join for as long as other members take.
type connSet struct {
	dialer net.Dialer
	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	closed bool
	empty  chan struct{} // closed when closed is set and open is empty
}

func newConnSet(dialTimeout time.Duration) *connSet {
	return &connSet{
		dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second},
		open:   map[*trackedConn]struct{}{},
		empty:  make(chan struct{}),
	}
}

func (s *connSet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := s.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t := &trackedConn{Conn: conn, set: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	s.open[t] = struct{}{}
	return t, nil
}

// close closes all connections and refuses new ones. It waits until their owners
// have noticed, at most a second.
func (s *connSet) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		if len(s.open) == 0 {
			close(s.empty)
		}
	}
	for c := range s.open {
		_ = c.Conn.Close()
	}
	s.mu.Unlock()
	select {
	case <-s.empty:
	case <-time.After(time.Second):
	}
}

func (s *connSet) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *connSet) forget(c *trackedConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[c]; !ok {
		return
	}
	delete(s.open, c)
	if s.closed && len(s.open) == 0 {
		close(s.empty)
	}
}

// trackedConn leaves its set when its owner closes it.
type trackedConn struct {
	net.Conn
	set *connSet
}

func (c *trackedConn) Close() error {
	c.set.forget(c)
	return c.Conn.Close()
}
