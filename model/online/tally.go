package online

// Tally sums up points that came due: one service, slice and step each. Errors
// are absolute, in the target's unit.
type Tally struct {
	Points  int64   // published forecasts that came due
	Error   float64 // of them
	Width   float64 // of their intervals
	Covered int64   // that lay within their interval
	// The part that a network made, with persistence on the same points.
	NetworkPoints  int64
	NetworkError   float64
	NetworkCovered int64
	NetworkWidth   float64
	// Interval scores (Winkler): the width, and 2/α times the distance of a miss. A
	// coverage says little without them.
	NetworkWinkler, PersistenceWinkler float64
	PersistenceError                   float64
}

// Plus adds u.
func (t Tally) Plus(u Tally) Tally {
	t.Points += u.Points
	t.Error += u.Error
	t.Width += u.Width
	t.Covered += u.Covered
	t.NetworkPoints += u.NetworkPoints
	t.NetworkError += u.NetworkError
	t.NetworkCovered += u.NetworkCovered
	t.NetworkWidth += u.NetworkWidth
	t.NetworkWinkler += u.NetworkWinkler
	t.PersistenceWinkler += u.PersistenceWinkler
	t.PersistenceError += u.PersistenceError
	return t
}

// Totals are a target's sums since the loop began, over restarts.
type Totals struct {
	Target     string
	Serving    string
	Champion   string // empty while there is none
	Published  int64  // forecasts given out: one a service and slice
	ByNetwork  int64  // of them made by a network
	Due        []Tally
	Unforecast int64
	Expired    int64
	Trainings  int64
	Promotions int64
}

// All is the sum over all steps.
func (t Totals) All() Tally {
	var sum Tally
	for _, d := range t.Due {
		sum = sum.Plus(d)
	}
	return sum
}

// Totals are the targets' sums, in the order of Config.Targets.
func (l *Loop) Totals() []Totals {
	var all []Totals
	for _, t := range l.tracks {
		sums := t.totals
		sums.Due = append([]Tally(nil), t.totals.Due...)
		sums.Target, sums.Serving = t.name, t.serving().version
		if n := t.network(); n != nil {
			sums.Champion = n.version
		}
		all = append(all, sums)
	}
	return all
}
