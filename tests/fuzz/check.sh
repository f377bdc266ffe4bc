#!/bin/bash
# Runs each fuzzer for a while, starting from its corpus. Prints TAP; the input of a crash is saved next to the fuzzer.
# Usage: [SECONDS_EACH=5] check.sh FUZZER...
set -uo pipefail
top=$(readlink -f -- "${BASH_SOURCE[0]%/*}")
seconds=${SECONDS_EACH:-5}
n=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for fuzzer; do
        name=${fuzzer##*/}
        n=$((n + 1))
        mkdir -p "$tmp/$name"
        # New inputs go to the first folder, so the corpus is unchanged.
        if "$fuzzer" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
                -artifact_prefix="$fuzzer-" "$tmp/$name" "$top/corpus/$name" >"$tmp/log" 2>&1 </dev/null; then
                printf 'ok %d - fuzz %s: %s runs in %s s\n' "$n" "$name" \
                        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$tmp/log")" "$seconds"
        else
                failed=1
                printf 'not ok %d - fuzz %s\n' "$n" "$name"
                grep -E '^==|^    #|^SUMMARY|^Test unit|ERROR|^Base64' "$tmp/log" | head -n 40 | sed 's/^/# /'
        fi
done
echo "1..$n"
exit "$failed"
