package stid

// Config are the sizes of the network. DefaultConfig has the published ones.
type Config struct {
	Window    int // width of the embedding of a window
	Service   int // of a service; 0: none
	TimeOfDay int // of a slot of the day; 0: none
	DayOfWeek int // of a day of the week; 0: none
	Layers    int
	Slots     int // of a day
	Dropout   float64
	// Calendar feeds the time of day and the day of the week (0 to 6) of each slice beside the
	// panel's channels, as the published configurations do.
	Calendar bool
}

// DefaultConfig is the published network for slices of five minutes.
func DefaultConfig() Config {
	return Config{Window: 32, Service: 32, TimeOfDay: 32, DayOfWeek: 32, Layers: 3, Slots: 288, Dropout: 0.15, Calendar: true}
}

// width is that of all embeddings side by side.
func (c Config) width() int { return c.Window + c.Service + c.TimeOfDay + c.DayOfWeek }
