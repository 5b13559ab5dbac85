package matrix

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"presage/model"
)

// Open is Read of two files, plain or compressed by gzip (told by their first bytes). An
// empty adjacency means no edges.
func Open(series, adjacency string, o Options) (steps []*model.Step, err error) {
	s, err := openFile(series)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if adjacency == "" {
		return Read(s, nil, series, "", o)
	}
	a, err := openFile(adjacency)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return Read(s, a, series, adjacency, o)
}

// file reads a file through its decompressor.
type file struct {
	io.Reader
	io.Closer
}

func openFile(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("matrix: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s is a folder, expected a CSV file", path), f.Close())
	}
	b := bufio.NewReader(f)
	if magic, err := b.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return file{b, f}, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return file{z, f}, nil
}
