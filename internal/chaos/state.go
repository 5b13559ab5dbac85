package chaos

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

const filler = "filler"

// fill writes a file until the disk has no room.
func fill(dir string) error {
	f, err := os.Create(filepath.Join(dir, filler))
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	block := make([]byte, 1<<20)
	for len(block) > 0 {
		if _, err = f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	if err := f.Close(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fill the disk: %w", err)
	}
	return nil
}

// empty removes the filler.
func empty(dir string) error {
	if err := os.Remove(filepath.Join(dir, filler)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("empty the disk: %w", err)
	}
	return nil
}

// harm cuts one file under dir, or changes some of its bytes. It says which one, or nothing where there is none.
func harm(dir string, random uint64, cut bool) (string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil && info.Size() > 0 {
				files = append(files, path)
			}
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		return "", err
	}
	r := rand.New(rand.NewPCG(random, 1))
	path := files[r.IntN(len(files))]
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("harm: %w", err)
	}
	if cut {
		text = text[:r.IntN(len(text))]
	} else {
		for range 1 + r.IntN(8) {
			text[r.IntN(len(text))] ^= byte(1 + r.IntN(255))
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", fmt.Errorf("harm: %w", err)
	}
	return path, nil
}
