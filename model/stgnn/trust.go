package stgnn

// trusted is how far from its mean, in deviations, the last value of any service may lie for the
// network to be believed in full.
const trusted = 4

// trust is the share of the median's change that is kept when the last value of a service (its
// row in the scaler, or -1) lies where training never was: nobody knows then whether the level stays
// or falls back, and the last value is the safer guess. The band keeps its width.
func (l *learned) trust(row int32, last float32) float32 {
	if !l.guarded() {
		return 1
	}
	low, high := float32(-trusted), float32(trusted)
	if row >= 0 {
		low, high = min(low, l.extent[2*row]), max(high, l.extent[2*row+1])
	}
	return 1 / (1 + max(0, last-high, low-last))
}

// newExtent finds the lowest and highest target value of each service in training.
func (l *learned) newExtent(d *data) []float32 {
	f, c := len(l.task.Channels), l.task.Target
	out := make([]float32, 2*len(l.scale.names))
	for _, s := range d.features {
		for i, row := range s.known {
			if z := s.z[i*f+c]; row >= 0 && z == z {
				out[2*row], out[2*row+1] = min(out[2*row], z), max(out[2*row+1], z)
			}
		}
	}
	return out
}
