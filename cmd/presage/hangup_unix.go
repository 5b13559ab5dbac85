//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups gives a SIGHUP for every one that asks for the configuration to be read
// again. Those that come while one is worked on are one more.
func hangups() (asked <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
