//go:build !linux

package kraft

import "syscall"

// ChildAttributes: only Linux can tie a child's life to its parent's.
func ChildAttributes() *syscall.SysProcAttr { return nil }
