package transcript_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"presage/internal/transcript"
)

func TestTranscript(t *testing.T) {
	var said transcript.Transcript
	var writers sync.WaitGroup
	for range 10 {
		writers.Go(func() { fmt.Fprintln(&said, "a line") })
		_ = said.String() // the race detector watches
	}
	writers.Wait()
	if got, want := said.String(), strings.Repeat("a line\n", 10); got != want {
		t.Errorf("%q, expected %q", got, want)
	}
}
