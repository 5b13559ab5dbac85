.PHONY: test bench bench-quick generate

test:
	go test ./...

# Ours against PyTorch (Debian: python3-torch and libopenblas0-pthread), side by side: docs/performance.md.
bench:
	go run ./scripts/bench

bench-quick:
	go run ./scripts/bench -quick

# The kernels' assembly, from its generator.
generate:
	go generate ./model/tensor/kernel
