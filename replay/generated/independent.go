package generated

import (
	"strconv"
	"time"
)

// drawIndependent gives every service an API of its own that calls nothing, with a
// day of its own. The menus become edges that nothing goes over.
func (w *world) drawIndependent(r *Rand) {
	sum := 0.0
	for s := range w.opt.Services {
		root := callNode{service: s, parent: -1, edge: -1, share: 1, repeats: 1, weight: 1, optional: -1, route: w.services[s].name + "/get"}
		a := api{name: "/api/v1/alone-" + strconv.Itoa(s), share: r.logNormal(0.8), phase: 1 + int64(r.unit()*float64(7*24*time.Hour))}
		a.variants = []variant{{nodes: []callNode{root}, weight: 1}}
		sum += a.share
		w.apis = append(w.apis, a)
		for _, callee := range w.services[s].callees {
			w.phantom = append(w.phantom, edge{caller: s, callee: callee, kind: callRPC})
		}
		w.services[s].cache = -1
	}
	for a := range w.apis {
		w.apis[a].share /= sum
	}
}
