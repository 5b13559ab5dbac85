package extsort

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/s2"
)

// blockSize is what a spilled run keeps in memory while it is read.
const blockSize = 64 << 10

// run is a sorted sequence of rows; the current row is key, row.
type run interface {
	// next steps to the next row; false after the last.
	next() (bool, error)
	key() int64
	row() []byte // valid until next
	close() error
}

// memoryRun is a sorted run that still lies in memory.
type memoryRun struct {
	arena []byte
	index []entry
	at    int // the current row is index[at-1]
}

// entry is one row of an arena. Offsets rise in order of arrival, which makes
// sorting by (key, offset) stable.
type entry struct {
	key    int64
	offset int
	length int
}

func (m *memoryRun) next() (bool, error) { m.at++; return m.at <= len(m.index), nil }
func (m *memoryRun) key() int64          { return m.index[m.at-1].key }
func (m *memoryRun) close() error        { m.arena, m.index = nil, nil; return nil }
func (m *memoryRun) row() []byte {
	e := m.index[m.at-1]
	return m.arena[e.offset : e.offset+e.length : e.offset+e.length]
}

// diskRun is a sorted run in a file: for each row the key's difference to the one
// before, the length and the bytes, packed with S2.
type diskRun struct {
	file *os.File
	gone bool // the file has no name any more
	r    *bufio.Reader
	k    int64
	b    []byte
}

// spill writes the rows that src still has to a new file in dir.
func spill(dir string, src run) (d *diskRun, err error) {
	file, err := os.CreateTemp(dir, "presage-sort-*")
	if err != nil {
		return nil, fmt.Errorf("sorting on disk: %w", err)
	}
	// Where an open file can be removed, nothing is left behind even by kill -9.
	d = &diskRun{file: file, gone: os.Remove(file.Name()) == nil}
	defer func() {
		if err != nil {
			_ = d.close()
			d, err = nil, fmt.Errorf("sorting on disk in %s: %w; free some space or set another folder for temporary files", dir, err)
		}
	}()
	packed := s2.NewWriter(file, s2.WriterConcurrency(1), s2.WriterBlockSize(blockSize))
	w := bufio.NewWriterSize(packed, blockSize)
	var head [2 * binary.MaxVarintLen64]byte
	last := int64(0)
	for {
		ok, err := src.next()
		if err != nil {
			return d, err
		}
		if !ok {
			break
		}
		key, row := src.key(), src.row()
		n := binary.PutVarint(head[:], key-last)
		n += binary.PutUvarint(head[n:], uint64(len(row)))
		last = key
		if _, err := w.Write(head[:n]); err != nil {
			return d, err
		}
		if _, err := w.Write(row); err != nil {
			return d, err
		}
	}
	if err := w.Flush(); err != nil {
		return d, err
	}
	if err := packed.Close(); err != nil {
		return d, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return d, err
	}
	d.r = bufio.NewReaderSize(s2.NewReader(file, s2.ReaderMaxBlockSize(blockSize), s2.ReaderAllocBlock(blockSize)), 16<<10)
	return d, nil
}

func (d *diskRun) next() (bool, error) {
	step, err := binary.ReadVarint(d.r)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading back a sorted run: %w", err)
	}
	n, err := binary.ReadUvarint(d.r)
	if err != nil {
		return false, fmt.Errorf("reading back a sorted run: %w", err)
	}
	d.k += step
	if uint64(cap(d.b)) < n {
		d.b = make([]byte, 2*n)
	}
	d.b = d.b[:n]
	if _, err := io.ReadFull(d.r, d.b); err != nil {
		return false, fmt.Errorf("reading back a sorted run: %w", err)
	}
	return true, nil
}

func (d *diskRun) key() int64  { return d.k }
func (d *diskRun) row() []byte { return d.b }

func (d *diskRun) close() error {
	if d.file == nil {
		return nil
	}
	err := d.file.Close()
	if !d.gone {
		err = os.Remove(d.file.Name())
	}
	d.file = nil
	return err
}
