# shellcheck shell=sh disable=SC2034,SC2154 # variables of firewall.sh, which sources this file
# SPDX-License-Identifier: MIT
# Forwarding is a switch of the whole host: on for the first container that needs it, off after the last one.

forward4=/proc/sys/net/ipv4/ip_forward
forward6=/proc/sys/net/ipv6/conf/all/forwarding

switch_on() {
        [ "$(cat "$1")" = 1 ] && return 0
        echo 1 2> /dev/null > "$1" ||
                warn "forwarding cannot be switched on ($1): $effect"
}

# Does the configuration of the host switch forwarding on?
configured() { # ipv4|ipv6
        cat /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf 2> /dev/null |
                grep -qE "^[[:space:]]*-?net[./]$1[./](ip_forward|conf[./]all[./]forwarding)[[:space:]]*=[[:space:]]*1"
}

# Notes which interfaces forward already, because the switch overwrites that.
note_forwarding() { # ipv4|ipv6
        configured "$1" || grep -lx 1 "/proc/sys/net/$1"/conf/*/forwarding > "$state/.forwarding${1#ipv}"
}

# Routers ignore router advertisements by default, so the host would lose its own route. Those of containers must still
# be ignored, also of containers that start later: so not `default`, and no interface that is down, whose container may
# be starting. The kernel does not use the value of `all`.
keep_adverts() {
        for f in /proc/sys/net/ipv6/conf/*/accept_ra; do
                i=${f%/*} i=${i##*/}
                case $i in all | default | ve-* | vb-*) continue ;; esac
                # In this order, because a container's unit first sets 0 and then the interface up.
                read -r flags 2> /dev/null < "/sys/class/net/$i/flags" || continue
                [ $((flags & 1)) = 1 ] || continue
                [ "$(cat "$f")" = 1 ] || continue
                echo "$f" >> "$state/.accept_ra_raised"
                echo 2 2> /dev/null > "$f"
        done
}

forwarding() {
        [ ! "$addresses4" ] || [ "$(cat $forward4)" = 1 ] || note_forwarding ipv4
        [ ! "$addresses6" ] || [ "$(cat $forward6)" = 1 ] || note_forwarding ipv6
        if nft_works; then
                guard
        elif [ -e "$state/.forwarding4" ] || [ -e "$state/.forwarding6" ]; then
                warn "nft does not work on this host, so other machines can also reach containers through it"
        fi
        [ ! "$addresses4" ] || switch_on $forward4
        [ "$addresses6" ] && [ "$(cat $forward6)" != 1 ] || return 0
        keep_adverts
        switch_on $forward6
}

# Are there rules of others by now that need forwarding?
others_forward() {
        iptables_has legacy '-j (MASQUERADE|SNAT|DNAT)' && return 0
        nft list tables 2> /dev/null | {
                while read -r _ f t; do
                        case $t in
                        extra-container) continue ;;
                        # systemd never removes this table; the set has what systemd-networkd translates.
                        io.systemd.nat) nft list set "$f" "$t" masq_saddr 2> /dev/null < /dev/null | grep -q elements ;;
                        *) nft list table "$f" "$t" 2> /dev/null < /dev/null | grep -qiE '(masquerade|[sd]nat)' ;;
                        esac && exit 0
                done
                exit 1
        }
}

switch_off() { # ipv4|ipv6 FILE
        note=$state/.forwarding${1#ipv}
        [ -e "$note" ] && ! configured "$1" && echo 0 2> /dev/null > "$2" || return 0
        while read -r f; do
                echo 1 2> /dev/null > "$f"
        done < "$note"
        [ "$1" = ipv6 ] && [ -e "$state/.accept_ra_raised" ] || return 0
        while read -r f; do
                [ "$(cat "$f" 2> /dev/null)" != 2 ] || echo 1 2> /dev/null > "$f"
        done < "$state/.accept_ra_raised"
}

# After the last container, as it was before the first.
stop_forwarding() {
        others_forward || { switch_off ipv4 $forward4; switch_off ipv6 $forward6; }
        rm -f "$state"/.forwarding* "$state/.accept_ra_raised"
        ! guarded || nft delete table inet extra-container || failed=1
}
