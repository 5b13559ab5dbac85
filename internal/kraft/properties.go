package kraft

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

const (
	propertiesFile = "server.properties"
	logFile        = "log4j2.properties"
	outputFile     = "output.log" // the process's own output
)

// logging sends the brokers' logs to their output.
const logging = `rootLogger.level = WARN
rootLogger.appenderRefs = out
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %m (%c{1})%n
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = INFO
`

// mechanisms are the SASL mechanisms that users can choose from.
var mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// properties are a broker's server.properties. Replication is as wide as the cluster, up to three, and a write needs
// all but one of the replicas.
func (c *Cluster) properties(b *broker) string {
	replicas := min(len(c.brokers), 3)
	insync := max(replicas-1, 1)
	var voters []string
	for _, v := range c.brokers {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", v.id, v.controller))
	}
	clients := c.protocol()
	p := map[string]string{
		"process.roles":                                    "broker,controller",
		"node.id":                                          fmt.Sprint(b.id),
		"controller.quorum.voters":                         strings.Join(voters, ","),
		"controller.listener.names":                        "CONTROLLER",
		"listeners":                                        fmt.Sprintf("CLIENTS://%s,BROKERS://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", b.addr(), b.peers, b.controller),
		"advertised.listeners":                             fmt.Sprintf("CLIENTS://%s,BROKERS://127.0.0.1:%d", b.advertised, b.peers),
		"listener.security.protocol.map":                   "CONTROLLER:PLAINTEXT,BROKERS:PLAINTEXT,CLIENTS:" + clients,
		"inter.broker.listener.name":                       "BROKERS",
		"log.dirs":                                         filepath.Join(b.dir, "data"),
		"num.partitions":                                   "1",
		"default.replication.factor":                       fmt.Sprint(replicas),
		"min.insync.replicas":                              fmt.Sprint(insync),
		"offsets.topic.replication.factor":                 fmt.Sprint(replicas),
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         fmt.Sprint(replicas),
		"transaction.state.log.min.isr":                    fmt.Sprint(insync),
		"transaction.state.log.num.partitions":             "1",
		"share.coordinator.state.topic.replication.factor": fmt.Sprint(replicas),
		"share.coordinator.state.topic.min.isr":            fmt.Sprint(insync),
		"group.initial.rebalance.delay.ms":                 "0",
		"group.min.session.timeout.ms":                     "1000",
		// A dead broker is noticed soon: tests are not patient.
		"broker.session.timeout.ms":             "3000",
		"broker.heartbeat.interval.ms":          "500",
		"controller.quorum.election.timeout.ms": "1000",
		"controller.quorum.fetch.timeout.ms":    "2000",
		"num.network.threads":                   "2",
		"num.io.threads":                        "2",
		"log.cleaner.dedupe.buffer.size":        "4194304",
		"auto.create.topics.enable":             "false",
	}
	c.secure(p)
	maps.Copy(p, c.opt.Properties)
	var out strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&out, "%s=%s\n", k, p[k])
	}
	return out.String()
}

// protocol is what the clients' listener speaks.
func (c *Cluster) protocol() string {
	switch {
	case c.opt.TLS != nil && len(c.opt.Users) > 0:
		return "SASL_SSL"
	case c.opt.TLS != nil:
		return "SSL"
	case len(c.opt.Users) > 0:
		return "SASL_PLAINTEXT"
	}
	return "PLAINTEXT"
}

// secure adds what TLS and SASL need on the clients' listener. The brokers speak to each other in plain text.
func (c *Cluster) secure(p map[string]string) {
	if t := c.opt.TLS; t != nil {
		p["ssl.keystore.type"], p["ssl.keystore.location"] = "PEM", t.KeyStore
		if t.TrustStore != "" {
			p["ssl.truststore.type"], p["ssl.truststore.location"] = "PEM", t.TrustStore
			p["listener.name.clients.ssl.client.auth"] = "required" // beside SASL only the listener's own key counts
		}
	}
	if len(c.opt.Users) == 0 {
		return
	}
	p["sasl.enabled.mechanisms"] = strings.Join(mechanisms, ",")
	p["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
	super := []string{"User:ANONYMOUS"} // the brokers themselves
	for _, name := range c.opt.Superusers {
		super = append(super, "User:"+name)
	}
	p["super.users"] = strings.Join(super, ";")
	plain := "org.apache.kafka.common.security.plain.PlainLoginModule required"
	for _, name := range slices.Sorted(maps.Keys(c.opt.Users)) {
		plain += fmt.Sprintf(" user_%s=%q", name, c.opt.Users[name])
	}
	p["listener.name.clients.plain.sasl.jaas.config"] = plain + ";"
	for _, m := range mechanisms[1:] {
		p["listener.name.clients."+strings.ToLower(m)+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	}
}

// scram are the arguments that give the users their SCRAM credentials when a folder is formatted.
func (c *Cluster) scram() (args []string) {
	for _, name := range slices.Sorted(maps.Keys(c.opt.Users)) {
		for _, m := range mechanisms[1:] {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", m, name, c.opt.Users[name]))
		}
	}
	return args
}
