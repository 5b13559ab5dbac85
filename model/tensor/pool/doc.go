// Package pool is a fixed set of workers that numeric kernels split their rows over.
//
//	Lane.Run(parts, task) ──▶ the caller and the pool's goroutines claim parts ──▶ returns when all are done
//
// Kernels here last from microseconds to a few milliseconds, too short for a goroutine a call
// or a wake-up through a channel: a worker looks for the next job in a short loop before it goes
// to sleep. Which worker does which part is open, so tasks must give the same result whoever does
// a part; every task of the tensors does, which makes results the same bit for bit for any number of workers.
//
// A process has one Pool, which bounds its numeric work: one job runs at a time, on at most
// Workers threads. Its users hold lanes. While an urgent lane is between Begin and End (a
// forecast), background lanes (a training) wait at their next kernel. A nil *Lane does
// everything on the caller's goroutine. The package reads no clock and does no I/O.
package pool
