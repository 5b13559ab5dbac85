package aggregates

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
)

// A compressed table may be so many times its size, and a little more; text of numbers
// shrinks to a fifth or so, and what shrinks that far was made to fill memory.
const (
	maxExpansion   = 200
	expansionFloor = 1 << 20
)

// withFile gives read the text of a file, plain or compressed by gzip (told by its first bytes).
func withFile(path string, read func(io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("aggregates: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("aggregates: %w", err)
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder, expected a CSV file", path)
	}
	b := bufio.NewReader(f)
	if magic, err := b.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return read(b)
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return read(&bounded{r: z, left: expansionFloor + maxExpansion*info.Size()})
}

var errExpands = errors.New("expands to far more than a table of numbers does")

// bounded fails, rather than ends, after so many bytes: a cut table would look like a whole one.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errExpands
	}
	return n, err
}
