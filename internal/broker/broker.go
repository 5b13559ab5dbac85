package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DefaultRetentionBytes caps a partition whose topic names no cap of its own.
const DefaultRetentionBytes = 64 << 20

// Topic is a topic that exists from the start.
type Topic struct {
	Name       string
	Partitions int // 0 means 1
	// RetentionBytes caps each partition's log; 0 means Options.RetentionBytes.
	// The heap holds up to a quarter more, and what was written since the last
	// trim, Options.TrimInterval ago.
	RetentionBytes int64
}

// Options say what the broker offers. The zero value is usable.
type Options struct {
	Topics []Topic
	// RetentionBytes caps partitions of topics that name no cap of their own,
	// also of those created later by a client. 0 means DefaultRetentionBytes.
	RetentionBytes int64
	// TrimInterval is how often logs are trimmed to their cap; 0 means 20 ms, in
	// which a writer at full speed adds some 15 MB.
	TrimInterval time.Duration
	// MinSessionTimeout is the shortest session time-out that a consumer group may
	// ask for; 0 means 6 s, as a real broker.
	MinSessionTimeout time.Duration
	// TLS makes the listener speak TLS.
	TLS *tls.Config
	// Users turns SASL on, with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 for each
	// user: name → password.
	Users map[string]string
	// ReadOnlyUsers are SASL users that may describe and do nothing else.
	ReadOnlyUsers map[string]string
}

// Broker is a running broker. Close ends it.
type Broker struct {
	cluster *kfake.Cluster
	addr    string
	quit    chan struct{} // ends trimming
	done    chan struct{} // trimming has ended
	once    sync.Once
}

// Start runs a broker on an ephemeral port of loopback.
func Start(o Options) (*Broker, error) {
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.DefaultNumPartitions(1),
		kfake.BrokerConfigs(o.configs()),
	}
	if o.MinSessionTimeout > 0 {
		opts = append(opts, kfake.GroupMinSessionTimeout(o.MinSessionTimeout))
	}
	if o.TLS != nil {
		opts = append(opts, kfake.TLS(o.TLS))
	}
	opts = append(opts, o.security()...)
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker on loopback: %w", err)
	}
	b := &Broker{
		cluster: cluster,
		addr:    cluster.ListenAddrs()[0],
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	go b.trimLoop(o.interval())
	for _, t := range o.Topics {
		if err := b.Create(t, o.retention(t)); err != nil {
			b.Close()
			return nil, err
		}
	}
	return b, nil
}

// Addr is the broker's host:port.
func (b *Broker) Addr() string { return b.addr }

// Create makes a topic whose partitions are capped at retention bytes each.
func (b *Broker) Create(t Topic, retention int64) error {
	err := b.cluster.CreateTopic(t.Name, int32(max(t.Partitions, 1)), map[string]string{
		"retention.bytes": strconv.FormatInt(retention, 10),
		"retention.ms":    "-1",
		"segment.bytes":   strconv.FormatInt(segmentBytes(retention), 10),
	})
	if err != nil {
		return fmt.Errorf("create topic %s in the embedded broker: %w", t.Name, err)
	}
	return nil
}

// Close ends the broker and drops what it holds. Clients see closed connections.
func (b *Broker) Close() {
	b.once.Do(func() {
		close(b.quit)
		<-b.done
		b.cluster.Close()
	})
}

// trimLoop trims the logs itself because the cluster's own ticker looks only at
// topics that carry a retention of their own.
func (b *Broker) trimLoop(interval time.Duration) {
	defer close(b.done)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-ticker.C:
			b.cluster.ApplyRetention()
		}
	}
}

func (o Options) retention(t Topic) int64 {
	for _, n := range []int64{t.RetentionBytes, o.RetentionBytes} {
		if n > 0 {
			return n
		}
	}
	return DefaultRetentionBytes
}

// segmentBytes is the size of the pieces that a log is freed in. The broker's
// default of 100 MiB would keep that much whatever the cap says.
func segmentBytes(retention int64) int64 {
	return min(max(retention/8, 64<<10), 8<<20)
}

func (o Options) configs() map[string]string {
	retention := o.retention(Topic{})
	return map[string]string{
		"log.retention.bytes": strconv.FormatInt(retention, 10),
		"log.retention.ms":    "-1", // with an age to look for, every trim would walk all batches
		"log.segment.bytes":   strconv.FormatInt(segmentBytes(retention), 10),
	}
}

func (o Options) interval() time.Duration {
	if o.TrimInterval > 0 {
		return o.TrimInterval
	}
	return 20 * time.Millisecond
}

func (o Options) security() []kfake.Opt {
	if len(o.Users) == 0 && len(o.ReadOnlyUsers) == 0 {
		return nil
	}
	opts := []kfake.Opt{kfake.EnableSASL(), kfake.EnableACLs()}
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		for name, password := range o.Users {
			opts = append(opts, kfake.Superuser(mechanism, name, password))
		}
		for name, password := range o.ReadOnlyUsers {
			opts = append(opts, kfake.User(mechanism, name, password, describeOnly(kmsg.ACLResourceTypeTopic),
				describeOnly(kmsg.ACLResourceTypeCluster), describeOnly(kmsg.ACLResourceTypeGroup)))
		}
	}
	return opts
}

func describeOnly(resource kmsg.ACLResourceType) kfake.ACL {
	return kfake.ACL{
		Resource: resource, Name: "*", Pattern: kmsg.ACLResourcePatternTypeLiteral,
		Operation: kmsg.ACLOperationDescribe, Allow: true,
	}
}

// Cluster is the broker itself, for tests that inject faults.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// Grow gives a topic more partitions.
func (b *Broker) Grow(topic string, partitions int) error {
	req := kmsg.NewPtrCreatePartitionsRequest()
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = topic, int32(partitions)
	req.Topics = append(req.Topics, t)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr))
	if err != nil {
		return err
	}
	defer client.Close()
	res, err := req.RequestWith(context.Background(), client)
	if err != nil {
		return fmt.Errorf("grow topic %s of the embedded broker: %w", topic, err)
	}
	return kerr.ErrorForCode(res.Topics[0].ErrorCode)
}
