# The first program of a container, which starts systemd. The script that sets up
# the network sources it: no `exit`, no `set -e`, and the environment is kept.
# shellcheck shell=bash disable=SC2154
PATH=$BASE/usr/bin:$BASE/usr/sbin
umask 022

mkdir -p /usr /etc /root /home /tmp /nix/var/nix /run/sshd \
    /var/{cache,db,empty,lib,log/journal,spool,tmp}
chmod 1777 /tmp /var/tmp
chmod 0700 /root

for name in bin sbin lib lib64; do
    [[ -L /$name || -d /$name ]] || ln -s usr/$name /$name
done
[[ -L /var/run ]] || ln -s ../run /var/run

# As NixOS's stage 2 does with the copy of the host's file.
if [[ -e $SYSTEM/use-host-resolv-conf && -e /etc/resolv.conf ]]; then
    bash "${BASH_SOURCE[0]%/*}/resolvconf.sh" -m 1000 -a host < /etc/resolv.conf
fi

ln -sfn "$SYSTEM" /run/booted-system
"$SYSTEM/activate" || echo "init: the activation of $SYSTEM failed" >&2

PATH=/run/current-system/sw/bin:/run/current-system/sw/sbin
exec /usr/lib/systemd/systemd
