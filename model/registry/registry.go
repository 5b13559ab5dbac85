package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"presage/model"
	"presage/model/safetensors"
)

// Errors that callers branch on.
var (
	ErrNotFound = errors.New("model not found")
	ErrCorrupt  = errors.New("corrupt model")
)

const (
	cardFile      = "card.json"
	weightsFile   = "weights.safetensors"
	pointerPrefix = "champion-"
	metaKey       = "presage_state" // in the weights' metadata: State.Meta
)

// Registry is the folder of one graph's models.
type Registry struct{ dir string }

// Open gives the registry of a graph under a state folder; it makes the folder if
// it is missing. Nothing stays open.
func Open(stateDir, graph string) (*Registry, error) {
	if graph == "" {
		return nil, errors.New("registry: the graph has no name")
	}
	dir := filepath.Join(stateDir, "models", escape(graph))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return &Registry{dir: dir}, nil
}

// escape makes any name a single, visible path element.
func escape(name string) string {
	e := url.PathEscape(name)
	if strings.HasPrefix(e, ".") {
		e = "%2E" + e[1:]
	}
	return e
}

// Save stores a model under card.Version. A version that is there already is the
// same one, since its name holds the hash of its weights, and is left as it is.
func (r *Registry) Save(card Card, st model.State) error {
	if card.Version == "" || escape(card.Version) != card.Version {
		return fmt.Errorf("registry: %q is no version name", card.Version)
	}
	place := filepath.Join(r.dir, card.Version)
	if _, err := os.Stat(filepath.Join(place, cardFile)); err == nil {
		return nil
	}
	f := safetensors.File{Tensors: map[string]safetensors.Tensor{}, Metadata: map[string]string{metaKey: string(st.Meta)}}
	for name, t := range st.Tensors {
		f.Tensors[name] = safetensors.FromFloat32(t.Shape, t.Data)
	}
	var weights bytes.Buffer
	if err := safetensors.Write(&weights, f); err != nil {
		return fmt.Errorf("registry: %s: %w", card.Version, err)
	}
	card.Schema, card.Weights = schema, digest(weights.Bytes())
	text, err := json.MarshalIndent(card, "", "  ")
	if err != nil {
		return fmt.Errorf("registry: %s: card: %w", card.Version, err)
	}
	temporary, err := os.MkdirTemp(r.dir, ".new-")
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	defer func() { _ = os.RemoveAll(temporary) }() // gone by then if all went well
	err = errors.Join(
		writeSynced(filepath.Join(temporary, weightsFile), weights.Bytes()),
		writeSynced(filepath.Join(temporary, cardFile), append(text, '\n')),
		os.Chmod(temporary, 0o755),
		syncDir(temporary),
	)
	if err != nil {
		return fmt.Errorf("registry: %s: %w", card.Version, err)
	}
	if err := os.Rename(temporary, place); err != nil {
		return fmt.Errorf("registry: %s: %w", card.Version, err)
	}
	return syncDir(r.dir)
}

// Promote points a target's champion to a stored version.
func (r *Registry) Promote(target, version string) error {
	if _, err := r.card(version); err != nil {
		return err
	}
	place := filepath.Join(r.dir, pointerPrefix+escape(target))
	temporary := place + ".new"
	if err := writeSynced(temporary, []byte(version+"\n")); err != nil {
		return fmt.Errorf("registry: champion of %s: %w", target, err)
	}
	if err := os.Rename(temporary, place); err != nil {
		return fmt.Errorf("registry: champion of %s: %w", target, err)
	}
	return syncDir(r.dir)
}

// Champion is the version that a target's pointer names; ErrNotFound if there is
// none.
func (r *Registry) Champion(target string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(r.dir, pointerPrefix+escape(target)))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("registry: target %s has no champion in %s: %w", target, r.dir, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("registry: champion of %s: %w", target, err)
	}
	version := strings.TrimSpace(string(raw))
	if version == "" || escape(version) != version {
		return "", fmt.Errorf("registry: %s holds %.40q, expected a version: delete the file to start without a champion: %w",
			filepath.Join(r.dir, pointerPrefix+escape(target)), version, ErrCorrupt)
	}
	return version, nil
}

// Load reads a version back and checks it.
func (r *Registry) Load(version string) (Card, model.State, error) {
	card, err := r.card(version)
	if err != nil {
		return card, model.State{}, err
	}
	path := filepath.Join(r.dir, version, weightsFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return card, model.State{}, fmt.Errorf("registry: %w", err)
	}
	if d := digest(raw); d != card.Weights {
		return card, model.State{}, fmt.Errorf("registry: %s has SHA-256 %s, its card says %s: delete the folder, the model is trained again: %w",
			path, d, card.Weights, ErrCorrupt)
	}
	f, err := safetensors.Read(bytes.NewReader(raw))
	if err != nil {
		return card, model.State{}, fmt.Errorf("registry: %s: %w: %w", path, ErrCorrupt, err)
	}
	st := model.State{Tensors: map[string]model.Tensor{}}
	if meta := f.Metadata[metaKey]; meta != "" {
		st.Meta = json.RawMessage(meta)
	}
	for name, t := range f.Tensors {
		data, err := t.Float32()
		if err != nil {
			return card, model.State{}, fmt.Errorf("registry: %s: tensor %q: %w: %w", path, name, ErrCorrupt, err)
		}
		st.Tensors[name] = model.Tensor{Shape: t.Shape, Data: data}
	}
	return card, st, nil
}

func (r *Registry) card(version string) (Card, error) {
	var card Card
	if version == "" || escape(version) != version {
		return card, fmt.Errorf("registry: %q is no version name: %w", version, ErrNotFound)
	}
	path := filepath.Join(r.dir, version, cardFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return card, fmt.Errorf("registry: no model %s in %s: %w", version, r.dir, ErrNotFound)
	}
	if err != nil {
		return card, fmt.Errorf("registry: %w", err)
	}
	if err := json.Unmarshal(raw, &card); err != nil {
		return card, fmt.Errorf("registry: %s: %w: %w", path, ErrCorrupt, err)
	}
	if card.Schema < 1 || card.Schema > schema {
		return card, fmt.Errorf("registry: %s has schema %d, this program reads 1 to %d: %w", path, card.Schema, schema, ErrCorrupt)
	}
	if card.Version != version {
		return card, fmt.Errorf("registry: %s is the card of %q, expected %q: %w", path, card.Version, version, ErrCorrupt)
	}
	return card, nil
}

// List gives the cards of all stored versions, newest first (by the last
// slice trained on). The versions that cannot be read are told in the error, beside the cards that can.
func (r *Registry) List() ([]Card, error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	var cards []Card
	var bad []error
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		card, err := r.card(e.Name())
		if err != nil {
			bad = append(bad, err)
			continue
		}
		cards = append(cards, card)
	}
	slices.SortFunc(cards, func(a, b Card) int {
		if a.ToMs != b.ToMs {
			return int(min(max(b.ToMs-a.ToMs, -1), 1))
		}
		return strings.Compare(b.Version, a.Version)
	})
	return cards, errors.Join(bad...)
}

// Prune deletes all but a target's newest versions and its champion.
func (r *Registry) Prune(target string, keep int) error {
	champion, err := r.Champion(target)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	cards, _ := r.List() // what cannot be read is left for a person to look at
	for _, card := range cards {
		if card.Target != target {
			continue
		}
		if keep--; keep >= 0 || card.Version == champion {
			continue
		}
		if err := os.RemoveAll(filepath.Join(r.dir, card.Version)); err != nil {
			return fmt.Errorf("registry: %w", err)
		}
	}
	return nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
