#!/usr/bin/env bash
# Runs a command of the program once for each step with which it changes something, and kills it before this step, or
# makes the step fail. The next run must then end as an undisturbed run does. Runs in a throwaway host, in TAP.
# Usage: steps.sh [-p PATTERN] [-k EVERY] [-s FIRST] [-f FAULTS] SCENARIO...
# Takes only the steps that match PATTERN, and every EVERY-th of them, from number FIRST on (default: 0).
# FAULTS: kill, boot (a kill, then the host is started again), or error (each error that the call can have)
here=$(dirname -- "$(readlink -f -- "$0")")
. "$here/../host/lib.sh"
. "$here/../host/containers.sh"
. "$here/../host/state.sh"
every=1 first=0 pattern='' faults='kill error boot'
while getopts p:k:s:f: option; do
        case $option in
        p) pattern=$OPTARG ;;
        k) every=$OPTARG ;;
        s) first=$OPTARG ;;
        f) faults=$OPTARG ;;
        *) exit 2 ;;
        esac
done
shift $((OPTIND - 1))

work=/root/crash
mkdir -p $work
cc -O1 -D_GNU_SOURCE -o $work/at "$here/at.c" || bail_out "at.c does not compile"

# ---- definitions, built once ----
define() { # FILE TEXT AUTOSTART
        def "$1" <<END
{ containers.crash = {
    config = { environment.etc.mark.text = "$2"; system.stateVersion = "26.05"; };
    autoStart = $3;
    privateNetwork = true;
    hostAddress = "10.9.8.1";
    localAddress = "10.9.8.2";
    $(! has_plugin network || echo "extra.enableWAN = true;")
  }; }
END
}
define one.nix 1 true
define two.nix 2 true
define manual.nix 1 false
one=$(extra-container build one.nix) && two=$(extra-container build two.nix) && manual=$(extra-container build manual.nix) || bail_out "a definition was not built"
# The same unit with other settings.
cp -rL "$one" other
{
        cat "$one/etc/nixos-containers/crash.conf"
        echo OTHER=1
} >other/etc/nixos-containers/crash.conf
ln -sf "$(readlink "$one/etc/systemd/system/container@crash.service")" other/etc/systemd/system/container@crash.service
other=$(nix-store --add other)
for path in "$one" "$two" "$manual" "$other"; do
        nix-store --add-root "$work/keep-${path##*/}" --indirect --realise "$path" >/dev/null
done

# ---- scenarios: before NAME makes the state in which the command runs ----
declare -A commands=(
        [create]="create $one"
        [change]="create $two"
        [conf]="create $other"
        [manual]="create $manual"
        [file]="create one.nix"
        [start]="create --start $one"
        [update]="create -u $two"
        [restart]="restart crash"
        [destroy]="destroy crash"
        [destroy-running]="destroy crash"
        [shell]="shell $one --run true"
        [gc]="gc"
)
before() {
        case $1 in
        change | conf | manual | destroy) extra-container create "$one" ;;
        update | restart | destroy-running) extra-container create --start "$one" ;;
        gc)
                extra-container create "$one"
                rm -f $roots/extra-container-crash
                ln -s "$units/container@gone.service" $roots/extra-container-gone
                ;;
        esac >/dev/null 2>$work/before.err || bail_out "the state before $1: $(<$work/before.err)"
}
clean() {
        extra-container destroy --all >/dev/null 2>&1
        rm -f $roots/extra-container-*
}
# After a bad end: removes what the program did not.
clean_all() {
        clean
        systemctl kill -s KILL 'container@*' 2>/dev/null
        systemctl reset-failed
        rm -rf /run/extra-container /run/nixos-containers/{*,.#*} "$units"/{container@crash.service,machines.target.wants,multi-user.target.wants/machines.target} \
                "$units"/.#* "$confs"/{crash.conf,.#*} $roots/{.#*,run-*} /etc/static/.#*
        nft flush ruleset 2>/dev/null
        systemctl daemon-reload
}

# Nix's next collection removes dangling roots.
collect() { find $roots -xtype l -name 'extra-container-*' -delete; }
# What a boot of the host changes: notes are gone, and systemd reads the units.
boot() {
        rm -rf /run/extra-container
        collect
        systemctl daemon-reload
}
without_notes() {
        sed -e '/^\/run\/extra-container\//d' -e '/\/run-extra-container-tmp-/d'
}
# installed_as FILE: the links of the container are those of this state
installed_as() {
        grep '^/[^ ]*crash' <"$1" | without_notes >$work/want
        state | grep '^/[^ ]*crash' | without_notes >$work/got
        cmp -s $work/got $work/want
}
# reaches FILE [notes]: the state becomes that of the file, or with notes but for notes and temporary files; units stop
# and interfaces vanish after the program has ended
reaches() {
        local limit=$((SECONDS + patience))
        while :; do
                if [[ ${2-} ]]; then
                        without_notes <"$1" >$work/want
                        state | without_notes >$work/got
                else
                        cp "$1" $work/want
                        state >$work/got
                fi
                cmp -s $work/got $work/want && return
                ((SECONDS < limit)) || return 1
                sleep 0.1
        done
}
# The errors that a call can return.
errors() {
        case $1 in
        open* | write* | pwrite* | fsync) echo ENOSPC EIO EROFS EINTR ;;
        clone* | fork | vfork) echo EAGAIN ;;
        sendmsg | sendto) echo EINTR ;;
        kill | pidfd_send_signal) ;;
        *) echo ENOSPC EIO EROFS ;;
        esac
}

