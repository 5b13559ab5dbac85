package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Load reads the file over the defaults, then the variables, then the given
// overrides (flags that were set, by their key), and checks the result. path may
// be empty: then there is no file.
func Load(path string, environ []string, flags map[string]string) (Config, error) {
	c, err := read(path, environ, flags)
	if err != nil {
		return c, err
	}
	return c, refuse(path, c.check())
}

// LoadClient is Load for commands that only talk to Kafka: the graphs may be
// missing, and only kafka, topics and log of the result are meant to be used.
func LoadClient(path string, environ []string, flags map[string]string) (Config, error) {
	c, err := read(path, environ, flags)
	if err != nil {
		return c, err
	}
	return c, refuse(path, c.checkClient())
}

// read is Load without the checks.
func read(path string, environ []string, flags map[string]string) (Config, error) {
	c := Default()
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("configuration file: %w", err)
		}
		if err := decode(path, data, &c); err != nil {
			return c, err
		}
	}
	if err := c.override(fromEnviron(environ), variableName); err != nil {
		return c, err
	}
	if err := c.override(flags, flagName); err != nil {
		return c, err
	}
	for i := range c.Graphs {
		c.Graphs[i].fill()
	}
	return c, nil
}

// refuse is the error that lists problems, nil without any.
func refuse(path string, problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	if path == "" {
		path = "configuration"
	}
	return fmt.Errorf("%s: %s", path, strings.Join(problems, "; "))
}

func decode(path string, data []byte, c *Config) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	err := dec.Decode(c)
	if errors.Is(err, io.EOF) {
		return nil // an empty file changes nothing
	}
	if err != nil {
		return fmt.Errorf("%s: %s", path, explain(err))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: expected one YAML document, found another after it", path)
	}
	return nil
}

var unknownField = regexp.MustCompile(`line (\d+): field (\S+) not found in type config\.(\w+)`)

// explain turns the YAML library's words into the user's.
func explain(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if m := unknownField.FindStringSubmatch(line); m != nil {
			line = fmt.Sprintf("line %s: unknown key %q (known here: %s)", m[1], m[2], knownKeys(m[3]))
		}
		lines[i] = line
	}
	return strings.Join(lines, "; ")
}

func knownKeys(section string) string {
	sections := []any{Config{}, Kafka{}, TLS{}, SASL{}, Topics{}, TopicSettings{}, TopicSetting{}, graphAlias{}, Model{}, httpAlias{}, HTTPTLS{}}
	for _, s := range sections {
		t := reflect.TypeOf(s)
		if t.Name() != section {
			continue
		}
		var keys []string
		for i := range t.NumField() {
			keys = append(keys, t.Field(i).Tag.Get("yaml"))
		}
		sort.Strings(keys)
		return strings.Join(keys, ", ")
	}
	return "see the example"
}

// graphAlias is Graph without its UnmarshalYAML, which would call itself.
type graphAlias Graph

// UnmarshalYAML starts every graph of a file from DefaultGraph.
func (g *Graph) UnmarshalYAML(node *yaml.Node) error {
	alias := graphAlias(DefaultGraph())
	if err := strictly(node, &alias); err != nil {
		return err
	}
	*g = Graph(alias)
	return nil
}

// strictly decodes a node into a struct. A node's own Decode forgets that unknown
// keys are errors.
func strictly(node *yaml.Node, into any) error {
	if err := checkKeys(node, reflect.TypeOf(into).Elem()); err != nil {
		return err
	}
	return node.Decode(into)
}

// checkKeys refuses keys that a struct, or one in it, has no field for.
func checkKeys(node *yaml.Node, t reflect.Type) error {
	if node.Kind != yaml.MappingNode || t.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		fields[t.Field(i).Tag.Get("yaml")] = t.Field(i).Type
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		field, ok := fields[key.Value]
		if !ok {
			return fmt.Errorf("line %d: field %s not found in type config.%s", key.Line, key.Value, t.Name())
		}
		if err := checkKeys(node.Content[i+1], field); err != nil {
			return err
		}
	}
	return nil
}
