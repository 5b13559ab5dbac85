package generated_test

import (
	"context"
	"fmt"
	"log"

	"presage/replay/generated"
)

func ExampleOpen() {
	source, err := generated.Open(generated.Options{Seed: 1, Services: 10, Rate: 100, Hours: 0.1})
	if err != nil {
		log.Fatal(err)
	}
	defer source.Close()
	item, err := source.Next(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(item.Span != nil, item.At >= item.Span.Start)
	// Output: true true
}
