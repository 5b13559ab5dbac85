// Package web serves what an operator's tools ask a Presage process over HTTP:
// /metrics for Prometheus, /healthz and /readyz for whoever restarts it.
//
//	request ──▶ read only? ──▶ /healthz, /readyz
//	                      └──▶ Access: certificate, token ──▶ /metrics
//
// In: a Prometheus registry, whether the process is ready, and who may ask. Out: HTTP on one
// address, loopback unless told otherwise. It changes nothing. Time-outs bound what a slow client
// can hold, and a request's header is bounded; nothing reads a body.
package web
