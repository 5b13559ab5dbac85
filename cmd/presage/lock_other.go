//go:build !unix

package main

import (
	"fmt"
	"os"
)

// lockState makes the state folder. There is no lock on this system: starting two
// processes on one folder is the operator's to avoid.
func lockState(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	return func() {}, nil
}
