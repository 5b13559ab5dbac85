package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"presage/internal/kafka"
	"presage/windower/stage"
)

// harm does the plan's faults, one after the other.
func (w *world) harm(ctx context.Context) error {
	if err := w.rest(ctx, 3*time.Second); err != nil { // something must be there to harm
		return err
	}
	for i, f := range Plan(w.Seed, w.Kills, len(w.processes), w.allowed) {
		began := w.Now()
		if err := w.do(ctx, f); err != nil {
			return fmt.Errorf("fault %d, %s: %w", i, f.Kind, err)
		}
		w.verdict.Faults++
		w.Log.Info("fault", "number", i, "kind", f.Kind, "target", f.Target, "took", w.Now().Sub(began).Round(time.Millisecond), "kills", w.verdict.Kills)
		if err := w.rest(ctx, f.Then); err != nil {
			return err
		}
	}
	return nil
}

// allowed tells whether this world can suffer a kind of fault.
func (w *world) allowed(k Kind) bool {
	if k == DiskFull && w.unmount == nil || k == IdleKill && !w.Idle {
		return false
	}
	return !slices.Contains(w.Except, k)
}

func (w *world) do(ctx context.Context, f Fault) error {
	p := w.processes[f.Target%len(w.processes)]
	broker := f.Target % w.cluster.Brokers()
	switch f.Kind {
	case Kill:
		return w.kill(ctx, f.For/3, p)
	case KillAll:
		return w.kill(ctx, f.For/3, w.processes...)
	case Drain:
		return errors.Join(p.Stop(), p.Start())
	case Zombie:
		return w.during(ctx, session+f.For, func() error { return p.Signal(syscall.SIGSTOP) }, func() error { return p.Signal(syscall.SIGCONT) })
	case Join:
		return w.join(ctx, f)
	case BrokerKill:
		return w.during(ctx, f.For, func() error { return w.cluster.Kill(broker) }, func() error { return w.cluster.Restart(ctx, broker) })
	case BrokerStop:
		return w.during(ctx, f.For, func() error { return w.cluster.Stop(broker) }, func() error { return w.cluster.Restart(ctx, broker) })
	case BrokerPause:
		return w.during(ctx, 2*f.For, func() error { return w.cluster.Pause(broker) }, func() error { return w.cluster.Resume(broker) })
	case Cut:
		return w.during(ctx, f.For, func() error { w.proxies.cut(broker); return nil }, func() error { return w.proxies.join(broker) })
	case Slow:
		slow := func() error { return w.proxies.slow(broker, 50+int(f.Random%500), 50+int(f.Random%1000)) }
		return w.during(ctx, 2*f.For, slow, func() error { return w.proxies.mend(broker) })
	case Stall:
		partition := f.Target % spanPartition
		return w.during(ctx, 2*f.For, func() error { w.traffic.stall(partition, true); return nil }, func() error { w.traffic.stall(partition, false); return nil })
	case IdleKill:
		return w.idleKill(ctx, f)
	case DiskFull:
		return w.during(ctx, 2*f.For, func() error { return fill(w.state) }, func() error { return empty(w.state) })
	case TruncateState, CorruptState:
		return w.dead(func() error {
			path, err := harm(w.state, f.Random, f.Kind == TruncateState)
			w.Log.Info("harmed", "file", path)
			w.varied = true
			return err
		})
	case CorruptCommit:
		return w.dead(func() error { return w.corruptCommit(ctx, f) })
	}
	return fmt.Errorf("BUG: fault %q is unknown", f.Kind)
}

// during does something, waits, and undoes it.
func (w *world) during(ctx context.Context, d time.Duration, do, undo func() error) error {
	err := do()
	if err == nil {
		err = w.rest(ctx, d)
	}
	return errors.Join(err, undo())
}

