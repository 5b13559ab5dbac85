//go:build !unix

package main

import "os"

// hangups gives nothing: there is no such signal on this system, and a new
// configuration takes a restart.
func hangups() (asked <-chan os.Signal, stop func()) { return nil, func() {} }
