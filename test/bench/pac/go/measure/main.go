// measure FILE PROGRAM [ARGUMENT...] runs a program with FILE as its standard output, and prints what the kernel says of it as JSON:
// wall time, CPU time of the program and its children (s), and the most memory that one of them had at once (bytes).
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

type usage struct {
	Wall   float64 `json:"wall"`
	CPU    float64 `json:"cpu"`
	Memory int64   `json:"memory"`
	Exit   int     `json:"exit"`
}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run(output string, command []string) error {
	file, err := os.Create(output)
	if err != nil {
		return err
	}
	defer file.Close()
	child := exec.Command(command[0], command[1:]...)
	child.Stdout = file
	child.Stderr = os.Stderr
	begin := time.Now()
	if err := child.Start(); err != nil {
		return err
	}
	state, err := child.Process.Wait()
	wall := time.Since(begin)
	if err != nil {
		return err
	}
	told, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return fmt.Errorf("this system does not tell what a process has used")
	}
	cpu := state.UserTime() + state.SystemTime()
	// Linux tells KiB.
	return json.NewEncoder(os.Stdout).Encode(usage{wall.Seconds(), cpu.Seconds(), told.Maxrss * 1024, state.ExitCode()})
}
