package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// ErrStale says that the generation has passed: another member of the group may own
// the partition, and what this one did not commit will be done again there.
var ErrStale = errors.New("the partition belongs to a later generation of the consumer group")

// ErrUnknownTopic says that a topic does not exist, or may not be seen.
var ErrUnknownTopic = errors.New("unknown topic")

// ErrClosed says that the client was closed.
var ErrClosed = errors.New("the Kafka client is closed")

// verdict is what to do about a failed request.
type verdict int

const (
	fatal     verdict = iota // asking again won't help
	refused                  // so is this, but a broker that is going down mid-handshake looks the same
	patient                  // the cluster is away or changing: ask again until ctx ends
	impatient                // may pass: ask again, but not for ever
)

// judge tells how a failed request is to be treated.
func judge(err error) verdict {
	var code kafkago.Error
	if errors.As(err, &code) {
		switch {
		case code == kafkago.SASLAuthenticationFailed:
			return refused // kafka-go makes this of a closed connection, too
		case code == kafkago.UnknownTopicOrPartition || code == kafkago.InvalidMessage || code == kafkago.Unknown:
			return impatient
		case code == kafkago.BrokerNotAvailable:
			return patient // kafka-go makes this of a partition whose leader is gone
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
	if certificateRefused(err) {
		return refused
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

// certificateRefused tells whether the broker sent back an alert about the client's certificate, or the lack of one.
// crypto/tls has no error type for alerts that a peer sends.
func certificateRefused(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return false
	}
	text := op.Err.Error()
	return strings.Contains(text, "certificate") || strings.Contains(text, "access denied")
}

// unseen tells whether the cluster's layout has no such topic: it is gone, or the user may not see it.
func unseen(err error) bool {
	return errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, kafkago.UnknownTopicOrPartition)
}

// explained is an error that says already what failed, where, and what to do.
type explained struct {
	text  string
	cause error
	final bool // it was tried again, in vain
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.cause }

// explain turns the failure of a request into what, where and what to do.
func (c *Client) explain(ctx context.Context, q request, err error) error {
	var already *explained
	if errors.As(err, &already) {
		return err
	}
	return &explained{text: fmt.Sprintf("%s (Kafka at %s): %s: %v", q, c.brokers(), c.reason(ctx, q, err), err), cause: err}
}

func (c *Client) reason(ctx context.Context, q request, err error) string {
	var code kafkago.Error
	if errors.As(err, &code) && !unseen(err) {
		return c.refusal(q, code)
	}
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case unseen(err):
		return c.notThere(q)
	case errors.As(err, &record):
		return "the listener does not speak TLS; use its TLS port, or remove kafka.tls"
	case errors.As(err, &authority):
		return "the broker's certificate is of an authority that is not trusted; set kafka.tls.ca_file"
	case errors.As(err, &host):
		return "the broker's certificate is for another name; set kafka.tls.server_name"
	case certificateRefused(err):
		return c.certificateReason()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there; start the broker or correct kafka.brokers"
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || isTimeout(err):
		return fmt.Sprintf("no answer within %v; check the address, the network, and whether the listener wants TLS", c.cfg.DialTimeout)
	case isCut(err):
		return c.cutReason()
	}
	return "the request failed"
}

func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (c *Client) cutReason() string {
	switch {
	case c.cfg.SASL != nil:
		return fmt.Sprintf("the broker closed the connection, as some do where they refuse user %q; check kafka.sasl, and whether the listener wants TLS, with a client certificate (kafka.tls)", c.cfg.SASL.Username)
	case c.cfg.TLS != nil:
		return "the broker closed the connection; check whether the listener wants SASL (kafka.sasl) or a client certificate (kafka.tls.cert_file)"
	}
	return "the broker closed the connection; check whether the listener wants TLS or SASL"
}

func (c *Client) certificateReason() string {
	if c.cfg.TLS == nil || c.cfg.TLS.CertFile == "" {
		return "the broker wants a client certificate; set kafka.tls.cert_file and kafka.tls.key_file"
	}
	return fmt.Sprintf("the broker refused the client certificate %s; check that it has not expired and is of an authority that the broker trusts", c.cfg.TLS.CertFile)
}

func (c *Client) refusal(q request, code kafkago.Error) string {
	switch code {
	case kafkago.SASLAuthenticationFailed:
		if c.cfg.SASL != nil {
			return fmt.Sprintf("the broker refused user %q; check kafka.sasl and the user's password", c.cfg.SASL.Username)
		}
		return "the broker wants credentials; set kafka.sasl"
	case kafkago.UnsupportedSASLMechanism:
		return fmt.Sprintf("the broker does not offer SASL mechanism %q; check kafka.sasl.mechanism", c.cfg.SASL.Mechanism)
	case kafkago.TopicAuthorizationFailed, kafkago.ClusterAuthorizationFailed, kafkago.GroupAuthorizationFailed:
		return c.denial(q, code)
	case kafkago.IllegalSASLState:
		return "the broker wants credentials; set kafka.sasl"
	}
	return "the broker refused"
}

func isTimeout(err error) bool {
	var op net.Error
	return errors.As(err, &op) && op.Timeout()
}
