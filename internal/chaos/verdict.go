package chaos

import "encoding/json"

// Verdict is what a run came to. Lost, Doubled and Different must be zero.
type Verdict struct {
	Kills     int `json:"kills"`     // processes ended by SIGKILL
	Faults    int `json:"faults"`    // of every kind, kills among them
	Slices    int `json:"slices"`    // of the undisturbed reading
	Lost      int `json:"lost"`      // slices and forecasts that are not there, spans that no slice has, places committed too far
	Doubled   int `json:"doubled"`   // slices that hold more than the log
	Different int `json:"different"` // slices, partials and forecasts that are not the undisturbed reading's
}

// Add joins the verdict of another round.
func (v *Verdict) Add(w Verdict) {
	v.Kills += w.Kills
	v.Faults += w.Faults
	v.Slices += w.Slices
	v.Lost += w.Lost
	v.Doubled += w.Doubled
	v.Different += w.Different
}

// Clean says that nothing was lost, doubled or different, and that there was something to lose.
func (v *Verdict) Clean() bool { return v.Lost+v.Doubled+v.Different == 0 && v.Slices > 0 }

// String is the verdict as one line of JSON.
func (v *Verdict) String() string {
	out, err := json.Marshal(v)
	if err != nil {
		return err.Error() // integers can't fail
	}
	return string(out)
}
