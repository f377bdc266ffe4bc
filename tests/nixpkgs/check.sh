#!/bin/bash
# Tests the library and the module system of the stand-in nixpkgs, without
# builds. Prints TAP; the status is 0 if all tests pass.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# No store is needed or read.
evaluate() {
    NIX_REMOTE=dummy:// NIX_CONFIG="${NIX_CONFIG-}"$'\nsubstitute = false\nbuild-users-group =' \
        nix-instantiate --readonly-mode --eval --strict "$@" 2>"$work/err"
}

# Reads names and values into an array; each ends with a NUL, which JSON does not contain.
table() {
    evaluate --json check.nix -A "$1" >"$work/json" || {
        sed 's/^/# /' "$work/err"
        echo "Bail out! $1 cannot be evaluated"
        exit 1
    }
    mapfile -d '' -t "$2" < <(jq -j 'to_entries[] | .key + "\u0000" + .value + "\u0000"' "$work/json")
}

plain=() throwing=()
table plain plain
table throwing throwing
echo "1..$(( (${#plain[@]} + ${#throwing[@]}) / 2 ))"

number=0 failed=0
result() {
    number=$((number + 1))
    if [[ -z $2 ]]; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        printf '%s\n' "$2" | sed 's/^/# /'
        failed=$((failed + 1))
    fi
}

for ((i = 0; i < ${#plain[@]}; i += 2)); do
    result "${plain[i]}" "${plain[i + 1]}"
done

for ((i = 0; i < ${#throwing[@]}; i += 2)); do
    name=${throwing[i]} pattern=${throwing[i + 1]} problem=
    if evaluate -E "{ name }: (import ./check.nix).run.\${name}" --argstr name "$name" >"$work/out"; then
        problem="expected an error like: $pattern"$'\n'"got the value: $(<"$work/out")"
    else
        # The colours and the lines of a message differ between versions of Nix.
        message=$(sed $'s/\033\\[[0-9;]*m//g' "$work/err" | tr '\n' ' ' | tr -s ' ')
        one_line=$(printf %s "$pattern" | tr '\n' ' ' | tr -s ' ')
        [[ $message =~ $one_line ]] || problem="expected an error like: $pattern"$'\n'"got: $(<"$work/err")"
    fi
    result "$name" "$problem"
done

((failed == 0))
