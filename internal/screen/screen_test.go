package screen

import (
	"math"
	"strings"
	"testing"
	"time"

	"presage/model"
)

func TestTable(t *testing.T) {
	var horizons []model.Horizon
	for step := 1; step <= 6; step++ {
		horizons = append(horizons, model.Horizon{Step: step, Yhat: 10 * float64(step), Lower: 9, Upper: 123.4})
	}
	f := model.Forecast{Service: "cart", Unit: "ms", Model: "stgnn-20260101T000000Z-1a2b", Observed: math.NaN(), SliceWidth: int64(10 * time.Second), Horizons: horizons}
	g := f
	g.Service, g.Observed = "checkout", 0.1234
	got := Table([]model.Forecast{f, g, g}, 2)
	want := "" +
		"SERVICE        NOW            +10s            +30s            +1m     BY\n" +
		"cart          – ms  10.0 (9.00–123)  30.0 (9.00–123)  60.0 (9.00–123)  stgnn\n" +
		"checkout  0.123 ms  10.0 (9.00–123)  30.0 (9.00–123)  60.0 (9.00–123)  stgnn\n" +
		"… and 1 services more\n"
	// The head's columns are aligned with their cells.
	lines := strings.Split(got, "\n")
	if len([]rune(lines[0])) != len([]rune(lines[1])) {
		t.Errorf("head is not aligned:\n%s", got)
	}
	if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("table\n%s\nwant\n%s", got, want)
	}
	if got := Table(nil, 0); got != "no forecasts\n" {
		t.Errorf("empty table %q", got)
	}
}

// A service's name is not for the terminal to obey.
func TestNamesAreShownNotObeyed(t *testing.T) {
	f := model.Forecast{Service: "cart\x1b[2J\u009b31m\u202e\r\n", Unit: "m\as", Model: "st\x1bgnn-1", Horizons: []model.Horizon{{Step: 1}}}
	got := Table([]model.Forecast{f}, 0)
	if strings.ContainsAny(got, "\x1b\u009b\u202e\r\a") || strings.Count(got, "\n") != 2 || !strings.Contains(got, "cart\uFFFD[2J\uFFFD31m") {
		t.Errorf("table %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for in, want := range map[int64]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567", -1234: "-1 234", -123: "-123"} {
		if got := Count(in); got != want {
			t.Errorf("Count(%d) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[time.Duration]string{10 * time.Second: "10s", time.Minute: "1m", 90 * time.Minute: "1h30m", time.Hour: "1h", 100 * time.Second: "1m40s"} {
		if got := span(in); got != want {
			t.Errorf("span(%v) = %q, want %q", in, got, want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	var b strings.Builder
	s := New(&b, true, 40)
	s.Progress("one")
	s.Printf("a line")
	s.Progress(strings.Repeat("x", 60))
	s.Done()
	want := "one\r\x1b[Ka line\none\r\x1b[K" + strings.Repeat("x", 38) + "…\n"
	if b.String() != want {
		t.Errorf("terminal got %q, want %q", b.String(), want)
	}
	b.Reset()
	plain := New(&b, false, 0)
	plain.Progress("one")
	plain.Done()
	if b.String() != "one\n" {
		t.Errorf("plain got %q", b.String())
	}
}
