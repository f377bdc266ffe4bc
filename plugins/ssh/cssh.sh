# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034,SC2015 # session.c assigns variables, read names each word, and fail exits
# SPDX-License-Identifier: MIT
#
# `cssh` of a session: session.c writes it after assignments of what does not change during
# a session. The rest is read at each call, because the container may have been updated or
# restarted. Each start of a container has a connection of its own and may have new host
# keys, so they are read from the container instead of being remembered.

fail() {
        printf 'cssh: %s\n' "$*" >&2
        exit 255
}

case ${1-} in
-l*) fail "cssh connects as root; for another user: cssh su -l USER" ;;
esac
command -v ssh >/dev/null 2>&1 || fail 'ssh is not in PATH: install OpenSSH'
[ -r "$conf" ] || fail "container '$name' is not installed"
system='' address='' address6=''
while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        SYSTEM_PATH=*) system=${line#*=} ;;
        LOCAL_ADDRESS=*) address=${line#*=} ;;
        LOCAL_ADDRESS6=*) address6=${line#*=} ;;
        esac
done <"$conf"
address=${address:-$address6}
address=${address%%/*}
[ -n "$address" ] || fail "container '$name' has no address: set localAddress or localAddress6"

marker=$system/etc/extra-container/ssh
[ -r "$marker" ] || fail "container '$name' is built without SSH: build it with --ssh"
IFS=' ' read -r port type wanted rest <"$marker"
[ -r "$key" ] && [ -r "$key.pub" ] || fail "the SSH key $key is gone: create the container again, with --ssh"
IFS=' ' read -r type ours rest <"$key.pub"
[ "$ours" = "$wanted" ] || fail "container '$name' is built for another SSH key than $key: create it again, with --ssh"

invocation=0 state=unknown
while IFS= read -r line; do
        case $line in
        ActiveState=*) state=${line#*=} ;;
        InvocationID=?*) invocation=${line#*=} ;;
        esac
done <<END
$(systemctl show -p ActiveState -p InvocationID "container@$name.service" 2>/dev/null)
END
case $state in
active | activating | reloading | unknown) ;;
*) fail "container '$name' is not running" ;;
esac
socket=$sockets/ssh-$invocation known=$sockets/known_hosts

connect() {
        # shellcheck disable=SC2086 # the words of a command
        $limited ssh -F /dev/null -S "$socket" -i "$key" -l root -p "$port" \
                -o IdentitiesOnly=yes -o IdentityAgent=none -o PreferredAuthentications=publickey -o BatchMode=yes \
                -o UserKnownHostsFile="\"$known\"" -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes \
                -o HostKeyAlias="$name" -o CheckHostIP=no -o UpdateHostKeys=no -o LogLevel=ERROR \
                -o ServerAliveInterval=10 -o ServerAliveCountMax=3 "$@"
}

# ssh's own limits only count silence, and what answers may send something again and again. The process that keeps the
# connection goes on.
limited=''
connect_within() {
        ! command -v timeout >/dev/null 2>&1 || limited="timeout --foreground $1"
        shift
        connect "$@"
}

# A booting container refuses connections or answers late. If our own address is not set up
# yet, a connection keeps the wrong one. So try several times, also without a host key: sshd
# may create it at the first connection.
master() {
        end=$(($(date +%s) + timeout)) left=$timeout limit=2 pause=0.1
        until [ -S "$socket" ]; do
                problem=''
                host_keys >"$known.$$" 2>"$known.$$.err" || problem=$(cat "$known.$$.err")
                mv "$known.$$" "$known" && rm -f "$known.$$.err" || exit 255
                said=$(connect_within "$left" -o ConnectTimeout=$limit -f -N -M \
                        "$address" 2>&1 >/dev/null </dev/null) && return
                [ $? != 124 ] || said="what answers at $address does not let ssh connect within $timeout s"
                left=$((end - $(date +%s)))
                case $said in
                *'connect to host'* | *'timed out'* | *'closed by remote host'* | *'reset by peer'*) ;;
                *'Host key verification failed'*)
                        said=${problem:-"what answers at $address is not container '$name': it has another host key"}
                        [ "$problem" ] || left=0
                        ;;
                *) left=0 ;;
                esac
                if [ $left -le 0 ]; then
                        printf 'cssh: %s\n' "${said#error: }" >&2
                        exit 255
                fi
                sleep $pause
                # An sshd that refuses at once would be asked many times a second.
                case $pause in
                0.1) pause=0.2 ;;
                0.2) pause=0.5 ;;
                *) pause=1 ;;
                esac
                limit=$((limit * 2 < left ? limit * 2 : left))
        done
}

# Concurrent first calls also share one connection.
if [ ! -S "$socket" ]; then
        if command -v flock >/dev/null 2>&1; then
                (flock 9 && master) 9>"$sockets/lock" || exit 255
        else
                master
        fi
fi
# With a command, ssh only makes a terminal with -t.
if [ $# -gt 0 ] && [ -t 0 ] && [ -t 1 ] && [ -t 2 ]; then
        connect -t "$address" "$@"
else
        connect "$address" "$@"
fi
