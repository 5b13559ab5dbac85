// Command evaluation makes every figure of docs/evaluation.md again: it runs the commands that the page names, each into
// its folder under docs/evaluation, and puts their tables between the page's markers.
//
//	go run ./scripts/evaluation -data DIR            everything; finished methods are read back
//	go run ./scripts/evaluation -data DIR -only los  the parts whose names begin so
//	go run ./scripts/evaluation -tables              the page alone, from the folders' tables
//
// It measures nothing itself.
package main
