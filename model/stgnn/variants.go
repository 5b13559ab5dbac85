package stgnn

// Variant is the default mode with one part changed or left out, for an ablation.
type Variant struct {
	Name   string
	Config Config
}

// Variants are the default mode, first, and what an ablation holds against it.
func Variants() []Variant {
	return []Variant{
		{"stgnn", Config{}},
		{"graph-off", Config{Graph: GraphOff}},
		{"graph-mean", Config{Graph: GraphMean}},
		{"no-lead", Config{Lead: -1}},
		{"window-gru", Config{Window: WindowGRU}},
		{"edges-calls", Config{Edges: EdgesCalls}},
		{"no-blanks", Config{Blank: -1}},
		{"wide", Config{Width: 112, Embed: 32}},
		{"blocks-2", Config{Blocks: 2}},
		{"dropout-30", Config{Dropout: 0.3}},
		{"no-identity", Config{Identity: "off"}},
		{"no-time", Config{Time: "off"}},
		{"no-average", Config{Average: -1}},
		{"no-huber", Config{Huber: -1}},
		{"no-dropout", Config{Dropout: -1}},
		{"guard-off", Config{Guard: GuardOff}},
		{"guard-on", Config{Guard: GuardOn}},
		{"paper", Config{Mode: ModePaper}},
	}
}
