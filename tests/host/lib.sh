# shellcheck shell=bash
# Assertions for host tests, in TAP; README.md has the list. A test sources this file and ends with done_testing.

tap_count=0 tap_failed=0 tap_done=
tap_dir=$(mktemp -d "${TMPDIR:-/tmp}/tap.XXXXXX") || exit 125
# The results of `run`: exit status, stdout and stderr, without trailing newlines.
status=0 out='' err=''
tap_ran=''

# Prints notes for the reader.
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

tap_where() { # prints the line of the assertion in the test file
        local i
        for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
                [[ ${BASH_SOURCE[i]} == "${BASH_SOURCE[0]}" ]] || break
        done
        printf '%s line %s' "${BASH_SOURCE[i]##*/}" "${BASH_LINENO[i - 1]}"
}

tap_clip() { # shortens a long text
        if ((${#1} > 4000)); then
                printf '%s\n[... %d characters ...]\n%s\n' "${1:0:2000}" "$((${#1} - 4000))" "${1: -2000}"
        else
                printf '%s\n' "$1"
        fi
}

pass() {
        tap_count=$((tap_count + 1))
        printf 'ok %d - %s\n' "$tap_count" "$1"
}

# fail NAME [DIAGNOSIS...]: always returns 1
fail() {
        local name=$1 line
        shift
        tap_count=$((tap_count + 1)) tap_failed=$((tap_failed + 1))
        printf 'not ok %d - %s\n' "$tap_count" "$name"
        diag "at $(tap_where)"
        for line; do
                diag "$(tap_clip "$line")"
        done
        return 1
}

tap_last() { # prints the results of the last `run`
        [[ -z $tap_ran ]] ||
                printf 'last run: %s\nstatus: %s\n--- stdout\n%s\n--- stderr\n%s\n---' "$tap_ran" "$status" "$out" "$err"
}

skip() { # NAME WHY
        tap_count=$((tap_count + 1))
        printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

# Skips the test file, which cannot run on this host.
skip_all() {
        tap_done=1
        printf '1..0 # SKIP %s\n' "$*"
        exit 0
}

# Fails and ends the test file, because nothing after this point could work.
bail_out() {
        fail "$*" "$(tap_last)" || :
        done_testing
}

# Prints what it reads, without lines that match $usual.
without_usual() { if [[ ${usual-} ]]; then grep -vxE -- "$usual" || :; else cat; fi; }
# run CMD...: sets $status, $out and $err, without lines that match $usual; never fails itself
run() {
        status=0
        printf -v tap_ran '%q ' "$@"
        "$@" >"$tap_dir/out" 2>"$tap_dir/err" || status=$?
        # Shell variables cannot contain NUL bytes.
        out=$(tr -d '\0' <"$tap_dir/out")
        err=$(tr -d '\0' <"$tap_dir/err" | without_usual)
        return 0
}

# ok NAME CMD...: CMD succeeds
ok() {
        local name=$1 got=0 output
        shift
        "$@" >"$tap_dir/ok" 2>&1 || got=$?
        if ((got == 0)); then
                pass "$name"
                return
        fi
        output=$(tr -d '\0' <"$tap_dir/ok")
        fail "$name" "$(printf '%q ' "$@")ended with status $got" "$output"
}

# nok NAME CMD...: CMD fails, but was not killed and is not missing
nok() {
        local name=$1 got=0 output
        shift
        "$@" >"$tap_dir/ok" 2>&1 || got=$?
        if ((got > 0 && got < 126)); then
                pass "$name"
                return
        fi
        output=$(tr -d '\0' <"$tap_dir/ok")
        fail "$name" "$(printf '%q ' "$@")ended with status $got" "$output"
}

# is NAME GOT WANT
is() {
        if [[ $2 == "$3" ]]; then
                pass "$1"
        elif [[ $2$3 == *$'\n'*$'\n'*$'\n'*$'\n'*$'\n'*$'\n'*$'\n'*$'\n'* ]]; then
                fail "$1" "$(diff -U 3 --label want --label got <(printf '%s\n' "$3") <(printf '%s\n' "$2"))" "$(tap_last)"
        else
                fail "$1" "got:  $2" "want: $3" "$(tap_last)"
        fi
}

isnt() {
        if [[ $2 != "$3" ]]; then
                pass "$1"
        else
                fail "$1" "got what was not wanted: $2" "$(tap_last)"
        fi
}

# like NAME TEXT REGEX
like() {
        if [[ $2 =~ $3 ]]; then
                pass "$1"
        else
                fail "$1" "text: $2" "does not match: $3" "$(tap_last)"
        fi
}

unlike() {
        if [[ ! $2 =~ $3 ]]; then
                pass "$1"
        else
                fail "$1" "text: $2" "matches: $3" "$(tap_last)"
        fi
}

# is_status NAME WANT: the exit status of the last run
is_status() {
        if [[ $status == "$2" ]]; then
                pass "$1"
        else
                fail "$1" "status $status, not $2" "$(tap_last)"
        fi
}

# wait_until SECONDS CMD...: waits until CMD succeeds; returns 1 after this time
wait_until() {
        local fraction=000000 now end
        [[ $1 != *.* ]] || fraction=${1#*.}000000
        now=${EPOCHREALTIME/[.,]/}
        end=$((now + 10#0${1%%.*} * 1000000 + 10#${fraction:0:6}))
        shift
        until "$@" >"$tap_dir/wait" 2>&1; do
                now=${EPOCHREALTIME/[.,]/}
                if ((now >= end)); then
                        diag "gave up waiting for: $*"
                        diag "$(tap_clip "$(tr -d '\0' <"$tap_dir/wait")")"
                        return 1
                fi
                sleep 0.02
        done
}

# Waits for a unit to be in one of the named states: wait_unit SECONDS UNIT STATE...
wait_unit() {
        local limit=$1 unit=$2
        shift 2
        wait_until "$limit" tap_unit_is "$unit" "$@"
}
tap_unit_is() {
        local state want
        state=$(systemctl show -P ActiveState -- "$1")
        shift
        for want; do
                [[ $state != "$want" ]] || return 0
        done
        echo "$state"
        return 1
}

# snapshot DIR...: prints every path below with its type, mode, owner and link target, for comparisons
snapshot() {
        find "$@" -xdev -printf '%p %y %m %u:%g %l\n' 2>/dev/null | LC_ALL=C sort
}

# Ends the test: prints the plan and exits with status 1 if anything failed.
done_testing() {
        tap_done=1
        if ((tap_failed)) && command -v journalctl >/dev/null && [[ -d /run/host ]]; then
                diag "failed units:"
                diag "$(systemctl list-units --failed --plain --no-legend 2>&1)"
                diag "end of the journal:"
                diag "$(journalctl -q --no-pager -n 3000 2>&1)"
        fi
        printf '1..%d\n' "$tap_count"
        exit "$((tap_failed != 0))"
}

tap_exit() {
        local got=$?
        if [[ -z $tap_done ]]; then
                printf 'not ok %d - the test ended before done_testing\n' "$((tap_count + 1))"
                diag "exit status $got"
                ((got)) || got=1
        fi
        rm -rf "$tap_dir"
        exit "$got"
}
trap tap_exit EXIT
