#!/usr/bin/env bash
# Runs many commands on the same containers at the same time, and sends signals to some of them, in rounds. After each
# round, the host must be in a state that the commands, one after the other, lead to. Runs in a throwaway host, in TAP.
# Usage: races.sh [ROUNDS [SEED [RUNS]]]
here=$(dirname -- "$(readlink -f -- "$0")")
. "$here/../host/lib.sh"
. "$here/../host/containers.sh"
. "$here/../host/state.sh"
. "$here/choose.sh"
. "$here/judge.sh"
rounds=${1:-1} seed=${2:-1} runs=${3:-32} gc='' shell='' control='' network=''
work=/root/races
! has_plugin gc || gc=1
! has_plugin shell || shell=1
! has_plugin control || control=1
! has_plugin network || network=1
# A run that takes longer hangs; many run at the same time, perhaps on a busy machine.
limit=600
mkdir -p $work
cc -O1 -D_GNU_SOURCE -shared -fPIC -o $work/observe.so "$here/observe.c" -ldl || bail_out "observe.c does not compile"
diag "seed $seed; repeat with: make check-races ROUNDS=$rounds SEED=$seed RUNS=$runs"

# A container that is told to stop while it boots may ignore that, until systemd kills it.
mkdir -p /run/systemd/system/container@.service.d
printf '[Service]\nTimeoutStopSec=5\n' >/run/systemd/system/container@.service.d/limit.conf
systemctl daemon-reload

# ---- definitions: two versions of six containers ----
names=(race-a race-b race-c race-d race-e race-f)
definition() { # VERSION
        local config="config = { environment.etc.mark.text = \"$1\"; system.stateVersion = \"26.05\"; };" auto='' wan=''
        ! has_plugin network || auto='extra.addressPrefix = "auto";' wan='extra.enableWAN = true;'
        cat <<EOF
{ containers = {
  race-a = { $config autoStart = true; };
  race-b = { $config };
  race-c = { $config $auto privateNetwork = true; };
  race-d = { $config $auto $wan autoStart = $([[ $1 == 1 ]] && echo true || echo false); };
  race-e = { $config ephemeral = true; };
  race-f = { $config ephemeral = true; $auto privateNetwork = true; forwardPorts = [ { hostPort = 8080; containerPort = 80; } ]; };
}; }
EOF
}
out=()
for v in 1 2; do
        definition $v >v$v.nix
        out[v]=$(extra-container build v$v.nix) || bail_out "v$v.nix was not built"
        nix-store --realise "${out[v]}" --add-root $work/keep-$v >/dev/null
done

# ---- two sessions with one container ----
ended() { [[ ! $(readlink /proc/$1/exe) || ! $(readlink /proc/$2/exe) ]]; }
two_sessions() {
        local i n=${names[1]} session=() won got who
        rm -f $work/go
        mkfifo $work/go
        for i in 0 1; do
                (exec extra-container shell "${out[1]}" $n -d --run sh -c "read -r line <$work/go") >$work/session$i.out 2>$work/session$i.err </dev/null &
                session[i]=$!
        done
        wait_until $limit ended "${session[@]}" || bad_end "two sessions with $n: $(cat $work/session*.err)"
        if [[ $(readlink /proc/${session[0]}/exe) ]]; then won=0; else won=1; fi
        got=0
        wait ${session[1 - won]} || got=$?
        who="error: a session with '$n' is open (process ${session[won]}); end it first, for example with 'kill ${session[won]}'"
        [[ "$got $(grep -v ^waiting $work/session$((1 - won)).err)" == "1 $who" ]] || bad_end "the second session with $n: status $got $(<$work/session$((1 - won)).err)"
        run extra-container create "${out[2]}" $n
        [[ "$status $(grep -v ^waiting <<<"$err")" == "1 $who" ]] || bad_end "create during a session with $n: status $status $err"
        timeout $limit sh -c "echo >$work/go" || bad_end "the session with $n does not get there: $(<$work/session$won.err)"
        got=0
        wait ${session[won]} || got=$?
        [[ $got == 0 && ! $(grep -E '^(error|warning)' $work/session$won.err | without_usual) ]] || bad_end "the first session with $n: status $got $(<$work/session$won.err)"
        [[ ! $(left_of $n) ]] || bad_end "after a session: $(left_of $n)"
        possible[$n]=absent
        total=$((total + 3))
}

