package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// producerID is what the brokers tell a producer's batches apart by.
type producerID struct {
	id    int64
	epoch int16
}

// noProducer stamps batches that the brokers do not compare with others.
var noProducer = producerID{-1, -1}

// newProducerID asks any broker for an id that nobody has had.
func (c *Client) newProducerID(ctx context.Context) (producerID, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	res, err := c.transport.RoundTrip(ctx, c.addr, &producerIDRequest{clientID: c.cfg.ClientID})
	if err != nil {
		return producerID{}, err
	}
	answer, ok := res.(*producerIDResponse)
	if !ok {
		return producerID{}, fmt.Errorf("BUG: the answer to a question for a producer id is a %T", res)
	}
	if answer.code != 0 {
		return producerID{}, answer.code
	}
	return answer.producerID, nil
}

const (
	producerIDVersion  = 0
	producerIDCall     = 1      // correlates the answer; a connection has one question at a time
	producerIDBytes    = 20     // of an answer: correlation, throttle time, code, id, epoch
	producerIDMaxBytes = 1 << 8 // of an answer that is believed
)

// producerIDRequest is InitProducerId, version 0, without a transaction. kafka-go's own would first ask who coordinates
// the transactions of "", which needs a right that nobody has and makes the brokers create a topic for it.
type producerIDRequest struct {
	clientID string
	known    bool // the broker has this request
}

// ApiKey makes it a protocol.Message.
//
//nolint:revive // kafka-go names it
func (*producerIDRequest) ApiKey() protocol.ApiKey { return protocol.InitProducerId }

// Required makes kafka-go leave the exchange to RawExchange.
func (r *producerIDRequest) Required(versions map[protocol.ApiKey]int16) bool {
	_, r.known = versions[protocol.InitProducerId]
	return true
}

// RawExchange writes the request and reads the answer.
func (r *producerIDRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if !r.known {
		return &producerIDResponse{code: kafkago.UnsupportedVersion}, nil
	}
	if _, err := rw.Write(r.encode()); err != nil {
		return nil, err
	}
	return readProducerID(rw)
}

func (r *producerIDRequest) encode() []byte {
	const none = math.MaxUint16 // the length of a string that is null
	b := make([]byte, 4, 32+len(r.clientID))
	b = binary.BigEndian.AppendUint16(b, uint16(protocol.InitProducerId))
	b = binary.BigEndian.AppendUint16(b, producerIDVersion)
	b = binary.BigEndian.AppendUint32(b, producerIDCall)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.clientID)))
	b = append(b, r.clientID...)
	b = binary.BigEndian.AppendUint16(b, none) // transactional id
	b = binary.BigEndian.AppendUint32(b, 0)    // its time-out
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// producerIDResponse is the answer.
type producerIDResponse struct {
	code kafkago.Error
	producerID
}

// ApiKey makes it a protocol.Message.
//
//nolint:revive // kafka-go names it
func (*producerIDResponse) ApiKey() protocol.ApiKey { return protocol.InitProducerId }

func readProducerID(r io.Reader) (*producerIDResponse, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n < producerIDBytes || n > producerIDMaxBytes {
		return nil, fmt.Errorf("an answer to a question for a producer id has %d bytes, expected %d", n, producerIDBytes)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	if call := binary.BigEndian.Uint32(b); call != producerIDCall {
		return nil, fmt.Errorf("an answer to a question for a producer id is to request %d, expected %d", call, producerIDCall)
	}
	return &producerIDResponse{
		code:       kafkago.Error(int16(binary.BigEndian.Uint16(b[8:]))),
		producerID: producerID{int64(binary.BigEndian.Uint64(b[10:])), int16(binary.BigEndian.Uint16(b[18:]))},
	}, nil
}
