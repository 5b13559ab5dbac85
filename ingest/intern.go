package ingest

import (
	"strings"
	"unicode/utf8"
)

// entryBytes is what an entry of a table costs besides its bytes, about.
const entryBytes = 64

// names interns strings that alias a record's buffer: the same name is the same
// string for as long as the table holds it. A full table is emptied, which changes
// no result, only which strings share their bytes.
type names struct {
	table map[string]string
	bytes int
	limit int // of bytes
	long  int // of one name
	cut   int64
	buf   []byte
}

func newNames(limit, long int) *names {
	return &names{table: make(map[string]string), limit: limit, long: long}
}

// get returns s as a string of its own: valid UTF-8 of at most n.long bytes.
func (n *names) get(s string) string {
	if s == "" {
		return ""
	}
	if len(s) > n.long {
		n.cut++
		end := n.long
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	if v, ok := n.table[s]; ok {
		return v
	}
	key := strings.Clone(s)
	v := strings.ToValidUTF8(key, "\uFFFD")
	if n.bytes += 2*len(key) + entryBytes; n.bytes > n.limit {
		clear(n.table)
		n.bytes = 2*len(key) + entryBytes
	}
	n.table[key] = v
	return v
}

// join interns a + separator + b.
func (n *names) join(a string, separator byte, b string) string {
	n.buf = append(append(append(n.buf[:0], a...), separator), b...)
	return n.get(alias(n.buf))
}
