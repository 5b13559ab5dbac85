package kafka

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
)

// Difference is a setting of an existing topic that is not what was asked for.
type Difference struct {
	Topic         string
	Setting       string // partitions, replication, or the name of a configuration
	Wanted, Found string
}

// The settings that are not configurations.
const (
	SettingPartitions  = "partitions"
	SettingReplication = "replication"
)

// CompareTopics tells which of the topics do not exist, and in what the others differ from what is asked for. What a spec
// leaves to the brokers is not compared. Nothing is changed. Where the user may not read the topics' configurations the
// log says so, and only partitions and replication are compared. create says that what is missing is going to be made,
// which takes a right more.
func (c *Client) CompareTopics(ctx context.Context, specs []TopicSpec, create bool) (missing []TopicSpec, differences []Difference, err error) {
	why := about(opMetadata)
	if create {
		why = about(opEnsure)
	}
	topics, err := c.look(ctx, why, specs)
	if err != nil {
		return nil, nil, err
	}
	var there []TopicSpec
	for i, t := range topics {
		if t == nil {
			missing = append(missing, specs[i])
			continue
		}
		there = append(there, specs[i])
		differences = append(differences, compareLayout(specs[i], t)...)
	}
	configs, err := c.configs(ctx, there)
	if err != nil {
		c.log.Info("the settings of the topics that exist can't be compared with what is configured", "error", err)
		return missing, differences, nil
	}
	for _, s := range there {
		differences = append(differences, compareConfigs(s, configs[s.Name])...)
	}
	slices.SortStableFunc(differences, func(a, b Difference) int { return cmp.Compare(a.Topic, b.Topic) })
	return missing, differences, nil
}

func compareLayout(s TopicSpec, t *kafkago.Topic) (differences []Difference) {
	replicas := s.Replication
	for _, p := range t.Partitions {
		if len(p.Replicas) != s.Replication {
			replicas = len(p.Replicas)
		}
	}
	for _, d := range []struct {
		setting       string
		wanted, found int
	}{
		{SettingPartitions, s.Partitions, len(t.Partitions)},
		{SettingReplication, s.Replication, replicas},
	} {
		if d.wanted > 0 && d.wanted != d.found {
			differences = append(differences, Difference{s.Name, d.setting, strconv.Itoa(d.wanted), strconv.Itoa(d.found)})
		}
	}
	return differences
}

func compareConfigs(s TopicSpec, found map[string]string) (differences []Difference) {
	for _, name := range slices.Sorted(maps.Keys(s.Configs)) {
		value, ok := found[name]
		if ok && !sameConfig(s.Configs[name], value) {
			differences = append(differences, Difference{s.Name, name, s.Configs[name], value})
		}
	}
	return differences
}

// sameConfig knows that lists such as cleanup.policy have no order.
func sameConfig(a, b string) bool {
	list := func(s string) []string {
		words := strings.Split(s, ",")
		for i := range words {
			words[i] = strings.TrimSpace(words[i])
		}
		slices.Sort(words)
		return words
	}
	return slices.Equal(list(a), list(b))
}

// configs reads those configurations of topics that their specs name.
func (c *Client) configs(ctx context.Context, specs []TopicSpec) (map[string]map[string]string, error) {
	req := &kafkago.DescribeConfigsRequest{}
	for _, s := range specs {
		if names := slices.Sorted(maps.Keys(s.Configs)); len(names) > 0 {
			req.Resources = append(req.Resources, kafkago.DescribeConfigRequestResource{
				ResourceType: kafkago.ResourceTypeTopic, ResourceName: s.Name, ConfigNames: names,
			})
		}
	}
	if len(req.Resources) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	res, err := c.api.DescribeConfigs(ctx, req)
	if err != nil {
		return nil, c.explain(ctx, about(opConfigs), err)
	}
	out := map[string]map[string]string{}
	for _, r := range res.Resources {
		if r.Error != nil {
			return nil, c.explain(ctx, about(opConfigs, r.ResourceName), r.Error)
		}
		found := map[string]string{}
		for _, e := range r.ConfigEntries {
			found[e.ConfigName] = e.ConfigValue
		}
		out[r.ResourceName] = found
	}
	return out, nil
}
