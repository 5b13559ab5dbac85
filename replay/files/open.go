package files

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

const bufferSize = 256 << 10

// File is an open part as a stream of its content.
type File struct {
	Name string // for messages: path, and member if it lies in an archive
	Part Part
	r    io.Reader
}

// Read reads the content. Damage of the compression comes back as an error
// that names the file.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = damage(f.Name, err)
	}
	return n, err
}

func damage(name string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s ends in the middle of its compressed data: the file is truncated, fetch it again: %w", name, err)
	}
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
		return fmt.Errorf("%s is damaged, fetch it again: %w", name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Opener opens parts one after the other. Members of an archive that are asked
// for in the archive's order are read in one pass. It is for one goroutine,
// but for BytesRead. Close it at the end.
type Opener struct {
	read    atomic.Int64
	archive *archive
}

type archive struct {
	path string
	disk *os.File
	tar  *tar.Reader
	next int // place of the next member
}

// BytesRead is how many bytes have been read from disk.
func (o *Opener) BytesRead() int64 { return o.read.Load() }

// Close closes what is open.
func (o *Opener) Close() error {
	if o.archive == nil {
		return nil
	}
	err := o.archive.disk.Close()
	o.archive = nil
	return err
}

// Each calls fn for the part's file, or for each member of the archive that
// belongs to it. The file is valid during the call only.
func (o *Opener) Each(ctx context.Context, p Part, fn func(*File) error) error {
	if p.Member != "" {
		return o.member(ctx, p, fn)
	}
	disk, r, tarred, err := o.open(ctx, p.Path)
	if err != nil {
		return err
	}
	defer disk.Close()
	if !tarred {
		return fn(&File{Name: p.Path, Part: p, r: r})
	}
	members := tar.NewReader(r)
	var seen []string
	read := 0
	for {
		h, err := members.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damage(p.Path, err)
		}
		if !regular(h) {
			continue
		}
		seen = append(seen, h.Name)
		if tableOf(h.Name, []Table{p.table}) < 0 {
			continue
		}
		read++
		if err := fn(&File{Name: p.Path + ":" + h.Name, Part: p, r: members}); err != nil {
			return err
		}
	}
	if read == 0 {
		return fmt.Errorf("archive %s holds no file of the %s: found %s; expected %s",
			p.Path, p.table.Name, sample("", seen), expected([]Table{p.table}))
	}
	return nil
}

func regular(h *tar.Header) bool {
	base := h.Name[strings.LastIndexByte(h.Name, '/')+1:]
	return h.Typeflag == tar.TypeReg && !strings.HasPrefix(base, ".")
}

func (o *Opener) member(ctx context.Context, p Part, fn func(*File) error) error {
	a := o.archive
	if a == nil || a.path != p.Path || a.next > p.pos {
		if err := o.Close(); err != nil {
			return err
		}
		disk, r, _, err := o.open(ctx, p.Path)
		if err != nil {
			return err
		}
		a = &archive{path: p.Path, disk: disk, tar: tar.NewReader(r)}
		o.archive = a
	}
	for {
		_, err := a.tar.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("archive %s changed while it was read: member %s is gone", p.Path, p.Member)
		}
		if err != nil {
			return damage(p.Path, err)
		}
		pos := a.next
		a.next++
		if pos == p.pos {
			return fn(&File{Name: p.String(), Part: p, r: a.tar})
		}
	}
}

// list finds the members of an archive that belong to tables. It reads the archive once.
func list(ctx context.Context, name string, tables []Table, found [][]Part) error {
	var o Opener
	disk, r, tarred, err := o.open(ctx, name)
	if err != nil {
		return err
	}
	defer disk.Close()
	if !tarred {
		return fmt.Errorf("%s is not a tar archive", name)
	}
	st, err := disk.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	members := tar.NewReader(r)
	n := int64(0)
	for pos := 0; ; pos++ {
		h, err := members.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damage(name, err)
		}
		if i := tableOf(h.Name, tables); i >= 0 && regular(h) {
			found[i] = append(found[i], Part{Path: name, Member: h.Name, pos: pos, table: tables[i]})
			n++
		}
	}
	for i := range found {
		for j := range found[i] {
			if found[i][j].Path == name {
				found[i][j].Size = st.Size() / n
			}
		}
	}
	return nil
}

// open opens a file on disk, undoing gzip by its content, not its name.
func (o *Opener) open(ctx context.Context, name string) (disk *os.File, r *bufio.Reader, tarred bool, err error) {
	disk, err = os.Open(name)
	if err != nil {
		return nil, nil, false, fmt.Errorf("recording: %w", err)
	}
	r = bufio.NewReaderSize(&source{ctx: ctx, r: disk, read: &o.read}, bufferSize)
	if magic, _ := r.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			_ = disk.Close()
			return nil, nil, false, damage(name, err)
		}
		r = bufio.NewReaderSize(unzipped, bufferSize)
	} else if s := strings.ToLower(name); strings.HasSuffix(s, "gz") {
		_ = disk.Close()
		return nil, nil, false, fmt.Errorf("%s is no gzip file: expected it to start with 1f 8b, found % x", name, magic)
	}
	block, err := r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = disk.Close()
		return nil, nil, false, damage(name, err)
	}
	tarred = len(block) == 512 && string(block[257:262]) == "ustar"
	if isArchive(name) && !tarred && len(block) > 0 {
		_ = disk.Close()
		return nil, nil, false, fmt.Errorf("%s holds no tar archive, as its name says it does", name)
	}
	return disk, r, tarred, nil
}

// source counts bytes and ends when ctx does.
type source struct {
	ctx  context.Context
	r    io.Reader
	read *atomic.Int64
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(p)
	s.read.Add(int64(n))
	return n, err
}
