# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Sourced by races.sh: random choices, all from the seed. No subshell may call these: it has random numbers of its own.

pick() { REPLY=${*:RANDOM % $# + 1:1}; }
pick_names() { # HOW MANY: in picked[]
        local n
        picked=()
        while ((${#picked[@]} < $1)); do
                pick "${names[@]}"
                [[ " ${picked[*]-} " == *" $REPLY "* ]] || picked+=("$REPLY")
        done
}
# Sets cmd[], and of[]: the containers that it changes.
pick_command() {
        local kind v
        pick create create create create start start start start update update restart_changed file restart restart \
                destroy destroy destroy several all list json gc build session session session inside \
                up up stop stop terminate reload status run run shell-exec wait top show_ip
        kind=$REPLY v=$((RANDOM % 2 + 1))
        case $kind in
        create | start | update | restart_changed) pick_names $((RANDOM % 3 + 1)) ;;
        up | stop | terminate | reload | status | wait) pick_names $((RANDOM % 2 + 1)) ;;
        several) pick_names $((RANDOM % 3 + 2)) ;;
        *) pick_names 1 ;;
        esac
        of=("${picked[@]}") version=$v
        case $kind in
        create) cmd=(create "${out[v]}" "${of[@]}") ;;
        start) cmd=(create --start "${out[v]}" "${of[@]}") ;;
        update) cmd=(create -u "${out[v]}" "${of[@]}") ;;
        restart_changed) cmd=(create -r "${out[v]}" "${of[@]}") ;;
        file) cmd=(create "v$v.nix" "${of[@]}") ;;
        restart) cmd=(restart "${of[@]}") of=() ;;
        destroy | several) cmd=(destroy "${of[@]}") version=absent ;;
        all) cmd=(destroy --all) of=("${names[@]}") version=absent ;;
        list) cmd=(list) of=() ;;
        json) cmd=(list --json) of=() ;;
        gc) cmd=(gc) of=() ;;
        build) cmd=(build "v$v.nix" "${of[@]}") of=() ;;
        up) cmd=(start "${of[@]}") of=() ;;
        stop | terminate | reload) cmd=("$kind" "${of[@]}") of=() ;;
        status)
                pick '' --json "${of[@]}"
                case $REPLY in race-*) cmd=(status "${of[@]}") ;; *) cmd=(status ${REPLY:+"$REPLY"}) ;; esac
                of=()
                ;;
        run | shell-exec)
                pick "true" "sleep 1"
                # shellcheck disable=SC2206
                cmd=("$kind" "${of[0]}" $REPLY) of=()
                ;;
        wait)
                pick running stopped
                cmd=(wait "${of[@]}" --for "$REPLY" --timeout 2s) of=()
                ;;
        top) cmd=(top --once) of=() ;;
        show_ip) cmd=(show-ip "${of[0]}") of=() ;;
        session)
                pick -d -n ''
                cmd=(shell "${out[v]}" "${of[0]}" ${REPLY:+"$REPLY"} --run c cat /etc/mark)
                [[ $REPLY == -n ]] || version=absent
                ;;
        inside)
                cmd=(shell "${out[v]}" "${of[0]}" -d --run sh -c "extra-container create -u ${out[3 - v]} ${of[0]} && c cat /etc/mark")
                version=absent
                ;;
        esac
        has_plugin_command "${cmd[0]}" || pick_command
}
has_plugin_command() {
        case $1 in
        gc) [[ $gc ]] ;;
        shell | shell-exec) [[ $shell ]] ;;
        start | stop | terminate | reload | status | run | wait | top) [[ $control ]] ;;
        show-ip) [[ $network ]] ;;
        esac
}
pick_signals() { # in signals: DELAY SIGNAL [DELAY SIGNAL]
        signals=
        ((RANDOM % 3)) && return
        pick INT TERM HUP
        printf -v signals '%d.%03d %s' $((RANDOM % 3)) $((RANDOM % 1000)) "$REPLY"
        ((RANDOM % 3)) || signals+=" 0.$((RANDOM % 10)) INT"
}
