// Package parity reads the fixtures that were made with the networks' original implementations and holds arrays
// against them. It is imported by tests only.
//
//	NAME.safetensors ──Open──▶ Fixture ──Floats, Weights.Load──▶ the network's inputs and weights
//	the network's outputs and gradients ──Compare──▶ a failed test, or the largest differences in its log
//
// Fixtures hold weights and inputs drawn at random and what the original computes from them, under names such as
// weight/P, input/X, output/X, output64/X, grad/P: in float32, and in float64 with 64 behind the group. A test whose
// fixtures are not beside the project is skipped; one whose fixture lacks a tensor fails.
//
// The package knows no network: what differs in name or order of axes comes from the test. It never writes a fixture.
package parity
