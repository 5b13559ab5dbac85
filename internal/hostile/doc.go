// Package hostile is for tests of decoders: what they may spend on input that claims
// more than it holds, and such input where formats share it.
//
// In: a decoder as a function. Out: a test's failure where it reserves memory on the word of
// the input. It knows no format of ours.
package hostile
