// Package sink publishes what the model stage says.
//
//	snapshots ──▶ RunForecaster: online.Loop ──▶ Publisher ──▶ presage.forecasts
//	                   │                    └──▶ Metrics ──▶ /metrics
//	                   └──▶ registry, checkpoint, history (state folder)
//
// In: snapshots in the order of their slices. Out: forecast records (Encode, Decode;
// docs/format/forecast.md), Prometheus series, and the state folder's models and
// checkpoint.
//
// The publisher reads the tail of the forecast topic first and writes only what is
// missing there, so that a restart, or another process that takes over (package
// ownership), publishes nothing twice; a slice is committed after all its records are acknowledged.
// kafka-go cannot produce idempotently, so a record may still be there twice: readers take the first by
// key (graph, service, target, slice start).
//
// The package forecasts nothing itself, and decides nothing about models.
package sink
