package model

// Forecast is what is published of one service at one slice.
type Forecast struct {
	Graph      string
	Service    string
	SliceStart int64  // Unix nanoseconds: the last slice that was known
	SliceWidth int64  // nanoseconds
	Model      string // version, e.g. stgnn-20260101T000000Z-1a2b, or a baseline's name
	Target     string // a channel's name, e.g. response_time
	Unit       string
	Observed   float64 // the target in the last slice; NaN if missing
	Complete   bool    // the snapshot was complete
	Level      float64 // of the interval, e.g. 0.9
	Horizons   []Horizon
}

// Horizon is a forecast for one slice to come.
type Horizon struct {
	Step               int   // 1 is the next slice
	At                 int64 // start of the slice spoken of, Unix nanoseconds
	Yhat, Lower, Upper float64
}
