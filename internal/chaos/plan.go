package chaos

import (
	"math/rand/v2"
	"time"
)

// Kind is a kind of fault.
type Kind string

// The faults. Each ends, or is mended, before the next begins.
const (
	Kill          Kind = "kill"           // SIGKILL of one process; it is started again
	KillAll       Kind = "kill_all"       // SIGKILL of all processes at once
	Drain         Kind = "drain"          // SIGTERM of one process
	Zombie        Kind = "zombie"         // a process stands still for longer than its session time-out, then goes on
	Join          Kind = "join"           // one more windower for a while
	BrokerKill    Kind = "broker_kill"    // SIGKILL of a broker
	BrokerStop    Kind = "broker_stop"    // a broker is stopped in order
	BrokerPause   Kind = "broker_pause"   // a broker stands still
	Cut           Kind = "cut"            // the way to a broker is cut
	Slow          Kind = "slow"           // the way to a broker is cut, slow for a while, and cut again
	Stall         Kind = "stall"          // nothing is written to one partition for a while
	IdleKill      Kind = "idle_kill"      // a partition stalls on a slow network until it goes on without records; then all processes are killed, and its records come
	DiskFull      Kind = "disk_full"      // the state folder's disk is full
	TruncateState Kind = "truncate_state" // a state file is cut while no process runs
	CorruptState  Kind = "corrupt_state"  // some of its bytes are changed
	CorruptCommit Kind = "corrupt_commit" // a committed place's metadata is changed while no process runs
)

// Fault is one fault of a plan.
type Fault struct {
	Kind   Kind
	Target int           // process, broker or partition, modulo how many there are
	For    time.Duration // how long it lasts, where it lasts
	Then   time.Duration // rest before the next one
	Random uint64        // what else it needs of chance
}

// share is how often a kind comes beside the others.
type share struct {
	kind  Kind
	share int
}

// shares of the faults: mostly kills.
var shares = []share{
	{Kill, 40}, {KillAll, 14}, {Drain, 6}, {Zombie, 4}, {Join, 4}, {BrokerKill, 2}, {BrokerStop, 2}, {BrokerPause, 2},
	{Cut, 4}, {Slow, 4}, {Stall, 4}, {IdleKill, 8}, {DiskFull, 3}, {TruncateState, 3}, {CorruptState, 3}, {CorruptCommit, 5},
}

// Plan is the faults of a round, which follow from the seed alone: as many as it takes to kill processes kills times.
func Plan(seed uint64, kills, processes int, allowed func(Kind) bool) []Fault {
	r := rand.New(rand.NewPCG(seed, 0x6368616f73))
	var from []share
	total := 0
	for _, s := range shares {
		if allowed(s.kind) {
			from = append(from, s)
			total += s.share
		}
	}
	var out []Fault
	for killed := 0; killed < kills; {
		f := Fault{
			Target: r.IntN(1 << 16), For: time.Duration(300+r.IntN(2700)) * time.Millisecond,
			Then: time.Duration(r.IntN(1500)) * time.Millisecond, Random: r.Uint64(),
		}
		at := r.IntN(total)
		for _, s := range from {
			if at -= s.share; at < 0 {
				f.Kind = s.kind
				break
			}
		}
		out = append(out, f)
		killed += f.kills(processes)
	}
	return out
}

// kills is how many processes a fault kills.
func (f Fault) kills(processes int) int {
	switch f.Kind {
	case Kill:
		return 1
	case KillAll, IdleKill, TruncateState, CorruptState, CorruptCommit:
		return processes
	}
	return 0
}
