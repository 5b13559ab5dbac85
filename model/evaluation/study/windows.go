package study

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"presage/model"
	"presage/model/evaluation"
	"presage/model/evaluation/figure"
)

// The readings of the paper's Figure 2.
const (
	ReadingHistory = "history"                    // minutes of input, at the same slice width
	ReadingCount   = "slice width, slices fixed"  // width of a slice, the same number of input slices
	ReadingSpan    = "slice width, minutes fixed" // width of a slice, the same minutes of input
)

// WindowPoint is one method at one time window.
type WindowPoint struct {
	Reading      string                 `json:"reading"`
	Minutes      int                    `json:"minutes"`
	Method       string                 `json:"method"`
	Seeds        int                    `json:"seeds"`
	TrainWindows int                    `json:"windows_train"`
	Next         evaluation.TargetScore `json:"next_slice"`
	Hour         evaluation.TargetScore `json:"next_hour"` // the mean of the next hour, or of all steps where the width stays
}

// WindowResults are the content of results.json.
type WindowResults struct {
	Data    string        `json:"data"`
	Command string        `json:"command"`
	Unit    string        `json:"unit"`
	Points  []WindowPoint `json:"points"`
}

const hour = time.Hour

// Windows sweeps the time window in both readings of the paper's Figure 2. Minutes that are no multiple of the slice are
// left out, for widths also those that do not divide an hour.
func (s *Study) Windows(ctx context.Context, d evaluation.Data, minutes []int) (WindowResults, error) {
	out := WindowResults{Data: d.Name, Command: s.Command, Unit: d.Task.Unit}
	for _, sweep := range []func(context.Context, evaluation.Data, []int) ([]WindowPoint, error){s.histories, s.widths} {
		points, err := sweep(ctx, d, minutes)
		if err != nil {
			return out, err
		}
		out.Points = append(out.Points, points...)
	}
	if err := s.save("results.json", out); err != nil {
		return out, err
	}
	if err := whole(filepath.Join(s.Out, "table.md"), func(f *os.File) error { _, err := f.WriteString(out.Markdown()); return err }); err != nil {
		return out, err
	}
	for k, reading := range []string{ReadingHistory, ReadingCount, ReadingSpan} {
		c := out.chart(reading)
		err := whole(filepath.Join(s.Out, fmt.Sprintf("windows-%d.png", k+1)), func(f *os.File) error { return c.WritePNG(f) })
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// histories changes the length of the input alone: same horizon, same targets.
func (s *Study) histories(ctx context.Context, d evaluation.Data, minutes []int) ([]WindowPoint, error) {
	width := time.Duration(d.Steps[0].Width)
	type trial struct {
		minutes int
		exam    *evaluation.Exam
		records []*evaluation.Record
	}
	var trials []trial
	from := int64(0) // all are scored from the last of the first test origins on
	longest := time.Duration(slices.Max(minutes)) * time.Minute
	for _, m := range minutes {
		if time.Duration(m)*time.Minute%width != 0 {
			continue
		}
		one := d
		one.Task.Input = int(time.Duration(m) * time.Minute / width)
		one.Lead = int(longest / width)
		e, err := evaluation.NewExam(one)
		if err != nil {
			return nil, err
		}
		records, _, err := s.records(ctx, e, fmt.Sprintf("history-%d", m), s.Methods)
		if err != nil {
			return nil, err
		}
		from = max(from, e.Windows[e.First].Origin().At)
		trials = append(trials, trial{m, e, records})
	}
	var out []WindowPoint
	for _, t := range trials {
		out = append(out, points(ReadingHistory, t.minutes, t.exam, t.records, func(o *model.Step) bool { return o.At >= from })...)
	}
	return out, nil
}

// widths changes the width of a slice, with the number of input slices or their span fixed. Every forecast reaches one
// hour ahead; origins that are scored end at full hours, so that the common target is the same for all.
func (s *Study) widths(ctx context.Context, d evaluation.Data, minutes []int) ([]WindowPoint, error) {
	base := time.Duration(d.Steps[0].Width)
	var out []WindowPoint
	for _, reading := range []string{ReadingCount, ReadingSpan} {
		for _, m := range minutes {
			width := time.Duration(m) * time.Minute
			if width%base != 0 || hour%width != 0 {
				continue
			}
			one := d
			one.Steps = evaluation.Resample(d.Steps, d.Task, int(width/base))
			one.Task.Horizons = int(hour / width)
			if reading == ReadingSpan {
				one.Task.Input = max(1, int(hour/width))
			}
			one.Stride = max(1, one.Task.Horizons/6)
			one.Lead = 0
			e, err := evaluation.NewExam(one)
			if err != nil {
				s.tell(Progress{Part: reading, Method: fmt.Sprintf("%d minutes", m), Err: err})
				continue
			}
			part := fmt.Sprintf("%s-%d", strings.ReplaceAll(strings.ReplaceAll(reading, ",", ""), " ", "-"), m)
			records, _, err := s.records(ctx, e, part, s.Methods)
			if err != nil {
				return nil, err
			}
			out = append(out, points(reading, m, e, records, func(o *model.Step) bool { return (o.At+o.Width)%int64(hour) == 0 })...)
		}
	}
	return out, nil
}

// points are the scores of all methods, means over their seeds.
func points(reading string, minutes int, e *evaluation.Exam, records []*evaluation.Record, where func(*model.Step) bool) []WindowPoint {
	var out []WindowPoint
	place := map[string]int{}
	for _, r := range records {
		k, ok := place[r.ID()]
		if !ok {
			k = len(out)
			place[r.ID()] = k
			out = append(out, WindowPoint{Reading: reading, Minutes: minutes, Method: r.ID(), TrainWindows: len(model.Origins(e.Parts.Train, e.Task.Input, e.Task.Horizons))})
		}
		p := &out[k]
		p.Next = added(p.Next, e.Next(r, where), p.Seeds)
		p.Hour = added(p.Hour, e.MeanTarget(r, where), p.Seeds)
		p.Seeds++
	}
	return out
}

// added is the mean of scores, of which there were n so far.
func added(a, b evaluation.TargetScore, n int) evaluation.TargetScore {
	k := float64(n)
	mix := func(x, y float64) float64 { return (k*x + y) / (k + 1) }
	return evaluation.TargetScore{
		Points: b.Points, MAE: mix(a.MAE, b.MAE), RMSE: mix(a.RMSE, b.RMSE), MAEScaled: mix(a.MAEScaled, b.MAEScaled),
		R2Median: mix(a.R2Median, b.R2Median), R2Pooled: mix(a.R2Pooled, b.R2Pooled), VarianceOfTarget: b.VarianceOfTarget,
	}
}

// Markdown is the table of all readings.
func (r WindowResults) Markdown() string {
	rows := [][]string{{"reading", "minutes", "method", "training windows", "next slice: MAE", "R² (service median)", "target variance", "whole horizon's mean: MAE", "R² (service median)", "target variance"}}
	for _, p := range r.Points {
		rows = append(rows, []string{
			p.Reading, fmt.Sprint(p.Minutes), p.Method, fmt.Sprint(p.TrainWindows), evaluation.Number(p.Next.MAE), evaluation.Number(p.Next.R2Median),
			evaluation.Number(p.Next.VarianceOfTarget), evaluation.Number(p.Hour.MAE), evaluation.Number(p.Hour.R2Median), evaluation.Number(p.Hour.VarianceOfTarget),
		})
	}
	return evaluation.Table(rows)
}

// chart is one reading's error of the whole horizon's mean by window.
func (r WindowResults) chart(reading string) figure.Chart {
	c := figure.Chart{Title: r.Data + ": " + reading, X: "minutes", Y: "MAE of the horizon's mean"}
	if r.Unit != "" {
		c.Y += ", " + r.Unit
	}
	place := map[string]int{}
	for _, p := range r.Points {
		if p.Reading != reading {
			continue
		}
		k, ok := place[p.Method]
		if !ok {
			k = len(c.Lines)
			place[p.Method] = k
			c.Lines = append(c.Lines, figure.Line{Name: p.Method, Strong: p.Method == "stgnn"})
		}
		c.Lines[k].X, c.Lines[k].Y = append(c.Lines[k].X, float64(p.Minutes)), append(c.Lines[k].Y, p.Hour.MAE)
		if !slices.Contains(c.Ticks, float64(p.Minutes)) {
			c.Ticks = append(c.Ticks, float64(p.Minutes))
		}
	}
	return c
}
