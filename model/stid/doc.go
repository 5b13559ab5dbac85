// Package stid is STID (Shao et al., CIKM 2022): a network without a graph. A linear embedding of a service's window
// is joined with trained vectors of the service, the time of day and the day of the week, and goes through residual
// layers to all horizons.
//
//	panel.Batch ──▶ window, slot of the day, day of the week ──▶ [B × N, width] ──▶ residual layers ──▶ [B × N, Level × Outputs]
//
// Slot and day are those of the window's last slice. The package holds the network alone: no scaling, no training, no I/O.
package stid
