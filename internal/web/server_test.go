package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testConfig is of a server with one metric of the value 1.
func testConfig(a *Access) Config {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "presage_test_total", Help: "A test."})
	registry.MustRegister(counter)
	counter.Inc()
	return Config{Address: "127.0.0.1:0", Access: a, Gatherer: registry, Ready: func() bool { return true }}
}

// serve runs a server until the test ends.
func serve(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func access(t *testing.T, token string, files TLS) *Access {
	t.Helper()
	a, err := NewAccess(token, files, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get asks with a token, where there is one, on a connection of its own.
func get(t *testing.T, client *http.Client, url, token string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

var plain = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func TestServer(t *testing.T) {
	c := testConfig(nil)
	var ready atomic.Bool
	c.Ready = ready.Load
	s := serve(t, c)
	ask := func(path string) (int, string) {
		return get(t, plain, s.URL()+path, "")
	}
	if code, body := ask("/metrics"); code != 200 || !strings.Contains(body, "presage_test_total 1") {
		t.Errorf("/metrics: %d %q", code, body)
	}
	if code, _ := ask("/healthz"); code != 200 {
		t.Errorf("/healthz: %d", code)
	}
	if code, _ := ask("/readyz"); code != 503 {
		t.Errorf("/readyz before: %d", code)
	}
	ready.Store(true)
	if code, _ := ask("/readyz"); code != 200 {
		t.Errorf("/readyz after: %d", code)
	}
	c.Address = s.Addr()
	if _, err := Listen(c); err == nil || !strings.Contains(err.Error(), s.Addr()) {
		t.Errorf("a port in use gives %v", err)
	}
}

func TestToken(t *testing.T) {
	s := serve(t, testConfig(access(t, "s3cret-token", TLS{})))
	tests := []struct {
		name, path, header string
		code               int
		challenge          string
	}{
		{"health is open", "/healthz", "", 200, ""},
		{"readiness is open", "/readyz", "", 200, ""},
		{"none", "/metrics", "", 401, `Bearer realm="presage"`},
		{"right", "/metrics", "Bearer s3cret-token", 200, ""},
		{"right, another case of the scheme", "/metrics", "bEARER s3cret-token", 200, ""},
		{"right, two spaces", "/metrics", "Bearer  s3cret-token", 200, ""},
		{"wrong", "/metrics", "Bearer s3cret-tokem", 401, `Bearer realm="presage", error="invalid_token"`},
		{"a beginning", "/metrics", "Bearer s3cret", 401, `Bearer realm="presage", error="invalid_token"`},
		{"longer", "/metrics", "Bearer s3cret-token1", 401, `Bearer realm="presage", error="invalid_token"`},
		{"empty", "/metrics", "Bearer ", 401, `Bearer realm="presage"`},
		{"no scheme", "/metrics", "s3cret-token", 401, `Bearer realm="presage"`},
		{"another scheme", "/metrics", "Basic s3cret-token", 401, `Bearer realm="presage"`},
		{"what is not there", "/nothing", "", 401, `Bearer realm="presage"`},
		{"what is not there, with the token", "/nothing", "Bearer s3cret-token", 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.header != "" {
				req.Header.Set("Authorization", tt.header)
			}
			res, err := plain.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != tt.code || res.Header.Get("WWW-Authenticate") != tt.challenge {
				t.Errorf("%d %q, want %d %q", res.StatusCode, res.Header.Get("WWW-Authenticate"), tt.code, tt.challenge)
			}
			if shown := strings.Contains(string(body), "presage_test_total"); shown != (tt.code == 200 && tt.path == "/metrics") {
				t.Errorf("metrics shown: %v", shown)
			}
		})
	}
}

func TestTokenChanges(t *testing.T) {
	s := serve(t, testConfig(nil))
	codes := func() (codes [3]int) {
		for i, token := range []string{"", "old", "new"} {
			codes[i], _ = get(t, plain, s.URL()+"/metrics", token)
		}
		return codes
	}
	if got := codes(); got != [3]int{200, 200, 200} {
		t.Errorf("without a token: %v", got)
	}
	s.SetAccess(access(t, "old", TLS{}))
	if got := codes(); got != [3]int{401, 200, 401} {
		t.Errorf("with the first: %v", got)
	}
	s.SetAccess(access(t, "new", TLS{}))
	if got := codes(); got != [3]int{401, 401, 200} {
		t.Errorf("with the second: %v", got)
	}
}

func TestTokensThatNoHeaderCarries(t *testing.T) {
	for _, token := range []string{"a b", "a\n", "\t", "ä", "a\x00"} {
		if _, err := NewAccess(token, TLS{}, nil, time.Now); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestExposed(t *testing.T) {
	for _, tt := range []struct {
		address, token string
		want           bool
	}{{"127.0.0.1:0", "", false}, {"localhost:0", "", false}, {":0", "", true}, {"0.0.0.0:0", "", true}, {":0", "token", false}} {
		c := testConfig(access(t, tt.token, TLS{}))
		c.Address = tt.address
		s, err := Listen(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Exposed(); got != tt.want {
			t.Errorf("%s with token %q: %v", tt.address, tt.token, got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
