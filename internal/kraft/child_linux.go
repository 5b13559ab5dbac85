package kraft

import "syscall"

// ChildAttributes let a child process die with the one that started it, and keep the terminal's Ctrl-C from it.
func ChildAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
