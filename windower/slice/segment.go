package slice

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A segment file holds what was appended for one UTC day: a header, then frames.
// See docs/format/history.md.
const (
	segmentMagic      = "PSGH"
	segmentVersion    = 1
	segmentHeaderSize = 24
	frameHeaderSize   = 28
)

// A segmentKind says what the frames of a segment hold.
type segmentKind byte

const (
	sliceSegment    segmentKind = 's'
	forecastSegment segmentKind = 'f'
)

// name is how files of the kind begin.
func (k segmentKind) name() string {
	if k == forecastSegment {
		return "forecasts"
	}
	return "slices"
}

// A segmentHeader says what a segment is of. Segments of one history agree.
type segmentHeader struct {
	kind        segmentKind
	fingerprint uint64
	width       int64
}

func (h segmentHeader) bytes() []byte {
	b := append([]byte(segmentMagic), segmentVersion, byte(h.kind), 0, 0)
	b = binary.LittleEndian.AppendUint64(b, h.fingerprint)
	return binary.LittleEndian.AppendUint64(b, uint64(h.width))
}

// errNoHeader says that a file ends within the header, or has zeros in its place:
// a crash came before it was written.
var errNoHeader = errors.New("no header")

func readSegmentHeader(r io.ReaderAt, kind segmentKind) (segmentHeader, error) {
	var b [segmentHeaderSize]byte
	if _, err := r.ReadAt(b[:], 0); errors.Is(err, io.EOF) || err == nil && b == [segmentHeaderSize]byte{} {
		return segmentHeader{}, errNoHeader
	} else if err != nil {
		return segmentHeader{}, fmt.Errorf("read the header: %w", err)
	}
	if string(b[:4]) != segmentMagic || segmentKind(b[5]) != kind {
		return segmentHeader{}, fmt.Errorf("%w: expected magic %q and kind %q, found %q and %q", ErrCorrupt, segmentMagic, kind, b[:4], b[5])
	}
	if b[4] != segmentVersion {
		return segmentHeader{}, fmt.Errorf("%w %d: expected %d; written by a newer Presage?", ErrVersion, b[4], segmentVersion)
	}
	return segmentHeader{kind, binary.LittleEndian.Uint64(b[8:]), int64(binary.LittleEndian.Uint64(b[16:]))}, nil
}

// A frame is one record of a segment. Frames with the same index and revision lie
// behind one another, from chunk 0 on.
type frame struct {
	index         int64
	revision      uint32
	chunk, chunks uint32
	offset        int64 // of the frame in its file
	size          int64 // with the header
}

// appendFrame writes a frame: the payload's length, the CRC-32C of all that
// follows it, the key, the payload.
func appendFrame(b []byte, f frame, payload []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(f.index))
	b = binary.LittleEndian.AppendUint32(b, f.revision)
	b = binary.LittleEndian.AppendUint32(b, f.chunk)
	b = binary.LittleEndian.AppendUint32(b, f.chunks)
	b = append(b, payload...)
	binary.LittleEndian.PutUint32(b[start+4:], checksum(b[start+8:]))
	return b
}

// readFrame reads the frame at an offset of a file of the given size. Without
// content only the header is read, and the checksum is not compared.
func readFrame(r io.ReaderAt, offset, size int64, content bool) (f frame, payload []byte, err error) {
	var h [frameHeaderSize]byte
	if size-offset < frameHeaderSize {
		return f, nil, fmt.Errorf("%w: %d bytes at offset %d are no frame", ErrCorrupt, size-offset, offset)
	}
	if _, err := r.ReadAt(h[:], offset); err != nil {
		return f, nil, fmt.Errorf("read the frame at offset %d: %w", offset, err)
	}
	length := int64(binary.LittleEndian.Uint32(h[:]))
	f = frame{
		index:    int64(binary.LittleEndian.Uint64(h[8:])),
		revision: binary.LittleEndian.Uint32(h[16:]),
		chunk:    binary.LittleEndian.Uint32(h[20:]),
		chunks:   binary.LittleEndian.Uint32(h[24:]),
		offset:   offset,
		size:     frameHeaderSize + length,
	}
	// A file that a crash left longer than what was written ends in zeros.
	if length == 0 || f.size > size-offset || f.chunks == 0 || f.chunk >= f.chunks {
		return f, nil, fmt.Errorf("%w: the frame at offset %d has %d bytes, chunk %d of %d; %d bytes are left", ErrCorrupt, offset, length, f.chunk, f.chunks, size-offset)
	}
	if !content {
		return f, nil, nil
	}
	whole := make([]byte, f.size)
	if _, err := r.ReadAt(whole, offset); err != nil {
		return f, nil, fmt.Errorf("read the frame at offset %d: %w", offset, err)
	}
	if found, sum := binary.LittleEndian.Uint32(h[4:]), checksum(whole[8:]); found != sum {
		return f, nil, fmt.Errorf("%w: checksum of the frame at offset %d is %08x, expected %08x", ErrCorrupt, offset, found, sum)
	}
	return f, whole[frameHeaderSize:], nil
}

// scanSegment walks the frames of a file and hands on each group of chunks that is
// whole. It gives the offset up to which the file is good: what comes after that was
// torn by a crash. With verify, contents are read and their checksums compared.
func scanSegment(file *os.File, verify bool, each func(group frame)) (good int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("scan %s: %w", file.Name(), err)
	}
	good = segmentHeaderSize
	var group frame
	for at := good; at < info.Size(); {
		f, _, err := readFrame(file, at, info.Size(), verify)
		if err != nil {
			break // how much is good is the answer
		}
		switch {
		case f.chunk == 0:
			group = f
		case f.index == group.index && f.revision == group.revision && f.chunk == group.chunk+1 && f.chunks == group.chunks:
			group.chunk, group.size = f.chunk, group.size+f.size
		default:
			return good, nil
		}
		at += f.size
		if group.chunk == group.chunks-1 {
			each(group)
			good = at
		}
	}
	return good, nil
}
