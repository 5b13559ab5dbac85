package stage

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"presage/ingest"
	"presage/internal/kafka"
)

func TestDeadLetter(t *testing.T) {
	r := &kafka.Record{
		Topic: "spans", Partition: 7, Offset: 12, Time: 1_600_000_000_123_000_000, Key: []byte("k"), Value: []byte("v"),
		Headers: []kafka.Header{{Key: "own", Value: []byte("1")}},
	}
	cause := &ingest.Error{Class: ingest.ReasonProtobuf, Err: errors.New(strings.Repeat("long ", 1000))}
	d := deadOptions(0).deadLetter(4, r, cause)
	want := map[string]string{
		HeaderReason: "bad_protobuf", HeaderGraph: "shop", HeaderTopic: "spans", HeaderPartition: "7", HeaderOffset: "12",
		HeaderTime: "1600000000123", "own": "1",
	}
	for _, h := range d.Headers {
		if v, ok := want[h.Key]; ok && v != string(h.Value) {
			t.Errorf("header %s is %s", h.Key, h.Value)
		}
		if h.Key == HeaderError && len(h.Value) != 1024 {
			t.Errorf("the error's text has %d bytes", len(h.Value))
		}
		delete(want, h.Key)
	}
	if len(want) > 0 || d.Topic != "dead" || d.Partition != 3 || string(d.Key) != "k" || string(d.Value) != "v" {
		t.Errorf("missing %v in %+v", want, d)
	}
}

// deadOptions are what a dead letter needs.
func deadOptions(maxMessageBytes int) *Options {
	if maxMessageBytes == 0 {
		maxMessageBytes = kafka.DefaultMaxMessageBytes
	}
	return &Options{Graph: Graph{Name: "shop"}, Topics: Topics{DeadLetter: "dead"}, MaxMessageBytes: maxMessageBytes}
}

// TestHugeDeadLettersFit writes records at the limit of what brokers take.
func TestHugeDeadLettersFit(t *testing.T) {
	c := dial(t, startBroker(t))
	big := bytes.Repeat([]byte("x"), kafka.MaxRecordBytes)
	for name, r := range map[string]*kafka.Record{
		"value":   {Value: big},
		"key":     {Key: big, Value: []byte("v")},
		"both":    {Key: big[:600_000], Value: big[:600_000]},
		"headers": {Value: big[:900_000], Headers: []kafka.Header{{Key: "a", Value: big[:100_000]}, {Key: "b", Value: big[:100_000]}, {Key: "c", Value: []byte("1")}}},
	} {
		for _, most := range []int{0, 100_000} {
			d := deadOptions(most).deadLetter(1, r, errors.New("x"))
			if err := kafka.NewProducer(c, kafka.ProducerConfig{MaxMessageBytes: most}).Write(within(t), []kafka.Record{d}); err != nil {
				t.Errorf("%s of at most %d: %v", name, most, err)
			}
		}
	}
}
