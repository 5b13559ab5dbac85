package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// raw sends bytes on a connection of their own and gives the first answer; 0 where the
// server closed without one.
func raw(t *testing.T, s *Server, text string) (code int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() { _, _ = io.WriteString(conn, text) }() // the server may close before it has read all
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, string(b)
}

// Requests that no tool of an operator sends are refused, and show nothing that needs
// the token.
func TestHostileRequests(t *testing.T) {
	s := serve(t, testConfig(access(t, "token", TLS{})))
	const host = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	tests := []struct {
		name, text string
		codes      []int // 0: no answer
	}{
		{"huge header", "GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", []int{431, 0}},
		{"a million headers", "GET /healthz HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 1_000_000) + "\r\n", []int{431, 0}},
		{"huge path", "GET /" + strings.Repeat("x", 1<<20) + host, []int{431, 0}},
		{"huge token", "GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + strings.Repeat("x", 12<<10) + "\r\n\r\n", []int{401}},
		{"POST", "POST /metrics" + host, []int{405}},
		{"DELETE", "DELETE /healthz" + host, []int{405}},
		{"CONNECT", "CONNECT b:443" + host, []int{405}},
		{"TRACE", "TRACE /metrics" + host, []int{405}},
		{"OPTIONS *", "OPTIONS *" + host, []int{405, 200}}, // answered by net/http itself
		{"a method of its own", "METRICS /metrics" + host, []int{405}},
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400, 0}},
		{"HTTP/2 in plain text", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{405, 505, 400, 0}},
		{"up and down", "GET /../metrics" + host, []int{301, 307, 401}},
		{"far up", "GET /../../../etc/passwd" + host, []int{301, 307, 401}},
		{"out of what is open", "GET /healthz/../metrics" + host, []int{301, 307, 401}},
		{"encoded", "GET /healthz/%2e%2e/metrics" + host, []int{301, 307, 401}},
		{"encoded slash", "GET /healthz%2f..%2fmetrics" + host, []int{301, 307, 401}},
		{"backslash", "GET /healthz\\..\\metrics" + host, []int{401, 400}},
		{"two slashes", "GET //metrics" + host, []int{301, 307, 401}},
		{"below what is open", "GET /healthz/metrics" + host, []int{401}},
		{"null byte", "GET /metrics%00" + host, []int{401}},
		{"another host", "GET http://b/metrics" + host, []int{401}},
		{"no host", "GET /metrics HTTP/1.1\r\n\r\n", []int{400}},
		{"query", "GET /metrics?token=token" + host, []int{401}},
		{"two tokens, the right one second", "GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nAuthorization: Bearer token\r\n\r\n", []int{401}},
		{"two lengths", "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", []int{400}},
		{"length and chunks", "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{400, 401}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, body := raw(t, s, tt.text)
			found := false
			for _, c := range tt.codes {
				found = found || c == code
			}
			if !found || strings.Contains(body, "presage_") || strings.Contains(body, "token\"") {
				t.Errorf("%d %.200q, want %v", code, body, tt.codes)
			}
			if after, _ := get(t, plain, s.URL()+"/healthz", ""); after != 200 {
				t.Errorf("the server answers %d afterwards", after)
			}
		})
	}
}

// pipes is a network in memory, on whose connections fake time works.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// Whoever sends or reads slowly is cut off, whatever is trickled.
func TestSlowClients(t *testing.T) {
	const request = "GET /metrics HTTP/1.1\r\nHost: a\r\n"
	tests := []struct {
		name  string
		begin string
		drip  string // sent every second
		reads bool
		limit time.Duration
	}{
		{"silent", "", "", true, headerTimeout},
		{"header drips", request, "X: y\r\n", true, headerTimeout},
		{"first line drips", "GET /", "x", true, headerTimeout},
		{"body drips", request + "Content-Length: 1000000\r\n\r\n", "x", true, readTimeout},
		{"idle after a request", request + "\r\n", "", true, idleTimeout + time.Second},
		{"answer is never read", request + "\r\n", "", false, writeTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := &pipes{make(chan net.Conn), make(chan struct{})}
				s := newServer(testConfig(nil), network)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- s.Run(ctx) }()
				ours, theirs := net.Pipe()
				network.conns <- theirs
				begin := time.Now()
				if tt.reads {
					go func() { _, _ = io.Copy(io.Discard, ours) }()
				}
				_, err := io.WriteString(ours, tt.begin)
				for err == nil {
					time.Sleep(time.Second)
					_ = ours.SetWriteDeadline(time.Now().Add(time.Hour))
					if tt.drip != "" {
						_, err = io.WriteString(ours, tt.drip)
						continue
					}
					// Nothing is sent: a byte that cannot be written any more tells the end.
					if time.Since(begin) > tt.limit {
						_, err = io.WriteString(ours, "x")
					}
				}
				if took := time.Since(begin); !errors.Is(err, io.ErrClosedPipe) || took > tt.limit+2*time.Second {
					t.Errorf("cut off after %v with %v, want within %v", took, err, tt.limit)
				}
				_ = ours.Close()
				cancel()
				if err := <-done; err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		})
	}
}

// Connections beyond the bound end others, and whoever holds all that there may be keeps no probe out: not by silence, not by half a
// request, not by staying after one.
func TestManyConnections(t *testing.T) {
	for name, begin := range map[string]string{"silent": "", "half a request": "GET /healthz HTTP/1.1\r\n", "staying": "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := &pipes{make(chan net.Conn), make(chan struct{})}
				s := newServer(testConfig(nil), network)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- s.Run(ctx) }()
				ended := make([]bool, connections+10)
				for i := range ended {
					ours, theirs := net.Pipe()
					network.conns <- theirs
					go func() {
						_, _ = io.Copy(io.Discard, ours)
						ended[i] = true
					}()
					if begin != "" {
						_, _ = io.WriteString(ours, begin)
					}
					synctest.Wait()
				}
				for i, gone := range ended {
					if gone != (i < 10) {
						t.Errorf("connection %d of %d: ended %v", i, len(ended), gone)
					}
				}
				ours, theirs := net.Pipe()
				network.conns <- theirs
				asked := time.Now()
				_, err := io.WriteString(ours, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
				answer, _ := io.ReadAll(ours)
				if took := time.Since(asked); err != nil || !strings.Contains(string(answer), "alive") || took > 0 {
					t.Errorf("a probe is answered after %v: %q (%v)", took, answer, err)
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
