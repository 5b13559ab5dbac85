package model

import (
	"testing"

	"pgregory.net/rapid"
)

// line makes contiguous steps; a gap begins a new segment.
func line(lengths ...int) []*Step {
	var steps []*Step
	at := int64(0)
	for segment, n := range lengths {
		at += 100
		for range n {
			steps = append(steps, &Step{At: at, Width: 1, Segment: int64(segment), Graph: &Graph{RowPtr: []int32{0}}})
			at++
		}
	}
	return steps
}

func TestWindowsDoNotCrossSegments(t *testing.T) {
	for _, c := range []struct {
		lengths []int
		want    int
	}{{[]int{4}, 0}, {[]int{5}, 1}, {[]int{5, 6, 2}, 3}, {nil, 0}} {
		windows := Windows(line(c.lengths...), 3, 2)
		if len(windows) != c.want {
			t.Errorf("%v: %d windows, want %d", c.lengths, len(windows), c.want)
		}
		for _, w := range windows {
			all := append(append([]*Step{}, w.Input...), w.Target...)
			for i := 1; i < len(all); i++ {
				if !all[i-1].Contiguous(all[i]) {
					t.Errorf("%v: window crosses a gap", c.lengths)
				}
			}
		}
	}
	missing := line(10)
	missing = append(missing[:5], missing[6:]...)
	if n := len(Windows(missing, 3, 2)); n != 1 {
		t.Errorf("%d windows around a missing slice, want 1", n)
	}
}

func TestSplitKeepsTheEmbargo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		input, horizons := rapid.IntRange(1, 8).Draw(t, "T"), rapid.IntRange(1, 6).Draw(t, "H")
		steps := line(rapid.SliceOfN(rapid.IntRange(1, 120), 1, 6).Draw(t, "lengths")...)
		place := map[*Step]int{}
		for i, s := range steps {
			place[s] = i
		}
		p, err := Split(steps, input, horizons, 0.2, 0.2)
		if err != nil {
			return
		}
		windows := func(part []*Step) (first, last int) {
			ws := Windows(part, input, horizons)
			if len(ws) == 0 {
				t.Fatalf("a part without a window")
			}
			return place[ws[0].Target[0]], place[ws[len(ws)-1].Target[horizons-1]]
		}
		_, trainEnd := windows(p.Train)
		validBegin, validEnd := windows(p.Valid)
		judgeBegin, _ := windows(p.Judge)
		for _, gap := range []int{validBegin - trainEnd - 1, judgeBegin - validEnd - 1, validBegin - place[p.Train[len(p.Train)-1]] - 1} {
			if gap < input+horizons {
				t.Fatalf("only %d slices between a part and the next one's first target, want %d", gap, input+horizons)
			}
		}
	})
}

func TestSplitOfTheFirstTraining(t *testing.T) {
	for _, shape := range [][2]int{{12, 6}, {12, 12}} {
		input, horizons := shape[0], shape[1]
		p, err := Split(line(8*(input+horizons)), input, horizons, 0.15, 0.15)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("T %d, H %d: %d, %d, %d windows", input, horizons, len(Windows(p.Train, input, horizons)), len(Windows(p.Valid, input, horizons)), len(Windows(p.Judge, input, horizons)))
	}
	if _, err := Split(line(10, 10, 10), 6, 5, 0.15, 0.15); err == nil {
		t.Error("a history without a window was split")
	}
}
