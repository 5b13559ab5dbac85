.PHONY: test bench bench-quick evaluation generate

test:
	go test ./...

# Ours against PyTorch (Debian: python3-torch and libopenblas0-pthread), side by side: docs/performance.md.
bench:
	go run ./scripts/bench

bench-quick:
	go run ./scripts/bench -quick

# Every figure of docs/evaluation.md: DATA names the data sets' folder, WORLDS that of generated worlds.
evaluation:
	go run ./scripts/evaluation -data "$(DATA)" -worlds "$(WORLDS)"

# The kernels' assembly, from its generator.
generate:
	go generate ./model/tensor/kernel
