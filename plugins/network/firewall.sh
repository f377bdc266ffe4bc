# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
#   firewall.sh up NAME auto|nft|iptables ADDRESS...
#   firewall.sh down NAME
#
# The host's rules that let a container reach other networks. They are tagged
# with its name, so that `down`, which `up` also runs first, finds all of them,
# even if the unit that added them is gone.
set -u
export LC_ALL=C
umask 022

state=/run/extra-container/network
action=$1 name=$2
tag=extra-container-$name

die() {
        echo "enableWAN: $*" >&2
        exit 1
}

# For the journal, and for the user who starts the container with extra-container.
warn() {
        echo "enableWAN: $*" >&2
        echo "warning=enableWAN: $*" >> "$state/$name"
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
        for chain in "nat POSTROUTING" "filter FORWARD"; do
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

iptables_up() {
        for v in 4 6; do
                case $v in 4) addresses=$addresses4 ;; *) addresses=$addresses6 ;; esac
                [ "$addresses" ] || continue
                select_iptables "$1" $v make || die "there is no iptables program for IPv$v"
                [ "$1" = legacy ] || note_made "ip${v#4}"
                rules="*nat
"
                # Packets to other containers keep their address; otherwise they would seem to come from the host.
                for a in $addresses; do
                        rules="$rules-A POSTROUTING -s $a ! -o ve-+ -m comment --comment $tag -j MASQUERADE
"
                done
                rules="${rules}COMMIT
"
                # After all rules of the host, so this only overrides its policy.
                if has_filter "$1" $v; then
                        rules="$rules*filter
"
                        for a in $addresses; do
                                rules="$rules-A FORWARD -s $a ! -o ve-+ -m comment --comment $tag -j ACCEPT
-A FORWARD -d $a ! -i ve-+ -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment $tag -j ACCEPT
"
                        done
                        rules="${rules}COMMIT
"
                fi
                printf '%s' "$rules" | "$ipt-restore" -w --noflush || die "$ipt rejects the rules"
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

# Does this kind of iptables have rules or a policy of others?
iptables_used() {
        for v in 4 6; do
                select_iptables "$1" $v || continue
                "$ipt-save" 2> /dev/null | grep -v -e '--comment "\{0,1\}extra-container-' |
                        grep -qE -e '^-A' -e '^:[A-Z]+ DROP' && return 0
        done
        return 1
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

switch_on() {
        [ "$(cat "$1")" = 1 ] && return 0
        echo 1 2> /dev/null > "$1" ||
                warn "forwarding cannot be switched on ($1): the container can only reach the host"
}

forwarding() {
        [ ! "$addresses4" ] || switch_on /proc/sys/net/ipv4/ip_forward
        [ "$addresses6" ] && [ "$(cat /proc/sys/net/ipv6/conf/all/forwarding)" != 1 ] || return 0
        # Routers ignore router advertisements by default, so the host would lose its own route.
        for f in /proc/sys/net/ipv6/conf/*/accept_ra; do
                [ "$(cat "$f")" != 1 ] || echo 2 2> /dev/null > "$f"
        done
        switch_on /proc/sys/net/ipv6/conf/all/forwarding
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
        warn "the host's firewall ($1) drops forwarded packets, so the container may only reach the host; $2"
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
                hint="$ipt -I FORWARD -o ve-+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
                hint="$ipt -I FORWARD -i ve-+ -j ACCEPT; $hint"
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
        # The tables of iptables, which check_iptables() handles.
        case $1:$2:$3 in ip:filter:FORWARD | ip6:filter:FORWARD) return 0 ;; esac
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
        *) hint="add to that chain: iifname \"ve-*\" accept; oifname \"ve-*\" ct state established,related accept" ;;
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

down() {
        failed=
        nft_down
        iptables_down nft
        iptables_down legacy
        drop_made
        [ ! "$failed" ] || die "some rules of container '$name' could not be removed"
        rm -f "$state/$name"
}

case $name in '' | *[!a-zA-Z0-9-]*) die "'$name' is not a container name" ;; esac
# The program expects a directory that only root can enter.
(umask 077 && mkdir -p "$state") || die "cannot create $state"
# Containers start in parallel.
exec 9> "$state/.lock" || die "cannot write to $state"
! has flock || flock -w 60 9 || die "another process has held $state/.lock for too long"

case $action in
up)
        choice=$3
        shift 3
        addresses4='' addresses6=''
        for a; do
                case $a in *:*) addresses6="$addresses6 $a" ;; *) addresses4="$addresses4 $a" ;; esac
        done
        down
        echo "path=$PATH" > "$state/$name" || die "cannot write to $state"
        choose "$choice"
        case $backend in nftables) nft_up ;; *) iptables_up $backend ;; esac
        forwarding
        check_iptables legacy
        check_iptables nft
        check_nft
        ;;
down)
        down
        ;;
*) die "unknown action '$action'" ;;
esac
exit 0
