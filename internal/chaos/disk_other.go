//go:build !linux

package chaos

// mountSmall: a small file system is made on Linux only.
func mountSmall(string) (unmount func() error, ok bool) { return nil, false }
