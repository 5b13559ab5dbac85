package study

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
)

// finite gives a value whose numbers JSON can hold: NaN and infinities become null.
func finite(v any) any { return clean(reflect.ValueOf(v)) }

func clean(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Float64, reflect.Float32:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil
		}
		return round(v.Float())
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = clean(v.Index(i))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, k := range v.MapKeys() {
			out[k.String()] = clean(v.MapIndex(k))
		}
		return out
	case reflect.Struct:
		return cleanStruct(v)
	}
	return v.Interface()
}

// object keeps the order of a struct's fields in its JSON.
type object []member

type member struct {
	name  string
	value any
}

func cleanStruct(v reflect.Value) any {
	var out object
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name == "" || option == "omitempty" && v.Field(i).IsZero() {
			continue
		}
		out = append(out, member{name, clean(v.Field(i))})
	}
	return out
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// round keeps six digits: more would be noise in a file that people compare.
func round(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
