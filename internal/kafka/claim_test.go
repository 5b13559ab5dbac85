package kafka

import (
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"presage/internal/hostile"
)

// What another member of the group says it owns is no more than a wish: rubbish counts as
// nothing, and nobody gets what is not there.
func TestHostileClaims(t *testing.T) {
	for name, data := range map[string]string{
		"nothing": "", "text": "rubbish", "100 000 deep": hostile.DeepJSON("owned", 100_000), "an array": "[1,2]",
		"partitions that are not there": `{"v":1,"generation":9,"owned":{"t":[-1,2,99999999999,0,0,0]}}`,
		"a topic that is not there":     `{"v":1,"generation":9,"owned":{"u":[0,1]}}`,
		"a later version":               `{"v":2,"owned":{"t":[0,1]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			members := []kafkago.GroupMember{
				{ID: "a", Topics: []string{"t"}, UserData: []byte(data)},
				{ID: "b", Topics: []string{"t"}},
			}
			var got kafkago.GroupMemberAssignments
			hostile.Spends(t, hostile.Allowance, func() { got = assign(members, map[string][]int{"t": {0, 1}}) })
			if a, b := got["a"]["t"], got["b"]["t"]; len(a) != 1 || len(b) != 1 || a[0]+b[0] != 1 {
				t.Errorf("assigned %v and %v", a, b)
			}
		})
	}
}
