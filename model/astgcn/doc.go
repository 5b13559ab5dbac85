// Package astgcn is AST-GCN (Zhu et al., IEEE Access 2021): T-GCN's recurrent cell (Zhao et al., 2019), which has a graph
// convolution in its gates, over inputs that attributes widen: ones of the services that stay the same and
// ones that change, over a window of slices.
//
//	panel.Batch, static attributes ──▶ [x_t, S, D_t-m .. D_t] of each slice ──▶ cell ──▶ last state ──▶ linear ──▶ [B × N, Level × Outputs]
//
// It follows the paper's equations. The published code differs from them: attributes are further steps of a
// cell with one input, and the gates of one service come from others. Config has both differences as options, and
// T-GCN, which is the cell without attributes. The package holds the network alone: no scaling, no training, no I/O.
package astgcn
