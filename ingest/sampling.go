package ingest

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"presage/ingest/otlp"
)

// adjustedCount is how many spans a span with this tracestate stands for, in
// 1/256: OpenTelemetry's consistent probability sampling keeps a share of
// (2^56 − T) / 2^56, where T is the threshold th of the list member ot, in hex digits
// whose trailing zeros are left out. The older form p:N keeps 1 of 2^N.
func adjustedCount(traceState string, most uint32) uint32 {
	for member := range strings.SplitSeq(traceState, ",") {
		values, ok := strings.CutPrefix(strings.TrimSpace(member), "ot=")
		if !ok {
			continue
		}
		for value := range strings.SplitSeq(values, ";") {
			if th, ok := strings.CutPrefix(value, "th:"); ok {
				return fromThreshold(th, most)
			}
			if p, ok := strings.CutPrefix(value, "p:"); ok {
				n, err := strconv.ParseUint(p, 10, 8)
				if err != nil || n >= 63 {
					return FullCount // 63 is the older way to say "unknown"
				}
				return min(1<<min(n, 24), most) * FullCount
			}
		}
	}
	return FullCount
}

func fromThreshold(th string, most uint32) uint32 {
	if th == "" || len(th) > 14 {
		return FullCount
	}
	t, err := strconv.ParseUint(th, 16, 64)
	if err != nil {
		return FullCount
	}
	t <<= 4 * (14 - len(th))
	kept := uint64(1)<<56 - t
	if kept == 1 { // 2^64 / 1 does not fit
		return most * FullCount
	}
	count, _ := bits.Div64(1, kept/2, kept) // 256 × 2^56 / kept, rounded
	return uint32(min(count, uint64(most)*FullCount))
}

// samplerCount reads the attributes that Jaeger's clients set.
func samplerCount(attributes []otlp.KeyValue, most uint32) uint32 {
	probabilistic, param := false, 0.0
	for i := range attributes {
		v := &attributes[i].Value
		switch attributes[i].Key {
		case "sampler.type":
			probabilistic = v.Kind == otlp.KindString && v.Str == "probabilistic"
		case "sampler.param":
			switch v.Kind {
			case otlp.KindDouble:
				param = v.Double
			case otlp.KindString:
				param, _ = strconv.ParseFloat(v.Str, 64)
			}
		}
	}
	if !probabilistic || !(param > 0 && param < 1) {
		return FullCount
	}
	return uint32(min(math.Round(FullCount/param), float64(most)*FullCount))
}
