package worlds_test

import (
	"context"
	"fmt"

	"presage/replay/generated"
	"presage/replay/generated/worlds"
)

// A world's observations without files, here of a small part of world A.
func ExampleSteps() {
	w, err := worlds.Named("A")
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Services, w.Rate, w.Slices = 20, 200, 30
	seen := 0
	err = worlds.Steps(context.Background(), w, func(_ int, o *generated.Observation) error {
		for i := range o.Services {
			if o.Services[i].Spans && o.Services[i].Calls > 0 {
				seen++
			}
		}
		return nil
	})
	fmt.Println(seen > 300, err)
	// Output: true <nil>
}
