// Command gen writes the assembly of package kernel and its Go declarations, one pair of
// files an operation. It is a module of its own, so that its library is no dependency of Presage.
//
//	go run . -out ..
package main
