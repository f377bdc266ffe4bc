# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
#   firewall.sh up NAME auto|nft|iptables veth|bridge wan|ports|wan+ports ADDRESS...
#   firewall.sh own NAME veth ADDRESS...
#   firewall.sh down NAME
#   firewall.sh links NAME [INTERFACE...]
#   firewall.sh guard
#
# The host's rules that let a container reach other networks (wan), and other
# machines its forwarded ports (ports). They are tagged with its name, so that `up`
# and `down` first find and remove all of them, even if the unit that added them is
# gone. `guard` renews the rules that protect other containers: when one of those
# starts or is gone, and after the start of a container whose interface has a name
# that was not known before; if that one has rules itself, `own` does it, and adds the
# name to them. `links` notes the interfaces of the container's extraVeths for these
# rules.
#
# $state has a file for each such container that runs, and notes of what is to
# be undone after the last one; the names of notes begin with a dot.
set -u
export LC_ALL=C
umask 022

state=/run/extra-container/network
forward4=/proc/sys/net/ipv4/ip_forward
forward6=/proc/sys/net/ipv6/conf/all/forwarding
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

# ---- iptables ----------------------------------------------------------------

# The programs of a kind of iptables (nft, legacy) for a family (4, 6), as $ipt,
# $ipt-save and $ipt-restore. Distributions before 2018 only have one kind.
select_iptables() {
        case $2 in 4) ipt=iptables ;; 6) ipt=ip6tables ;; esac
        if has "$ipt-$1-save"; then
                ipt=$ipt-$1
        elif has "$ipt-save"; then
                case $("$ipt" -V 2> /dev/null):$1 in
                *nf_tables*:nft) ;;
                *nf_tables* | *:nft) return 1 ;;
                esac
        else
                return 1
        fi
        [ "$1" = nft ] || grep -q . "/proc/net/ip${2#4}_tables_names" 2> /dev/null || [ "${3-}" = make ]
}

# Listing a table with legacy iptables creates it, and it is never removed again.
has_filter() { # KIND FAMILY
        [ "$1" = nft ] || grep -qx filter "/proc/net/ip${2#4}_tables_names" 2> /dev/null
}

# Notes the tables that iptables creates for our rules, so that they are removed with the rules.
note_made() {
        has nft || return 0
        for chain in "nat POSTROUTING" "filter FORWARD" "raw PREROUTING"; do
                # shellcheck disable=SC2086
                nft list chain "$1" $chain > /dev/null 2>&1 || : > "$state/.made-$1-${chain% *}-${chain#* }"
        done
}

drop_made() {
        for note in "$state"/.made-*; do
                [ -e "$note" ] || continue
                what=${note##*/.made-}
                family=${what%%-*} chain=${what##*-}
                table=${what#*-} table=${table%-*}
                case $family in ip) v=4 ;; *) v=6 ;; esac
                select_iptables nft "$v" || continue
                # Others use the chain by now if there is anything in it.
                case $("$ipt" -w -t "$table" -S "$chain" 2> /dev/null) in
                "-P $chain ACCEPT") "$ipt" -w -t "$table" -X "$chain" 2> /dev/null ;;
                "") ;;
                *) continue ;;
                esac
                nft list table "$family" "$table" 2> /dev/null | grep -qE '^[[:space:]]+[a-z]' ||
                        nft delete table "$family" "$table" 2> /dev/null
                rm -f "$note"
        done
}

# Packets to other containers keep their address; otherwise they would seem to come from the host.
nat_rules() {
        [ "$wan" ] || return 0
        echo "*nat"
        for a in $addresses; do echo "-A POSTROUTING -s $a ! -o ve-+ -m comment --comment $tag -j MASQUERADE"; done
        echo COMMIT
}

filter_rules() {
        for a in $addresses; do
                [ ! "$wan" ] || cat << END
-A FORWARD -s $a ! -o ve-+ -m comment --comment $tag -j ACCEPT
-A FORWARD -d $a ! -i ve-+ -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment $tag -j ACCEPT
END
                [ ! "$ports" ] || cat << END
-A FORWARD -s $a -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment $tag -j ACCEPT
-A FORWARD -d $a -m conntrack --ctstate DNAT -m comment --comment $tag -j ACCEPT
END
        done
}

iptables_up() {
        for v in 4 6; do
                case $v in 4) addresses=$addresses4 ;; *) addresses=$addresses6 ;; esac
                [ "$addresses" ] || continue
                select_iptables "$1" $v make || die "there is no iptables program for IPv$v"
                [ "$1" = legacy ] || note_made "ip${v#4}"
                rules=$(nat_rules)
                # After all rules of the host, so this only overrides its policy.
                ! has_filter "$1" $v || rules="$rules
