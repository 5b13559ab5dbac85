package matrix

import (
	"strings"
	"testing"

	"presage/internal/hostile"
)

// Tables that no recording writes are refused with the line, and cost no more than they hold.
func TestHostileTables(t *testing.T) {
	tests := map[string]struct{ series, adjacency, want string }{
		"a row of 100 000 columns":    {"a,b\n" + strings.Repeat(",", 100_000) + "\n", "", "s.csv:2"},
		"a number of 100 000 digits":  {"a,b\n1," + strings.Repeat("9", 100_000) + "\n", "", "s.csv:2"},
		"null bytes":                  {"a,b\n" + strings.Repeat("\x00", 1000) + "\n", "", "s.csv:2"},
		"a wide and short adjacency":  {"a,b\n1,2\n3,4\n", strings.Repeat("0,", 100_000) + "0\n", "a.csv"},
		"an edge to nobody":           {"a,b\n1,2\n3,4\n", "from,to,weight\na,zzz,1\n", "zzz"},
		"a weight that is no number":  {"a,b\n1,2\n3,4\n", "0,NaN\n0,0\n", "a.csv"},
		"a header of one huge column": {strings.Repeat("x", 100_000) + "\n", "", "s.csv"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var err error
			hostile.Spends(t, 2*hostile.Allowance, func() {
				if tt.adjacency == "" {
					_, err = Read(strings.NewReader(tt.series), nil, "s.csv", "", Options{})
				} else {
					_, err = Read(strings.NewReader(tt.series), strings.NewReader(tt.adjacency), "s.csv", "a.csv", Options{})
				}
			})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %.200v, want it to name %q", err, tt.want)
			}
		})
	}
}
