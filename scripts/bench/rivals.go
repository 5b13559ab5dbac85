package main

// rivals are training steps of the networks that ours is compared with in forecasts.
func rivals() []group {
	return []group{
		rival("graphwavenet", "GraphWaveNet", "Graph WaveNet", "services=207/batch=64",
			"207 services, a batch of 64 windows of twelve slices, twelve horizons: dropout, mean absolute error, backward, clipped Adam."),
		rival("dgcrn", "DGCRN", "DGCRN", "batch=16",
			"207 services, a batch of 16 windows of twelve slices, twelve horizons: mean absolute error, backward, clipped Adam."),
		rival("astgcn", "ASTGCN", "AST-GCN", "services=207/batch=64/steps=10/hidden=128",
			"207 services with three fixed and three changing attributes, a batch of 64 windows: mean squared error, backward, Adam."),
	}
}

// rival is the group of a network, whose package and name in results are given.
func rival(pkg, name, title, sizes, about string) group {
	g := group{
		bench: "BenchmarkTrainStep", alias: "BenchmarkRival" + name, pkg: "./model/" + pkg, long: true,
		title: title + ": training step", about: about,
	}
	for _, threads := range []int{1, 2} {
		g.cases = append(g.cases, benchCase{sizes: sizes, inName: true, services: 207, threads: threads, goal: goal{ratio: 1.5}})
	}
	return g
}
