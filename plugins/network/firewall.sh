# shellcheck shell=sh disable=SC2034,SC2317 # firewall-*.sh use what is here
# SPDX-License-Identifier: MIT
#
#   firewall.sh up NAME auto|nft|iptables CONNECTIONS veth|bridge wan|ports|wan+ports ADDRESS...
#   firewall.sh own NAME
#   firewall.sh ports NAME PORT...
#   firewall.sh down NAME
#   firewall.sh links NAME [INTERFACE | bridge:BRIDGE | address:ADDRESS]...
#   firewall.sh guard
#
# The host's rules that let a container reach other networks (wan), and other
# machines its forwarded ports (ports). They are tagged with its name, so that `up`
# and `down` first find and remove all of them, even if the unit that added them is
# gone. `guard` renews the rules that protect other containers: when one of those
# starts or is gone, and after the start of a container whose interface has a name
# that was not known before; if that one has rules itself, `own` does it, and adds the
# name to them. `links` notes the interfaces and addresses of the container's
# extraVeths for these rules.
#
# $state has a file for each such container that runs, and notes of what is to
# be undone after the last one; the names of notes begin with a dot.
set -u
export LC_ALL=C
umask 022

state=/run/extra-container/network
action=$1 name=${2-}
tag=extra-container-$name

feature=enableWAN effect="the container can only reach the host"
wan='' ports=''

die() {
        echo "$feature: $*" >&2
        exit 1
}

# For the journal, and for the user who starts the container with extra-container.
warn() {
        echo "$feature: $*" >&2
        echo "warning=$feature: $*" >> "$state/$name"
}

has() {
        command -v "$1" > /dev/null
}

# What `up` noted about the container.
noted() {
        sed -n "s/^$1=//p" "$state/$name" 2> /dev/null
}

recall() {
        backend=$(noted backend) connections=$(noted connections) link=$(noted link) wan=$(noted wan)
        # shellcheck disable=SC2046 # addresses have no blanks
        take_addresses $(noted address)
}

# The interfaces of its extraVeths, but those in bridges.
links_of() { # CONTAINER
        grep -sv : "$state/.links-$1"
}

# The kernel keeps connections that it knows, so the next container with the address would get their packets.
forget() {
        has conntrack || return 0
        for a in $addresses4 $addresses6 $(sed -n 's/^address://p' "$state/.links-$name" 2> /dev/null); do
                case $a in *:*) f=ipv6 ;; *) f=ipv4 ;; esac
                for end in --orig-src --orig-dst --reply-src --reply-dst; do
                        conntrack -D -f $f $end "$a" > /dev/null 2>&1
                done
        done
}

# A peer that went on sending to a forwarded UDP port while the container did not run has a connection with the host.
forget_host() { # PORT...
        has conntrack || return 0
        ip -o addr show scope global | while read -r _ _ f a _; do
                a=${a%/*}
                case $f in inet) f=ipv4 ;; *) f=ipv6 ;; esac
                for port; do
                        conntrack -D -f $f -p udp --orig-dst "$a" --reply-src "$a" --orig-port-dst "$port" \
                                > /dev/null 2>&1
                done
        done
}

# systemd-nspawn shortens a name that is too long for an interface, and gives the interface the long one as well.
find_interface() { # NAME: as $i; empty if it is not known before the start
        case ve-$1 in
        ????????????????*) i=$(ip -o link show dev "ve-$1" 2> /dev/null | sed -n 's/^[0-9]*: \([^:@]*\).*/\1/p') ;;
        *) i=ve-$1 ;;
        esac
}

# Others may not use the container's address, because the rules, and rules of the host, let it pass: sets $elsewhere,
# which matches packets that are not from its interface; empty if that is not known yet. Behind a bridge, the address
# may come by several interfaces, but not by those of other containers.
find_elsewhere() { # [KNOWN]
        i=
        [ ! "${1-}" ] || find_interface "$name"
        case $backend:$link:$i in
        nftables:bridge:*) elsewhere='iifname "ve-*"' ;;
        *:bridge:*) elsewhere='-i ve-+' ;;
        *:veth:) elsewhere='' ;;
        nftables:*) elsewhere="iifname != \"$i\"" ;;
        *) elsewhere="! -i $i" ;;
        esac
}

for file in iptables nft guard forwarding check; do
        # shellcheck disable=SC1090 # they are checked, too
        . "${0%/*}/firewall-$file.sh"
