package main

// part is a folder of results and the commands that make them, one after the other: a later one finds the records of the
// earlier ones, so that costly methods may have fewer seeds, or a budget of their own.
type part struct {
	name string
	runs [][]string // arguments of presage; DATA stands for the folder of the data sets, WORLDS for that of generated worlds
}

// The groups of methods that share a budget.
const (
	plain  = "average,seasonal,seasonal-week,ewma,profile,predict-linear,double-exponential,holt-winters,ridge,ridge-graph"
	system = "stgnn,stgnn-off,stgnn-rewired,stgnn-mean"
	simple = "persistence,average,ewma,profile,holt-winters,ridge,ridge-graph,trees,trees-graph,nlinear,dlinear,stid,stgnn-off,stgnn-rewired,stgnn,stgnn-mixed"
	rivals = "graphwavenet/common,dgcrn/common,astgcn/common,stgnn"
	world  = "average,ewma,profile,holt-winters,ridge,ridge-graph,trees-graph,stgnn-off,stgnn-mean,stgnn-rewired,stgnn,nlinear/common,stid/common,graphwavenet/common"
)

// set is what all commands of one data set share.
type set []string

func (s set) run(use string, more ...string) []string {
	return append(append([]string{"evaluate", use}, s...), more...)
}

// wavenet is Graph WaveNet after so many epochs of its recipe, to be held against its original code after as many.
func wavenet(s set, epochs string) []string {
	return s.run("compare", "--methods", "graphwavenet/published", "--hero", "graphwavenet/published", "--epochs", epochs, "--time-budget", "0")
}

func parts() []part {
	los := set{"--format", "matrix", "--data", "DATA/los-loop", "--name", "Los-loop"}
	ticket := set{"--format", "calls", "--data", "DATA/trainticket-2019", "--slice", "10s", "--by-segment", "--valid", "0.15", "--horizons", "6", "--name", "TrainTicket 2019"}
	nezha := set{"--format", "nezha", "--data", "DATA/trainticket-2023", "--slice", "60s", "--horizons", "6", "--name", "TrainTicket 2023"}
	boutique := set{"--format", "edges", "--data", "DATA/onlineboutique-2022/edges_5s_2022-08-22.csv.gz", "--horizons", "6", "--name", "Online Boutique 2022", "--by-segment"}
	petshop := set{"--format", "petshop", "--data", "DATA/petshop", "--horizons", "6", "--name", "PetShop"}
	generated := func(name string) set {
		return set{"--format", "world", "--data", "WORLDS/" + name, "--stride", "20", "--name", "World " + name}
	}
	return []part{
		{"los-loop", [][]string{
			los.run("compare", "--methods", plain+","+system+",nlinear,dlinear,stid/common", "--seeds", "5", "--time-budget", "3m"),
			los.run("compare", "--methods", "trees,trees-graph,stid/published", "--time-budget", "3m"),
			los.run("compare", "--methods", "graphwavenet/published", "--time-budget", "0"),
			los.run("compare", "--methods", "graphwavenet/common,dgcrn,astgcn,stgnn-paper", "--time-budget", "4m"),
			los.run("compare", "--finished", "--seeds", "5"),
		}},
		{"los-loop-rivals", [][]string{los.run("compare", "--methods", "graphwavenet,dgcrn,astgcn,stgnn", "--seeds", "5", "--time-budget", "3m", "--cpus", "1")}},
		{"los-loop-common", [][]string{los.run("compare", "--methods", "stgnn,graphwavenet/common,astgcn/common", "--time-budget", "0")}},
		{"los-loop-wavenet-6", [][]string{wavenet(los, "6")}},
		{"los-loop-wavenet-13", [][]string{wavenet(los, "13")}},
		{"los-loop-wavenet-21", [][]string{wavenet(los, "21")}},
		{"los-loop-ablation", [][]string{los.run("ablation", "--seeds", "2", "--first", "0.8")}},
		{"los-loop-unseen", [][]string{los.run("unseen", "--seeds", "3", "--methods", "persistence,average,ridge,ridge-graph,stgnn")}},
		{"los-loop-windows", [][]string{los.run("windows", "--methods", "persistence,ridge,stgnn")}},
		{"trainticket-2019", [][]string{
			ticket.run("compare", "--methods", plain+",trees,trees-graph,"+system+",nlinear,dlinear,stid,stgnn-paper,stgnn-mixed", "--seeds", "5", "--time-budget", "1m"),
			ticket.run("compare", "--methods", "astgcn,dgcrn,graphwavenet", "--time-budget", "1m"),
			ticket.run("compare", "--finished", "--seeds", "5"),
		}},
		{"trainticket-2019-ablation", [][]string{ticket.run("ablation", "--seeds", "5", "--first", "0.8")}},
		{"trainticket-2023", [][]string{nezha.run("compare", "--seeds", "3", "--time-budget", "1m", "--methods", simple)}},
		{"onlineboutique-2022", [][]string{boutique.run("compare", "--seeds", "3", "--time-budget", "1m", "--methods", simple)}},
		{"petshop", [][]string{petshop.run("compare", "--seeds", "3", "--time-budget", "1m", "--methods", simple)}},
		{"world-B-rivals", [][]string{generated("B").run("compare", "--methods", rivals, "--time-budget", "8m", "--cpus", "1")}},
		{"world-B-wavenet", [][]string{generated("B").run("compare", "--methods", "graphwavenet/common,stgnn", "--time-budget", "30m", "--cpus", "1")}},
		{"world-B", [][]string{generated("B").run("compare", "--time-budget", "3m", "--methods", world)}},
		{"world-C-rivals", [][]string{generated("C").run("compare", "--methods", rivals, "--time-budget", "8m", "--cpus", "1")}},
		{"world-C", [][]string{generated("C").run("compare", "--time-budget", "3m", "--methods", world)}},
		{"world-N-rivals", [][]string{generated("N").run("compare", "--methods", rivals, "--time-budget", "3m", "--cpus", "1")}},
		{"world-N", [][]string{generated("N").run("compare", "--time-budget", "3m", "--methods", "average,ridge,ridge-graph,"+system)}},
		{"world-B-load", [][]string{generated("B").run("load", "--methods", "persistence,ridge,stgnn", "--load-classes", "600,900,1200,1500")}},
		{"world-B-windows", [][]string{generated("B").run("windows", "--methods", "persistence,ridge")}},
	}
}
