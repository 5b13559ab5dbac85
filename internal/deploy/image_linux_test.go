package deploy

import (
	"debug/elf"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The Dockerfile's command builds a binary that needs nothing around it: no loader, no library, no shell, no root.
func TestImage(t *testing.T) {
	if os.Getenv("PRESAGE_TEST_IMAGE") == "" {
		t.Skip("PRESAGE_TEST_IMAGE is not set: building takes minutes")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "presage")
	build := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(buildCommand(t), "/out/presage", binary, 1))
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	checkStatic(t, binary)
	if os.Getuid() != 0 {
		t.Skip("only root can run it in a folder of its own")
	}
	for path, text := range map[string]string{
		"compose.yaml": read(t, "deploy/compose/presage.yaml"), "example.yaml": read(t, "presage.example.yaml"),
	} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// The folder's parents are the test's, and closed to others; the process is inside before it loses its rights.
	for _, open := range []string{dir, binary} {
		if err := os.Chmod(open, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	alive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive")) }))
	defer alive.Close()
	address := strings.TrimPrefix(alive.URL, "http://")
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"version"}, 0, "presage "},
		{[]string{"config", "check", "/compose.yaml"}, 0, "kafka:19092"},
		{[]string{"config", "check", "/example.yaml"}, 0, "otlp_spans"},
		{[]string{"health", "--http", address}, 0, "alive"},
		{[]string{"health", "--config", "/compose.yaml", "--http", "127.0.0.1:1"}, 1, "127.0.0.1:1"},
	}
	for _, tt := range tests {
		cmd := exec.CommandContext(t.Context(), "/presage", tt.args...)
		cmd.Dir, cmd.Env = "/", []string{}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		out, err := cmd.CombinedOutput()
		code := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatalf("%v: %v", tt.args, err)
		}
		if code != tt.code || !strings.Contains(string(out), tt.want) {
			t.Errorf("presage %v: exit code %d, want %d; output lacks %q:\n%s", tt.args, code, tt.code, tt.want, out)
		}
	}
}

func checkStatic(t *testing.T, binary string) {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary wants a loader: it is not static")
		}
	}
	if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the binary wants the libraries %v", libraries)
	}
}
