package generated

import (
	"archive/tar"
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
)

// Packing says how a table's files are packed.
type Packing string

// The packings: plain files, each gzipped, each in a tar archive of its own.
const (
	Plain  Packing = ""
	Gzip   Packing = "gz"
	TarGz  Packing = "tar.gz"
	prefix         = ".part-" // of a file that is being written
)

// poolRows is how many rows of a file wait in memory: a row that comes displaces one of
// them at random, so that files are out of order as the real ones are.
const poolRows = 1 << 15

// csvFile is one part file of a table. It is complete once close has returned nil;
// until then it has another name.
type csvFile struct {
	dir, name string
	pack      Packing
	file      *os.File
	zip       *gzip.Writer
	out       *bufio.Writer
	pool      []string
	shuffle   bool
	rand      Rand
}

// createCSV begins a part file named name (without the packing's ending) in dir. Rows
// are put out of order by rand if shuffle is set.
func createCSV(dir, name string, pack Packing, header string, shuffle bool, rand Rand) (*csvFile, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("generated: make folder: %w", err)
	}
	file, err := os.Create(filepath.Join(dir, prefix+name))
	if err != nil {
		return nil, fmt.Errorf("generated: create part file: %w", err)
	}
	f := &csvFile{dir: dir, name: name, pack: pack, file: file, shuffle: shuffle, rand: rand}
	var w io.Writer = file
	if pack == Gzip {
		f.zip, _ = gzip.NewWriterLevel(file, gzip.BestSpeed)
		w = f.zip
	}
	f.out = bufio.NewWriterSize(w, 1<<16)
	f.line(header)
	return f, nil
}

// row adds a row without its end of line.
func (f *csvFile) row(row []byte) {
	if !f.shuffle {
		_, _ = f.out.Write(row) // Flush tells of errors
		_ = f.out.WriteByte('\n')
		return
	}
	if len(f.pool) < poolRows {
		f.pool = append(f.pool, string(row))
		return
	}
	k := f.rand.below(len(f.pool))
	f.line(f.pool[k])
	f.pool[k] = string(row)
}

// line writes a line; the buffered writer keeps its error until the end.
func (f *csvFile) line(s string) {
	_, _ = f.out.WriteString(s)
	_ = f.out.WriteByte('\n')
}

// close writes what waits, packs the file and gives it its name.
func (f *csvFile) close() error {
	for i := len(f.pool) - 1; i > 0; i-- {
		j := f.rand.below(i + 1)
		f.pool[i], f.pool[j] = f.pool[j], f.pool[i]
	}
	for _, s := range f.pool {
		f.line(s)
	}
	f.pool = nil
	err := f.out.Flush()
	if f.zip != nil && err == nil {
		err = f.zip.Close()
	}
	if err == nil && f.pack == TarGz {
		err = f.archive()
	}
	if shut := f.file.Close(); err == nil {
		err = shut
	}
	from := filepath.Join(f.dir, prefix+f.name)
	if err == nil {
		switch f.pack {
		case Plain:
			err = os.Rename(from, filepath.Join(f.dir, f.name))
		case Gzip:
			err = os.Rename(from, filepath.Join(f.dir, f.name+".gz"))
		case TarGz:
			err = os.Remove(from)
		}
	}
	if err != nil {
		return fmt.Errorf("generated: write %s: %w", filepath.Join(f.dir, f.name), err)
	}
	return nil
}

// archive packs the plain file into NAME.tar.gz (NAME without .csv).
func (f *csvFile) archive() error {
	size, err := f.file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	base := f.name[:len(f.name)-len(filepath.Ext(f.name))]
	path := filepath.Join(f.dir, base+".tar.gz")
	packed, err := os.Create(path)
	if err != nil {
		return err
	}
	zip, _ := gzip.NewWriterLevel(packed, gzip.BestSpeed)
	tape := tar.NewWriter(zip)
	err = tape.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: size})
	if err == nil {
		_, err = io.Copy(tape, f.file)
	}
	for _, c := range []io.Closer{tape, zip, packed} {
		if shut := c.Close(); err == nil {
			err = shut
		}
	}
	return err
}

// abandon removes a file that is not finished.
func (f *csvFile) abandon() {
	_ = f.file.Close()
	_ = os.Remove(filepath.Join(f.dir, prefix+f.name))
}
