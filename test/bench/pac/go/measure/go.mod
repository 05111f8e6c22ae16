module subpipe.dev/measure

go 1.24
