package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sort"
)

// maxHeader bounds the JSON header, as the format's reference implementation does.
const maxHeader = 100 << 20

// metadataKey is the header's entry that is no tensor.
const metadataKey = "__metadata__"

// entry is a tensor's line in the header. Offsets count from the end of the header.
type entry struct {
	DType   DType  `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// Read takes one file from r up to its end. Tensors share one buffer, so keep the File
// no longer than its largest tensor is needed. Errors about the content wrap ErrCorrupt.
func Read(r io.Reader) (File, error) {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return File{}, fmt.Errorf("%w: header length: %w", ErrCorrupt, err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxHeader {
		return File{}, fmt.Errorf("%w: header of %d bytes, at most %d expected", ErrCorrupt, n, maxHeader)
	}
	header, err := readExactly(r, int(n))
	if err != nil {
		return File{}, fmt.Errorf("%w: header: %w", ErrCorrupt, err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return File{}, fmt.Errorf("reading tensor data: %w", err)
	}
	return parse(header, data)
}

// readExactly reads n bytes without trusting n before they are there.
func readExactly(r io.Reader, n int) ([]byte, error) {
	var b bytes.Buffer
	got, err := io.CopyN(&b, r, int64(n))
	if err != nil {
		return nil, fmt.Errorf("%d of %d bytes: %w", got, n, err)
	}
	return b.Bytes(), nil
}

// parse cuts data into the tensors that header names.
func parse(header, data []byte) (File, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(header, &raw); err != nil {
		return File{}, fmt.Errorf("%w: header: %w", ErrCorrupt, err)
	}
	f := File{Tensors: make(map[string]Tensor, len(raw))}
	entries := make(map[string]entry, len(raw))
	names := make([]string, 0, len(raw))
	for name, line := range raw {
		if name == metadataKey {
			if err := json.Unmarshal(line, &f.Metadata); err != nil {
				return File{}, fmt.Errorf("%w: metadata: %w", ErrCorrupt, err)
			}
			continue
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return File{}, fmt.Errorf("%w: tensor %q: %w", ErrCorrupt, name, err)
		}
		entries[name] = e
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := entries[names[i]], entries[names[j]]
		if a.Offsets != b.Offsets {
			return a.Offsets[0] < b.Offsets[0] || a.Offsets[0] == b.Offsets[0] && a.Offsets[1] < b.Offsets[1]
		}
		return names[i] < names[j]
	})
	// The tensors must cover the data without hole or overlap, so that nothing hides in a file.
	at := 0
	for _, name := range names {
		e := entries[name]
		want, err := bytesOf(e.DType, e.Shape)
		if err != nil {
			return File{}, fmt.Errorf("%w: tensor %q: %w", ErrCorrupt, name, err)
		}
		if e.Offsets[0] != at || e.Offsets[1]-e.Offsets[0] != want || e.Offsets[1] > len(data) {
			return File{}, fmt.Errorf("%w: tensor %q: offsets %v, expected [%d, %d] within %d bytes of data",
				ErrCorrupt, name, e.Offsets, at, at+want, len(data))
		}
		at = e.Offsets[1]
		f.Tensors[name] = Tensor{DType: e.DType, Shape: e.Shape, Data: data[e.Offsets[0]:at:at]}
	}
	if at != len(data) {
		return File{}, fmt.Errorf("%w: %d bytes after the last tensor", ErrCorrupt, len(data)-at)
	}
	return f, nil
}
