// franz-go's client asks the registry at argv[1] for all it knows.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/sr"
)

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	ctx := context.Background()
	cl, err := sr.NewClient(sr.URLs(os.Args[1]))
	check(err)
	s := sr.Schema{Schema: `{"type":"record","name":"G","fields":[{"name":"a","type":"int"}]}`}
	created, err := cl.CreateSchema(ctx, "go-value", s)
	check(err)
	byID, err := cl.SchemaByID(ctx, created.ID)
	check(err)
	latest, err := cl.SchemaByVersion(ctx, "go-value", -1)
	check(err)
	found, err := cl.LookupSchema(ctx, "go-value", s)
	check(err)
	subjects, err := cl.Subjects(ctx)
	check(err)
	types, err := cl.SupportedTypes(ctx)
	check(err)
	comp := cl.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatFull}, "go-value")
	check(comp[0].Err)
	comp = cl.Compatibility(ctx, "go-value")
	check(comp[0].Err)
	fits, err := cl.CheckCompatibility(ctx, "go-value", -1, sr.Schema{Schema: `"string"`})
	check(err)
	all, err := cl.AllSchemas(ctx)
	check(err)
	deleted, err := cl.DeleteSubject(ctx, "go-value", sr.SoftDelete)
	check(err)
	gone, err := cl.DeleteSubject(ctx, "go-value", sr.HardDelete)
	check(err)
	refused := !fits.Is && comp[0].Level == sr.CompatFull && len(types) == 3
	if created.ID != latest.ID || found.Version != 1 || byID.Schema != s.Schema || len(subjects) != 1 || !refused ||
		len(all) != 1 || len(deleted) != 1 || len(gone) != 1 {
		fmt.Println(created, latest, found, byID, subjects, types, comp, fits, all, deleted, gone)
		os.Exit(1)
	}
	fmt.Println("done")
}
