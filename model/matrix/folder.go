package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Find names the series and the adjacency of a folder: the CSV file whose name holds "adj" is the adjacency, the other
// one the series. A path that is no folder is the series itself.
func Find(path string) (series, adjacency string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", "", fmt.Errorf("matrix: %w", err)
	}
	if !info.IsDir() {
		return path, "", nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return "", "", fmt.Errorf("matrix: %w", err)
	}
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		if !strings.HasSuffix(name, ".csv") && !strings.HasSuffix(name, ".csv.gz") {
			continue
		}
		to := &series
		if strings.Contains(name, "adj") {
			to = &adjacency
		}
		if *to != "" {
			return "", "", fmt.Errorf("%s holds %s and %s: name one with --data, and its adjacency with --adjacency", path, filepath.Base(*to), e.Name())
		}
		*to = filepath.Join(path, e.Name())
	}
	if series == "" {
		return "", "", fmt.Errorf("%s holds no .csv or .csv.gz file of series", path)
	}
	return series, adjacency, nil
}
