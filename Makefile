.PHONY: test bench bench-quick evaluation chaos kafka fuzz vulnerabilities generate

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

# Kills and harms Presage on Apache Kafka and compares with an undisturbed reading of the same log; the last line is JSON.
KILLS ?= 100
SEED ?= 1
KAFKA ?= $(CURDIR)/state/kafka
chaos: $(KAFKA)
	@go run ./scripts/chaos -kills $(KILLS) -seed $(SEED) -libs $(KAFKA)

# Apache Kafka's jars from Maven Central, for make chaos and, with PRESAGE_TEST_KAFKA_LIBS=state/kafka, the tests on real brokers.
kafka: $(KAFKA)
$(KAFKA):
	mvn -q -B -f .ci/kafka dependency:copy-dependencies -DoutputDirectory=$@

# Every decoder's fuzz target for so long; inputs that reach new code are kept under testdata.
FUZZ ?= 10m
fuzz:
	go run ./scripts/fuzz -time $(FUZZ)

# Known vulnerabilities in what the code calls. Where vuln.go.dev is out of reach, VULNDB names a copy of its database (file:///…).
vulnerabilities:
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 $(if $(VULNDB),-db $(VULNDB)) ./...

# The kernels' assembly, from its generator.
generate:
	go generate ./model/tensor/kernel
