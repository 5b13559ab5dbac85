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
		{"no-similar", Config{Similar: -1}},
		{"no-lead", Config{Lead: -1}},
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
