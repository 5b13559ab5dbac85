// Package catalog is the table of all forecasters by name: the baselines and the
// networks. A new network is one folder and one line here.
package catalog
