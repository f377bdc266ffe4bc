# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Sourced after containers.sh: everything on the host that belongs to containers, for comparisons.

roots=/nix/var/nix/gcroots/auto

# Prints it, without the files in the containers; Nix itself removes dangling roots.
state() {
        find "$units" /etc/systemd/system "$confs" /etc/containers /etc/static "$roots" /nix/var/nix/profiles/per-container \
                /nix/var/nix/gcroots/per-container /run/extra-container /run/systemd/network /run/systemd/nspawn /run/systemd/machines /run/nixos-containers \
                /var/lib/containers /var/lib/nixos-containers /tmp /var/tmp -xdev -maxdepth 2 \
                ! -path "$states/*/*" ! -path '*/gcroots/auto/????????????????????????????????' ! -path '/tmp/tap.*' ! -path '/run/systemd/nspawn/locks/*' ! \( -path "$roots/run-*" -xtype l \) \
                -printf '%p %y %m %u:%g %l\n' 2>/dev/null | sort -u |
                # Directories that are made when they are first needed, keys of sessions, and what the lock and a partition leave.
                grep -vE '^(/run/extra-container(/network|/pending|/sessions|/tmp)?|/run/systemd/(machines|network)) d |^/run/extra-container/(lock|ssh|network/\.(lock|partition))'
        find /run/extra-container -type f ! -path '*/ssh/*' ! -name lock ! -name '.lock' ! -name '.partition*' \
                -exec awk '{ print FILENAME ": " $0 }' {} + 2>/dev/null
        find /var/log/journal -maxdepth 1 -type l | sed 's/[0-9a-f]\{32\}/ID/'
        echo "links: $(ip -o link | sed 's/^[0-9]*: \([^@:]*\).*/\1/' | sort | tr '\n' ' ')"
        echo "routes: $(ip route)"
        nft -s list ruleset 2>/dev/null
        iptables-save 2>/dev/null | sed '/^#/d; s/\[[0-9:]*\]//'
        echo "forward: $(sysctl -n net.ipv4.ip_forward)"
        echo "machines: $(machinectl list --no-legend --no-pager | awk '{ print $1, $2 }')"
        awk '$5 ~ /nixos-containers\/|extra-container|nspawn|machine/ { print "mount", $5 }' /proc/self/mountinfo | sort
        systemctl list-units --all --plain --no-legend 'container@*' 'run-*.service' 'extra-container*' | awk '{ print "unit", $1, $2, $3 }'
        echo "jobs: $(systemctl list-jobs --plain --no-legend)"
        echo "reload: $(systemctl show -P NeedDaemonReload 'container@*')"
        echo "processes: $(pgrep -x extra-container | wc -l) $(pgrep -x systemd-nspawn | wc -l)"
}
