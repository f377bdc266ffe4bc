# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by tests of evaluations, which end with run_tests NAME...: definitions, nix-instantiate,
# and TAP for test functions, which set `problem` on failure.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
eval_config=${EVAL_CONFIG:-$here/../../nix/eval/eval-config.nix}
[[ -z ${NIXPKGS:-} ]] || export NIX_PATH=nixpkgs=$NIXPKGS
export LC_ALL=C
unset NIXOS_CONFIG

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

problem=

# ---- helpers: each sets `problem` and fails if something is wrong -----------

bad() {
        problem=${problem:-$1}
        return 1
}

# def NAME: writes stdin to a definition file and sets $file
def() {
        cat >"$tmp/$1.nix"
        file=$tmp/$1.nix
}

run() {
        local what=$1
        shift
        case $what in
        etc | build) out=$(nix-build --no-out-link "$eval_config" -A etc "$@" 2>"$tmp/err") ;;
        drv) out=$(nix-instantiate "$eval_config" -A etc "$@" 2>"$tmp/err") ;;
        *) out=$(nix-instantiate --eval --strict --json "$eval_config" -A "$what" "$@" 2>"$tmp/err") ;;
        esac
        status=$?
        err=$(<"$tmp/err")
}

# Calls without a definition use the last one that was written.
with_file() {
        case " $* " in
        *" definitionFile "* | *" definition "*) args=("$@") ;;
        *) args=(--argstr definitionFile "$file" "$@") ;;
        esac
}

# gives ATTR VALUE ARG...
gives() {
        local attr=$1 want=$2
        shift 2
        with_file "$@"
        run "$attr" "${args[@]}"
        [[ $status == 0 ]] || bad "$attr: $err" || return
        [[ $out == "$want" ]] || bad "$attr: $out instead of $want"
}

# works ATTR ARG...
works() {
        local attr=$1
        shift
        with_file "$@"
        run "$attr" "${args[@]}"
        [[ $status == 0 ]] || bad "$attr: $err"
}

# fails TEXT ARG...: fails with a single error of ours that contains TEXT
fails() {
        local want=$1
        shift
        with_file "$@"
        run names "${args[@]}"
        [[ $status != 0 ]] || bad "no error, but: $out" || return
        [[ $err == *"error: extra-container: $want"* ]] || bad "wrong error: $err" || return
        [[ $(grep -c 'error: ' "$tmp/err") == 1 ]] || bad "more than one error: $err"
}

# fails_with TEXT ATTR ARG...: fails with any error that contains TEXT
fails_with() {
        local want=$1 attr=$2
        shift 2
        with_file "$@"
        run "$attr" "${args[@]}"
        [[ $status != 0 ]] || bad "no error, but: $out" || return
        [[ $err == *"$want"* ]] || bad "wrong error: $err"
}

says() { [[ $err == *"$1"* ]] || bad "'$1' is not in: $err"; }
silent() { [[ $err != *extra-container* ]] || bad "unexpected: $err"; }
holds() { grep -qxF -- "$2" "$1" || bad "$1 has no line '$2': $(cat "$1")"; }
lacks() { ! grep -qE -- "$2" "$1" || bad "$1 has '$2'"; }
same() { [[ $1 == "$2" ]] || bad "'$1' is not '$2'"; }
differ() { [[ $1 != "$2" ]] || bad "both are '$1'"; }

# build ARG...: builds and sets $etc to the output
# shellcheck disable=SC2034 # etc is for the tests
build() {
        with_file "$@"
        run build "${args[@]}"
        etc=$out
        [[ $status == 0 ]] || bad "build: $err"
}

# run_tests NAME...: runs these functions; EVAL_TEST=name runs only one. Those of the file that nothing uses are failures.
run_tests() {
        local tests=("$@") t count=0 failed=0
        for t in $(sed -n 's/^\([a-zA-Z_]*\)() {$/\1/p' "$0"); do
                [[ $(grep -cw -- "$t" "$0") != 1 ]] || { echo "not ok - nothing runs $t" && failed=1; }
        done
        [[ -z ${EVAL_TEST:-} ]] || tests=("$EVAL_TEST")
        echo "1..${#tests[@]}"
        for t in "${tests[@]}"; do
                count=$((count + 1)) problem=
                file=$tmp/none
                if "$t" && [[ -z $problem ]]; then
                        echo "ok $count - ${t//_/ }"
                else
                        echo "not ok $count - ${t//_/ }"
                        printf '%s\n' "${problem:-failed}" | sed 's/^/# /'
                        failed=$((failed + 1))
                fi
        done
        [[ $failed == 0 ]]
}