*filter
$(filter_rules)
COMMIT"
                [ "$rules" ] || continue
                printf '%s\n' "$rules" | "$ipt-restore" -w --noflush || die "$ipt rejects the rules"
        done
}

# Drops packets with the container's address that come from elsewhere, before any other rule accepts them.
iptables_own() { # KIND [known]: the rules of `up` did not know the interface
        for v in 4 6; do
                case $v in 4) addresses=$addresses4 ;; *) addresses=$addresses6 ;; esac
                [ "$addresses" ] || continue
                select_iptables "$1" $v make || continue
                rules="*raw
"
                for a in $addresses; do
                        rule="PREROUTING -s $a $elsewhere -m comment --comment $tag -j DROP"
                        rules="$rules-I $rule
"
                        [ ! "${2-}" ] || rules="$rules-D PREROUTING -s $a -m comment --comment $tag -j DROP
"
                done
                printf '%sCOMMIT\n' "$rules" | "$ipt-restore" -w --noflush ||
                        warn "$ipt rejects rules in table raw, which keep others from using the container's address"
        done
}

# Deletes the rules with our tag, in one transaction per table.
iptables_down() {
        for v in 4 6; do
                select_iptables "$1" $v || continue
                rule="^-A .* --comment \"?$tag\"?( |\$)"
                undo=$("$ipt-save" 2> /dev/null | grep -E -e '^\*' -e '^COMMIT' -e "$rule" | {
                        table='' open=''
                        while IFS= read -r line; do
                                case $line in
                                '*'*) table=$line open='' ;;
                                -A*) [ "$open" ] || printf '%s\n' "$table"
                                     open=1
                                     printf '%s\n' "-D${line#-A}" ;;
                                *) [ ! "$open" ] || echo COMMIT ;;
                                esac
                        done
                })
                [ ! "$undo" ] || printf '%s\n' "$undo" | "$ipt-restore" -w --noflush || failed=1
        done
}

# Does this kind of iptables have anything of others that matches?
iptables_has() { # KIND PATTERN
        for v in 4 6; do
                select_iptables "$1" $v || continue
                "$ipt-save" 2> /dev/null | grep -v -e '--comment "\{0,1\}extra-container-' |
                        grep -qE -e "$2" && return 0
        done
        return 1
}

iptables_used() {
        iptables_has "$1" '^(-A|:[A-Z]+ DROP)'
}

# ---- nftables ----------------------------------------------------------------

nft_works() {
        has nft && nft list tables > /dev/null 2>&1
}

# One transaction, so that the table is never missing, doubled or incomplete.
nft_up() {
        {
                echo "table inet $tag"
                echo "delete table inet $tag"
                echo "table inet $tag {"
                echo "chain prerouting {"
                echo "type filter hook prerouting priority -300; policy accept;"
                for a in $addresses4; do echo "$elsewhere ip saddr $a drop"; done
                for a in $addresses6; do echo "$elsewhere ip6 saddr $a drop"; done
                echo "}"
                echo "chain postrouting {"
                echo "type nat hook postrouting priority 100; policy accept;"
                echo "oifname \"ve-*\" accept"
                for a in $addresses4; do echo "ip saddr $a masquerade"; done
                for a in $addresses6; do echo "ip6 saddr $a masquerade"; done
                echo "}"
                echo "}"
        } | nft -f - || die "nft rejects the rules"
}

nft_down() {
        has nft && nft list table inet "$tag" > /dev/null 2>&1 || return 0
        nft delete table inet "$tag" || failed=1
}

# ---- forwarding ----------------------------------------------------------------

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
find_elsewhere() { # nftables|nft|legacy veth|bridge KNOWN
        i=
        [ ! "$3" ] || find_interface "$name"
        case $1:$2:$i in
        nftables:bridge:*) elsewhere='iifname "ve-*"' ;;
        *:bridge:*) elsewhere='-i ve-+' ;;
        *:veth:) elsewhere='' ;;
        nftables:*) elsewhere="iifname != \"$i\"" ;;
        *) elsewhere="! -i $i" ;;
        esac
}

