package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Topics names the pipeline's own topics and how they are made.
type Topics struct {
	Create      bool   `yaml:"create"`
	Replication int    `yaml:"replication"`
	Partials    string `yaml:"partials"`
	Slices      string `yaml:"slices"`
	Forecasts   string `yaml:"forecasts"`
	DeadLetter  string `yaml:"deadletter"`
	// ForecastPartitions is how many partitions the forecast topic is made with.
	ForecastPartitions int `yaml:"forecast_partitions"`
	// MaxMessageBytes is max.message.bytes of all of them; 0: the brokers' default.
	MaxMessageBytes int           `yaml:"max_message_bytes"`
	Settings        TopicSettings `yaml:"settings"`
}

// TopicSettings are the settings of each topic.
type TopicSettings struct {
	Partials   TopicSetting `yaml:"partials"`
	Slices     TopicSetting `yaml:"slices"`
	Forecasts  TopicSetting `yaml:"forecasts"`
	DeadLetter TopicSetting `yaml:"deadletter"`
	Rekeyed    TopicSetting `yaml:"rekeyed"` // of each topic of spans that is re-keyed
}

// TopicSetting is what a topic is made with.
type TopicSetting struct {
	Partitions        int       `yaml:"partitions"`  // 0, of forecasts: Topics.ForecastPartitions; of rekeyed: as many as the source
	Replication       int       `yaml:"replication"` // 0: Topics.Replication
	Retention         Retention `yaml:"retention"`
	CleanupPolicy     string    `yaml:"cleanup_policy"`
	MinInsyncReplicas int       `yaml:"min_insync_replicas"` // 0: the brokers' default
}

// defaultTopics: partials are needed for hours, slices are the history that a lost state folder is rebuilt from.
func defaultTopics() Topics {
	one := TopicSetting{Partitions: 1, CleanupPolicy: "delete"}
	partials, whole, forecasts := one, one, one
	partials.Retention, whole.Retention, forecasts.Partitions = Retention(6*time.Hour), Forever, 0
	rekeyed := partials
	rekeyed.Partitions = 0
	return Topics{
		Create: true, Replication: 1,
		Partials: "presage.partials", Slices: "presage.slices", Forecasts: "presage.forecasts", DeadLetter: "presage.deadletter",
		ForecastPartitions: 4,
		Settings:           TopicSettings{Partials: partials, Slices: whole, Forecasts: forecasts, DeadLetter: one, Rekeyed: rekeyed},
	}
}

// Retention is how long a topic keeps its records: a duration such as 6h or 30d, forever, or nothing for the brokers'
// default.
type Retention time.Duration

// Forever is a retention without an end.
const Forever Retention = -1

const day = 24 * time.Hour

// UnmarshalText reads the retention.
func (r *Retention) UnmarshalText(text []byte) error {
	word := string(text)
	switch word {
	case "":
		*r = 0
		return nil
	case "forever":
		*r = Forever
		return nil
	}
	d, err := time.ParseDuration(word)
	if days, ok := strings.CutSuffix(word, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(n) * day
	}
	if err != nil || d < time.Millisecond {
		return fmt.Errorf("expected a retention such as 6h, 30d or forever, or nothing for the brokers' default, found %q", text)
	}
	*r = Retention(d)
	return nil
}

// MarshalText writes the retention.
func (r Retention) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String writes the retention as in the file.
func (r Retention) String() string {
	switch d := time.Duration(r); {
	case r == 0:
		return ""
	case r == Forever:
		return "forever"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	default:
		return d.String()
	}
}

// minMessageBytes leaves room for what a chunk of a slice has beside its rows.
const minMessageBytes = 64 << 10

func (t *Topics) check(report func(string, ...any)) {
	names := map[string]string{}
	for _, s := range []struct {
		key, name string
		setting   TopicSetting
		policies  []string
		least     int // partitions
	}{
		{"partials", t.Partials, t.Settings.Partials, []string{"delete"}, 1},
		{"slices", t.Slices, t.Settings.Slices, []string{"delete"}, 1},
		{"forecasts", t.Forecasts, t.Settings.Forecasts, []string{"delete", "compact", "compact,delete"}, 0},
		{"deadletter", t.DeadLetter, t.Settings.DeadLetter, []string{"delete"}, 1},
	} {
		at := "topics.settings." + s.key
		if other, ok := names[s.name]; ok || s.name == "" {
			report("topics.%s: expected a name of its own, found %q (%s)", s.key, s.name, other)
		}
		names[s.name] = "as topics." + s.key
		t.checkSetting(at, s.setting, s.policies, s.least, report)
	}
	t.checkSetting("topics.settings.rekeyed", t.Settings.Rekeyed, []string{"delete"}, 0, report)
	if t.ForecastPartitions < 1 {
		report("topics.forecast_partitions: expected at least 1, found %d", t.ForecastPartitions)
	}
	if t.MaxMessageBytes != 0 && t.MaxMessageBytes < minMessageBytes {
		report("topics.max_message_bytes: expected 0 for the brokers' default, or at least %d, found %d", minMessageBytes, t.MaxMessageBytes)
	}
}

func (t *Topics) checkSetting(at string, s TopicSetting, policies []string, least int, report func(string, ...any)) {
	if s.Partitions < least {
		report("%s.partitions: expected at least %d, found %d", at, least, s.Partitions)
	}
	if s.Replication < 0 || s.MinInsyncReplicas < 0 {
		report("%s: replication and min_insync_replicas must not be negative", at)
	}
	if replicas := t.replicas(s); replicas > 0 && s.MinInsyncReplicas > replicas {
		report("%s.min_insync_replicas: expected at most the %d replicas of the topic, found %d", at, replicas, s.MinInsyncReplicas)
	}
	if !slices.Contains(policies, s.CleanupPolicy) {
		report("%s.cleanup_policy: expected %s, found %q", at, strings.Join(policies, " or "), s.CleanupPolicy)
	}
}

func (t *Topics) replicas(s TopicSetting) int {
	if s.Replication > 0 {
		return s.Replication
	}
	return t.Replication
}
