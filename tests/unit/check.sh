#!/bin/bash
# Runs test programs in parallel, one per processor, because some of them mostly wait.
# The output of each is shown in one piece when it has ended.
set -uo pipefail

said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT

one() { # NUMBER PROGRAM
        local status=0
        # Ignored signals are reset to their defaults, so that the tests also work in the background and under nohup.
        (trap '' HUP INT QUIT TERM && exec timeout -k 5 "$limit" "$2") >"$said/$1" 2>&1 </dev/null || status=$?
        ((status == 0)) || printf 'FAILED: %s, status %d\n' "$2" "$status" >>"$said/$1"
        flock "$said" cat "$said/$1"
        return "$((status != 0))"
}

limit=300 # seconds per program
most=$(nproc) running=0 failed=0 number=0
for program; do
        if ((running == most)); then
                wait -n || failed=1
                running=$((running - 1))
        fi
        number=$((number + 1))
        one "$number" "$program" &
        running=$((running + 1))
done
while ((running)); do
        wait -n || failed=1
        running=$((running - 1))
done
exit "$failed"
