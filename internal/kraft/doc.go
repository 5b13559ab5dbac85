// Package kraft runs Apache Kafka on loopback, for tests: clusters of one or more brokers in KRaft mode, each a process of
// its own that can be killed, stopped, paused and started again.
//
//	Options ──Start──▶ Cluster.Addrs() ◀── any Kafka client
//	                   Kill, Stop, Pause, Resume, Restart ── a test's faults
//	MakeCertificates ──▶ Options.TLS      Grant, Revoke, Forget ── a test's users
//
// The jars come from Maven Central (.ci/kafka/pom.xml) and lie in the folder that the variable PRESAGE_TEST_KAFKA_LIBS names. Where
// it is not set, or there is no Java, ForTest skips and says so.
//
// The package never runs in production, never listens on anything but loopback, and leaves no process behind: Close ends
// all of them, and on Linux they die with the process that started them.
package kraft
