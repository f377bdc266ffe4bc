# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
#   resolver.sh NAME FAMILY...
#
# Prints the file that a container with addresses of these families (4, 6) gets as its resolv.conf before it boots:
# the host's, or, if it cannot reach a server in that, such as systemd-resolved or dnsmasq on the host's localhost,
# the file with the servers that those use themselves.
set -u
export LC_ALL=C

name=$1
shift
state=/run/extra-container/network
host=/etc/resolv.conf

# The addresses of name servers in a file.
servers() {
        sed -n 's/^[[:space:]]*nameserver[[:space:]]\{1,\}\([^[:space:]]*\).*/\1/p' "$1" 2> /dev/null
}

# Can the container reach one of them? Link-local ones are reached on a link of the host.
usable() { # FILE FAMILY...
        file=$1
        shift
        for family; do
                case $family in
                4) servers "$file" | grep -v : | grep -qvE '^(127\.|0\.|169\.254\.)' && return 0 ;;
                6) servers "$file" | grep : | grep -qviE '^(::1?$|fe[89ab])' && return 0 ;;
                esac
        done
        return 1
}

# openresolv, in the container, uses no other servers if there is one on localhost.
without_local() {
        sed -E '/^[[:space:]]*nameserver[[:space:]]+(127\.|0\.0\.0\.0|::1?([[:space:]#;]|$))/d' "$1"
}

# Of systemd-resolved, of NetworkManager with dnsmasq, and of dnsmasq with resolvconf on Debian and on NixOS.
for file in $host /run/systemd/resolve/resolv.conf /run/NetworkManager/no-stub-resolv.conf /run/dnsmasq/resolv.conf \
        /etc/dnsmasq-resolv.conf; do
        usable "$file" "$@" || continue
        if [ "$(without_local "$file")" != "$(cat "$file")" ]; then
                mkdir -p "$state"
                without_local "$file" > "$state/.resolv-$name"
                file=$state/.resolv-$name
        fi
        echo "$file"
        exit 0
done
echo "$host"
where="the host's name server is on its localhost"
if [ ! "$(servers $host)" ]; then
        # Without a name server in the file, programs of the host use one on localhost; if it has none, there is nothing
        # to miss.
        [ "$(ss -Hlun 'sport = 53' 2> /dev/null)" ] || exit 0
        text="$where, where the container cannot reach it"
elif ! usable $host 4 6; then
        text="$where ($host), where the container cannot reach it"
else
        [ "$1" = 4 ] && other=6 || other=4
        text="the host's name servers ($host) only have IPv$other addresses, and the container has none of these"
fi
advice="set networking.useHostResolvConf = false and networking.nameservers in its config, and restart it"
text="enableWAN: $text; $advice"
echo "$text" >&2
echo "warning=$text" >> "$state/$name"
exit 0
