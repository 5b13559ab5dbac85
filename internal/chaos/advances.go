package chaos

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"presage/windower/slice"
	"presage/windower/stage"
)

// advanceLine is a windower's word that an advance of an idle partition is committed.
var advanceLine = regexp.MustCompile(`msg="?` + regexp.QuoteMeta(stage.AdvanceMessage) + `"? graph=\S+ topic=(\S+) partition=(\d+) offset=(\d+) to=(\d+)`)

// advances reads from the processes' logs which advances were committed: the last one of each place, as a partition may go
// on several times before the next record comes.
func (w *world) advances() (map[slice.Source]map[int64]int64, error) {
	out := map[slice.Source]map[int64]int64{}
	logs, err := filepath.Glob(filepath.Join(w.Dir, "*.log"))
	if err != nil {
		return nil, err
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read advances: %w", err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			m := advanceLine.FindSubmatch(lines.Bytes())
			if m == nil {
				continue
			}
			var n [3]int64 // partition, offset, to
			for i := range n {
				if n[i], err = strconv.ParseInt(string(m[i+2]), 10, 64); err != nil {
					return nil, fmt.Errorf("read advances in %s: %w", path, err)
				}
			}
			s := slice.Source{Topic: string(m[1]), Partition: int(n[0])}
			if out[s] == nil {
				out[s] = map[int64]int64{}
			}
			out[s][n[1]] = max(out[s][n[1]], n[2])
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("read advances in %s: %w", path, err)
		}
	}
	return out, nil
}
