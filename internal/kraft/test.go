package kraft

import (
	"os"
	"os/exec"
	"testing"
)

// Variable names the folder of Kafka's jars.
const Variable = "PRESAGE_TEST_KAFKA_LIBS"

// Need skips the test where there is nothing to run a cluster with, and gives the folder of the jars.
func Need(t testing.TB) (libs string) {
	t.Helper()
	libs = os.Getenv(Variable)
	if libs == "" {
		t.Skipf("%s names no folder of Apache Kafka's jars (mvn -f .ci/kafka dependency:copy-dependencies -DoutputDirectory=DIR)", Variable)
	}
	if _, err := exec.LookPath("java"); err != nil {
		t.Skipf("no Java: %v", err)
	}
	return libs
}

// ForTest runs a cluster for the test's length, or skips the test.
func ForTest(t testing.TB, opt Options) *Cluster {
	t.Helper()
	opt.Libs, opt.Dir = Need(t), t.TempDir()
	c, err := Start(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for i := range c.brokers {
				t.Logf("broker %d's log ends with\n%s", i+1, c.Log(i))
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
