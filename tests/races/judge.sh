# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Sourced by races.sh: what runs may return and print, and what must be true afterwards.

name='race-[a-f]'
known="warning: container '$name': its address [0-9.]* does not answer
|warning: container '$name': another run has installed another system meanwhile; update the container again
|warning: container '$name' did not stop in time, so it was killed
|error: (no container named '$name' is installed(; did you mean '$name'\?)?
|a session with '$name' is open; end it first
|a session with '$name' is open \(process [1-9][0-9]*\); end it first, for example with 'kill [1-9][0-9]*'
|container '$name' exists already, and a session destroys its container; use --no-destroy to keep it, or --destroy to destroy it and its data
|/var/lib/nixos-containers/$name has files, although container '$name' is not installed, .*
|container '$name': its address [0-9.]* was given to container '$name' after it was built; build it again
|container '$name' did not (re)?start: .*
|container '$name' ended right after its (start|update)(, and systemd starts it again)?
|container '$name' was not updated: container '$name' (is shutting down|is not running|stopped while '.*' was running in it)
|the update of container '$name' failed: switch-to-configuration ended with status 1, perhaps after it had changed something
|container '$name' was not updated: the system bus of container '$name' was lost while '.*' was being started in it
|container '$name' is not running(; start it with 'systemctl start container@$name')?
|(container '$name' was not updated: )?cannot enter container '$name': it has just stopped
|[2-6] of [2-6] containers could not be ((re)?started( or updated)?|destroyed completely)
)(; destroyed: $name(, $name)*)?"
# NixOS has a lock of its own: an update fails while another run updates the container.
known=${known//$'\n'/}
. "$here/control.sh"
bad_end() { # WHAT
        bad=$((bad + 1))
        printf 'round %s: %s\n' "$round" "$1" >>$work/bad
}
bad_run() { # NUMBER WHAT
        bad_end "run $1 ($(<$work/round/$1.cmd); delay and signals: $(<$work/round/$1.sent)): $2
$(cat $work/round/$1.err)"
}
check_run() { # NUMBER
        local i=$1 status sent line first cmd
        cmd=$(<$work/round/$i.cmd) status=$(<$work/round/$i.status) sent=$(<$work/round/$i.sent)
        read -r _ _ first _ <<<"$sent"
        case $first in INT) first=130 ;; TERM) first=143 ;; HUP) first=129 ;; *) first=0 ;; esac
        case $status in
        0) ! grep -q '^error: ' $work/round/$i.err || bad_run $i "success with an error" ;;
        1) grep -q '^error: ' $work/round/$i.err || bad_run $i "status 1 without an error" ;;
        3) [[ $cmd == 'status race-'* ]] || bad_run $i "status $status" ;;
        129 | 130 | 143) [[ $status == "$first" ]] || bad_run $i "status $status" ;;
        *) bad_run $i "status $status" ;;
        esac
        while read -r line; do
                [[ $line =~ named\ \'(.*)\'\ is\ installed && ${at_times[${BASH_REMATCH[1]}]} != *absent* ]] && bad_run $i "it was installed: $line"
                [[ ${errors[${cmd%% *}]-} || $line =~ ^($known)$ ]] || bad_run $i "unknown message: $line"
        done < <(grep -E '^(error|warning): ' $work/round/$i.err | without_usual)
        check_control $i
}

# ---- which versions may be installed now ----
# The program has its lock while it changes something; the last time counts.
declare -A possible
# What each container was at some time, perhaps.
declare -A at_times
list_times() {
        local i n
        for n in "${names[@]}"; do at_times[$n]=${possible[$n]}; done
        for ((i = 0; i < runs; i++)); do
                for n in $(<$work/round/$i.of); do at_times[$n]+=" $(<$work/round/$i.version)"; done
        done
}
follow() {
        local pid i n v status sure order=()
        declare -A run last
        for ((i = 0; i < runs; i++)); do run[${pids[i]}]=$i; done
        mapfile -t order <$work/order
        for i in "${!order[@]}"; do last[${order[i]}]=$i; done
        for i in "${!order[@]}"; do
                pid=${order[i]}
                [[ ${run[$pid]-} ]] || continue # one in a session
                ((last[$pid] == i)) || continue
                status=$(<$work/round/${run[$pid]}.status) v=$(<$work/round/${run[$pid]}.version)
                for n in $(<$work/round/${run[$pid]}.of); do
                        sure=
                        case $v in
                        absent) ((status)) || sure=1 ;;
                        *) ! sed -n '/^Installing/,/^[A-Z].*:$/p' $work/round/${run[$pid]}.out | grep -qE "^$n($| )" || sure=1 ;;
                        esac
                        if [[ $sure ]]; then possible[$n]=$v; else possible[$n]+=" $v"; fi
                done
        done
}
installed() { # NAME: the version
        local system
        [[ -L $units/container@$1.service ]] || { echo absent; return; }
        system=$(sed -n 's/^SYSTEM_PATH=//p' "$confs/$1.conf")
        cat "$system/etc/mark"
}

# The state of a container as $active, and what runs in it as $mark.
read_mark() {
        active=$(active $1) mark=
        [[ $active != active ]] || { mark=$(inside $1 /etc/mark) && [[ $mark ]]; }
}

