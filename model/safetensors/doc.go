// Package safetensors reads and writes the safetensors format: named arrays in one
// file, a JSON header followed by the plain little-endian data. Weights are stored in
// it and the parity fixtures come in it.
//
//	bytes ──Read──▶ File{Tensors, Metadata} ──Write──▶ bytes
//
// Only the three types that Presage uses are known: F32, F64 and I64. Write is
// deterministic: the same File gives the same bytes. Read checks every offset against
// the data before it uses it and never allocates more than a small multiple of what the
// input really holds. The package does no file handling: callers open and close.
package safetensors
