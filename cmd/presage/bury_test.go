package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// bury takes the members of all groups out of them, once all processes are dead. Brokers do so by themselves when a session
// times out, but the embedded one forgets those that died while it held back its answer to their joining: they keep their
// partitions for ever.
func bury(t *testing.T, addr string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	listed, err := kmsg.NewPtrListGroupsRequest().RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	describe := kmsg.NewPtrDescribeGroupsRequest()
	for _, g := range listed.Groups {
		describe.Groups = append(describe.Groups, g.Group)
	}
	if len(describe.Groups) == 0 {
		return
	}
	described, err := describe.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range described.Groups {
		if len(g.Members) == 0 {
			continue
		}
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = g.Group
		for _, m := range g.Members {
			member := kmsg.NewLeaveGroupRequestMember()
			member.MemberID = m.MemberID
			leave.Members = append(leave.Members, member)
		}
		if _, err := leave.RequestWith(t.Context(), client); err != nil {
			t.Fatal(err)
		}
	}
}
