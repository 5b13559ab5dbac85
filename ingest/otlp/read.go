package otlp

import (
	"errors"
	"fmt"

	"github.com/VictoriaMetrics/easyproto"
)

// What is wrong with bytes that can't be read; errors.Is tells which.
var (
	ErrMalformed = errors.New("malformed protobuf")
	ErrLimit     = errors.New("limit exceeded")
)

// Limits bound what one message may hold. Zero fields take the default. Messages
// inside attribute values are skipped, not decoded, so that nesting costs nothing.
type Limits struct {
	Bytes      int // size of a message; default 32 MiB
	Items      int // spans or data points in a message; default 200 000
	Attributes int // attributes of a resource, a span or a point, likewise links; default 4096
	Buckets    int // bounds and buckets of a histogram; default 4096
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		have *int
		want int
	}{{&l.Bytes, 32 << 20}, {&l.Items, 200_000}, {&l.Attributes, 4096}, {&l.Buckets, 4096}} {
		if *f.have <= 0 {
			*f.have = f.want
		}
	}
	return l
}

func (l Limits) check(src []byte) error {
	if len(src) > l.Bytes {
		return fmt.Errorf("%w: a message of %d bytes, at most %d are read", ErrLimit, len(src), l.Bytes)
	}
	return nil
}

func malformed(message string, field uint32) error {
	return fmt.Errorf("%w: %s: field %d has another wire type", ErrMalformed, message, field)
}

func broken(message string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrMalformed, message, err)
}

func tooMany(what string, limit int) error {
	return fmt.Errorf("%w: more than %d %s", ErrLimit, limit, what)
}

// ResourceAttributes decodes the attributes of a resource as a visitor was given
// it into dst[:0]. The strings alias raw.
func ResourceAttributes(raw []byte, dst []KeyValue, limits Limits) (_ []KeyValue, err error) {
	limits = limits.withDefaults()
	dst = dst[:0]
	var fc easyproto.FieldContext
	for len(raw) > 0 {
		if raw, err = fc.NextField(raw); err != nil {
			return dst, broken("resource", err)
		}
		if fc.FieldNum != 1 {
			continue
		}
		if dst, err = readAttribute(&fc, dst, limits.Attributes); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// readAttribute appends the KeyValue message in fc to dst.
func readAttribute(fc *easyproto.FieldContext, dst []KeyValue, limit int) (_ []KeyValue, err error) {
	src, ok := fc.MessageData()
	if !ok {
		return dst, malformed("attributes", fc.FieldNum)
	}
	if len(dst) >= limit {
		return dst, tooMany("attributes", limit)
	}
	if len(dst) < cap(dst) {
		dst = dst[:len(dst)+1]
	} else {
		dst = append(dst, KeyValue{})
	}
	kv := &dst[len(dst)-1]
	kv.Key, kv.Value.Kind, kv.Value.Str = "", KindOther, ""
	var in easyproto.FieldContext
	for len(src) > 0 {
		if src, err = in.NextField(src); err != nil {
			return dst, broken("attribute", err)
		}
		switch in.FieldNum {
		case 1:
			if kv.Key, ok = in.String(); !ok {
				return dst, malformed("attribute", 1)
			}
		case 2:
			value, ok := in.MessageData()
			if !ok {
				return dst, malformed("attribute", 2)
			}
			if err = readValue(value, &kv.Value); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

func readValue(src []byte, v *Value) (err error) {
	var fc easyproto.FieldContext
	for len(src) > 0 {
		if src, err = fc.NextField(src); err != nil {
			return broken("attribute value", err)
		}
		ok := true
		switch fc.FieldNum {
		case 1:
			v.Kind = KindString
			v.Str, ok = fc.String()
		case 2:
			v.Kind = KindBool
			v.Bool, ok = fc.Bool()
		case 3:
			v.Kind = KindInt
			v.Int, ok = fc.Int64()
		case 4:
			v.Kind = KindDouble
			v.Double, ok = fc.Double()
		default:
			v.Kind = KindOther
		}
		if !ok {
			return malformed("attribute value", fc.FieldNum)
		}
	}
	return nil
}
