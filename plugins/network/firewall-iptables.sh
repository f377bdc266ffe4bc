# shellcheck shell=sh disable=SC2034,SC2154 # variables of firewall.sh, which sources this file
# SPDX-License-Identifier: MIT
# The rules of a container in iptables.

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
        find_ports
        echo "*nat"
        for a in $addresses; do
                rule="-A POSTROUTING -s $a ! -o ve-+ -m comment --comment $tag"
                for p in tcp udp sctp dccp; do echo "$rule -p $p -j MASQUERADE --to-ports $source_ports"; done
                echo "$rule -j MASQUERADE"
        done
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
