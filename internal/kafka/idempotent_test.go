package kafka_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
	"presage/internal/broker"
	"presage/internal/kafka"
	"presage/internal/kraft"
	"presage/internal/transcript"
)

// written are the values that a partition holds.
func written(t *testing.T, c *kafka.Client, topic string, partition int) (values []string) {
	t.Helper()
	ends, err := c.Ends(within(t), topic)
	if err == nil {
		err = c.ReadRange(within(t), topic, partition, kafka.FirstOffset, ends[partition].End, func(records []kafka.Record) error {
			for _, r := range records {
				values = append(values, string(r.Value))
			}
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// A broker that takes a batch and then says that it failed, as one whose answer is lost, takes it once.
func TestRepeatedBatchesAreWrittenOnce(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans", Partitions: 2})
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	var want []string
	for i := range 5 {
		b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "spans", Partitions: []int32{1}, Err: kerr.NotEnoughReplicasAfterAppend, Count: i % 3})
		var records []kafka.Record
		for j := range 3 {
			value := fmt.Sprint(i, "-", j)
			want = append(want, value)
			records = append(records, kafka.Record{Topic: "spans", Partition: 1, Value: []byte(value)}, kafka.Record{Topic: "spans", Value: []byte(value)})
		}
		if err := p.Write(within(t), records); err != nil {
			t.Fatal(err)
		}
	}
	for partition := range 2 {
		if got := written(t, c, "spans", partition); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("partition %d has %v, expected %v", partition, got, want)
		}
	}
	if c.Stats().Retries["produce"] == 0 {
		t.Error("nothing was sent again")
	}
}

// Brokers that have lost what they knew of an id are written to under a new one.
func TestForgottenProducer(t *testing.T) {
	for _, lost := range []*kerr.Error{kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping} {
		t.Run(lost.Message, func(t *testing.T) {
			b, log := startLogged(t)
			p := kafka.NewProducer(log.client, kafka.ProducerConfig{})
			ids := b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Observe: true, Count: -1})
			for i := range 3 {
				if i == 1 {
					b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "spans", Err: lost})
				}
				if err := p.Write(within(t), []kafka.Record{{Topic: "spans", Value: fmt.Append(nil, i)}}); err != nil {
					t.Fatal(err)
				}
			}
			if got := written(t, log.client, "spans", 0); strings.Join(got, " ") != "0 1 2" {
				t.Errorf("written: %v", got)
			}
			if n := ids.Hits(); n != 2 {
				t.Errorf("%d ids were asked for, expected 2", n)
			}
			if text := log.String(); !strings.Contains(text, "kafka has lost what it knew of a producer id") || strings.Contains(text, "does not tell writes apart") {
				t.Errorf("log: %s", text)
			}
		})
	}
}

// Where there are no ids to be had, or they are of no use, records are written all the same.
func TestWithoutProducerIDs(t *testing.T) {
	for name, fault := range map[string]kfake.Fault{
		"denied":      {Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.ClusterAuthorizationFailed, Count: -1},
		"unsupported": {Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.UnsupportedVersion, Count: -1},
		"of no use":   {Keys: []kmsg.Key{kmsg.Produce}, Topic: "spans", Err: kerr.UnknownProducerID},
	} {
		t.Run(name, func(t *testing.T) {
			b, log := startLogged(t)
			b.Cluster().Fault(fault)
			p := kafka.NewProducer(log.client, kafka.ProducerConfig{})
			for i := range 3 {
				if err := p.Write(within(t), []kafka.Record{{Topic: "spans", Value: fmt.Append(nil, i)}}); err != nil {
					t.Fatal(err)
				}
			}
			if got := written(t, log.client, "spans", 0); strings.Join(got, " ") != "0 1 2" {
				t.Errorf("written: %v", got)
			}
			if n := strings.Count(log.String(), "kafka does not tell writes apart"); n != 1 {
				t.Errorf("said %d times: %s", n, log)
			}
		})
	}
}