# Prints the numbers of the steps to take. Of the many files in a state directory, one in ten.
chosen() {
        local i n=0 inner='^unlinkat [^/]*$'
        for ((i = 1; i <= ${#list[@]}; i++)); do
                [[ ! ${list[i - 1]} =~ $inner || ! ${list[i]-} =~ $inner || $((i % 10)) == 0 ]] || continue
                [[ ! ${list[i - 1]} =~ $pattern ]] || ((n++ % every != first)) || echo $i
        done
}

steps=0 bad=0
bad_end() { # STEP FAULT WHY
        bad=$((bad + 1))
        printf '%s\n' "step $1 ($(<$work/step)), $2: $3" >>$work/bad
        clean_all
}
# attempt SCENARIO STEP FAULT
attempt() {
        local cmd status
        read -ra cmd <<<"${commands[$1]}"
        reaches $work/clean || {
                clean_all
                diag "before step $2, $3: not clean: $(diff $work/clean $work/got)"
        }
        before "$1"
        state >$work/start
        local fault=$3
        [[ $fault != boot ]] || fault='kill'
        $work/at $work/step "$2" "$fault" extra-container "${cmd[@]}" >$work/out 2>$work/err </dev/null
        status=$?
        [[ -s $work/step ]] || return 0 # this run had fewer steps
        steps=$((steps + 1))
        if [[ $fault != kill ]]; then
                if ((status > 128)); then
                        bad_end "$2" "$3" "killed: status $status"
                        return
                elif ((status == 0)); then
                        ! grep -q '^warning: .*cannot remove the garbage collector root' $work/err || collect
                        # What is left in /run does no harm, and is removed by the next run.
                        reaches $work/end notes || {
                                bad_end "$2" "$3" "success, but: $(diff $work/want $work/got) $(<$work/err)"
                                return
                        }
                elif ! grep -q '^error: ' $work/err; then
                        bad_end "$2" "$3" "status $status without an error: $(<$work/err)"
                        return
                # An installation is undone, or complete. Other commands have phases, each of which is.
                elif ((patience == 2)) && [[ $1 != @(destroy|gc) ]] && ! installed_as $work/start &&
                        ! installed_as $work/end; then
                        bad_end "$2" "$3" "half done: $(diff $work/want $work/got) $(<$work/err)"
                        return
                fi
        elif [[ $3 == boot ]]; then
                boot
        fi
        extra-container "${cmd[@]}" >$work/out2 2>$work/err2 </dev/null
        status=$?
        # The update of the killed run goes on in the container.
        if grep -q 'another switch is running' $work/err2; then
                wait_until 60 extra-container "${cmd[@]}"
                status=$?
        fi
        [[ $3 != boot ]] || boot
        if ((status)) && [[ $1 != destroy* ]]; then
                bad_end "$2" "$3" "the next run fails: $(<$work/err2)"
        elif ! reaches $work/end; then
                bad_end "$2" "$3" "the next run ends differently: $(diff $work/end $work/got)"
        fi
        clean
}

# Makes the directories that stay.
start=
[[ " $* " != *" "@(start|update|restart|destroy-running|shell)" "* ]] || start=--start
extra-container create $start "$one" >/dev/null 2>&1 && extra-container destroy crash >/dev/null
state >$work/clean
for scenario; do
        read -ra cmd <<<"${commands[$scenario]}"
        # A container that ran needs longer to vanish.
        patience=2
        [[ $scenario != @(start|update|restart|destroy-running|shell) ]] || patience=15
        before "$scenario"
        $work/at $work/list 0 kill extra-container "${cmd[@]}" >$work/out 2>$work/err </dev/null || bail_out "$scenario failed: $(<$work/err)"
        # Until it is the same twice.
        state >$work/end
        reaches $work/end || bail_out "$scenario: the state does not settle"
        clean
        mapfile -t list <$work/list
        if [[ $faults == list ]]; then
                printf '# %s\n' "${list[@]}"
                continue
        fi
        for fault in $faults; do
                if [[ $fault == boot ]]; then
                        ((patience == 2)) || continue
                        before "$scenario"
                        extra-container "${cmd[@]}" >$work/out 2>&1 </dev/null
                        boot
                        state >$work/end
                        clean
                fi
                steps=0 bad=0
                : >$work/bad
                for i in $(chosen); do
                        if [[ $fault != error ]]; then
                                attempt "$scenario" $i "$fault"
                                continue
                        fi
                        for error in $(errors "${list[i - 1]%% *}"); do
                                attempt "$scenario" $i "$error"
                        done
                done
                is "$scenario, $fault: $steps steps" "$(<$work/bad)" ""
                diag "$scenario, $fault: $steps steps, $bad bad ends"
        done
done
done_testing