done

choose() {
        case $1 in
        nft) nft_works || die "nft does not work on this host, but [network] firewall = nft"
             backend=nftables ;;
        iptables)
                if iptables_used legacy || ! nft_works; then backend=legacy; else backend=nft; fi ;;
        *)
                # The same as the host uses, so that its rules and ours are in one place.
                if iptables_used legacy; then backend=legacy
                elif iptables_used nft; then backend=nft
                elif nft_works; then backend=nftables
                else backend=legacy
                fi ;;
        esac
        # A kernel or a package that lacks one kind has the other.
        case $backend in
        legacy) select_iptables legacy 4 make || backend=nft ;;
        nft) select_iptables nft 4 || backend=legacy ;;
        esac
}

remove_rules() {
        failed=
        nft_down
        iptables_down nft
        iptables_down legacy
        drop_made
        [ ! "$failed" ] || die "some rules of container '$name' could not be removed"
}

down() {
        recall
        remove_rules
        forget
        rm -f "$state/$name" "$state/.links-$name"
        set -- "$state"/[!.]*
        if [ ! -e "$1" ]; then
                stop_forwarding
        elif guarded; then
                guard
        fi
        [ ! "$failed" ] || die "the rules that protect other containers could not be removed"
}

case $action:$name in
guard:) ;;
*: | *:*[!a-zA-Z0-9-]*) die "'$name' is not a container name" ;;
esac
# The program expects a directory that only root can enter.
(umask 077 && mkdir -p "$state") || die "cannot create $state"
# Containers start in parallel.
exec 9> "$state/.lock" || die "cannot write to $state"
! has flock || flock -w 60 9 || die "another process has held $state/.lock for too long"

take_addresses() {
        addresses4='' addresses6=''
        for a; do
                case $a in *:*) addresses6="$addresses6 $a" ;; *) addresses4="$addresses4 $a" ;; esac
        done
}

note_container() {
        {
                echo "path=$PATH"
                echo "backend=$backend"
                echo "connections=$connections"
                echo "link=$link"
                [ ! "$wan" ] || echo wan=1
                for a in $addresses4 $addresses6; do echo "address=$a"; done
        } > "$state/$name"
}

case $action in
up)
        choice=$3 connections=$4 link=$5
        case $6 in *wan*) wan=1 ;; esac
        case $6 in *ports*) ports=1 ;; esac
        [ "$wan" ] || feature=forwardPorts effect="other machines cannot reach its forwarded ports"
        shift 6
        take_addresses "$@"
        remove_rules
        forget
        choose "$choice"
        note_container || die "cannot write to $state"
        # A long name's interface is that of an earlier start, if there is one.
        case ve-$name in ????????????????*) find_elsewhere ;; *) find_elsewhere known ;; esac
        nft_up
        if [ "$backend" != nftables ]; then
                iptables_up "$backend"
                [ ! "$wan" ] || iptables_own "$backend"
        fi
        forwarding
        check_iptables legacy
        check_iptables nft
        check_nft
        ;;
own)
        ! guarded || guard
        recall
        find_elsewhere known
        [ "$elsewhere" ] || die "interface ve-$name does not exist"
        # Once for each start: first before the interface is up.
        if [ "$(noted interface)" != "$i" ]; then
                nft_up
                [ "$backend" = nftables ] || [ ! "$wan" ] || iptables_own "$backend" known
                echo "interface=$i" >> "$state/$name"
        fi
        ;;
ports)
        shift 2
        forget_host "$@"
        ;;
links)
        shift 2
        rm -f "$state/.links-$name"
        for i; do
                l=${i#bridge:}
                case $i in
                address:*[!0-9a-fA-F.:]*) die "'$i' has no address" ;;
                address:*) ;;
                *) case $l in
                   *[!a-zA-Z0-9_.-]* | ????????????????*) die "'$i' is not the name of an interface" ;;
                   esac ;;
                esac
                echo "$i" >> "$state/.links-$name"
        done
        ;;
guard)
        # Without a unit around it, with the programs that set up the rules.
        has nft || PATH=$(sed -n 's/^path=//p' "$state"/[!.]* 2> /dev/null | head -n 1):$PATH
        ! guarded || guard
        ;;
down)
        down
        ;;
*) die "unknown action '$action'" ;;
esac
exit 0
