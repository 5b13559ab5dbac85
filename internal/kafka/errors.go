package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// ErrStale says that the generation has passed: another member of the group may own
// the partition, and what this one did not commit will be done again there.
var ErrStale = errors.New("the partition belongs to a later generation of the consumer group")

// ErrUnknownTopic says that a topic does not exist, or may not be seen.
var ErrUnknownTopic = errors.New("the topic does not exist, or this user may not see it")

// ErrClosed says that the client was closed.
var ErrClosed = errors.New("the Kafka client is closed")

// verdict is what to do about a failed request.
type verdict int

const (
	fatal     verdict = iota // asking again won't help
	patient                  // the cluster is away or changing: ask again until ctx ends
	impatient                // may pass: ask again, but not for ever
)

// judge tells how a failed request is to be treated.
func judge(err error) verdict {
	var code kafkago.Error
	if errors.As(err, &code) {
		switch {
		case code == kafkago.UnknownTopicOrPartition || code == kafkago.InvalidMessage || code == kafkago.Unknown:
			return impatient
		case code.Temporary() || code.Timeout() || isStale(code):
			return patient // a member that the group has forgotten joins anew
		}
		return fatal
	}
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	if errors.As(err, &authority) || errors.As(err, &invalid) || errors.As(err, &host) {
		return fatal
	}
	if errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition) {
		return impatient
	}
	if errors.Is(err, protocol.ErrNoLeader) || isNetwork(err) {
		return patient
	}
	return impatient
}

func isNetwork(err error) bool {
	var op net.Error
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, context.DeadlineExceeded)
}

// explain turns the failure of a first request into what, where and what to do.
func (c *Client) explain(ctx context.Context, doing string, err error) error {
	return fmt.Errorf("%s (Kafka at %s): %s: %w", doing, c.brokers(), c.reason(ctx, err), err)
}

func (c *Client) reason(ctx context.Context, err error) string {
	var code kafkago.Error
	if errors.As(err, &code) {
		return c.refusal(code)
	}
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case errors.As(err, &record):
		return "the listener does not speak TLS; use its TLS port, or remove kafka.tls"
	case errors.As(err, &authority):
		return "the broker's certificate is of an authority that is not trusted; set kafka.tls.ca_file"
	case errors.As(err, &host):
		return "the broker's certificate is for another name; set kafka.tls.server_name"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there; start the broker or correct kafka.brokers"
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || isTimeout(err):
		return fmt.Sprintf("no answer within %v; check the address, the network, and whether the listener wants TLS", c.cfg.DialTimeout)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET):
		if c.cfg.SASL != nil {
			return fmt.Sprintf("the broker closed the connection, as some do where they refuse user %q; check kafka.sasl, and whether the listener wants TLS", c.cfg.SASL.Username)
		}
		return "the broker closed the connection; check whether the listener wants TLS or SASL"
	}
	return "the request failed"
}

func (c *Client) refusal(code kafkago.Error) string {
	switch code {
	case kafkago.SASLAuthenticationFailed:
		if c.cfg.SASL != nil {
			return fmt.Sprintf("the broker refused user %q; check kafka.sasl", c.cfg.SASL.Username)
		}
		return "the broker wants credentials; set kafka.sasl"
	case kafkago.UnsupportedSASLMechanism:
		return fmt.Sprintf("the broker does not offer SASL mechanism %q; check kafka.sasl.mechanism", c.cfg.SASL.Mechanism)
	case kafkago.TopicAuthorizationFailed, kafkago.ClusterAuthorizationFailed, kafkago.GroupAuthorizationFailed:
		return "this user has no right to do that; grant it on the broker (ACL)"
	case kafkago.IllegalSASLState:
		return "the broker wants credentials; set kafka.sasl"
	}
	return "the broker refused"
}

func isTimeout(err error) bool {
	var op net.Error
	return errors.As(err, &op) && op.Timeout()
}
