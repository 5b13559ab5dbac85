package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"presage/internal/kafka"
	"presage/internal/kraft"
	"presage/replay"
	"presage/replay/generated"
	"presage/sink/ownership"
	"presage/windower/stage"
)

// documentedRights are those of docs/running.md for one process with all roles that makes its topics.
func documentedRights(graph string) (rights []kraft.Right) {
	topic := func(name string, operations ...kafkago.ACLOperationType) {
		for _, op := range operations {
			rights = append(rights, kraft.Right{Operation: op, Resource: kafkago.ResourceTypeTopic, Name: name})
		}
	}
	const read, write, create = kafkago.ACLOperationTypeRead, kafkago.ACLOperationTypeWrite, kafkago.ACLOperationTypeCreate
	const settings = kafkago.ACLOperationTypeDescribeConfigs
	topic("otlp_spans", read)
	topic("otlp_metrics", read)
	topic("presage.partials", read, write, create, settings)
	topic("presage.slices", read, write, create, settings)
	topic("presage.forecasts", read, write, create, settings)
	topic("presage.deadletter", write, create, settings)
	for _, group := range []string{stage.PartitionGroup(graph), stage.AssemblerGroup(graph), ownership.Group("presage.slices", []string{graph})} {
		rights = append(rights, kraft.Right{Operation: read, Resource: kafkago.ResourceTypeGroup, Name: group})
	}
	return rights
}

// TestSecuredRun runs the program on Apache Kafka with TLS, a client certificate, SASL and ACLs: without rights, with
// those that the documentation names, and after its password was taken away.
func TestSecuredRun(t *testing.T) {
	const password = "presage-secret"
	certificates, err := kraft.MakeCertificates(t.TempDir(), "presage", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cluster := kraft.ForTest(t, kraft.Options{
		TLS: &certificates.Brokers, Users: map[string]string{"ada": "ada-secret", "presage": password}, Superusers: []string{"ada"},
		// The broker cuts connections, so that a password that was taken away is asked for again.
		Properties: map[string]string{"listener.name.clients.scram-sha-512.connections.max.reauth.ms": "3000"},
	})
	tls := &kafka.TLS{CAFile: certificates.CA, CertFile: certificates.ClientCert, KeyFile: certificates.ClientKey}
	ada, err := kafka.Dial(t.Context(), kafka.Config{Brokers: cluster.Addrs(), TLS: tls, SASL: &kafka.SASL{Mechanism: "plain", Username: "ada", Password: "ada-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ada.Close)
	feedSecured(t, ada)

	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "presage.yaml"), fmt.Sprintf(`
kafka:
  brokers: [%q]
  tls: {ca_file: %q, cert_file: %q, key_file: %q}
  sasl: {mechanism: scram-sha-512, username: presage, password_file: %q}
graphs: [{name: shop, spans: [otlp_spans], metrics: [otlp_metrics], slice: 10s, lateness: 5s, metrics_lateness: 5s, max_wait: 0s, metrics_wait: 0s, idle_timeout: 0s}]
model: {input: 4, horizons: 2, network: none}
state: %q
http: ""
log: debug
`, cluster.Addrs()[0], tls.CAFile, tls.CertFile, tls.KeyFile, write(t, filepath.Join(dir, "password"), password+"\n"), filepath.Join(dir, "state")))

	run := startSecuredRun(t, file)
	if code, text := run.end(t); code != exitFailed || !strings.Contains(text, "User:presage has no right Describe or Create on one of the topics presage.partials, presage.slices, presage.forecasts, presage.deadletter") {
		t.Fatalf("without rights: exit code %d:\n%s", code, text)
	}
	if err := cluster.Grant(t.Context(), "User:presage", documentedRights("shop")...); err != nil {
		t.Fatal(err)
	}
	run = startSecuredRun(t, file)
	run.await(t, func() bool { return records(t, ada, "presage.forecasts") > 0 })
	if err := run.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, text := run.end(t); code != exitDone || strings.Contains(text, "can't be compared") {
		t.Fatalf("SIGTERM: exit code %d:\n%s", code, text)
	}
	commits, err := ada.Committed(t.Context(), stage.PartitionGroup("shop"), "otlp_spans")
	if err != nil || len(commits) == 0 {
		t.Fatalf("commits %v, error %v", commits, err)
	}
	run = startSecuredRun(t, file)
	run.await(t, func() bool { return strings.Contains(run.text(t), "kafka partitions assigned") })
	if err := cluster.Forget(t.Context(), "presage"); err != nil {
		t.Fatal(err)
	}
	code, text := run.end(t)
	if code != exitFailed || !strings.Contains(text, `the broker refused user "presage"`) {
		t.Fatalf("without a password: exit code %d:\n%s", code, text)
	}
	if strings.Contains(text, password) {
		t.Errorf("the password is in the log:\n%s", text)
	}
}

func feedSecured(t *testing.T, client *kafka.Client) {
	t.Helper()
	if err := client.EnsureTopics(t.Context(), []kafka.TopicSpec{{Name: "otlp_spans", Partitions: 2}, {Name: "otlp_metrics", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	open := func(context.Context) (replay.Source, error) {
		return generated.Open(generated.Options{Seed: 3, Services: 5, Rate: 20, Duration: 3 * time.Minute})
	}
	_, err := replay.Run(t.Context(), replay.Options{SpansTopic: "otlp_spans", MetricsTopic: "otlp_metrics"}, open,
		&feed{client: client, producer: kafka.NewProducer(client, kafka.ProducerConfig{})})
	if err != nil {
		t.Fatal(err)
	}
}

// securedRun is the program with its output in a file, which can be read meanwhile.
type securedRun struct {
	cmd    *exec.Cmd
	output string
	done   chan struct{}
}

func startSecuredRun(t *testing.T, config string) *securedRun {
	t.Helper()
	cmd, _, temp := program(t, "run", "--config", config)
	output := filepath.Join(temp, "output")
	out, err := os.Create(output)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &securedRun{cmd: cmd, output: output, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		_ = cmd.Wait()
	}()
	return r
}

func (r *securedRun) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// await polls until what is waited for holds, while the program runs.
func (r *securedRun) await(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); {
		select {
		case <-r.done:
			t.Fatalf("it ended:\n%s", r.text(t))
		case <-time.After(200 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not come:\n%s", r.text(t))
		}
	}
}

// end waits for the program to end by itself.
func (r *securedRun) end(t *testing.T) (code int, text string) {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(2 * time.Minute):
		t.Fatalf("it hangs:\n%s", r.text(t))
	}
	return r.cmd.ProcessState.ExitCode(), r.text(t)
}
