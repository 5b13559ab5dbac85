package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealthURL(t *testing.T) {
	tests := []struct {
		address string
		ready   bool
		want    string
	}{
		{"127.0.0.1:8088", false, "http://127.0.0.1:8088/healthz"},
		{"127.0.0.1:8088", true, "http://127.0.0.1:8088/readyz"},
		{"0.0.0.0:80", false, "http://127.0.0.1:80/healthz"},
		{":80", false, "http://127.0.0.1:80/healthz"},
		{"[::]:80", false, "http://127.0.0.1:80/healthz"},
		{"[::1]:80", false, "http://[::1]:80/healthz"},
		{"presage:80", false, "http://presage:80/healthz"},
		{"", false, ""},
		{"8088", false, ""},
	}
	for _, tt := range tests {
		got, err := healthURL(tt.address, tt.ready)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%q, ready %t: %q, %v, want %q", tt.address, tt.ready, got, err, tt.want)
		}
	}
}

// The address comes from the file, the variable or the flag, and the exit code says what the process said.
func TestHealth(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not ready: too early", http.StatusServiceUnavailable)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	address := server.Listener.Addr().String()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	_ = closed.Close()
	file := write(t, filepath.Join(t.TempDir(), "presage.yaml"), "http: "+address+"\n")
	none := write(t, filepath.Join(t.TempDir(), "presage.yaml"), "http: ''\n")
	tests := []struct {
		name, variable string
		args           []string
		code           int
		want           string
	}{
		{"by file", "", []string{"--config", file}, exitDone, "alive"},
		{"by flag", "", []string{"--http", address}, exitDone, "alive"},
		{"by variable", "PRESAGE_HTTP=" + address, []string{"--config", none}, exitDone, "alive"},
		{"flag before variable", "PRESAGE_HTTP=" + nobody, []string{"--http", address}, exitDone, "alive"},
		{"not ready", "", []string{"--http", address, "--ready"}, exitFailed, "too early"},
		{"nobody listens", "", []string{"--http", nobody}, exitFailed, nobody},
		{"no address", "", []string{"--config", none}, exitMisuse, "http is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd, output, _ := program(t, append([]string{"health"}, tt.args...)...)
			if tt.variable != "" {
				cmd.Env = append(cmd.Env, tt.variable)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(t, cmd, output); code != tt.code || !strings.Contains(output.String(), tt.want) {
				t.Errorf("exit code %d, want %d; output %q, want %q in it", code, tt.code, output, tt.want)
			}
		})
	}
}
