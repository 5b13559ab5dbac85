package sink

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presage/internal/hostile"
)

// Forecast records come from a topic that others can write to.
func TestHostileRecords(t *testing.T) {
	const begin = `{"schema":1,"graph":"a","service":"b","target":"c","slice_start_ms":1,"slice_ms":1,`
	tests := map[string]struct {
		text string
		ok   bool
	}{
		"an unknown key 100 000 deep":    {begin + `"x":` + hostile.DeepJSON("", 100_000) + `}`, false},
		"objects 100 000 deep":           {hostile.DeepJSON("horizons", 100_000), false},
		"horizons 100 000 deep":          {begin + `"horizons":` + hostile.DeepJSON("", 100_000) + `}`, false},
		"brackets that are never closed": {strings.Repeat("[", 100_000), false},
		"a number of 100 000 digits":     {begin + `"observed":` + strings.Repeat("9", 100_000) + `}`, false},
		"a text that is never closed":    {begin + `"model":"` + strings.Repeat("x", 1000), false},
		"a key 1000 times":               {begin + strings.Repeat(`"x":1,`, 1000) + `"level":0.9}`, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			data := []byte(tt.text)
			var err error
			hostile.Spends(t, hostile.Allowance, func() { _, err = Decode(data) })
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrRecord) {
				t.Errorf("error %.200v, want ErrRecord: %v", err, !tt.ok)
			}
		})
	}
}

// A checkpoint's file that is cut, or no gzip at all, is told of and costs nothing.
func TestHostileCheckpointFiles(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte("["), 1<<20))
	_ = z.Close()
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("{}"), "cut": packed.Bytes()[:packed.Len()/2],
		"a name that never ends": append([]byte{0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte("x"), 1000)...),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := checkpointPath(dir, "g")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			var err error
			hostile.Spends(t, hostile.Allowance, func() { _, err = readCheckpoint(dir, "g") })
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v", err)
			}
		})
	}
}
