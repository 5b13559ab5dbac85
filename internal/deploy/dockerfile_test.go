package deploy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// instruction is one instruction of a Dockerfile, its lines joined.
type instruction struct{ name, args string }

func instructions(text string) (out []instruction) {
	joined := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if more, ok := strings.CutSuffix(line, "\\"); ok {
			joined += more
			continue
		}
		name, args, _ := strings.Cut(joined+line, " ")
		out = append(out, instruction{strings.ToUpper(name), strings.TrimSpace(args)})
		joined = ""
	}
	return out
}

// dockerfile is the instructions of the build stage and of the image.
func dockerfile(t *testing.T) (build, image []instruction) {
	t.Helper()
	all := instructions(read(t, "deploy/Dockerfile"))
	last := 0
	for i, in := range all {
		if in.name == "FROM" {
			last = i
		}
	}
	if len(all) == 0 || all[0].name != "FROM" || last == 0 {
		t.Fatalf("expected two stages, found %v", all)
	}
	return all[:last], all[last:]
}

func find(stage []instruction, name string) []string {
	var out []string
	for _, in := range stage {
		if in.name == name {
			out = append(out, in.args)
		}
	}
	return out
}

// buildCommand is the line that builds the binary.
func buildCommand(t *testing.T) string {
	t.Helper()
	stage, _ := dockerfile(t)
	for _, run := range find(stage, "RUN") {
		if strings.Contains(run, "go build") {
			return run
		}
	}
	t.Fatal("no RUN builds the binary")
	return ""
}

func TestDockerfileBuilds(t *testing.T) {
	stage, _ := dockerfile(t)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	if want := fmt.Sprintf("golang:%s AS build", version); stage[0].args != want {
		t.Errorf("the build stage is from %q, expected %q, as go.mod says", stage[0].args, want)
	}
	command := buildCommand(t)
	for _, want := range []string{"CGO_ENABLED=0 ", "-trimpath", "./cmd/presage", "-o /out/presage"} {
		if !strings.Contains(command, want) {
			t.Errorf("the build command lacks %q: %s", want, command)
		}
	}
}

func TestDockerfileImage(t *testing.T) {
	_, image := dockerfile(t)
	if base := image[0].args; !strings.HasPrefix(base, "gcr.io/distroless/static-") || !strings.HasSuffix(base, ":nonroot") {
		t.Errorf("the image is from %q, expected distroless static, which has authorities' certificates and no shell", base)
	}
	for _, in := range image {
		if in.name == "RUN" {
			t.Errorf("RUN %s: the image has no shell to run it", in.args)
		}
	}
	users := find(image, "USER")
	if len(users) != 1 {
		t.Fatalf("users %q, expected one", users)
	}
	uid, err := strconv.Atoi(strings.Split(users[0], ":")[0])
	if err != nil || uid == 0 {
		t.Errorf("USER %s: expected a number that is not root's", users[0])
	}
	copies := find(image, "COPY")
	if !slices.Contains(copies, "--from=build /out/presage /presage") {
		t.Errorf("the binary is not in the image: %q", copies)
	}
	state := fmt.Sprintf("--from=build --chown=%s /out/state %s", users[0], find(image, "WORKDIR")[0])
	if !slices.Contains(copies, state) {
		t.Errorf("expected %q, so that a new volume belongs to the user, found %q", state, copies)
	}
	if entry := words(t, find(image, "ENTRYPOINT")[0]); !slices.Equal(entry, []string{"/presage"}) {
		t.Errorf("entry point %q", entry)
	}
	_, check, ok := strings.Cut(find(image, "HEALTHCHECK")[0], "CMD ")
	if !ok || !slices.Equal(words(t, check), []string{"/presage", "health"}) {
		t.Errorf("health check %q", check)
	}
}

// words reads an instruction's JSON form: the other one needs a shell.
func words(t *testing.T, args string) (out []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(args), &out); err != nil {
		t.Errorf("%s: expected the JSON form: %v", args, err)
	}
	return out
}

// A file that is tracked and left out of the context makes the build's version say that the checkout was changed.
func TestContextIsTheCheckout(t *testing.T) {
	ignored := map[string]bool{}
	for line := range strings.Lines(read(t, ".gitignore")) {
		ignored[strings.Trim(strings.TrimSpace(line), "/")] = true
	}
	for line := range strings.Lines(read(t, ".dockerignore")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !ignored[strings.Trim(strings.TrimPrefix(line, "**/"), "/")] {
			t.Errorf(".dockerignore leaves out %s, which git does not ignore", line)
		}
	}
}
