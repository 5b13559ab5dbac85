// Package config is the configuration of `presage run`: its defaults, its YAML
// file, its environment variables and flags, and its validation.
//
// In: a file, the environment, flags. Out: one Config, complete and checked, or an
// error that names file, line and key. Precedence: flag over variable over file over
// default. It opens no connection and starts nothing.
package config
