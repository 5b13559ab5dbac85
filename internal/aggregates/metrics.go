package aggregates

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The three rows above a table of metrics, each named in its first cell.
var metricHeader = [3]string{"microservice", "metric", "statistic"}

// metricIndex names the column of times in a row of its own, which may be absent.
const metricIndex = "unix_timestamp"

// metric says what a pair of metric and statistic becomes.
type metric struct {
	metric, statistic string
	channel           int32
	limit             float64 // of the file's numbers
	convert           func(float64) float64
}

func petShopMetric(name, statistic string) (metric, bool) {
	for _, m := range []metric{
		{"latency", "Average", responseTime, maxNumber, func(seconds float64) float64 { return seconds * 1e3 }},
		{"requests", "Sum", requests, maxNumber, func(calls float64) float64 { return calls / petShopWidth.Seconds() }},
		{"availability", "Average", errorShare, 100, func(percent float64) float64 { return 1 - percent/100 }},
	} {
		if m.metric == name && m.statistic == statistic {
			return m, true
		}
	}
	return metric{}, false
}

// metricColumn is a column of a table that becomes a channel.
type metricColumn struct {
	metric
	column  int
	name    string // as errors say it
	service string
	place   int32 // of the service
}

// readMetrics reads the table: services, and rows in time order.
func (r *regime) readMetrics(t *table) error {
	columns, err := t.metricColumns()
	if err != nil {
		return err
	}
	for _, c := range columns {
		r.services = append(r.services, c.service)
	}
	slices.Sort(r.services)
	r.services = slices.Compact(r.services)
	for i := range columns {
		place, _ := slices.BinarySearch(r.services, columns[i].service)
		columns[i].place = int32(place)
	}
	for first := true; ; first = false {
		ok, err := t.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if first && t.cells[0] == metricIndex {
			continue
		}
		row, err := t.metricRow(columns)
		if err != nil {
			return err
		}
		if len(r.rows) > 0 && (row.at-r.rows[0].at)%int64(petShopWidth) != 0 {
			return t.wrong(0, metricIndex, fmt.Sprintf("a time whole slices of %v from the first row's", petShopWidth))
		}
		r.rows = append(r.rows, row)
	}
	if len(r.rows) == 0 {
		return fmt.Errorf("%s: no rows below the header", t.file)
	}
	slices.SortStableFunc(r.rows, func(a, b regimeRow) int { return cmp.Compare(a.at, b.at) })
	for i := 1; i < len(r.rows); i++ {
		if r.rows[i].at == r.rows[i-1].at {
			return fmt.Errorf("%s: two rows of time %d, expected a row a slice", t.file, r.rows[i].at/1e9)
		}
	}
	return nil
}

// metricColumns reads the header.
func (t *table) metricColumns() ([]metricColumn, error) {
	var header [3][]string
	for k, name := range metricHeader {
		if err := t.need("its row " + name); err != nil {
			return nil, err
		}
		if t.cells[0] != name {
			return nil, t.wrong(0, "header", fmt.Sprintf("%q: three rows name microservice, metric and statistic of every column", name))
		}
		header[k] = slices.Clone(t.cells)
	}
	type key struct {
		service string
		channel int32
	}
	seen := map[key]int{}
	var columns []metricColumn
	for i := 1; i < t.width; i++ {
		m, ok := petShopMetric(header[1][i], header[2][i])
		if !ok {
			continue // percentiles
		}
		service := strings.Clone(header[0][i])
		if service == "" {
			return nil, fmt.Errorf("%s:1: column %d: expected the name of a service", t.file, i+1)
		}
		name := service + " " + m.metric + " " + m.statistic
		if before, twice := seen[key{service, m.channel}]; twice {
			return nil, fmt.Errorf("%s:1: columns %d and %d are both %s", t.file, before+1, i+1, name)
		}
		seen[key{service, m.channel}] = i
		columns = append(columns, metricColumn{metric: m, column: i, name: name, service: service})
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("%s:3: no column of latency Average, requests Sum or availability Average", t.file)
	}
	return columns, nil
}

// metricRow reads the current row; empty cells are missing values.
func (t *table) metricRow(columns []metricColumn) (regimeRow, error) {
	at, err := t.time(0, metricIndex)
	row := regimeRow{at: at}
	if err != nil {
		return row, err
	}
	for _, c := range columns {
		if t.cells[c.column] == "" {
			continue
		}
		v, err := t.number(c.column, c.name, c.limit)
		if err != nil {
			return row, err
		}
		row.cells = append(row.cells, regimeCell{c.place, c.channel, float32(c.convert(v))})
	}
	return row, nil
}
