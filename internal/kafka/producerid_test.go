package kafka

import (
	"bytes"
	"encoding/hex"
	"io"
	"math"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

func TestProducerIDOnTheWire(t *testing.T) {
	r := &producerIDRequest{clientID: "me"}
	// size; api key 22, version 0, correlation 1; client id; no transactional id; time-out
	if got, want := hex.EncodeToString(r.encode()), "00000012"+"0016"+"0000"+"00000001"+"00026d65"+"ffff"+"00000000"; got != want {
		t.Errorf("request %s, expected %s", got, want)
	}
	answer := "00000001" + "00000000" + "%code" + "0000000000000fa3" + "0002"
	for code, want := range map[string]kafkago.Error{"0000": 0, "001f": kafkago.ClusterAuthorizationFailed} {
		b, err := hex.DecodeString("00000014" + answer[:16] + code + answer[21:])
		if err != nil {
			t.Fatal(err)
		}
		res, err := readProducerID(bytes.NewReader(b))
		if err != nil || res.code != want || res.producerID != (producerID{4003, 2}) {
			t.Errorf("answer %+v, error %v", res, err)
		}
	}
}

func FuzzProducerID(f *testing.F) {
	f.Add([]byte{0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 163, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		res, err := readProducerID(bytes.NewReader(b))
		if (res == nil) == (err == nil) {
			t.Errorf("%+v, error %v", res, err)
		}
	})
}

func TestSequencesWrap(t *testing.T) {
	for _, c := range []struct {
		from int32
		n    int
		want int32
	}{{0, 3, 3}, {math.MaxInt32 - 1, 1, math.MaxInt32}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 2, 5, 2}} {
		if got := following(c.from, c.n); got != c.want {
			t.Errorf("%d records from %d on: %d, expected %d", c.n, c.from, got, c.want)
		}
	}
}

// A stamped batch is what kafka-go reads, whose checksum it verifies.
func TestStamp(t *testing.T) {
	for _, compression := range []kafkago.Compression{0, kafkago.Zstd} {
		b, err := encodeBatch([]*Record{{Key: []byte("k"), Value: []byte("one")}, {Value: []byte("two"), Headers: []Header{{"h", []byte("v")}}}}, 100, compression)
		if err != nil {
			t.Fatal(err)
		}
		stamp(b, producerID{1 << 40, 3}, 77)
		var set protocol.RecordSet
		if _, err := set.ReadFrom(bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		stream, ok := set.Records.(*protocol.RecordStream)
		if !ok || len(stream.Records) != 1 {
			t.Fatalf("%T", set.Records)
		}
		batch, ok := stream.Records[0].(*protocol.RecordBatch)
		if !ok || batch.ProducerID != 1<<40 || batch.ProducerEpoch != 3 || batch.BaseSequence != 77 || batch.Attributes.Compression() != compression {
			t.Errorf("batch %+v", batch)
		}
		for _, want := range []string{"one", "two"} {
			r, err := batch.ReadRecord()
			if err != nil {
				t.Fatal(err)
			}
			if value, _ := io.ReadAll(r.Value); string(value) != want {
				t.Errorf("value %s, expected %s", value, want)
			}
		}
	}
}
