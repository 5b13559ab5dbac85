package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"presage/internal/broker"
	"presage/internal/kafka"
)

// No password gets into the log, at any level, whether the brokers take it or not, nor out of config check.
func TestPasswordStaysSecret(t *testing.T) {
	const right, wrong = "correct-horse", "battery-staple"
	b, err := broker.Start(broker.Options{Users: map[string]string{"ada": right}, Topics: []broker.Topic{{Name: "otlp_spans"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	tests := []struct {
		name     string
		password string
		file     bool // in a file; else in the variable
		mech     string
		works    bool
	}{
		{"file", right, true, "plain", true},
		{"variable", right, false, "scram-sha-512", true},
		{"wrong in a file", wrong, true, "scram-sha-256", false},
		{"wrong in a variable", wrong, false, "plain", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			from := ""
			if test.file {
				from = ", password_file: " + write(t, filepath.Join(dir, "password"), test.password+"\n")
			}
			topics := strings.ReplaceAll(test.name, " ", "-")
			file := write(t, filepath.Join(dir, "presage.yaml"), fmt.Sprintf(`
kafka: {brokers: [%q], dial_timeout: 5s, sasl: {mechanism: %s, username: ada%s}}
topics: {partials: %[4]s.p, slices: %[4]s.s, forecasts: %[4]s.f, deadletter: %[4]s.d}
graphs: [{name: a, spans: [otlp_spans]}]
state: %[5]q
http: ""
log: debug
`, b.Addr(), test.mech, from, topics, filepath.Join(dir, "state")))
			for _, args := range [][]string{{"config", "check", file}, {"run", "--config", file}} {
				cmd, output, _ := program(t, args...)
				if !test.file {
					cmd.Env = append(cmd.Env, "PRESAGE_SASL_PASSWORD="+test.password)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				want := exitDone
				switch {
				case args[0] == "config":
				case test.works:
					awaitTopic(t, b, topics+".d", right)
					if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
						t.Fatal(err)
					}
				default:
					want = exitFailed
				}
				if code := exitCode(t, cmd, output); code != want {
					t.Errorf("%v: exit code %d:\n%s", args, code, output)
				}
				if text := output.String(); strings.Contains(text, test.password) || !strings.Contains(text, "ada") && !test.works {
					t.Errorf("%v printed\n%s", args, text)
				}
			}
		})
	}
}

// awaitTopic waits until the program has made its topics.
func awaitTopic(t *testing.T, b *broker.Broker, topic, password string) {
	t.Helper()
	client, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{b.Addr()}, SASL: &kafka.SASL{Mechanism: "plain", Username: "ada", Password: password}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if _, err := client.Partitions(ctx, topic); err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("topic %s does not come", topic)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
