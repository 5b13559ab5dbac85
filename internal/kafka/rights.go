package kafka

import (
	"fmt"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
)

// The requests that are counted, tried again and explained; they are labels of the counters.
const (
	opConnect   = "connect"
	opMetadata  = "metadata"
	opCreate    = "create"
	opConfigs   = "configs"
	opOffsets   = "offsets"
	opFetch     = "fetch"
	opProduce   = "produce"
	opJoin      = "join"
	opCommit    = "commit"
	opCommitted = "committed"
	opEnsure    = "ensure" // see whether a topic is there, and create it where not
)

// request is what is asked of the brokers: enough to say what failed, and which right it takes.
type request struct {
	operation string
	topics    []string // the topic, or those of a group
	partition int      // -1: none
	group     string
}

func about(operation string, topics ...string) request {
	return request{operation: operation, topics: topics, partition: -1}
}

func at(operation, topic string, partition int) request {
	return request{operation: operation, topics: []string{topic}, partition: partition}
}

func (q request) in(group string) request {
	q.group = group
	return q
}

// String is the request as error messages begin.
func (q request) String() string {
	var b strings.Builder
	b.WriteString(map[string]string{
		opMetadata: "ask for", opEnsure: "ask for", opCreate: "create", opConfigs: "read the settings of", opOffsets: "ask for the offsets of",
		opCommitted: "read the commits of",
	}[q.operation])
	if b.Len() == 0 {
		b.WriteString(q.operation)
	}
	if q.operation != opJoin && len(q.topics) > 0 {
		b.WriteString(" " + q.topicList())
	}
	if q.partition >= 0 {
		fmt.Fprintf(&b, " partition %d", q.partition)
	}
	switch {
	case q.group == "":
	case q.operation == opJoin:
		fmt.Fprintf(&b, " group %s", q.group)
	default:
		fmt.Fprintf(&b, " in group %s", q.group)
	}
	return b.String()
}

func (q request) topicList() string {
	if len(q.topics) == 1 {
		return "topic " + q.topics[0]
	}
	return "topics " + strings.Join(q.topics, ", ")
}

// right is what an authorizer decides about.
type right struct {
	operations []string // as kafka-acls.sh has them
	resource   string   // topic, group or cluster
	names      []string // of the resources
}

// needs is the right that a request lacks when it is denied with a code. A right to read or write includes the one to
// describe.
func (q request) needs(code kafkago.Error) right {
	switch code {
	case kafkago.GroupAuthorizationFailed:
		return right{[]string{"Read"}, "group", []string{q.group}}
	case kafkago.ClusterAuthorizationFailed:
		operation := "Describe"
		if q.operation == opCreate {
			operation = "Create"
		}
		return right{[]string{operation}, "cluster", nil}
	}
	if q.operation == opEnsure {
		return right{[]string{"Describe", "Create"}, "topic", q.topics}
	}
	operation, ok := map[string]string{
		opFetch: "Read", opCommit: "Read", opCommitted: "Read", opJoin: "Read", opProduce: "Write", opCreate: "Create",
		opConfigs: "DescribeConfigs",
	}[q.operation]
	if !ok {
		operation = "Describe"
	}
	return right{[]string{operation}, "topic", q.topics}
}

func (r right) resources() string {
	switch {
	case r.resource == "cluster":
		return "the cluster"
	case len(r.names) == 1:
		return r.resource + " " + r.names[0]
	}
	return "one of the " + r.resource + "s " + strings.Join(r.names, ", ")
}

// denial says who lacks which right on what, and how it is granted.
func (c *Client) denial(q request, code kafkago.Error) string {
	need := q.needs(code)
	return fmt.Sprintf("%s has no right %s on %s; grant it: %s", c.principal(), strings.Join(need.operations, " or "), need.resources(), c.grant(need))
}

// notThere is of a topic that the brokers do not show.
func (c *Client) notThere(q request) string {
	text := fmt.Sprintf("%s does not exist", q.topicList())
	if c.cfg.SASL == nil && c.cfg.TLS == nil {
		return text + ", or may not be seen; check the name, or create it"
	}
	return fmt.Sprintf("%s, or %s may not see it; check the name and create it, or grant: %s",
		text, c.principal(), c.grant(right{[]string{"Describe"}, "topic", q.topics}))
}

// grant is the command that grants a right.
func (c *Client) grant(need right) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-acls.sh --bootstrap-server %s --command-config admin.properties --add --allow-principal %s",
		c.brokers(), quoted(c.principal()))
	for _, operation := range need.operations {
		b.WriteString(" --operation " + operation)
	}
	if need.resource == "cluster" {
		b.WriteString(" --cluster")
	}
	for _, name := range need.names {
		fmt.Fprintf(&b, " --%s %s", need.resource, quoted(name))
	}
	return b.String()
}

// principal is who the brokers take this client for, unless they have rules of their own for names.
func (c *Client) principal() string {
	switch {
	case c.cfg.SASL != nil:
		return "User:" + c.cfg.SASL.Username
	case c.tls != nil && len(c.tls.Certificates) > 0 && c.tls.Certificates[0].Leaf != nil:
		return "User:" + c.tls.Certificates[0].Leaf.Subject.String()
	}
	return "User:ANONYMOUS"
}

// quoted is a word of a shell's command line.
func quoted(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.,:/=+@", r)
	}) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
