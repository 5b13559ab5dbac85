// Package simulated turns a generated world into what an evaluation takes: the slices as its services' telemetry would
// show them, and the floors that no forecaster can fall below.
//
//	worlds.Data ──▶ []*model.Step, evaluation.Floor
//
// It simulates nothing and scores nothing.
package simulated
