package sink

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// errNoCheckpoint says that there is no checkpoint yet.
var errNoCheckpoint = errors.New("no checkpoint")

// maxCheckpoint bounds what a damaged file may unpack to.
const maxCheckpoint = 1 << 30

// checkpointPath is STATE/forecaster/GRAPH.json.gz.
func checkpointPath(stateDir, graph string) string {
	name := url.PathEscape(graph)
	if strings.HasPrefix(name, ".") {
		name = "%2E" + name[1:]
	}
	return filepath.Join(stateDir, "forecaster", name+".json.gz")
}

// readCheckpoint gives the loop's state as it was written. Gzip's checksum tells a
// damaged file.
func readCheckpoint(stateDir, graph string) ([]byte, error) {
	path := checkpointPath(stateDir, graph)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoCheckpoint
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxCheckpoint))
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return raw, nil
}

// saveIfDue writes the state when that is due, and again with the next slice where it failed.
func (f *forecaster) saveIfDue() {
	if f.since >= f.CheckpointEvery {
		f.saveOrTell()
	}
}

// saveOrTell counts and tells where the state can't be written, as on a full disk: the stream goes on, and a restart goes on from the
// state before.
func (f *forecaster) saveOrTell() {
	err := f.save()
	if err == nil {
		return
	}
	f.Metrics.stateFailures.WithLabelValues(f.Loop.Graph).Inc()
	if f.stateFailures%100 == 0 {
		f.Log.Error("state not written; forecasts go on, and a restart would begin with the state before", "graph", f.Loop.Graph, "folder", f.StateDir,
			"err", err, "failures", f.stateFailures+1)
	}
	f.stateFailures++
}

// save stores promoted models, then the checkpoint that names them.
func (f *forecaster) save() error {
	for len(f.unstored) > 0 {
		if err := f.store(f.unstored[0]); err != nil {
			return fmt.Errorf("store model %s: %w", f.unstored[0].Version, err)
		}
		f.unstored = f.unstored[1:]
	}
	return f.checkpoint()
}

// checkpoint writes the loop's state beside its place and renames it.
func (f *forecaster) checkpoint() error {
	raw, err := f.loop.Checkpoint()
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err == nil {
		_, err = z.Write(raw)
		err = errors.Join(err, z.Close())
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	path := checkpointPath(f.StateDir, f.Loop.Graph)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	_, err = file.Write(packed.Bytes())
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	f.since = 0 // only now: what failed is tried again with the next slice
	return nil
}