# Forwarding is a switch of the whole host. If it is on because of us, packets from and to other containers are
# dropped: those do not send through the host, and other machines cannot connect to any container. Containers without
# addresses have no route, or systemd-networkd manages their network.
add_interface() { # CONTAINER INTERFACE [ADDRESS...]
        if grep -qsx wan=1 "$state/$1"; then
                opened="$opened \"$2\","
                return
        fi
        closed="$closed \"$2\","
        # It only replies, and only in connections to itself, whose packets it cannot mix with those of others. The
        # addresses of a link are not known; what the kernel calls related may belong to another container.
        reply="iifname \"$2\" ct direction reply"
        shift 2
        [ $# != 0 ] || replies="$replies$reply ct state established accept
"
        for a; do
                case $a in *:*) f=ip6 ;; *) f=ip ;; esac
                replies="$replies$reply ct reply $f saddr $a accept
"
        done
}

# Those of a container's interface ve-NAME, or one that no connection has.
addresses_in() { # CONF
        sed -n 's|^LOCAL_ADDRESS6\{0,1\}=\([0-9a-fA-F.:][0-9a-fA-F.:]*\).*|\1|p' "$1" | grep . || echo 0.0.0.0
}

guard_rules() { # [fib]: with a check of where packets come from
        echo "table inet extra-container"
        echo "delete table inet extra-container"
        echo "table inet extra-container {"
        [ ! "$opened" ] || echo "set opened { type ifname; elements = {$opened } }"
        [ ! "$closed" ] || echo "set closed { type ifname; elements = {$closed } }"
        # No packet with an address to which no route leads by this interface, as in a connection of another container.
        if [ "${1-}" ]; then
                echo "chain prerouting {"
                echo "type filter hook prerouting priority -300; policy accept;"
                ours
                from="fib saddr . iif oif missing fib daddr type { unicast, local } drop"
                [ ! "$opened" ] || echo "iifname @opened $from"
                [ ! "$closed" ] || echo "iifname @closed $from"
                echo "}"
        fi
        echo "chain forward {"
        echo "type filter hook forward priority -1; policy accept;"
        ours
        # Also what was allowed before the container was closed.
        printf '%s' "$replies"
        [ ! "$closed" ] || echo "iifname @closed drop"
        [ ! "$closed" ] || echo "oifname @closed ct direction reply drop"
        echo "ct state established,related accept"
        [ ! "$opened" ] || echo "iifname @opened accept"
        echo "ct status dnat accept"
        [ ! "$opened" ] || echo "oifname @opened drop"
        [ ! "$closed" ] || echo "oifname @closed drop"
        echo "}"
        echo "}"
}

# What the host forwards by itself is its own business.
ours() {
        for v in 4 6; do [ -e "$state/.forwarding$v" ] || echo "meta nfproto ipv$v accept"; done
}

guard() {
        opened='' closed='' replies=''
        # shellcheck disable=SC2013 # names of containers have no blanks
        for conf in $(grep -lsE '^(HOST|LOCAL)_ADDRESS6?=.' /etc/nixos-containers/*.conf /etc/containers/*.conf); do
                n=${conf##*/} n=${n%.conf}
                find_interface "$n"
                # shellcheck disable=SC2046 # addresses have no blanks
                [ ! "$i" ] || add_interface "$n" "$i" $(addresses_in "$conf")
        done
        for links in "$state"/.links-*; do
                [ -e "$links" ] || continue
                while read -r i; do add_interface "${links##*/.links-}" "$i"; done < "$links"
        done
        # Some kernels lack the module for fib.
        guard_rules fib | nft -f - 2> /dev/null || guard_rules | nft -f - ||
                die "nft rejects the rules that protect other containers"
}

guarded() {
        has nft && nft list table inet extra-container > /dev/null 2>&1
}

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
        if [ -e "$state/.forwarding4" ] || [ -e "$state/.forwarding6" ]; then
                if nft_works; then
                        guard
                else
                        warn "nft does not work on this host, so other machines can also reach containers through it"
                fi
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

# ---- the host's own firewall ---------------------------------------------------

# Is there a rule for containers? Then assume that it is right.
is_prepared() {
        for a in ve- vb- $addresses4 $addresses6; do
                case $1 in *"$a"*) return 0 ;; esac
        done
        return 1
}

dropped_by() { # WHERE HINT
        warn "the host's firewall ($1) drops forwarded packets, so perhaps $effect; $2"
}

