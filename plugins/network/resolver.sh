# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
#   resolver.sh NAME NSPAWN
#
# A container with its own network cannot reach a resolver on the host's localhost, such as systemd-resolved. If the
# host's resolv.conf, which the container gets a copy of, only has such servers, this prints the option with which
# systemd-nspawn replaces the copy with the servers that systemd-resolved uses, before the container boots.
set -u
export LC_ALL=C

name=$1 nspawn=$2
state=/run/extra-container/network
host=/etc/resolv.conf
uplink=/run/systemd/resolve/resolv.conf

# Does the file have name servers that are not on localhost? 2: it has none at all.
usable() {
        servers=$(sed -n 's/^[[:space:]]*nameserver[[:space:]]\{1,\}//p' "$1" 2> /dev/null)
        [ "$servers" ] || return 2
        printf '%s\n' "$servers" | grep -qvE '^(127\.|::1$)'
}

usable "$host"
[ $? = 1 ] || exit 0
# Since systemd 246.
if usable "$uplink" && "$nspawn" --resolv-conf=help 2> /dev/null | grep -qx replace-uplink; then
        echo --resolv-conf=replace-uplink
        exit 0
fi
text="enableWAN: the host's name server is on its localhost ($host), where the container cannot reach it; set"
text="$text networking.useHostResolvConf = false and networking.nameservers in its config"
echo "$text" >&2
echo "warning=$text" >> "$state/$name"
