package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"presage/internal/kafka"
	"presage/internal/screen"
	"presage/replay"
)

// replayFlags say how a recording is replayed.
type replayFlags struct {
	client       clientFlags
	source       sourceFlags
	spans        string
	metrics      string
	partitions   int
	speed        string
	from, to     string
	limit        int64
	loop         bool
	rebase       string
	append       bool
	stateFile    string
	resume       bool
	restartable  bool
	write        string
	pack         string
	createTopics bool
}

func newReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Feed a recording to the telemetry topics as production would",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	f.client.add(cmd)
	flags := cmd.Flags()
	f.source.add(flags)
	flags.StringVar(&f.spans, "spans", "otlp_spans", "topic for spans")
	flags.StringVar(&f.metrics, "metrics", "otlp_metrics", "topic for metrics; empty: leave metrics out")
	flags.BoolVar(&f.createTopics, "create-topics", true, "create the topics where they are missing")
	flags.IntVar(&f.partitions, "partitions", 4, "partitions of topics that are created")
	flags.StringVar(&f.speed, "speed", "max", "event time against wall time: 1x, 60x, or max")
	flags.StringVar(&f.from, "from", "", "start here: a duration since the recording's start, or an RFC 3339 time")
	flags.StringVar(&f.to, "to", "", "end here, likewise")
	flags.Int64Var(&f.limit, "limit", 0, "end after this many spans; 0: no limit")
	flags.BoolVar(&f.loop, "loop", false, "start again after the end, for ever, each turn later by the recording's length")
	flags.StringVar(&f.rebase, "rebase", "", "now: shift the recording so that it ends now (at speed 1x: starts now)")
	flags.BoolVar(&f.append, "append", false, "write to topics that hold other records")
	flags.StringVar(&f.stateFile, "state-file", "presage-replay.json", "what a later --resume needs; empty: none is kept")
	flags.BoolVar(&f.resume, "resume", false, "go on where the replay of the state file stopped")
	flags.BoolVar(&f.restartable, "restartable", false, "resume where the state file is there, start where it is not: for services")
	flags.StringVar(&f.write, "write", "", "generated: write the recording in the alibaba-2022 file format to this folder, not to Kafka")
	flags.StringVar(&f.pack, "pack", "", "how --write packs each file: empty, gz or tar.gz")
	return cmd
}

// options turns the flags into the replay's options.
func (f *replayFlags) options() (replay.Options, error) {
	o := replay.Options{
		SpansTopic: f.spans, MetricsTopic: f.metrics,
		Limit: f.limit, Loop: f.loop, Append: f.append,
		StateFile: f.stateFile, Resume: f.resume, Identity: f.source.identity(),
	}
	var err error
	if f.restartable {
		if f.stateFile == "" {
			return o, misusef("--restartable needs --state-file")
		}
		// Whether there is something to resume; the replay says what is wrong with a file that can't be read.
		_, err = os.Stat(f.stateFile)
		o.Resume = o.Resume || !errors.Is(err, fs.ErrNotExist)
	}
	if o.Speed, err = parseSpeed(f.speed); err != nil {
		return o, err
	}
	if o.From, err = replay.ParseMoment(f.from); err != nil {
		return o, misusef("--from: %w", err)
	}
	if o.To, err = replay.ParseMoment(f.to); err != nil {
		return o, misusef("--to: %w", err)
	}
	switch f.rebase {
	case "":
	case "now":
		o.Rebase = true
	default:
		return o, misusef("--rebase: expected now, found %q", f.rebase)
	}
	if f.limit < 0 {
		return o, misusef("--limit: expected no negative number, found %d", f.limit)
	}
	if f.source.format == "generated" && f.source.hours == 0 && (f.rebase != "" || f.loop) {
		return o, misusef("--hours 0 is endless: it can be neither rebased nor looped")
	}
	return o, nil
}

func parseSpeed(text string) (float64, error) {
	if text == "max" {
		return 0, nil
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
	if err != nil || v <= 0 || v > 1e9 {
		return 0, misusef("--speed: expected a factor such as 60x, or max, found %q", text)
	}
	return v, nil
}

func (f *replayFlags) run(ctx context.Context, out io.Writer) error {
	options, err := f.options()
	if err != nil {
		return err
	}
	open, err := f.source.opener()
	if err != nil {
		return err
	}
	view := newScreen(out)
	if f.write != "" {
		return f.writeFiles(ctx, view)
	}
	c, err := f.client.load()
	if err != nil {
		return err
	}
	options.Logger = newLogger(view, c.Log)
	client, err := dial(ctx, c.Kafka, options.Logger)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := f.ensureTopics(ctx, client, c.Topics.Replication); err != nil {
		return err
	}
	options.Progress = func(p replay.Progress) { view.Progress(replayLine(p)) }
	producer := &feed{client: client, producer: kafka.NewProducer(client, kafka.ProducerConfig{Zstd: true})}
	report, err := replay.Run(ctx, options, open, producer)
	view.Done()
	if err == nil || report.Rows > 0 {
		view.Printf("%s", reportText(report))
	}
	if errors.Is(err, context.Canceled) {
		if f.stateFile != "" {
			view.Printf("stopped; go on with the same command and --resume")
		}
		return nil
	}
	return err
}

func (f *replayFlags) ensureTopics(ctx context.Context, client *kafka.Client, replication int) error {
	if !f.createTopics {
		return nil
	}
	var specs []kafka.TopicSpec
	for _, topic := range []string{f.spans, f.metrics} {
		if topic != "" {
			specs = append(specs, kafka.TopicSpec{Name: topic, Partitions: f.partitions, Replication: replication})
		}
	}
	return client.EnsureTopics(ctx, specs)
}

// newScreen looks at whether out is a terminal.
func newScreen(out io.Writer) *screen.Screen {
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		width, _, err := term.GetSize(int(file.Fd()))
		if err != nil {
			width = 80
		}
		return screen.New(out, true, width)
	}
	return screen.New(out, false, 0)
}

func replayLine(p replay.Progress) string {
	parts := []string{
		"trace " + p.EventTime.Format("2006-01-02 15:04:05"),
		screen.Count(p.Rows) + " rows",
		screen.Count(p.Spans) + " spans",
		screen.Count(int64(p.SpansPerSecond)) + "/s",
	}
	if p.CatchingUp {
		parts = append(parts, "passing over what is there")
	}
	if p.Turn > 0 {
		parts = append(parts, fmt.Sprintf("turn %d", p.Turn+1))
	}
	if p.Done >= 0 {
		parts = append(parts, fmt.Sprintf("%.0f %%", 100*p.Done))
	}
	if p.Left > 0 {
		parts = append(parts, p.Left.Round(time.Second).String()+" left")
	}
	return strings.Join(parts, "  ")
}

// reportText says what a replay did and what it left out.
func reportText(r replay.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "replayed %s spans and %s metric points of %s rows in %s: %s records, %s\n",
		screen.Count(r.Spans), screen.Count(r.Points), screen.Count(r.Rows), r.Elapsed.Round(time.Millisecond),
		screen.Count(r.Records), rangeText(r.First, r.Last))
	for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
		fmt.Fprintf(&b, "  left out or mended: %-24s %s\n", reason, screen.Count(r.Skipped[reason]))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "  note: %s\n", note)
	}
	return b.String()
}

func rangeText(first, last time.Time) string {
	if first.IsZero() {
		return "no event"
	}
	const layout = "2006-01-02 15:04:05"
	return first.UTC().Format(layout) + " to " + last.UTC().Format(layout)
}
