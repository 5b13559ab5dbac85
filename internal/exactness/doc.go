// Package exactness holds no code but a test: of every real recording with calls it
// counts the calls of each slice and edge straight from the files, with readers of its own, and
// compares them with what comes out of the whole chain.
//
//	file ──▶ replay source ──▶ OTLP records ──▶ ingest.Decoder ──▶ windower.Partition ×3 ──▶ Assembler ──▶ edges
//	  └────▶ a reader of its own, encoding/csv and a map ───────────────────────────────────────────────▶ edges
//
// It stands in a folder of its own because no room may import all the others.
package exactness
