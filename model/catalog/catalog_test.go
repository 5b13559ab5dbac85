package catalog

import (
	"testing"

	"presage/model"
)

func TestEveryMethodTakesBothTargets(t *testing.T) {
	for _, channel := range []string{model.ChannelResponseTime, model.ChannelRequests} {
		task, err := model.NewTask(channel, 12, 6, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range Methods(nil) {
			f, err := m.New(task)
			if err != nil || f == nil {
				t.Errorf("%s of %s: %v", m.Name, channel, err)
			}
			if found, err := Find(m.Name, nil); err != nil || found.Name != m.Name {
				t.Errorf("find %s: %q, %v", m.Name, found.Name, err)
			}
		}
	}
	if _, err := Find("oracle", nil); err == nil {
		t.Error("an unknown method was found")
	}
}
