package astgcn

// The values of Config.Attributes.
const (
	Channels = ""     // attributes are further inputs of each step: the paper's equations
	Rows     = "rows" // attributes are further steps after the target's, as in the published code
	None     = "none" // no attributes: T-GCN
)

// Config are the sizes and the form of the network. DefaultConfig is the paper's.
type Config struct {
	Hidden     int    // width of the state
	Window     int    // slices before the present one whose changing attributes enter a step (m)
	Attributes string // how attributes enter
	Across     bool   // gates are split over all services, as in the published code
}

// DefaultConfig is the paper's network.
func DefaultConfig() Config { return Config{Hidden: 128, Window: 2} }
