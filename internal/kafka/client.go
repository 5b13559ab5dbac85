package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

// DefaultDialTimeout bounds Dial and every other call that asks the cluster one question.
const DefaultDialTimeout = 10 * time.Second

// requestTimeout bounds one request; brokers are given half of it to gather the
// acknowledgements of a write.
const requestTimeout = 30 * time.Second

// Config says how to reach the cluster.
type Config struct {
	Brokers  []string // host:port, at least one
	ClientID string   // shows in the brokers' logs; empty means "presage"
	TLS      *TLS     // nil: plain text
	SASL     *SASL    // nil: no authentication
	// DialTimeout is how long Dial waits for an answer; 0 means DefaultDialTimeout.
	DialTimeout time.Duration
	// MetadataTTL is how old the cached layout of the cluster may be, and so how long
	// a moved leader goes unseen; 0 means 6 s.
	MetadataTTL time.Duration
	// Log gets retries and rebalances; nil means nothing is logged.
	Log *slog.Logger
	// Counting, where set, is a client whose Stats this one goes on with: counters
	// do not fall when a connection is made anew. Both may be in use.
	Counting *Client
}

// Client is a connection to a cluster, safe for use by many goroutines. Close ends it.
type Client struct {
	cfg       Config
	addr      net.Addr
	tls       *tls.Config
	mechanism sasl.Mechanism
	transport *kafkago.Transport
	api       *kafkago.Client
	conns     *connSet
	stats     *stats
	log       *slog.Logger
}

// Dial connects, authenticates and asks for the cluster's layout, so that what is
// wrong with the address, the certificates or the credentials shows here, within
// DialTimeout, as one error.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	if _, err := c.api.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{}}); err != nil {
		c.Close()
		return nil, c.explain(ctx, about(opConnect), err)
	}
	return c, nil
}

func newClient(cfg Config) (*Client, error) {
	if len(cfg.Brokers) == 0 {
		return nil, fmt.Errorf("no Kafka broker is configured: name at least one as host:port (kafka.brokers)")
	}
	for _, b := range cfg.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return nil, fmt.Errorf("broker address %q: expected host:port: %w", b, err)
		}
	}
	if cfg.ClientID == "" {
		cfg.ClientID = "presage"
	}
	if cfg.DialTimeout <= 0 {
		cfg.DialTimeout = DefaultDialTimeout
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	tlsConfig, err := cfg.TLS.config()
	if err != nil {
		return nil, err
	}
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg:       cfg,
		addr:      kafkago.TCP(cfg.Brokers...),
		tls:       tlsConfig,
		mechanism: mechanism,
		conns:     newConnSet(cfg.DialTimeout),
		stats:     &stats{},
		log:       cfg.Log,
	}
	if cfg.Counting != nil {
		c.stats = cfg.Counting.stats
	}
	c.transport = c.newTransport()
	c.transport.MetadataTTL = cfg.MetadataTTL
	c.api = &kafkago.Client{Addr: c.addr, Transport: c.transport, Timeout: requestTimeout}
	return c, nil
}

func (c *Client) newTransport() *kafkago.Transport {
	return &kafkago.Transport{
		Dial:        c.conns.dial,
		DialTimeout: c.cfg.DialTimeout,
		ClientID:    c.cfg.ClientID,
		TLS:         c.tls,
		SASL:        c.mechanism,
	}
}

// Close ends the client's connections and returns when they are closed. Calls under
// way fail.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
	c.conns.close()
}

// brokers is how error messages name the cluster.
func (c *Client) brokers() string { return strings.Join(c.cfg.Brokers, ",") }

// metadata asks the cluster itself, past the transport's cache, which may be seconds
// old. The second transport also sees to it that no topic is created by asking: a
// kafka-go Conn would, where the brokers allow it.
func (c *Client) metadata(ctx context.Context, topics ...string) (*kafkago.MetadataResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	res, err := c.askTopics(ctx, topics...)
	if err != nil {
		return nil, c.explain(ctx, about(opMetadata, topics...), err)
	}
	return res, nil
}

// askTopics is metadata without its bound and its words.
func (c *Client) askTopics(ctx context.Context, topics ...string) (*kafkago.MetadataResponse, error) {
	transport := c.newTransport()
	transport.MetadataTopics = topics
	defer transport.CloseIdleConnections()
	api := &kafkago.Client{Addr: c.addr, Transport: transport, Timeout: c.cfg.DialTimeout}
	return api.Metadata(ctx, &kafkago.MetadataRequest{Topics: topics})
}
