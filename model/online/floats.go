package online

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// floats are float32 values that JSON carries exactly, NaN too: as base64 of
// little-endian words.
type floats []float32

// MarshalJSON gives a base64 string.
func (f floats) MarshalJSON() ([]byte, error) {
	raw := make([]byte, 0, 4*len(f))
	for _, v := range f {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(raw))
}

// UnmarshalJSON takes it back.
func (f *floats) UnmarshalJSON(data []byte) error {
	var raw []byte
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	if len(raw)%4 != 0 {
		return fmt.Errorf("%d bytes are no whole number of float32 values", len(raw))
	}
	*f = make(floats, len(raw)/4)
	for i := range *f {
		(*f)[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return nil
}

// infinite reports whether one of them is; NaN is none.
func (f floats) infinite() bool {
	return slices.ContainsFunc(f, func(v float32) bool { return math.IsInf(float64(v), 0) })
}
