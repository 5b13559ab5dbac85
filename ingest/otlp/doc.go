// Package otlp reads and writes the OTLP protobuf encoding of spans and metrics,
// as the OpenTelemetry Collector puts them on Kafka (ExportTraceServiceRequest and
// ExportMetricsServiceRequest have the same bytes as TracesData and MetricsData).
//
// In: the value of a Kafka record. Out: calls on a visitor (reading), or bytes
// (writing). Reading depends on no field order, allocates nothing in steady state and
// refuses hostile sizes. The package gives no meaning to attributes: ingest does.
package otlp
