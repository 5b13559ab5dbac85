//go:build !race

package exactness

const raced = false
