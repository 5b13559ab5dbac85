package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const stateVersion = 1

// state is what a replay keeps to be resumed. How items become records depends
// on the recording and the options alone, so the number of records written to each
// partition says where to go on: they are made again and passed over.
type state struct {
	Version  int                   `json:"version"`
	Identity string                `json:"identity"`
	Shift    int64                 `json:"shift_ns"`
	Topics   map[string]topicState `json:"topics"`
	// Stopped says that the replay ended in good order and that Written is exact. If
	// not (kill -9), what the topics hold is taken.
	Stopped   bool  `json:"stopped"`
	Done      bool  `json:"done"`
	EventTime int64 `json:"event_time_ns"`
	Spans     int64 `json:"spans"`
}

type topicState struct {
	Begin   []int64 `json:"begin"`   // end offset of each partition when the replay was started
	Written []int64 `json:"written"` // records acknowledged
}

func loadState(file string) (*state, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("nothing to resume: there is no state file %s; start the replay without resuming", file)
	}
	if err != nil {
		return nil, fmt.Errorf("replay state: %w", err)
	}
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("replay state %s is damaged: %w; remove it and start the replay anew", file, err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("replay state %s has version %d, expected %d; finish that replay with the program that started it", file, s.Version, stateVersion)
	}
	return &s, nil
}

// save replaces the file as a whole.
func (s *state) save(file string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("replay state: %w", err)
	}
	temporary := file + ".tmp"
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("replay state: %w", err)
	}
	if err := os.WriteFile(temporary, b, 0o644); err != nil {
		return fmt.Errorf("replay state: %w", err)
	}
	if err := os.Rename(temporary, file); err != nil {
		return fmt.Errorf("replay state: %w", err)
	}
	return nil
}
