# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Sourced by judge.sh: what commands may return and print that change nothing of what is installed. All that they print
# on standard error must be known, and be true of this container.

none="no container named '$name' is installed(; did you mean '$name'\?)?"
session="a session with '$name' is open( \(process [1-9][0-9]*\))?; end it first(, for example with 'kill [1-9][0-9]*')?"
leaving="container '$name' is (not running|shutting down)|cannot enter container '$name': it has just stopped
|container '$name' stopped while '.*' was running in it"
again="(, and systemd starts it again)?"
declare -A errors
errors[start]="$none|$session
|container '$name' did not start: its start was cancelled, for example because it was stopped meanwhile
|container '$name' did not start: (it was destroyed meanwhile|Unit container@$name\.service not found|its main process ended with exit code 1(27)?)
|container '$name' ended right after its start$again|container '$name' was running, and has stopped meanwhile$again
|2 of 2 containers could not be started"
errors[stop]="$none|$session"
errors[terminate]=${errors[stop]}
errors[reload]="$none|$session|container '$name' ended right after its update$again
|container '$name' was not updated: (it is not running|its changed settings need a restart|$leaving)
|the update of container '$name' failed: switch-to-configuration ended with status 1, perhaps after it had changed something
|2 of 2 containers could not be updated"
errors[run]="$none|$leaving|container '$name' is not running; start it with 'extra-container start $name'"
errors[shell-exec]="$none|$leaving|container '$name' is not running; start it with 'systemctl start container@$name'"
errors[status]=$none
errors[wait]="$none|timed out: container '$name' is not running: its unit is (inactive|failed|activating|deactivating)
|timed out: container '$name' is not stopped: its unit is (active|reloading|activating|deactivating)"
errors[show-ip]="$none|container 'race-[abe]' has no address of its own"
errors[top]=-
notes="interrupted|the update of container '$name' was interrupted|waiting for process [1-9][0-9]* \(extra-container .*\)|container '$name' is (not )?running
|container '$name' (does not run|(was stopped again|is still stopping)(; it stays installed)?)
|warning: container '$name': its address [0-9.]* does not answer
|warning: container '$name': another run has installed another system meanwhile; update the container again
|warning: container '$name' did not stop in time, so it was killed"
# What a failed start or update is followed by.
details="container '$name':|container '$name' (did not start|ended right after its start): .*|  .*|$name: .*"

# Prints what is wrong with the standard output of a run that succeeded, or of status.
wrong_output() { # COMMAND STATUS FILE
        local cmd=$1 status=$2 out=$3 up all
        case $cmd in
        'status --json' | 'list --json') jq -e . "$out" >/dev/null || echo "not JSON" ;;
        status) ! grep -qvP "^$name\t(running|starting|stopping|stopped|failed|restarting)\t" "$out" || echo "not a table" ;;
        status\ *)
                up=$(grep -cE '^ *State: running($| since)' "$out") all=$(grep -c '^ *State: ' "$out")
                ((all == $(wc -w <<<"$cmd") - 1 && (status == 3) == (up < all))) || echo "status $status, but $up of $all run"
                ;;
        top*) ! grep -qvP "^$name\t" "$out" || echo "not a table" ;;
        show-ip*) grep -qxE '10\.[0-9]+\.[0-9]+\.[0-9]+' "$out" || echo "not an address" ;;
        run* | shell-exec* | wait*) [[ ! -s $out ]] || echo "output" ;;
        esac
}
check_control() { # NUMBER
        local i=$1 cmd status line what
        cmd=$(<$work/round/$i.cmd) status=$(<$work/round/$i.status)
        if [[ $status == 0 || "$cmd $status" == status*' 3' ]]; then
                what=$(wrong_output "$cmd" "$status" $work/round/$i.out)
                [[ ! $what ]] || bad_run "$i" "$what"
        fi
        [[ ${errors[${cmd%% *}]-} ]] || return 0
        while IFS= read -r line; do
                # A start during a destroy finds no files.
                [[ ! $line =~ ^error:.*\'(race-.)\'.*(main\ process|not\ found) || ${at_times[${BASH_REMATCH[1]}]} == *absent* ]] || bad_run "$i" "not destroyed: $line"
                [[ $line =~ ^(error: (${errors[${cmd%% *}]//$'\n'/})|${notes//$'\n'/}|$details)$ ]] || bad_run "$i" "unknown message: $line"
        done < <(without_usual <$work/round/$i.err)
}
