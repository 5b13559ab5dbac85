// Package registry keeps trained models on disk: a folder for each version, with
// the weights in safetensors and a JSON card, and for each target a pointer to the champion.
//
//	models/GRAPH/stgnn-20260101T000000Z-1a2b/weights.safetensors
//	models/GRAPH/stgnn-20260101T000000Z-1a2b/card.json
//	models/GRAPH/champion-response_time
//
// A version appears whole or not at all, and never changes: it is written beside its
// place, synced and renamed. The pointer is replaced the same way. Loading checks the weights
// against the card's hash. The package reads no clock and starts no goroutine. The format is
// described in docs/format/model.md.
package registry
