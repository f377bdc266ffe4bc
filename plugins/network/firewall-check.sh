# shellcheck shell=sh disable=SC2034,SC2154 # variables of firewall.sh, which sources this file
# SPDX-License-Identifier: MIT
# Warnings about the host's own firewall.

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
        case $1:$2:$3 in ip:filter:FORWARD | ip6:filter:FORWARD | inet:extra-container*) return 0 ;; esac
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
