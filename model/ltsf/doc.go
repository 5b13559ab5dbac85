// Package ltsf holds NLinear and DLinear (Zeng et al., AAAI 2023), which map the last T values of a series to its next
// ones with one linear layer, or with two: one for the series' moving average and one for what is left. They know
// neither the graph nor the time nor any other channel: what a network gains over them, it gains from those.
//
//	panel.Batch, channel 0 ──▶ [B × N, T] ──▶ NLinear or DLinear ──▶ [B × N, Level × Outputs]
//
// All series share their weights. The package holds the networks alone: no scaling, no training, no I/O.
package ltsf
