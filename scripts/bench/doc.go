// Command bench times Presage's kernels and networks side by side with eager PyTorch: the same
// sizes, the same number of threads, the same machine, turn by turn.
//
//	go run ./scripts/bench                  everything; writes the results and docs/performance.md
//	go run ./scripts/bench -quick           two short rounds, no rivals; prints, and writes nothing
//	go run ./scripts/bench -only 'SpMM'     some cases; prints, and writes nothing
//	go run ./scripts/bench -only 'Rival'    the rivals' training steps, which take minutes
//	go run ./scripts/bench -report-only     docs/performance.md again from the results
//
// It must be run in the root of the repository. A case is one of our Go benchmarks and a case of
// torch_side.py that computes the same. A round runs our benchmark, pauses, and runs PyTorch's
// case; the ratio of a case is the median over rounds of PyTorch's time by ours. Before the rounds
// of a case, PyTorch is calibrated: the case is tried in every way in which a competent author
// may write it and in every split of the threads over PyTorch's own pool and its BLAS, and the
// fastest is what ours is compared with.
//
// Without PyTorch for Python our side alone is timed.
package main