# ---- one round ----
# Every second round begins with containers that run.
start_all() {
        local n
        run extra-container create --start "${out[1]}"
        [[ $status == 0 ]] || bad_end "create --start before the round: $err"
        for n in "${names[@]}"; do possible[$n]=1; done
}
# Each run has files NUMBER.{cmd,of,version,sent,out,err,status} in $work/round, and its process ID in pids[].
start_runs() {
        local i delay
        rm -rf $work/round
        mkdir $work/round
        : >$work/order
        rm -f $work/hung
        pids=() senders=()
        for ((i = 0; i < runs; i++)); do
                pick_command
                pick_signals
                printf -v delay '0.%03d' $((RANDOM % 600))
                printf '%s\n' "${cmd[*]}" >$work/round/$i.cmd
                printf '%s\n' "${of[*]-}" >$work/round/$i.of
                printf '%s\n' "$version" >$work/round/$i.version
                printf '%s\n' "$delay $signals" >$work/round/$i.sent
                (
                        sleep "$delay"
                        # A shell without job control makes background processes ignore INT.
                        exec env --default-signal=INT LD_PRELOAD=$work/observe.so RACES_LOG=$work/order extra-container "${cmd[@]}"
                ) >$work/round/$i.out 2>$work/round/$i.err </dev/null &
                pids[i]=$!
                [[ $signals ]] || continue
                # shellcheck disable=SC2086
                send "${pids[i]}" "$delay" $signals &
                senders+=($!)
        done
}
send() { # PID DELAY (DELAY SIGNAL)...
        local pid=$1
        # Not before the program is there: the shell does not handle signals as the program does.
        until [[ $(readlink "/proc/$pid/exe") == */extra-container ]]; do
                [[ -d /proc/$pid ]] || return
                sleep 0.02
        done
        shift 2
        while (($#)); do
                sleep "$1"
                kill -s "$2" "$pid" || return
                shift 2
        done 2>/dev/null
}
# Prints where the runs that did not end wait.
show_hung() {
        local i f
        printf 'the lock: %s\n' "$(cat /run/extra-container/lock)"
        for i in "$@"; do
                printf 'run %s, process %s, %s: %s\n' "$i" "${pids[i]}" "$(<$work/round/$i.sent)" "$(<$work/round/$i.cmd)"
                for f in wchan syscall stack; do printf '%s: %s\n' $f "$(cat "/proc/${pids[i]}/$f" 2>&1)"; done
                pgrep -P "${pids[i]}" -a
                ls -l "/proc/${pids[i]}/fd"
                cat "$work/round/$i.err"
        done
        systemctl list-jobs --no-pager
}
wait_runs() {
        local i pid watch hung=()
        (
                sleep $limit || exit
                for ((i = 0; i < runs; i++)); do
                        [[ ! -d /proc/${pids[i]} ]] || hung+=("$i")
                done
                show_hung "${hung[@]}" >$work/hung 2>&1
                for i in "${hung[@]}"; do kill -KILL "${pids[i]}"; done
        ) &
        watch=$!
        for ((i = 0; i < runs; i++)); do
                local got=0
                wait "${pids[i]}" || got=$?
                echo $got >$work/round/$i.status
        done 2>/dev/null
        {
                pkill -P $watch
                wait $watch
        } 2>/dev/null
        for pid in "${senders[@]}"; do wait "$pid"; done
}

# Makes the directories and tables that stay.
extra-container create --start "${out[1]}" >$work/first 2>&1 && extra-container destroy --all >$work/first 2>&1 || bail_out "$(<$work/first)"
state >$work/clean
for n in "${names[@]}"; do possible[$n]=absent; done
RANDOM=$seed
total=0 sent=0 bad=0
for ((round = 1; round <= rounds; round++)); do
        began=$EPOCHSECONDS
        # As after a boot: all runs make these at the same time.
        rm -rf /run/extra-container/{ssh,sessions,tmp,lock,network/.lock,network/.partition*}
        [[ ! $shell ]] || two_sessions
        ((round % 2)) || start_all
        start_runs
        wait_runs
        [[ ! -s $work/hung ]] || bad_end "runs that do not end: $(<$work/hung)"
        list_times
        for ((i = 0; i < runs; i++)); do check_run $i; done
        follow
        list_pairs
        # Units start and stop, and interfaces vanish, after the program has ended.
        wait_until 300 no_jobs || bad_end "jobs that do not end: $(systemctl list-jobs)"
        nothing_wrong || bad_end "$(<$work/wrong)
order: $(for p in $(<$work/order); do for ((i = 0; i < runs; i++)); do [[ ${pids[i]} != "$p" ]] || printf '%s; ' "$i $(<$work/round/$i.cmd) [$(<$work/round/$i.status)]"; done; done)"
        [[ ! -d ${EC_RACES_KEEP-} || ! -e $work/bad ]] || cp -r $work/bad $work/round "$EC_RACES_KEEP/"
        for n in "${names[@]}"; do possible[$n]=$(installed $n); done
        total=$((total + runs))
        sent=$((sent + $(cat $work/round/*.sent | grep -oE 'INT|TERM|HUP' | wc -l)))
        diag "round $round: status $(cat $work/round/*.status | sort -n | uniq -c | awk '{ printf "%s×%s ", $2, $1 }')"
done
is "$total runs at the same time end as they should" "$(cat $work/bad 2>/dev/null)" ""
diag "races: $total runs, $sent signals, $bad bad ends"

run extra-container create --start "${out[1]}"
is "afterwards, all containers are created" "$status $(extra-container list | tr '\n' ' ')" "0 ${names[*]} "
is "and run" "$(for n in "${names[@]}"; do active $n; done | sort -u)" active
run extra-container destroy --all
is "and are destroyed" "$status $err" "0 "
is_clean() { diff $work/clean <(state); }
ok "nothing is left" wait_until 60 is_clean
done_testing
