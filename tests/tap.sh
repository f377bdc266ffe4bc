# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by scripts that print TAP and end with done_testing.
n=0 failed=0

is() { # NAME GOT WANT
        n=$((n + 1))
        if [[ $2 == "$3" ]]; then
                printf 'ok %d - %s\n' "$n" "$1"
        else
                failed=1
                printf 'not ok %d - %s\n' "$n" "$1"
                diff <(printf '%s\n' "$3") <(printf '%s\n' "$2") | sed 's/^/# /'
        fi
}
skip() { # NAME WHY
        n=$((n + 1))
        printf 'ok %d - %s # SKIP %s\n' "$n" "$1" "$2"
}
done_testing() {
        printf '1..%d\n' "$n"
        exit "$failed"
}
