# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
#   resolver.sh NAME
#
# A container with its own network cannot reach a resolver on the host's localhost,
# such as systemd-resolved. If its copy of resolv.conf has no other servers, they
# are replaced with those that the host's resolver uses.
set -u
export LC_ALL=C

name=$1
state=/run/extra-container/network
host=/etc/resolv.conf
uplink=/run/systemd/resolve/resolv.conf
cat=$(command -v cat) tee=$(command -v tee)

# Does the file have name servers that are not on localhost? 2: it has none at all.
usable() {
        servers=$(sed -n 's/^[[:space:]]*nameserver[[:space:]]\{1,\}//p' "$1" 2> /dev/null)
        [ "$servers" ] || return 2
        printf '%s\n' "$servers" | grep -qvE '^(127\.|::1$)'
}

# Runs in the container's mount namespace, so that no link leads out of it. The store is there, too.
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
        text="enableWAN: the host's name server is on its localhost ($host), where the container cannot reach it"
        text="$text; set networking.nameservers in its config, and copyResolvConf = false"
        echo "$text" >&2
        echo "warning=$text" >> "$state/$name"
fi
