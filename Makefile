# Each command is the program of the same name in scripts/, for machines without make.
# `make bench NAME=save` hands NAME on through the environment.
.PHONY: run test check bench
run:    ; @./scripts/run
test:   ; @./scripts/test
check:  ; @./scripts/check
bench:  ; @./scripts/bench
