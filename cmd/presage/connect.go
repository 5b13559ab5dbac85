package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"presage/internal/config"
	"presage/internal/kafka"
)

// clientFlags are what every command has that talks to Kafka and is not run.
type clientFlags struct {
	file    string
	brokers string
	log     string
}

func (f *clientFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "config", "", "configuration file: its kafka and topics are used")
	cmd.Flags().StringVar(&f.brokers, "brokers", "", "Kafka brokers, comma-separated (default localhost:9092)")
	cmd.Flags().StringVar(&f.log, "log", "", "log level: debug, info, warn, error")
}

func (f *clientFlags) load() (config.Config, error) {
	given := map[string]string{}
	if f.brokers != "" {
		given["brokers"] = f.brokers
	}
	if f.log != "" {
		given["log"] = f.log
	}
	return config.LoadClient(f.file, os.Environ(), given)
}

// dial connects as the configuration says. The password comes from its file or its
// variable and goes nowhere else.
func dial(ctx context.Context, c config.Kafka, log *slog.Logger) (*kafka.Client, error) {
	return dialCounting(ctx, c, log, nil)
}

// dialCounting is dial, going on with the counts of another client, where there is one.
func dialCounting(ctx context.Context, c config.Kafka, log *slog.Logger, other *kafka.Client) (*kafka.Client, error) {
	k := kafka.Config{Brokers: c.Brokers, ClientID: c.ClientID, DialTimeout: c.DialTimeout.Std(), Log: log, Counting: other}
	if c.TLS.On() {
		k.TLS = &kafka.TLS{CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile, ServerName: c.TLS.ServerName}
	}
	if c.SASL.Mechanism != "" {
		password, err := saslPassword(c.SASL)
		if err != nil {
			return nil, err
		}
		k.SASL = &kafka.SASL{Mechanism: c.SASL.Mechanism, Username: c.SASL.Username, Password: password}
	}
	return kafka.Dial(ctx, k)
}

func saslPassword(s config.SASL) (string, error) {
	if s.PasswordFile != "" {
		data, err := os.ReadFile(s.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("kafka.sasl.password_file: %w", err)
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	}
	if password, ok := os.LookupEnv("PRESAGE_SASL_PASSWORD"); ok {
		return password, nil
	}
	return "", errors.New("kafka.sasl: expected a password in password_file or in the variable PRESAGE_SASL_PASSWORD, found neither")
}

// newLogger writes text lines at the level that the configuration names.
func newLogger(w io.Writer, name string) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level(name)}))
}

// level is info where the name is none.
func level(name string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return l
}
