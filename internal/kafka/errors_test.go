package kafka

import (
	"fmt"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
)

// What a broker says that is away, or not yet back, is waited out. Kafka calls "broker not available" no client's business, and
// says it to clients all the same, of offsets, when it has been away from its controller.
func TestBrokersThatAreAwayAreWaitedFor(t *testing.T) {
	for _, code := range []kafkago.Error{kafkago.BrokerNotAvailable, kafkago.LeaderNotAvailable, kafkago.GroupCoordinatorNotAvailable, kafkago.NotCoordinatorForGroup} {
		if got := judge(fmt.Errorf("fetch offsets: %w", code)); got != patient {
			t.Errorf("%v: verdict %d, want %d", code, got, patient)
		}
	}
}
