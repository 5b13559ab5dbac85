//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockState takes a state folder for this process: two that write one history would
// damage it. The lock goes with the process, however it ends.
func lockState(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		file.Close()
		return nil, fmt.Errorf("state folder %s: %w: stop it, or give this one a folder of its own (state)", dir, errStateInUse)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock state folder %s: %w", dir, err)
	}
	return func() { file.Close() }, nil
}