check_iptables() {
        for v in 4 6; do
                case $v in 4) addresses=$addresses4 ;; *) addresses=$addresses6 ;; esac
                [ "$addresses" ] || continue
                select_iptables "$1" $v || continue
                has_filter "$1" $v || continue
                rules=$("$ipt-save" -t filter 2> /dev/null | grep -v -e "--comment \"\{0,1\}extra-container-")
                bad=
                case $rules in *":FORWARD DROP"*) [ "$backend" = "$1" ] || bad=1 ;; esac
                # A rule for all packets, before ours.
                ! printf '%s\n' "$rules" |
                        grep -qE '^-A FORWARD( -m comment --comment ("[^"]*"|[^ ]+))? -j (DROP|REJECT)( |$)' || bad=1
                hint="$ipt -I FORWARD -i ve-+ -j ACCEPT;"
                hint="$hint $ipt -I FORWARD -o ve-+ -m conntrack --ctstate RELATED,ESTABLISHED${ports:+,DNAT} -j ACCEPT"
                [ ! "$bad" ] || is_prepared "$rules" || dropped_by "$ipt, chain FORWARD" "allow them with: $hint"
        done
}

# Every base chain for forwarded packets must accept them.
check_nft() {
        nft_works || return 0
        nft list chains 2> /dev/null | {
                f='' t='' c=''
                while read -r word a b rest; do
                        case $word in
                        table) f=$a t=$b ;;
                        chain) c=$a ;;
                        type)
                                case "$a $b $rest" in
                                "filter hook forward "*) check_chain "$f" "$t" "$c" "$rest" < /dev/null ;;
                                esac
                                ;;
                        esac
                done
        }
}

check_chain() { # FAMILY TABLE CHAIN POLICY
        case $1 in
        ip) [ "$addresses4" ] || return 0 ;;
        ip6) [ "$addresses6" ] || return 0 ;;
        inet) ;;
        *) return 0 ;;
        esac
        # The tables of iptables, which check_iptables() handles, and ours.
        case $1:$2:$3 in ip:filter:FORWARD | ip6:filter:FORWARD | inet:extra-container:*) return 0 ;; esac
        case $4 in
        *"policy drop"*) ;;
        *)
                counter='(counter packets [0-9]+ bytes [0-9]+ )?'
                nft list chain "$1" "$2" "$3" 2> /dev/null | grep -qE \
                        "^[[:space:]]*$counter(drop|reject)( with [a-z0-9 -]+)?( comment \".*\")?\$" || return 0
                ;;
        esac
        is_prepared "$(nft list table "$1" "$2" 2> /dev/null)" && return 0
        case $2 in
        firewalld)
                hint="firewall-cmd --permanent --zone=trusted --add-source=ADDRESS for each of $addresses4 $addresses6"
                hint="allow them with: $hint; firewall-cmd --reload"
                ;;
        *)
                hint="add to that chain: iifname \"ve-*\" accept; oifname \"ve-*\" ct state established,related accept"
                hint="$hint${ports:+; ct status dnat accept}"
                ;;
        esac
        dropped_by "nft, table $1 $2, chain $3" "$hint"
}

# ---- ---------------------------------------------------------------------------

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
        remove_rules
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

case $action in
up)
        choice=$3 link=$4
        case $5 in *wan*) wan=1 ;; esac
        case $5 in *ports*) ports=1 ;; esac
        [ "$wan" ] || feature=forwardPorts effect="other machines cannot reach its forwarded ports"
        shift 5
        take_addresses "$@"
        remove_rules
        echo "path=$PATH" > "$state/$name" || die "cannot write to $state"
        choose "$choice"
        echo "backend=$backend" >> "$state/$name"
        [ ! "$wan" ] || echo wan=1 >> "$state/$name"
        # A long name's interface is that of an earlier start, if there is one.
        case ve-$name in ????????????????*) known='' ;; *) known=1 ;; esac
        find_elsewhere "$backend" "$link" "$known"
        case $backend in
        nftables) [ ! "$wan" ] || nft_up ;;
        *)
                iptables_up "$backend"
                [ ! "$wan" ] || iptables_own "$backend"
                ;;
        esac
        forwarding
        check_iptables legacy
        check_iptables nft
        check_nft
        ;;
own)
        link=$3
        shift 3
        take_addresses "$@"
        ! guarded || guard
        backend=$(sed -n 's/^backend=//p' "$state/$name")
        find_elsewhere "$backend" "$link" 1
        [ "$elsewhere" ] || die "interface ve-$name does not exist"
        # Once for each start: first before the interface is up.
        if ! grep -qx "interface=$i" "$state/$name"; then
                case $backend in nftables) nft_up ;; *) iptables_own "$backend" known ;; esac
                echo "interface=$i" >> "$state/$name"
        fi
        ;;
links)
        shift 2
        rm -f "$state/.links-$name"
        for i; do
                case $i in *[!a-zA-Z0-9_.-]* | ????????????????*) die "'$i' is not the name of an interface" ;; esac
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
