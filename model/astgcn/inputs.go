package astgcn

import "presage/model/tensor"

// series is what the inputs are made of.
type series[T tensor.Float] struct {
	windows, steps, services, channels int
	x                                  []T // [B, T, N, C]: the target, then the changing attributes
	static                             []T // [N, S]
}

func (s series[T]) kinds() int { return len(s.static) / s.services }

// width is the number of inputs of a step when attributes are further ones.
func (s series[T]) width(window int) int { return 1 + s.kinds() + (s.channels-1)*(window+1) }

// widened fills dst [B, T - from, N, width] with the steps from a given one on:
//
//	[x_t, S_1 .. S_p, D_1,t-m .. D_1,t, .., D_w,t-m .. D_w,t]
//
// What lies before the first step counts as equal to it.
func (s series[T]) widened(dst []T, window, from int) {
	at := 0
	stride, kinds := s.services*s.channels, s.kinds()
	for w := range s.windows {
		base := w * s.steps * stride
		for k := from; k < s.steps; k++ {
			for i := range s.services {
				dst[at] = s.x[base+k*stride+i*s.channels]
				at++
				at += copy(dst[at:], s.static[i*kinds:(i+1)*kinds])
				for c := 1; c < s.channels; c++ {
					for lag := window; lag >= 0; lag-- {
						dst[at] = s.x[base+max(k-lag, 0)*stride+i*s.channels+c]
						at++
					}
				}
			}
		}
	}
}

// length is the number of steps when attributes are further ones.
func (s series[T]) length() int { return s.steps*s.channels + s.kinds() }

// lengthened fills dst [B, length, N]: the target's steps, those of each changing attribute, and one for each that
// stays. The published code also reads a changing attribute's future; a forecast doesn't know it.
func (s series[T]) lengthened(dst []T) {
	at := 0
	for w := range s.windows {
		for c := range s.channels {
			for k := range s.steps {
				from := s.x[(w*s.steps+k)*s.services*s.channels+c:]
				for i := range s.services {
					dst[at] = from[i*s.channels]
					at++
				}
			}
		}
		for kind := range s.kinds() {
			for i := range s.services {
				dst[at] = s.static[i*s.kinds()+kind]
				at++
			}
		}
	}
}

// targets fills dst [B, T, N] with the target alone.
func (s series[T]) targets(dst []T) {
	for i := range dst {
		dst[i] = s.x[i*s.channels]
	}
}
