#!/bin/bash
# Runs each test program under valgrind; fails on errors, leaks and failed tests. Prints TAP.
# Usage: check.sh PROGRAM...
set -uo pipefail
top=$(readlink -f -- "${BASH_SOURCE[0]%/*}")
n=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for program; do
        n=$((n + 1))
        start=${EPOCHREALTIME/[.,]/}
        if timeout 120 "$top/run" "$program" >"$log" 2>&1 </dev/null; then
                printf 'ok %d - valgrind %s, %d ms\n' "$n" "${program##*/}" $(((${EPOCHREALTIME/[.,]/} - start) / 1000))
        else
                printf 'not ok %d - valgrind %s: status %d\n' "$n" "${program##*/}" $?
                failed=1
                grep -avE '^ok |OK \]|RUN  ' "$log" | head -n 60 | sed 's/^/# /'
        fi
done
echo "1..$n"
exit "$failed"
