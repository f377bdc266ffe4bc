#!/bin/bash
# Gives each fuzz target 10,000 cases from a fixed seed; with SECONDS_EACH, random cases for so long. They start from
# its corpus. Prints TAP; the input of a crash is saved next to the program.
# Usage: [SECONDS_EACH=600] check.sh PROGRAM...
set -uo pipefail
top=$(readlink -f -- "${BASH_SOURCE[0]%/*}")
runs=10000 limit=60
fixed=()
if [[ ${SECONDS_EACH-} ]]; then
        options=(-max_total_time="$SECONDS_EACH" -timeout=5)
else
        # The limit of a case is for busy machines.
        options=(-runs="$runs" -seed=1 -timeout="$limit")
        # libFuzzer uses compared pointers for its next inputs.
        ! setarch -R true 2>/dev/null || fixed=(setarch -R)
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

one() { # NUMBER PROGRAM
        local name=${2##*/} log=$tmp/$1.log new=$tmp/$1.new count
        mkdir "$new"
        # New inputs go to the first folder, so the corpus is unchanged.
        if "${fixed[@]}" "$2" "${options[@]}" -max_len=4096 -print_final_stats=1 -artifact_prefix="$2-" \
                "$new" "$top/corpus/$name" >"$log" 2>&1 </dev/null; then
                count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
                if [[ ${SECONDS_EACH-} ]] || ((count >= runs)); then
                        echo "ok $1 - fuzz $name: $count runs"
                        return
                fi
        fi
        echo "not ok $1 - fuzz $name"
        grep -E '^==|^    #|^SUMMARY|^Test unit|ERROR|^Base64' "$log" | head -n 40 | sed 's/^/# /'
        return 1
}

most=$(nproc) running=0 failed=0 n=0
for program; do
        if ((running == most)); then
                wait -n || failed=1
                running=$((running - 1))
        fi
        n=$((n + 1))
        one "$n" "$program" >"$tmp/$n.tap" &
        running=$((running + 1))
done
while ((running)); do
        wait -n || failed=1
        running=$((running - 1))
done
for ((i = 1; i <= n; i++)); do
        cat "$tmp/$i.tap"
done
echo "1..$n"
exit "$failed"
