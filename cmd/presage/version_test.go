package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionText(t *testing.T) {
	toolchain := runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
	stamped := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: "1a2b"}, {Key: "vcs.modified", Value: modified}}
	}
	tests := []struct {
		name string
		info debug.BuildInfo
		want string
	}{
		{"nothing known", debug.BuildInfo{}, "presage (devel), " + toolchain},
		{"a release", debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "presage v1.2.3, " + toolchain},
		{"a checkout", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: stamped("false")}, "presage (devel), revision 1a2b, " + toolchain},
		{"changed", debug.BuildInfo{Settings: stamped("true")}, "presage (devel), revision 1a2b with changes, " + toolchain},
	}
	for _, tt := range tests {
		if got := versionText(&tt.info); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
