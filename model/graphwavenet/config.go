package graphwavenet

// Config are the network's sizes. The zero value of a field means its default, which is the publication's.
type Config struct {
	Residual  int     `json:"residual"`  // channels from layer to layer; default 32
	Dilation  int     `json:"dilation"`  // channels of the gated convolutions; default 32
	Skip      int     `json:"skip"`      // channels of the skip connections; default 256
	End       int     `json:"end"`       // channels before the last layer; default 512
	Blocks    int     `json:"blocks"`    // in each of which the dilation begins at 1 again; default 4
	Layers    int     `json:"layers"`    // of a block; default 2
	Kernel    int     `json:"kernel"`    // moments that a convolution sees; default 2
	Embedding int     `json:"embedding"` // of the nodes, for the learned adjacency; default 10; negative for no such adjacency
	Dropout   float64 `json:"dropout"`   // after each diffusion; default 0.3; negative for none
	Graph     string  `json:"graph"`     // default GraphOn
}

// The values of Config.Graph.
const (
	GraphOn  = "on"
	GraphOff = "off" // the given graph is not used; what the network learns of one is
)

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.Residual, 32)
	def(&c.Dilation, 32)
	def(&c.Skip, 256)
	def(&c.End, 512)
	def(&c.Blocks, 4)
	def(&c.Layers, 2)
	def(&c.Kernel, 2)
	def(&c.Embedding, 10)
	if c.Dropout == 0 {
		c.Dropout = 0.3
	}
	if c.Graph == "" {
		c.Graph = GraphOn
	}
	return c
}

// Receptive is the number of moments that one moment of the output sees: 1 + Blocks (Kernel - 1)
// (2^Layers - 1).
func (c Config) Receptive() int {
	c = c.withDefaults()
	return 1 + c.Blocks*(c.Kernel-1)*(1<<c.Layers-1)
}
