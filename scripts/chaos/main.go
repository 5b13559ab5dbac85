package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"presage/internal/chaos"
	"presage/internal/kraft"
)

func main() {
	o := options{}
	flag.IntVar(&o.kills, "kills", 100, "SIGKILLs of processes, at least")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the faults and the traffic")
	flag.IntVar(&o.round, "round", 50, "kills of a round")
	flag.Uint64Var(&o.from, "from", 0, "first round, to hold one again")
	flag.StringVar(&o.libs, "libs", os.Getenv(kraft.Variable), "folder of Apache Kafka's jars")
	flag.StringVar(&o.keep, "keep", "", "folder for the rounds' files; empty: one that is removed")
	flag.Parse()
	zerolog.SetGlobalLevel(zerolog.Disabled) // the proxies' own words
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	v, err := o.run(ctx, os.Stderr)
	stop()
	fmt.Println(v.String())
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	if err != nil || !v.Clean() {
		os.Exit(1)
	}
}

type options struct {
	kills, round int
	seed, from   uint64
	libs, keep   string
}

// run builds the binary and holds rounds until there were enough kills.
func (o *options) run(ctx context.Context, out io.Writer) (v chaos.Verdict, err error) {
	if o.libs == "" {
		return v, fmt.Errorf("-libs: expected the folder of Apache Kafka's jars: mvn -f .ci/kafka dependency:copy-dependencies -DoutputDirectory=DIR")
	}
	dir := o.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "presage-chaos-"); err != nil {
			return v, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return v, err
	}
	binary := filepath.Join(dir, "presage")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/presage")
	build.Stderr = out
	if err := build.Run(); err != nil {
		return v, fmt.Errorf("build presage: %w", err)
	}
	log := slog.New(slog.NewTextHandler(out, nil))
	for round := o.from; v.Kills < o.kills; round++ {
		opt := o.world(round, min(o.round, o.kills-v.Kills))
		opt.Binary, opt.Dir, opt.Log = binary, filepath.Join(dir, fmt.Sprint("round-", round)), log.With("round", round)
		if err := os.Mkdir(opt.Dir, 0o755); err != nil { // one that is there holds another run's topics
			return v, err
		}
		w, err := chaos.Run(ctx, opt)
		v.Add(w)
		log.Info("round", "number", round, "seed", opt.Seed, "brokers", opt.Brokers, "windowers", opt.Windowers, "idle", opt.Idle, "rekey", opt.Rekey, "dedupe", opt.Dedupe, "verdict", w.String(), "so_far", v.String())
		if err != nil {
			return v, fmt.Errorf("round %d (seed %d): %w", round, opt.Seed, err)
		}
		if o.keep == "" && w.Clean() {
			if err := os.RemoveAll(opt.Dir); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

// world varies the rounds: one, two and four windowers, one broker or three, with idle partitions that go on or wait, with spans
// that are keyed by trace id or must be, and that count once or as often as they come. Every second
// round is kept so that all its forecasts can be compared with an undisturbed forecaster's; the others lose state files, train a
// network, and have a standby.
func (o *options) world(round uint64, kills int) chaos.Options {
	opt := chaos.Options{
		Libs: o.libs, Seed: o.seed<<20 + round, Kills: kills, Brokers: []int{1, 1, 1, 3}[round%4], Windowers: []int{2, 4, 1}[round%3],
		Now: time.Now,
	}
	opt.Idle, opt.Rekey, opt.Dedupe = round%5 < 2, round%7%2 == 1, round%3 == 1
	if round%2 == 0 {
		opt.Except = []chaos.Kind{chaos.TruncateState, chaos.CorruptState}
	} else {
		opt.Standby, opt.Network = true, "stgnn"
	}
	return opt
}
