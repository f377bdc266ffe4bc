# A small netcat on top of socat: nc [-46dklNnuUvz] [-w SECONDS] [-q SECONDS] [-p PORT] [HOST] [PORT]
# shellcheck shell=bash disable=SC1007
family= listen= keep= zero= udp= unix= timeout= local_port= detach=
while getopts :46dDhklnNrtuUvzw:q:p:s:i:I:O: option; do
    case $option in
        4|6) family=$option ;;
        d) detach=1 ;;
        k) keep=1 ;;
        l) listen=1 ;;
        u) udp=1 ;;
        U) unix=1 ;;
        z) zero=1 ;;
        w) timeout=$OPTARG ;;
        p) local_port=$OPTARG ;;
        # -N: socat always half-closes at the end of input.
        n|N|r|t|v|D|q|s|i|I|O) ;;
        h) sed -n 's/^# A small netcat on top of socat: /usage: /p' "$0"; exit 0 ;;
        *) echo "nc: invalid option -- '$OPTARG'" >&2; exit 1 ;;
    esac
done
shift $((OPTIND - 1))

die() {
    echo "nc: $*" >&2
    exit 1
}

stdio=-
[[ $detach ]] && stdio=/dev/null
# By default socat disconnects after 0.5 s from a peer that does not close.
args=(-t "${timeout:-31536000}")

if [[ $unix ]]; then
    (( $# == 1 )) || die "the path of a socket is needed"
    if [[ $listen ]]; then
        peer=UNIX-LISTEN:$1${keep:+,fork}
    else
        peer=UNIX-CONNECT:$1
    fi
elif [[ $listen ]]; then
    (( $# <= 2 )) || die "too many arguments"
    port=${local_port:-${!#}}
    (( $# )) || [[ $local_port ]] || die "a port is needed"
    peer=$([[ $udp ]] && echo UDP || echo TCP)${family:-6}-LISTEN:$port,reuseaddr
    [[ $family || $udp ]] || [[ ! -e /proc/net/if_inet6 ]] || peer+=,ipv6only=0
    [[ $family || -e /proc/net/if_inet6 ]] || peer=${peer/TCP6/TCP4}
    (( $# == 2 )) && peer+=,bind=$1
    [[ $keep ]] && peer+=,fork
else
    (( $# == 2 )) || die "a host and a port are needed"
    peer=$([[ $udp ]] && echo UDP || echo TCP)$family:$1:$2
    [[ $timeout && ! $udp ]] && peer+=,connect-timeout=$timeout
    [[ $local_port ]] && peer+=,sourceport=$local_port
fi

[[ $zero ]] && exec socat -u OPEN:/dev/null "$peer"
exec socat "${args[@]}" "$stdio" "$peer"