# ---- what must be true between rounds ----
# Prints what is wrong.
wrong() {
        local n is f unit conf boot='' mark active
        ! pgrep -x extra-container >/dev/null || echo "processes: $(pgrep -ax extra-container)"
        for n in "${names[@]}"; do
                is=$(installed $n)
                [[ " ${possible[$n]} " == *" $is "* ]] || echo "$n is $is, but must be one of: ${possible[$n]}"
                if [[ $is == absent ]]; then
                        left_of $n
                        continue
                fi
                unit=$(readlink "$units/container@$n.service") conf=$(readlink "$confs/$n.conf")
                grep -qxF "$n $unit $conf" $work/pairs || echo "$n has unit $unit and settings $conf, which were not built together"
                if [[ $gc ]]; then
                        [[ $(readlink $roots/extra-container-$n) == "$units/container@$n.service" ]] || echo "$n has no gc root of its unit"
                        [[ $(readlink $roots/extra-container-$n.conf) == "$confs/$n.conf" ]] || echo "$n has no gc root of its settings"
                fi
                f=$units/machines.target.wants/container@$n.service
                if grep -qx AUTO_START=1 "$confs/$n.conf"; then
                        boot=1
                        [[ -L $f ]] || echo "$n has no link in machines.target.wants"
                elif [[ -L $f ]]; then
                        echo "$n has a link in machines.target.wants"
                fi
                [[ $(systemctl show -P NeedDaemonReload container@$n) == no ]] || echo "systemd has not read the unit of $n"
                [[ $(systemctl is-failed container@$n) != failed ]] || cat $work/round/*.err | grep -qE "container '$n' (did not|(is not destroyed, and )?(does not run|is still stopping|was stopped))" || echo "$n failed ($(systemctl show -P Result container@$n)): $(grep -h "'$n'" $work/round/*.err; journalctl -q -o short-monotonic --since "@$began" _PID=1 UNIT=container@$n.service)"
                # A run that was interrupted leaves a container that still stops.
                wait_until 60 read_mark $n >/dev/null
                [[ $active == active || ! -e /sys/class/net/ve-$n ]] || echo "ve-$n exists"
                [[ $active != active || $mark == "$is" || -e /run/extra-container/pending/$n ]] || echo "$n runs version $mark, version $is is installed, and there is no note of that"
        done
        # Boot links are only where they are needed.
        if [[ $EC_HOST_FLAVOUR == nixos ]]; then f=$units/multi-user.target.wants/machines.target; else f=; fi
        [[ ! $f || ! $boot || -L $f ]] || echo "$f is missing"
        [[ ! $f || $boot || ! -L $f ]] || echo "$f is left"
        leftovers
}
leftovers() {
        find "$units" "$confs" $roots /run/extra-container -name '.#*' -o -path '*/tmp/*' -o -path '*/sessions/*' -o -name .reload
        local machines copies nft
        machines=$(machinectl list --no-legend --no-pager | awk '{ print $1 }' | sort | tr '\n' ' ')
        is=$(systemctl list-units --plain --no-legend --state=active 'container@*' | sed 's/^container@\(.*\)\.service.*/\1/' | sort | tr '\n' ' ')
        [[ $machines == "$is" ]] || echo "machines $machines, but units $is"
        copies=$(find /run/nixos-containers -maxdepth 1 -name '.#machine.*' -printf '%f\n' | sed 's/^.#machine.\(race-.\).*/\1/' | sort | tr '\n' ' ')
        # What a kill by systemd left is removed by the next start.
        [[ $copies == "$(tr ' ' '\n' <<<"$is" | grep '^race-[ef]$' | tr '\n' ' ')" ]] || killed 'race-[ef]' || echo "copies of $copies, but units $is"
        nft=$(nft list tables | sed -n 's/^table inet extra-container-//p' | sort | tr '\n' ' ')
        ! has_plugin network || [[ $nft == "$(tr ' ' '\n' <<<"$is" | grep -x 'race-[df]' | tr '\n' ' ')" ]] || echo "rules of $nft, but units $is"
        awk '$5 ~ /nspawn\/unix-export\// { print $5 }' /proc/self/mountinfo | while read -r f; do
                [[ " $is " == *" ${f##*/} "* ]] || echo "mount $f"
        done
}
# Was a container killed by systemd in this round, because it did not stop in time?
killed() { journalctl -q --since "@$began" -u 'container@*' --grep "^container@($1)\.service: State '.*' timed out" >/dev/null; }
no_jobs() { [[ ! $(systemctl list-jobs --plain --no-legend 'container@*' | tee /dev/stderr) ]]; }
nothing_wrong() {
        local i
        for i in {1..20}; do
                [[ ! $(wrong | tee $work/wrong) ]] && return
                sleep 1
        done
        return 1
}
list_pairs() {
        local etc n
        for etc in /nix/store/*-etc/etc; do
                for n in "${names[@]}"; do
                        [[ ! -L $etc/nixos-containers/$n.conf ]] || echo "$n $(readlink "$etc/systemd/system/container@$n.service") $(readlink "$etc/nixos-containers/$n.conf")"
                done
        done >$work/pairs
}