// kill kills processes and starts them again.
func (w *world) kill(ctx context.Context, pause time.Duration, all ...*process) error {
	for _, p := range all {
		if err := p.Kill(); err != nil {
			return err
		}
		w.verdict.Kills++
	}
	if err := w.rest(ctx, pause); err != nil {
		return err
	}
	for _, p := range all {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return nil
}

// dead does something while no process runs.
func (w *world) dead(do func() error) error {
	for _, p := range w.processes {
		if err := p.Kill(); err != nil {
			return err
		}
		w.verdict.Kills++
	}
	err := do()
	for _, p := range w.processes {
		err = errors.Join(err, p.Start())
	}
	return err
}

// join lets one more windower, or one that re-keys, take part for a while. It ends in order or not.
func (w *world) join(ctx context.Context, f Fault) error {
	role := "windower"
	if w.Rekey && f.Random/2%2 == 0 {
		role = rekeyRole
	}
	p, err := w.process(fmt.Sprint("guest-", w.joined), role, forecastsTopic, w.state)
	if err != nil {
		return err
	}
	w.joined++
	if err := p.Start(); err != nil {
		return err
	}
	err = w.rest(ctx, session+f.For)
	if f.Random%2 == 0 {
		return errors.Join(err, p.Stop())
	}
	w.verdict.Kills++
	return errors.Join(err, p.Kill())
}

// idleKill stalls a partition on a slow network until its event time has gone on without it, kills all processes amid, and lets
// its records come before anybody has found it idle again: so the advances that are committed must be made again, and no others.
func (w *world) idleKill(ctx context.Context, f Fault) error {
	partition := f.Target % spanPartition
	for broker := range w.cluster.Brokers() {
		if err := w.proxies.slow(broker, 50+int(f.Random%500), 1000); err != nil {
			return err
		}
	}
	w.traffic.stall(partition, true)
	err := w.rest(ctx, w.idleTimeout()+w.width()+2*f.For) // so long that slices close without it
	err = errors.Join(err, w.dead(func() error {
		w.traffic.stall(partition, false)
		for broker := range w.cluster.Brokers() {
			if err := w.proxies.mend(broker); err != nil {
				return err
			}
		}
		return sleep(ctx, time.Second) // until what was held back is written
	}))
	return err
}

// place is a group whose commits hold more than offsets, and the topic that they are of.
type place struct{ group, topic string }

// places are those of this world.
func (w *world) places() []place {
	all := []place{{stage.PartitionGroup(graph), w.spans()}}
	if w.Rekey {
		all = append(all, place{stage.RekeyGroup(spanTopic), spanTopic})
	}
	return all
}

// corruptCommit changes the metadata of a committed place, as a tool might that resets offsets. The group must be empty:
// its dead members have to time out first.
func (w *world) corruptCommit(ctx context.Context, f Fault) error {
	all := w.places()
	at := all[f.Random/3%uint64(len(all))]
	commits, err := w.commits(ctx, at.group, at.topic)
	if err != nil {
		return err
	}
	partition := f.Target % spanPartition
	c, ok := commits[partition]
	if !ok {
		return nil // nothing is committed yet
	}
	metadata := []byte(c.Metadata)
	if len(metadata) > 0 && f.Random%3 > 0 {
		metadata[f.Random%uint64(len(metadata))] ^= 1
	} else {
		metadata = metadata[:len(metadata)/2]
	}
	api := &kafkago.Client{Addr: kafkago.TCP(w.cluster.Addrs()...), Transport: &kafkago.Transport{}}
	defer api.Transport.(*kafkago.Transport).CloseIdleConnections()
	for tries := 0; ; tries++ {
		err := store(ctx, api, at, partition, kafka.Commit{Offset: c.Offset, Metadata: string(metadata)})
		if err == nil || tries == 100 {
			return err
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// commits reads the places that a group has committed. A connection that a fault has cut is found out by using it, so it asks again.
func (w *world) commits(ctx context.Context, group, topic string) (map[int]kafka.Commit, error) {
	for tries := 0; ; tries++ {
		commits, err := w.client.Committed(ctx, group, topic)
		if err == nil || tries == 50 {
			return commits, err
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func store(ctx context.Context, api *kafkago.Client, at place, partition int, c kafka.Commit) error {
	res, err := api.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: at.group, GenerationID: -1,
		Topics: map[string][]kafkago.OffsetCommit{at.topic: {{Partition: partition, Offset: c.Offset, Metadata: c.Metadata}}},
	})
	if err != nil {
		return fmt.Errorf("change a commit: %w", err)
	}
	for _, p := range res.Topics[at.topic] {
		if p.Error != nil {
			return fmt.Errorf("change the commit of partition %d: %w", partition, p.Error)
		}
	}
	return nil
}
