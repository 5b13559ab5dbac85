// Package web serves what an operator's tools ask a Presage process over HTTP:
// /metrics for Prometheus, /healthz and /readyz for whoever restarts it.
//
// In: a Prometheus registry and whether the process is ready. Out: HTTP on one address, loopback
// unless told otherwise. It changes nothing.
package web
