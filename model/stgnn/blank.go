package stgnn

import "math/rand/v2"

// blank takes, in a share of a batch's rows, all that came from neighbours away, and in as many the service's other
// channels: the network learns to do without what can be missing, and not to lean on one thing alone.
func (p *problem) blank(rng *rand.Rand) {
	share := p.l.cfg.Blank
	if share <= 0 {
		return
	}
	a, n := p.assemble, p.l.task.Input
	for r := range p.batch.base {
		x := p.batch.x[r*a.width : (r+1)*a.width]
		if rng.Float64() < share {
			clear(x[:n*a.diffused*ways])
		}
		if rng.Float64() < share {
			for c, first := range a.series {
				if c != p.l.task.Target {
					clear(x[first : first+n])
				}
			}
		}
	}
}
