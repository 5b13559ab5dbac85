package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Write puts f onto w. Tensors are laid out widest type first, then by name, and the
// header is padded to eight bytes, so that every tensor is aligned and equal Files give
// equal bytes.
func Write(w io.Writer, f File) error {
	names := make([]string, 0, len(f.Tensors))
	for name := range f.Tensors {
		if name == metadataKey {
			return fmt.Errorf("tensor name %q is reserved", name)
		}
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := f.Tensors[b].DType.size() - f.Tensors[a].DType.size(); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})

	// encoding/json sorts the keys of a map, which makes the header deterministic.
	header := make(map[string]any, len(names)+1)
	if len(f.Metadata) > 0 {
		header[metadataKey] = f.Metadata
	}
	at := 0
	for _, name := range names {
		t := f.Tensors[name]
		want, err := bytesOf(t.DType, t.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if len(t.Data) != want {
			return fmt.Errorf("tensor %q: %d bytes, expected %d for shape %v of %s", name, len(t.Data), want, t.Shape, t.DType)
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		header[name] = entry{DType: t.DType, Shape: shape, Offsets: [2]int{at, at + want}}
		at += want
	}
	b, err := json.Marshal(header)
	if err != nil {
		return fmt.Errorf("safetensors header: %w", err)
	}
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b) > maxHeader {
		return fmt.Errorf("safetensors header of %d bytes, at most %d fit", len(b), maxHeader)
	}
	out := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(b)), uint64(len(b)))
	if _, err := w.Write(append(out, b...)); err != nil {
		return fmt.Errorf("writing safetensors header: %w", err)
	}
	for _, name := range names {
		if _, err := w.Write(f.Tensors[name].Data); err != nil {
			return fmt.Errorf("writing tensor %q: %w", name, err)
		}
	}
	return nil
}
