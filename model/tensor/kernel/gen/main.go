package main

import (
	"flag"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
)

// operation is one pair of generated files.
type operation struct {
	name  string // of the files: NAME_amd64.s, NAME_stubs_amd64.go
	write func() // adds the functions to avo's context
}

func operations() []operation {
	return []operation{
		{"gemm", gemm},
		{"spmm", spmm},
		{"elementwise", elementwise},
		{"reduce", reduce},
		{"adam", adam},
		{"exponential", exponential},
		{"gru", gru},
		{"softmax", softmax},
		{"layernorm", layernorm},
	}
}

// avo keeps one global file a process, so each operation is written by a process of its own.
func main() {
	own := flag.NewFlagSet("gen", flag.ExitOnError) // the global one is avo's
	out := own.String("out", "..", "folder of package kernel")
	only := own.String("op", "", "write this operation alone")
	log.SetFlags(0)
	if len(os.Args) > 1 && os.Args[1] == "-child" {
		child(os.Args[2], os.Args[3])
		return
	}
	_ = own.Parse(os.Args[1:])
	for _, op := range operations() {
		if *only != "" && *only != op.name {
			continue
		}
		cmd := exec.Command(os.Args[0], "-child", op.name, *out)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			log.Fatalf("%s: %v", op.name, err)
		}
	}
}

// child writes one operation.
func child(name, out string) {
	for _, op := range operations() {
		if op.name != name {
			continue
		}
		os.Args = []string{"gen", "-out", filepath.Join(out, name+"_amd64.s"), "-stubs", filepath.Join(out, name+"_stubs_amd64.go"), "-pkg", "kernel"}
		build.ConstraintExpr("!noasm")
		maskTable = tailMask()
		op.write()
		build.Generate()
	}
}
