package screen

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"presage/model"
)

// Table writes forecasts of one slice as a table: a row a service, with what was
// observed, for the nearest, the middle and the last step the forecast with its
// interval, and the method that made it. Rows beyond limit are counted in the last line; 0 means all.
func Table(forecasts []model.Forecast, limit int) string {
	if len(forecasts) == 0 {
		return "no forecasts\n"
	}
	steps := pick(forecasts[0].Horizons)
	head := []string{"SERVICE", "NOW"}
	for _, i := range steps {
		h := forecasts[0].Horizons[i]
		head = append(head, "+"+span(time.Duration(int64(h.Step)*forecasts[0].SliceWidth)))
	}
	rows := [][]string{append(head, "BY")}
	for n, f := range forecasts {
		if limit > 0 && n == limit {
			break
		}
		rows = append(rows, row(f, steps))
	}
	text := Align(rows)
	if limit > 0 && len(forecasts) > limit {
		text += fmt.Sprintf("… and %d services more\n", len(forecasts)-limit)
	}
	return text
}

func row(f model.Forecast, steps []int) []string {
	cells := []string{cut(f.Service, 36), Number(f.Observed) + " " + f.Unit}
	for _, i := range steps {
		if i >= len(f.Horizons) {
			cells = append(cells, "")
			continue
		}
		h := f.Horizons[i]
		cells = append(cells, fmt.Sprintf("%s (%s–%s)", Number(h.Yhat), Number(h.Lower), Number(h.Upper)))
	}
	return append(cells, method(f.Model))
}

// Plain puts a mark in the place of what a terminal obeys instead of showing it: control characters, and those that turn the
// direction of writing. Names come from whoever sends telemetry.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// method is the name of the method that a model version begins with.
func method(version string) string {
	name, _, _ := strings.Cut(version, "-")
	return name
}

// pick chooses the steps that are shown.
func pick(h []model.Horizon) []int {
	switch n := len(h); n {
	case 0:
		return nil
	case 1:
		return []int{0}
	case 2:
		return []int{0, 1}
	default:
		return []int{0, (n - 1) / 2, n - 1}
	}
}

// Number writes three significant digits, or a dash for what is missing.
func Number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1 || a == 0:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
}

// Count writes a whole number with thin groups of three: 1 234 567.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	var out []string
	for len(s) > 3 && s[len(s)-4] != '-' {
		out = append([]string{s[len(s)-3:]}, out...)
		s = s[:len(s)-3]
	}
	return strings.Join(append([]string{s}, out...), " ")
}

// span writes a duration without its zero parts: 10s, 1m, 1h30m.
func span(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// Align pads cells to columns: the first to the left, the others to the right.
func Align(rows [][]string) string {
	var widths []int
	for _, r := range rows {
		for i := range r {
			r[i] = Plain(r[i])
		}
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(c)))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		line := ""
		for i, c := range r {
			pad := strings.Repeat(" ", widths[i]-len([]rune(c)))
			if i == 0 {
				line += c + pad
			} else {
				line += "  " + pad + c
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
