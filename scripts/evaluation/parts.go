package main

// part is one command and the folder of what it found.
type part struct {
	name string
	args []string // of presage; DATA stands for the folder of the data sets, WORLDS for that of generated worlds
}

// budget is what one training of a comparison may take.
const budget = "6m"

func parts() []part {
	los := []string{"--format", "matrix", "--data", "DATA/los-loop", "--name", "Los-loop"}
	ticket := []string{"--format", "calls", "--data", "DATA/trainticket-2019", "--slice", "10s", "--by-segment", "--valid", "0.15", "--horizons", "6", "--name", "TrainTicket 2019"}
	nezha := []string{"--format", "nezha", "--data", "DATA/trainticket-2023", "--slice", "60s", "--horizons", "6", "--name", "TrainTicket 2023"}
	boutique := []string{"--format", "edges", "--data", "DATA/onlineboutique-2022/edges_5s_2022-08-22.csv.gz", "--horizons", "6", "--name", "Online Boutique 2022"}
	petshop := []string{"--format", "petshop", "--data", "DATA/petshop", "--horizons", "6", "--name", "PetShop"}
	world := func(name string) []string {
		return []string{"--format", "world", "--data", "WORLDS/" + name, "--stride", "10", "--name", "World " + name}
	}
	simple := "persistence,average,ewma,profile,holt-winters,ridge,ridge-graph,trees,trees-graph,nlinear,dlinear,stid,stgnn-off,stgnn-rewired,stgnn"
	add := func(use string, data []string, more ...string) []string {
		return append(append([]string{"evaluate", use}, data...), more...)
	}
	return []part{
		{"los-loop", add("compare", los, "--seeds", "5", "--time-budget", budget)},
		{"los-loop-full", add("compare", los, "--methods", "graphwavenet/published", "--hero", "graphwavenet/published", "--time-budget", "0")},
		{"los-loop-ablation", add("ablation", los, "--seeds", "3", "--first", "0.8")},
		{"los-loop-unseen", add("unseen", los, "--seeds", "3", "--methods", "persistence,average,ridge,ridge-graph,trees,trees-graph,stgnn")},
		{"los-loop-windows", add("windows", los, "--methods", "persistence,ridge,stgnn", "--minutes", "5,10,15,20,25,30,45,60")},
		{"trainticket-2019", add("compare", ticket, "--seeds", "5", "--time-budget", "2m")},
		{"trainticket-2019-ablation", add("ablation", ticket, "--seeds", "5", "--first", "0.8")},
		{"trainticket-2023", add("compare", nezha, "--seeds", "3", "--methods", simple)},
		{"onlineboutique-2022", add("compare", boutique, "--seeds", "3", "--methods", simple)},
		{"petshop", add("compare", petshop, "--seeds", "3", "--methods", simple)},
		{"world-B", add("compare", world("B"), "--time-budget", budget)},
		{"world-C", add("compare", world("C"), "--time-budget", budget)},
		{"world-N", add("compare", world("N"), "--methods", simple)},
		{"world-A-ablation", add("ablation", world("A"), "--first", "0.8")},
		{"world-B-load", add("load", world("B"), "--methods", "persistence,ridge,trees,stgnn")},
		{"world-B-windows", add("windows", world("B"), "--methods", "persistence,ridge,stgnn")},
		{"world-B-unseen", add("unseen", world("B"), "--methods", "persistence,average,ridge,ridge-graph,stgnn")},
	}
}
