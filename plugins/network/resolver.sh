# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
#   resolver.sh NAME
#
# A container with a network of its own cannot ask a resolver on the host's
# localhost, as systemd-resolved is one. If it has a copy of a resolv.conf with
# nothing else in it, it gets the servers that the host's resolver itself asks.
set -u
export LC_ALL=C

name=$1
state=/run/extra-container/network
host=/etc/resolv.conf
uplink=/run/systemd/resolve/resolv.conf
cat=$(command -v cat) tee=$(command -v tee)

# Has it name servers that can be reached from elsewhere? 2: it has none at all.
usable() {
        servers=$(sed -n 's/^[[:space:]]*nameserver[[:space:]]\{1,\}//p' "$1" 2> /dev/null)
        [ "$servers" ] || return 2
        printf '%s\n' "$servers" | grep -qvE '^(127\.|::1$)'
}

# In the container's files, so that no link in them leads out. Programs of the store are there, too.
inside() {
        nsenter -m -t "$leader" -- "$@"
}

usable "$host"
[ $? = 1 ] || exit 0
leader=$(machinectl show -p Leader --value "$name") || exit 1
[ "$(inside "$cat" "$host" 2> /dev/null)" = "$(cat "$host")" ] || exit 0
if usable "$uplink"; then
        inside "$tee" "$host" < "$uplink" > /dev/null
else
        text="enableWAN: the host's name server is on its localhost ($host), where the container cannot reach it; set networking.nameservers in its config, and copyResolvConf = false"
        echo "$text" >&2
        echo "warning=$text" >> "$state/$name"
fi