// An id that can't be had for the moment is asked for again, until the context ends.
func TestProducerIDIsAskedForAgain(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans"})
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.CoordinatorLoadInProgress, Count: 3})
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{{Topic: "spans", Value: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	if n := c.Stats().Retries["produce"]; n != 3 {
		t.Errorf("asked again %d times", n)
	}
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.CoordinatorLoadInProgress, Count: -1})
	ctx, cancel := context.WithCancel(within(t))
	cancel()
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(ctx, []kafka.Record{{Topic: "spans", Value: []byte("x")}}); err == nil {
		t.Error("written without an id, or without a context")
	}
}

// logged is a client and what it logs.
type logged struct {
	transcript.Transcript
	client *kafka.Client
}

func startLogged(t *testing.T) (*broker.Broker, *logged) {
	t.Helper()
	b, _ := start(t, broker.Topic{Name: "spans"})
	l := &logged{}
	c, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{b.Addr()}, Log: slog.New(slog.NewTextHandler(l, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	l.client = c
	return b, l
}

// On Apache Kafka, through a network that loses answers: every record is there once, in order.
func TestLostAcknowledgements(t *testing.T) {
	network := &lossy{random: rand.New(rand.NewPCG(1, 2))}
	cluster := kraft.ForTest(t, kraft.Options{Brokers: 3, Through: network.through})
	t.Cleanup(network.close)
	c, err := kafka.Dial(within(t), kafka.Config{Brokers: cluster.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	const partitions, writers, writes, each = 2, 3, 60, 5
	if err := c.EnsureTopics(within(t), []kafka.TopicSpec{{Name: "spans", Partitions: partitions, Replication: 3}}); err != nil {
		t.Fatal(err)
	}
	p := kafka.NewProducer(c, kafka.ProducerConfig{Zstd: true})
	network.lose(true)
	var group errgroup.Group
	for writer := range writers {
		group.Go(func() error {
			for i := range writes {
				var records []kafka.Record
				for j := range partitions * each {
					records = append(records, kafka.Record{Topic: "spans", Partition: j % partitions, Key: []byte{byte(writer)}, Value: fmt.Appendf(nil, "%d %03d %d", writer, i, j/partitions)})
				}
				if err := p.Write(t.Context(), records); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	network.lose(false)
	for partition := range partitions {
		var last [writers]string
		values := written(t, c, "spans", partition)
		if len(values) != writers*writes*each {
			t.Errorf("partition %d has %d records, expected %d", partition, len(values), writers*writes*each)
		}
		for _, v := range values {
			if before := &last[v[0]-'0']; v <= *before {
				t.Errorf("partition %d: %q comes after %q", partition, v, *before)
			} else {
				*before = v
			}
		}
	}
	retries := c.Stats().Retries["produce"]
	t.Logf("%d answers were lost, %d writes repeated", network.lost, retries)
	if retries < 20 {
		t.Errorf("only %d writes were repeated", retries)
	}
}

// lossy are proxies that close a connection instead of passing an answer on, now and then.
type lossy struct {
	mu        sync.Mutex
	random    *rand.Rand
	losing    bool
	lost      int
	listeners []net.Listener
	conns     []net.Conn
	wait      sync.WaitGroup
}

func (l *lossy) through(_ int, addr string) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	l.listeners = append(l.listeners, listener)
	l.wait.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", addr)
			if err != nil {
				_ = client.Close()
				continue
			}
			l.mu.Lock()
			l.conns = append(l.conns, client, server)
			l.mu.Unlock()
			l.wait.Go(func() { l.pass(server, client, func() bool { return false }) })
			l.wait.Go(func() { l.pass(client, server, l.drop) })
		}
	})
	return listener.Addr().String(), nil
}

func (l *lossy) pass(to, from net.Conn, drop func() bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !drop() {
			_, err = to.Write(buffer[:n])
		} else if n > 0 {
			err = io.ErrClosedPipe
		}
		if err != nil {
			return
		}
	}
}

func (l *lossy) drop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.losing || l.random.IntN(8) > 0 {
		return false
	}
	l.lost++
	return true
}

func (l *lossy) lose(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losing = on
}

func (l *lossy) close() {
	for _, listener := range l.listeners {
		_ = listener.Close()
	}
	l.mu.Lock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.mu.Unlock()
	l.wait.Wait()
}
