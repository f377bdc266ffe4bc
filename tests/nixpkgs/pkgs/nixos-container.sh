# nixos-container, limited to what containers built here need. The build adds the
# first lines with PATH, state_dir and conf_dir.
# shellcheck shell=bash disable=SC2154
set -eu

usage() {
    cat <<-'END'
	Usage: nixos-container list
	       nixos-container start|stop|restart|terminate|status|show-ip|root-login NAME
	       nixos-container run NAME -- COMMAND [ARGUMENT]...
	END
}
die() {
    echo "nixos-container: $*" >&2
    exit 1
}

command=${1-}
case $command in
    list)
        for conf in "$conf_dir"/*.conf; do
            [[ -e $conf ]] || continue
            conf=${conf##*/}
            echo "${conf%.conf}"
        done
        exit 0
        ;;
    -h|--help|help) usage; exit 0 ;;
    start|stop|restart|terminate|status|show-ip|root-login|run) ;;
    '') usage >&2; exit 1 ;;
    *) die "no action '$command' specified or known" ;;
esac

name=${2-}
[[ $name ]] || die "no container name specified"
[[ $name =~ ^[a-zA-Z0-9-]+$ ]] || die "invalid container name '$name'"
[[ -e $conf_dir/$name.conf ]] || die "container '$name' does not exist"
shift 2

setting() {
    local key value
    while IFS='=' read -r key value; do
        [[ $key == "$1" ]] && echo "$value"
    done < "$conf_dir/$name.conf"
    return 0
}
leader() {
    machinectl show "$name" --property=Leader --value 2>/dev/null || die "container '$name' is not running"
}
# Runs a command line in a login environment of the container's root.
enter() {
    local pid user=()
    pid=$(leader)
    [[ /proc/$pid/ns/user -ef /proc/self/ns/user ]] || user=(--user)
    exec nsenter --target "$pid" --mount --uts --ipc --net --pid "${user[@]}" -- \
        /run/current-system/sw/bin/su root -l -c "$1"
}

case $command in
    start|stop|restart) exec systemctl "$command" "container@$name" ;;
    terminate) exec machinectl terminate "$name" ;;
    status) if systemctl is-active --quiet "container@$name"; then echo up; else echo down; fi ;;
    show-ip)
        address=$(setting LOCAL_ADDRESS)
        [[ $address ]] || die "cannot get the IP address of container '$name'"
        echo "${address%%/*}"
        ;;
    root-login) enter "exec bash --login" ;;
    run)
        [[ ${1-} != -- ]] || shift
        (( $# )) || die "no command specified"
        enter "exec ${*@Q}"
        ;;
esac
