package screen

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// Screen writes lines, and below them one progress line. It may be used by
// several goroutines.
type Screen struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	width    int
	progress string // what stands on the progress line
}

// New makes a screen. On a terminal the progress line renews itself; elsewhere
// every progress becomes a line of its own, so the caller should send fewer.
func New(w io.Writer, terminal bool, width int) *Screen {
	if width < 40 {
		width = 80
	}
	return &Screen{w: w, terminal: terminal, width: width}
}

// Terminal reports whether the progress line renews itself.
func (s *Screen) Terminal() bool { return s.terminal }

// Printf writes lines above the progress line.
func (s *Screen) Printf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	s.clear()
	_, _ = io.WriteString(s.w, text)
	s.draw()
}

// Write lets loggers write above the progress line.
func (s *Screen) Write(p []byte) (int, error) {
	s.Printf("%s", p)
	return len(p), nil
}

// Progress renews the progress line.
func (s *Screen) Progress(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal {
		_, _ = fmt.Fprintln(s.w, text)
		return
	}
	s.clear()
	s.progress = cut(text, s.width-1)
	s.draw()
}

// Done leaves the progress line standing and ends it.
func (s *Screen) Done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal && s.progress != "" {
		_, _ = io.WriteString(s.w, "\n")
		s.progress = ""
	}
}

func (s *Screen) clear() {
	if s.terminal && s.progress != "" {
		_, _ = io.WriteString(s.w, "\r\x1b[K")
	}
}

func (s *Screen) draw() {
	if s.terminal && s.progress != "" {
		_, _ = io.WriteString(s.w, s.progress)
	}
}

// cut shortens text to n columns, counting runes.
func cut(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}
