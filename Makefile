# Each command is the program of the same name in scripts/, for machines without make.
# `make bench NAME=save` and `make load PEOPLE=500` hand their variables on through the environment.
.PHONY: run test check bench load faults
run:    ; @./scripts/run
test:   ; @./scripts/test
check:  ; @./scripts/check
bench:  ; @./scripts/bench
load:   ; @./scripts/load
faults: ; @./scripts/faults
