package chaos

import (
	"os"
	"syscall"
)

// mountSmall puts a small file system of its own over a folder, so that it can be full; only root may.
func mountSmall(dir string) (unmount func() error, ok bool) {
	if os.Geteuid() != 0 || syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m") != nil {
		return nil, false
	}
	return func() error { return syscall.Unmount(dir, syscall.MNT_DETACH) }, true
}
