package stgnn

import (
	"presage/model"
	"presage/model/tensor/kernel"
)

// maxZ bounds standardised values, far outside of what services do.
const maxZ = 1000

// standardiseBlock is the number of values that are worked on while they are in the cache.
const standardiseBlock = 4096

// standardise fills services, known and z.
func (b *basis) standardise(out *features, s *model.Step, known []int32, news unseen) {
	n, f := len(s.Services), len(b.task.Channels)
	out.services, out.known, out.z = s.Services, known, sized(out.z, n*f)
	rows := max(1, standardiseBlock/f)
	for from := 0; from < n; from += rows {
		b.standardiseRows(out, s, news, from, min(from+rows, n))
	}
}

// standardiseRows does the services from … to - 1.
func (b *basis) standardiseRows(out *features, s *model.Step, news unseen, from, to int) {
	f := len(b.task.Channels)
	z := out.z[from*f : to*f]
	b.channels.forwardAll(z, s.Values[from*f:to*f])
	for i := from; i < to; i++ {
		z, mask := out.z[i*f:(i+1)*f], s.Mask[i*f:(i+1)*f]
		switch row := int(out.known[i]); {
		case row >= 0:
			standardiseRow(z, mask, b.scale.mean[row*f:(row+1)*f], b.scale.dev[row*f:(row+1)*f])
		default:
			comer, ok := news[s.Services[i]]
			for c := range z {
				if !ok || mask[c] == 0 {
					z[c] = missing()
					continue
				}
				z[c] = cut((z[c] - comer.scales[c].mean) / comer.scales[c].dev)
			}
		}
	}
}

// standardiseRow does a service that training saw.
func standardiseRow(z, mask, mean, dev []float32) {
	nothing := missing()
	mask, mean, dev = mask[:len(z)], mean[:len(z)], dev[:len(z)]
	for c, v := range z {
		if mask[c] == 0 {
			z[c] = nothing
			continue
		}
		z[c] = cut((v - mean[c]) / dev[c])
	}
}

// cut bounds a standardised value; NaN stays NaN.
func cut(z float32) float32 {
	switch {
	case z > maxZ:
		return maxZ
	case z < -maxZ:
		return -maxZ
	}
	return z
}

// forwardAll is forward of whole rows of all channels.
func (c channels) forwardAll(out, values []float32) {
	if !c.logs {
		copy(out, values)
		return
	}
	for i, v := range values {
		if v < 0 {
			v = 0
		}
		out[i] = v
	}
	kernel.Log1p(out, out)
	f := len(c.log)
	for channel, log := range c.log {
		if log {
			continue
		}
		for i := channel; i < len(values); i += f {
			out[i] = values[i]
		}
	}
}
