package slice

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxContent bounds what a chunk holds before compression: more is refused by
	// the writer, and by the reader before it makes room.
	maxContent = 64 << 20
	// zstdWindow suffices for chunks of the usual size and keeps both sides small.
	zstdWindow = 1 << 20
)

// newCompressor makes an encoder for EncodeAll, which starts no goroutine, needs
// no closing, and gives the same bytes for the same input.
func newCompressor() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
}

func newDecompressor() (*zstd.Decoder, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxContent), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("make a zstd decoder: %w", err)
	}
	return d, nil
}

// decompress reads a zstd frame that must hold size bytes.
func decompress(d *zstd.Decoder, data []byte, size int) ([]byte, error) {
	// Room is made for what such data may hold; what is lied about grows as it comes.
	content, err := d.DecodeAll(data, make([]byte, 0, min(size, 8*len(data)+1<<16)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if len(content) != size {
		return nil, fmt.Errorf("%w: content of %d bytes, expected %d", ErrCorrupt, len(content), size)
	}
	return content, nil
}
