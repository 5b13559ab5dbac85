package kafka

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"pgregory.net/rapid"
)

// groupDraw is a group and its topics.
func groupDraw(t *rapid.T) (members []kafkago.GroupMember, partitions map[string][]int) {
	partitions = map[string][]int{}
	for i := range rapid.IntRange(1, 3).Draw(t, "topics") {
		var ids []int
		for p := range rapid.IntRange(1, 12).Draw(t, "partitions") {
			ids = append(ids, p)
		}
		partitions[fmt.Sprint("t", i)] = ids
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "members") {
		m := kafkago.GroupMember{ID: fmt.Sprint("m", i)}
		for topic := range partitions {
			if topic == "t0" || rapid.Bool().Draw(t, "subscribed") {
				m.Topics = append(m.Topics, topic)
			}
		}
		switch rapid.IntRange(0, 3).Draw(t, "claim") {
		case 0:
			m.UserData = rapid.SliceOf(rapid.Byte()).Draw(t, "rubbish")
		case 1: // claims anything, also what is not there
			m.UserData = userData(rapid.Int32Range(0, 3).Draw(t, "generation"), map[string][]int{
				"t0": rapid.SliceOfN(rapid.IntRange(-1, 14), 0, 8).Draw(t, "owned"), "gone": {1},
			})
		}
		members = append(members, m)
	}
	return members, partitions
}

func userData(generation int32, owned map[string][]int) []byte {
	b, _ := json.Marshal(claim{Version: 1, Generation: generation, Owned: owned})
	return b
}

// TestAssignmentIsFairAndWhole: every partition has one owner that reads its topic,
// and no member has two more of a topic than another that reads it.
func TestAssignmentIsFairAndWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members, partitions := groupDraw(t)
		got := assign(members, partitions)
		for topic, ids := range partitions {
			var all []int
			least, most := 1<<30, 0
			for _, m := range members {
				own := got[m.ID][topic]
				if !slices.Contains(m.Topics, topic) {
					if len(own) > 0 {
						t.Fatalf("%s does not read %s and got %v", m.ID, topic, own)
					}
					continue
				}
				all = append(all, own...)
				least, most = min(least, len(own)), max(most, len(own))
			}
			slices.Sort(all)
			if most == 0 {
				continue // nobody reads it
			}
			if !slices.Equal(all, ids) || most-least > 1 {
				t.Fatalf("topic %s: %v of %v, %d to %d each", topic, all, ids, least, most)
			}
		}
		again := slices.Clone(members)
		rand.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if !reflect.DeepEqual(assign(again, partitions), got) {
			t.Fatal("the order of the members matters")
		}
	})
}

// TestAssignmentSticks: nothing moves without need.
func TestAssignmentSticks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members, partitions := groupDraw(t)
		before := assign(members, partitions)
		claiming := slices.Clone(members)
		for i, m := range claiming {
			claiming[i].UserData = userData(9, before[m.ID])
		}
		if got := assign(claiming, partitions); !reflect.DeepEqual(got, before) {
			t.Fatalf("without a change %v became %v", before, got)
		}
		if len(claiming) < 2 {
			return
		}
		left := claiming[1:]
		after := assign(left, partitions)
		for _, m := range left {
			for topic, own := range before[m.ID] {
				for _, p := range own {
					if !slices.Contains(after[m.ID][topic], p) {
						t.Fatalf("%s lost %s/%d when another left", m.ID, topic, p)
					}
				}
			}
		}
	})
}
