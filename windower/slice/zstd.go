package slice

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Bounds of what is compressed, before compression: more is refused by the writer, and
// by the reader before it makes room.
const (
	// maxContent is of a chunk of a snapshot: sixteen times the usual size, for rows with long names.
	maxContent = 8 << 20
	// maxForecasts is of a frame of forecasts in the history.
	maxForecasts = 64 << 20
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
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxForecasts), zstd.WithDecoderLowmem(true),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("make a zstd decoder: %w", err)
	}
	return d, nil
}

// decompress reads a zstd frame that must hold size bytes.
func decompress(d *zstd.Decoder, data []byte, size int) ([]byte, error) {
	// Room is made for what such data usually hold. Only where they hold more, there is more.
	for room := min(size, 8*len(data)+1<<16); ; room = min(size, 4*room) {
		content, err := d.DecodeAll(data, make([]byte, 0, room))
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) && room < size {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if len(content) != size {
			return nil, fmt.Errorf("%w: content of %d bytes, expected %d", ErrCorrupt, len(content), size)
		}
		return content, nil
	}
}
