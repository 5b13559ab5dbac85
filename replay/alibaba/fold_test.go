package alibaba

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// parseRows reads rows written as "kind caller>callee rt@start", "?" for a missing name.
func parseRows(t *testing.T, n *names, text string, signed bool) []row {
	t.Helper()
	var rows []row
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		var k, ends string
		var rt, start int64
		if _, err := fmt.Sscanf(line, "%s %s %d@%d", &k, &ends, &rt, &start); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		caller, callee, _ := strings.Cut(ends, ">")
		fields := [][]byte{[]byte("t"), fmt.Append(nil, start), []byte("0.1"), []byte(caller), []byte(k), []byte(callee), fmt.Append(nil, rt), nil, nil, nil}
		for i := range fields {
			if string(fields[i]) == "?" {
				fields[i] = []byte("(?)")
			}
		}
		v := newVocabulary()
		v.services = n
		_, r, bad := parseCall(v, signed, fields)
		if bad >= 0 {
			t.Fatalf("%q: field %d", line, bad)
		}
		rows = append(rows, r)
	}
	return rows
}

// show writes calls as "kind caller>callee client/server", each half as its duration@start.
func show(n *names, calls []call) string {
	half := func(r *row) string {
		if r == nil {
			return "-"
		}
		return fmt.Sprintf("%d@%d", r.Duration/1e6, r.Start)
	}
	var lines []string
	for _, c := range calls {
		lines = append(lines, fmt.Sprintf("%s %s>%s %s/%s", kindNames[c.kind], n.text(c.caller), n.text(c.callee), half(c.client), half(c.server)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestFold(t *testing.T) {
	cases := []struct{ name, rows, want string }{
		{"both views are one call", "rpc a>b 5@10\nrpc a>b -4@11", "rpc a>b 5@10/4@11"},
		{"only the caller's", "rpc a>b 5@10", "rpc a>b 5@10/-"},
		{"only the callee's", "http a>b -5@10", "http a>b -/5@10"},
		{"a row of neither is the callee's", "rpc a>b 0@10", "rpc a>b -/0@10"},
		{"a row of neither with an unknown callee is the caller's", "rpc a>? 0@10", "rpc a>unknown 0@10/-"},
		{"two rows of neither are one call", "rpc a>b 0@10\nrpc a>b 0@11", "rpc a>b 0@10/0@11"},
		{"three rows of neither are two calls", "rpc a>b 0@10\nrpc a>b 0@11\nrpc a>b 0@12", "rpc a>b -/0@12\nrpc a>b 0@10/0@11"},
		{"a gap is filled", "rpc a>b 3@10\nrpc a>b 0@10", "rpc a>b 3@10/0@10"},
		{"the other gap is filled", "rpc a>b -3@10\nrpc a>b 0@9", "rpc a>b 0@9/3@10"},
		{"i-th caller with i-th callee by start", "rpc a>b -2@31\nrpc a>b 5@10\nrpc a>b 6@30\nrpc a>b -1@11", "rpc a>b 5@10/1@11\nrpc a>b 6@30/2@31"},
		{"more callers than callees", "rpc a>b 5@10\nrpc a>b -1@11\nrpc a>b 6@30", "rpc a>b 5@10/1@11\nrpc a>b 6@30/-"},
		{"p=2 n=1 z=2: three calls", "rpc a>b 5@10\nrpc a>b 6@20\nrpc a>b -1@11\nrpc a>b 0@21\nrpc a>b 0@30", "rpc a>b -/0@30\nrpc a>b 5@10/1@11\nrpc a>b 6@20/0@21"},
		{"each row of a cache is a call", "mc a>c 0@10\nmc a>c 1@10\nmc a>c 0@11", "mc a>c 0@10/-\nmc a>c 0@11/-\nmc a>c 1@10/-"},
		{"each row of a database is a call", "db a>c 1@10\ndb a>c 1@10", "db a>c 1@10/-\ndb a>c 1@10/-"},
		{"queues tell the side by sign", "mq a>q 2@10\nmq q>b -3@12\nmq q>b 0@13", "mq a>q 2@10/-\nmq q>b -/3@12\nmq q>b 0@13/-"},
		{"self calls are calls", "rpc a>a 5@10\nrpc a>a -4@10", "rpc a>a 5@10/4@10"},
		{"userDefined rows stay alone", "userDefined a>a 7@10\nuserDefined a>a 8@10", "userDefined a>a 7@10/-\nuserDefined a>a 8@10/-"},
		{"a missing callee comes from the twin", "rpc a>? 5@10\nrpc a>b -4@11", "rpc a>b 5@10/4@11"},
		{"a missing caller comes from the twin", "http a>b 5@10\nhttp ?>b -4@11", "http a>b 5@10/4@11"},
		{"both twins lack a side: nothing agrees", "rpc a>? 5@10\nrpc ?>b -4@11", "rpc a>unknown 5@10/-\nrpc unknown>b -/4@11"},
		{"a twin of another caller does not fill", "rpc a>? 5@10\nrpc x>b -4@11", "rpc a>unknown 5@10/-\nrpc x>b -/4@11"},
		{"both names missing stay missing", "rpc ?>? 5@10\nrpc a>b -4@11", "rpc a>b -/4@11\nrpc unknown>unknown 5@10/-"},
		{"the earliest twin fills", "rpc a>? 5@20\nrpc a>c -4@11\nrpc a>b -4@10", "rpc a>b 5@20/4@10\nrpc a>c -/4@11"},
		{"kinds do not mix", "rpc a>b 5@10\nhttp a>b -5@10", "http a>b -/5@10\nrpc a>b 5@10/-"},
		{"a group closes after five minutes", "rpc a>b 5@0\nrpc a>b -5@300000", "rpc a>b -/5@300000\nrpc a>b 5@0/-"},
		{"each row keeps its group open", "rpc a>b 5@0\nrpc a>b 5@200000\nrpc a>b -5@400000", "rpc a>b 5@0/5@400000\nrpc a>b 5@200000/-"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := newNames()
			var f folder
			if got := show(n, f.fold(parseRows(t, n, c.rows, true))); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// 2022 has no signs: every row is of either side.
func TestFoldUnsigned(t *testing.T) {
	cases := []struct{ name, rows, want string }{
		{"one row is one call", "rpc a>b 5@10", "rpc a>b -/5@10"},
		{"two rows are one call, the longer is the caller's", "rpc a>b 4@10\nrpc a>b 5@10", "rpc a>b 5@10/4@10"},
		{"entries come twice", "http USER>b 5@10\nhttp USER>b 5@10", "http user>b 5@10/5@10"},
		{"UNKNOWN is recorded twice", "UNKNOWN a>b 0@10\nUNKNOWN a>b 0@10", "UNKNOWN a>b 0@10/0@10"},
		{"a twin names the caller", "http a>b 6@10\nhttp UNKNOWN>b 5@10", "http a>b 6@10/5@10"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := newNames()
			var f folder
			if got := show(n, f.fold(parseRows(t, n, c.rows, false))); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// Every row ends up in exactly one half, and the number of calls is the formula's.
func TestFoldUsesEveryRowOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []row
		p, n, z := rapid.IntRange(0, 6).Draw(t, "p"), rapid.IntRange(0, 6).Draw(t, "n"), rapid.IntRange(0, 6).Draw(t, "z")
		for side, count := range []int{eitherSide: z, callerSide: p, calleeSide: n} {
			for range count {
				rows = append(rows, row{Start: rapid.Int64Range(0, 1000).Draw(t, "start"), Caller: 2, Callee: 3, Side: sideOf(side)})
			}
		}
		if len(rows) == 0 {
			return
		}
		var f folder
		calls := f.fold(rows)
		if want := max(p, n, (p+n+z+1)/2); len(calls) != want {
			t.Fatalf("%d calls, want %d", len(calls), want)
		}
		used := make(map[*row]bool)
		for _, c := range calls {
			if c.client == nil && c.server == nil {
				t.Fatal("a call that nobody reported")
			}
			for _, r := range []*row{c.client, c.server} {
				if r == nil {
					continue
				}
				if used[r] {
					t.Fatal("a row used twice")
				}
				used[r] = true
			}
			if c.client != nil && c.client.Side == calleeSide || c.server != nil && c.server.Side == callerSide {
				t.Fatal("a row on the wrong side")
			}
		}
		if len(used) != len(rows) {
			t.Fatalf("%d of %d rows used", len(used), len(rows))
		}
	})
}

func sideOf(i int) side { return side(i) }

func TestParseCallNamesTheBadField(t *testing.T) {
	good := "t,10,0.1,a,rpc,b,-5,i,,"
	for field, bad := range map[int]string{0: "", 1: "x", 2: "", 4: "carrier pigeon", 6: "fast"} {
		fields := fieldsOf(good)
		fields[field] = []byte(bad)
		if _, _, got := parseCall(newVocabulary(), true, fields); got != field {
			t.Errorf("field %d = %q: got %d", field, bad, got)
		}
	}
	if _, _, got := parseCall(newVocabulary(), true, fieldsOf("t,10,0.1,a,rpc,b,NaN,,,")); got != 6 {
		t.Error("NaN is no duration")
	}
}

func fieldsOf(line string) [][]byte {
	var fields [][]byte
	for _, s := range strings.Split(line, ",") {
		fields = append(fields, []byte(s))
	}
	return fields
}

func FuzzParseCall(f *testing.F) {
	f.Add("t,10,0.1,a,rpc,b,-5,i,,")
	f.Add("0b133c1915919238193454000e5d37,1e3,0,(?),http,NAN,0.0,,USER,UNKNOWN_POD_1")
	f.Fuzz(func(t *testing.T, line string) {
		fields := fieldsOf(line)
		if len(fields) != len(callColumns()) {
			return
		}
		a, r, bad := parseCall(newVocabulary(), true, fields)
		if bad >= 0 {
			return
		}
		if r.Start < 0 || r.Duration < 0 || r.Duration > int64(maxDuration) || a.Trace == [16]byte{} || a.RPC == 0 {
			t.Fatalf("%+v %+v", a, r)
		}
		a2, r2 := unpack(pack(nil, &a, &r), r.Start)
		if a2 != a || r2 != r {
			t.Fatalf("packed and unpacked: %+v, want %+v", r2, r)
		}
	})
}
