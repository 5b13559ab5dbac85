package chaos

import (
	"reflect"
	"strings"
	"testing"

	"presage/windower/slice"
)

func TestAdvancesAreReadFromLogs(t *testing.T) {
	const log = `time=2026-11-28T01:00:47.842Z level=DEBUG msg="event time advanced" graph=shop topic=spans partition=1 offset=553 to=1795784551166171751
time=2026-11-28T01:00:49.071Z level=DEBUG msg="event time advanced" graph=shop topic=spans partition=1 offset=553 to=1795784552199991666
time=2026-11-28T01:01:34.128Z level=DEBUG msg="event time advanced" graph=shop topic=metrics partition=0 offset=120 to=1795784796015361030
time=2026-11-28T01:01:56.666Z level=WARN msg="the partition is read from its beginning: its commit can't be used" graph=shop topic=spans partition=1 offset=1489 error="commit metadata can't be read: wrong checksum over 13 bytes" reason=commit more_before=0
time=2026-11-28T01:01:57.000Z level=WARN msg="the partition is read from its beginning: its commit can't be used" graph=shop topic=spans partition=3 offset=1083 error="commit metadata can't be read: wrong checksum over 29 bytes" reason=commit more_before=0
time=2026-11-28T01:02:11.000Z level=DEBUG msg="event time advanced" graph=shop topic=spans partition=1 offset=1600 to=1795784899000000000
time=2026-11-28T01:02:12.000Z level=INFO msg=stopped
`
	var got told
	for line := range strings.Lines(log) {
		if err := got.line([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	spans, metrics := slice.Source{Topic: "spans", Partition: 1}, slice.Source{Topic: "metrics"}
	all := map[slice.Source]map[int64]int64{
		spans:   {553: 1795784552199991666, 1600: 1795784899000000000},
		metrics: {120: 1795784796015361030},
	}
	if c := got.committed(afresh{}); !reflect.DeepEqual(c, all) {
		t.Errorf("all advances: %v", c)
	}
	if len(got.afresh) != 2 || !got.forgot(got.afresh[0]) || got.forgot(got.afresh[1]) {
		t.Fatalf("read afresh: %v", got.afresh)
	}
	delete(all[spans], 553)
	if c := got.committed(got.afresh[0]); !reflect.DeepEqual(c, all) {
		t.Errorf("advances since it was read afresh: %v", c)
	}
}
