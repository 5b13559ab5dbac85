package otlp

import "github.com/VictoriaMetrics/easyproto"

// flagNoValue is OTLP's DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK.
const flagNoValue = 1

// readPoint decodes a point into r.point. The three kinds of point that are read
// number their fields differently.
func (r *MetricsReader) readPoint(src []byte) (err error) {
	p := &r.point
	*p = Point{Attributes: p.Attributes[:0], Bounds: p.Bounds[:0], Buckets: p.Buckets[:0], NoValue: true, NoSum: r.info.Type >= HistogramType}
	attributes, flags := uint32(7), uint32(8)
	switch r.info.Type {
	case HistogramType:
		attributes, flags = 9, 10
	case ExponentialType:
		attributes, flags = 1, 10
	}
	flagged := false
	var fc easyproto.FieldContext
	for len(src) > 0 {
		if src, err = fc.NextField(src); err != nil {
			return broken("data point", err)
		}
		ok := true
		switch fc.FieldNum {
		case 2:
			p.Start, ok = readTime(&fc)
		case 3:
			p.Time, ok = readTime(&fc)
		case attributes:
			if p.Attributes, err = readAttribute(&fc, p.Attributes, r.limits.Attributes); err != nil {
				return err
			}
		case flags:
			var f uint64
			f, ok = fc.Uint64()
			flagged = f&flagNoValue != 0
		default:
			ok, err = r.readMeasured(&fc)
			if err != nil {
				return err
			}
		}
		if !ok {
			return malformed("data point", fc.FieldNum)
		}
	}
	if r.info.Type >= HistogramType {
		p.NoValue = false // a count of zero is not written
	}
	p.NoValue = p.NoValue || flagged
	return nil
}

// readMeasured decodes what a point measured.
func (r *MetricsReader) readMeasured(fc *easyproto.FieldContext) (ok bool, err error) {
	p := &r.point
	if r.info.Type < HistogramType {
		switch fc.FieldNum {
		case 4:
			p.NoValue = false
			p.Value, ok = fc.Double()
			return ok, nil
		case 6:
			p.NoValue = false
			var v int64
			v, ok = fc.Sfixed64()
			p.Value = float64(v)
			return ok, nil
		}
		return true, nil
	}
	switch fc.FieldNum {
	case 4:
		p.Count, ok = fc.Fixed64()
		return ok, nil
	case 5:
		p.NoSum = false
		p.Sum, ok = fc.Double()
		return ok, nil
	}
	if r.info.Type == ExponentialType {
		return true, nil // scale and buckets are not decoded
	}
	if fc.FieldNum != 6 && fc.FieldNum != 7 {
		return true, nil
	}
	// Before they are unpacked: there is room for none but those allowed.
	if packed, ok := fc.MessageData(); ok && len(packed)/8 > r.limits.Buckets {
		return true, tooMany("buckets", r.limits.Buckets)
	}
	switch fc.FieldNum {
	case 6:
		p.Buckets, ok = fc.UnpackFixed64s(p.Buckets)
	case 7:
		p.Bounds, ok = fc.UnpackDoubles(p.Bounds)
	}
	if max(len(p.Buckets), len(p.Bounds)) > r.limits.Buckets {
		return ok, tooMany("buckets", r.limits.Buckets)
	}
	return ok, nil
}
