package web

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxScrapes is how many requests for /metrics are answered at a time.
const maxScrapes = 4

// newHandler serves /healthz and /readyz to everybody, and all else, also what is not
// there, to those whom allow lets through.
func newHandler(c Config, allow func(http.ResponseWriter, *http.Request) bool) http.Handler {
	guarded := http.NewServeMux()
	guarded.Handle("/metrics", promhttp.HandlerFor(c.Gatherer, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	open := http.NewServeMux()
	open.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "alive") })
	open.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !c.Ready() {
			http.Error(w, "not ready: no slice has been forecast yet", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ready")
	})
	open.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if allow(w, r) {
			guarded.ServeHTTP(w, r)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are served", http.StatusMethodNotAllowed)
			return
		}
		open.ServeHTTP(w, r)
	})
}
