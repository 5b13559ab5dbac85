package generated

import "math"

// stationWait returns the mean waiting time and the share of calls that wait at
// a station of c slots with Poisson arrivals: Allen and Cunneen's approximation of
// M/G/c, with Sakasegawa's exponent. busy is the utilisation, work a call's mean time
// in a slot, cv2 its squared coefficient of variation.
func stationWait(busy, work, c, cv2 float64) (wait, share float64) {
	busy = min(busy, maxBusy)
	if busy <= 0 {
		return 0, 0
	}
	share = pow(busy, math.Sqrt(float64(2*c)+2)-1)
	return (1 + cv2) / 2 * work / c * share / (1 - busy), share
}

// maxBusy bounds the stationary formula; what exceeds capacity becomes backlog.
const maxBusy = 0.97

// relax returns how far the stationary queue has come to its new value after dt:
// a queue's memory is its work over (1 - √busy)² (Cohen 1982).
func relax(busy, work, c, dt float64) float64 {
	gap := 1 - math.Sqrt(min(busy, maxBusy))
	tau := work / c / (gap * gap)
	return 1 - exp(-dt/max(tau, 1e-6))
}

// timeoutShare returns the share of calls that take longer than limit: first a
// fixed wait, then a log-normal time of the given mean.
func timeoutShare(limit, wait, mean float64) float64 {
	const sigma = 0.85
	if limit <= wait {
		return 1
	}
	if mean <= 0 {
		return 0
	}
	return normalTail((ln((limit-wait)/mean) + sigma*sigma/2) / sigma)
}

// longer returns the mean of the longer of two exponential times.
func longer(a, b float64) float64 {
	if a <= 0 || b <= 0 {
		return max(a, b)
	}
	return a + b - float64(a*b)/(a+b)
}

// serve moves the queue of service i over a tick, given its arrivals, the mean
// time a call holds its thread, and its replicas' total speed (slots, in the speed
// of a fresh one).
func (w *world) serve(i int, me *ServiceState, c *Condition, speed, ready, dt float64) {
	svc := &w.services[i]
	c.From = me.Backlog
	threads := svc.thread * ready
	work := c.Work * c.Slowness
	me.Arriving = lerp(me.Arriving, c.Arrivals/dt, w.decay.arriving)
	c.Rate = 1e-3
	if speed > 0 {
		c.Rate = min(speed/c.Work, threads/max(c.Hold, 1e-6))
	}
	all := me.Backlog + c.Arrivals
	served := min(all, c.Rate*dt)
	left := all - served
	over := max(0, left-float64(svc.queue*max(ready, 1)))
	me.Backlog = left - over
	c.To = me.Backlog
	c.Refused = 0
	if c.Arrivals > 0 {
		c.Refused = min(1, over/c.Arrivals)
	}
	if ready == 0 {
		me.Backlog, c.From, c.To, c.Refused = 0, 0, 0, 1
	}
	me.Refused, me.Rate = c.Refused, c.Rate
	slots := float64(svc.slots)
	c.Busy = min(1, me.Arriving*work/max(slots*ready, 1e-9))
	wait, share := stationWait(c.Busy, work, slots, svc.cv2)
	if threads > 0 {
		held, heldShare := stationWait(me.Arriving*c.Hold/threads, c.Hold, svc.thread, svc.cv2)
		wait, share = wait+held, max(share, heldShare)
	}
	me.Wait = lerp(me.Wait, wait, relax(c.Busy, work, slots, dt))
	c.Wait, c.WaitShare = me.Wait, max(share, 1e-3)
	if all > c.Rate*dt { // overloaded: the slots were never idle
		c.Busy = max(c.Busy, 1)
	}
	me.Busy = lerp(me.Busy, min(c.Busy, 1), w.decay.busy)
	c.Response = c.Wait + min(maxWait, (c.From+c.To)/2/c.Rate) + c.Hold
	me.Response = c.Response
}
