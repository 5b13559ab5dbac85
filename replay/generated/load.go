package generated

import "time"

// dayShape is the load by hour of the day in its mean: a trough before dawn, a
// plateau of office hours, an evening peak.
var dayShape = [24]float64{
	0.66, 0.52, 0.43, 0.38, 0.37, 0.42, 0.55, 0.76, 0.98, 1.14, 1.22, 1.24,
	1.22, 1.20, 1.18, 1.17, 1.18, 1.22, 1.30, 1.40, 1.46, 1.38, 1.15, 0.88,
}

// weekShape is the load by weekday, Monday first.
var weekShape = [7]float64{1.04, 1.05, 1.04, 1.03, 1.02, 0.93, 0.89}

// season returns day times week at a time (UTC), linear between full hours.
func season(unixNano int64) float64 {
	hours := float64(unixNano) / float64(time.Hour)
	whole := int64(hours)
	h := int(whole % 24)
	day := int((whole/24 + 3) % 7) // 1970-01-01 was a Thursday
	return float64(lerp(dayShape[h], dayShape[(h+1)%24], hours-float64(whole)) * weekShape[day])
}

// meanSeason returns the mean of season over a run, at most a week of it, and its
// highest value in the mean's.
func meanSeason(opt Options) (mean, peak float64) {
	length := opt.Duration
	if length <= 0 {
		length = 24 * time.Hour
	}
	length = min(length, 7*24*time.Hour)
	sum, most := 0.0, 0.0
	const points = 1000
	for i := range int64(points) {
		now := season(opt.Start + int64(length)/points*i)
		sum += now
		most = max(most, now)
	}
	return sum / points, most * points / sum
}

// stepLoad moves the load of every API and draws how many traces begin.
func (w *world) stepLoad(s *State, r *Rand, t *Tick) {
	dt := w.opt.Tick.Seconds()
	law := &w.law
	quiet := w.meanSeason
	bursts := 1 + float64(max(0, w.opt.Bursts)*w.burstArea/3600)
	level := season(t.Start) / quiet / bursts
	s.Common = r.ornstein(s.Common, w.decay.load, law.CommonDeviation)
	for a := range w.apis {
		l := &s.Loads[a]
		l.Level = r.ornstein(l.Level, w.loadKeep[a], law.LoadDeviation)
		l.Mix = r.ornstein(l.Mix, w.decay.mix, law.MixDeviation)
		w.stepBurst(l, r, dt)
		rate := w.rate * w.apis[a].share * t.surge[a]
		if period := w.apis[a].cron; period > 0 {
			rate *= cronShape(t.Start, int64(period)*int64(time.Second))
		} else {
			if w.apis[a].phase != 0 {
				level = season(t.Start+w.apis[a].phase) / quiet / bursts
			}
			rate *= level * exp(l.Level+s.Common) * (1 + float64(l.Burst.Height*l.Burst.shape(law.BurstFade)))
		}
		t.Traces[a] = r.poisson(rate * dt * r.logNormal(law.Dispersion))
		mix := exp(l.Mix)
		for v := range t.Mix[a] {
			t.Mix[a][v] = w.apis[a].variants[v].weight
			if v > 0 {
				t.Mix[a][v] *= mix
			}
		}
		normalise(t.Mix[a])
	}
}

// stepBurst ages a burst, or begins one.
func (w *world) stepBurst(l *LoadState, r *Rand, dt float64) {
	b := &l.Burst
	if b.Height == 0 {
		if r.chance(w.opt.Bursts / 3600 * dt) {
			*b = Burst{Height: r.within(w.law.BurstHeight), Rise: r.within(w.law.BurstRise), Holds: r.within(w.law.BurstHold)}
		}
		return
	}
	b.Age += dt
	if b.Age > b.Rise+b.Holds+4*w.law.BurstFade {
		*b = Burst{}
	}
}

// shape returns how much of a burst that fades in so many seconds there is, 0 to 1.
func (b *Burst) shape(fade float64) float64 {
	switch {
	case b.Height == 0:
		return 0
	case b.Age < b.Rise:
		return b.Age / b.Rise
	case b.Age < b.Rise+b.Holds:
		return 1
	default:
		return exp(-(b.Age - b.Rise - b.Holds) / fade)
	}
}

// cronPeak is a job's load while it runs, in its mean.
const cronPeak = 5

// cronShape is a job's load in its mean: it runs for a fifth of each period from
// full multiples of the period on, and takes ten seconds to start and to end.
func cronShape(unixNano, period int64) float64 {
	const ramp = 10.0
	at := float64(unixNano%period) / float64(time.Second)
	long := float64(period) / float64(time.Second) / cronPeak
	switch {
	case at < ramp:
		return cronPeak * at / ramp
	case at < long:
		return cronPeak
	case at < long+ramp:
		return cronPeak * (long + ramp - at) / ramp
	default:
		return 0
	}
}

// normalise scales weights to a sum of one.
func normalise(weights []float64) {
	sum := 0.0
	for _, x := range weights {
		sum += x
	}
	for i := range weights {
		weights[i] /= sum
	}
}
