// What Tekton's webhook says to a PipelineRun: one JSON object a line in, one JSON string a line out, empty where it takes it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log"
	"os"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"knative.dev/pkg/apis"
)

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := json.NewEncoder(os.Stdout)
	for {
		line, err := input.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := output.Encode(verdict(line)); err != nil {
				log.Fatal(err)
			}
		}
		if err != nil {
			return
		}
	}
}

// verdict does what the admission controllers do in their order: decode strictly, set defaults, encode, validate.
func verdict(object []byte) (message string) {
	defer func() {
		// A webhook that panics refuses the object as well.
		if reason := recover(); reason != nil {
			message = "panic"
		}
	}()
	run := &v1.PipelineRun{}
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(run); err != nil {
		return err.Error()
	}
	ctx := apis.WithinCreate(context.Background())
	run.SetDefaults(ctx)
	if _, err := json.Marshal(run); err != nil {
		return err.Error()
	}
	// The API server gives names before it asks.
	if run.Name == "" && run.GenerateName != "" {
		run.Name = run.GenerateName + "abcde"
	}
	if err := run.Validate(ctx); err != nil {
		return err.Error()
	}
	return ""
}
