# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
#   before-start.sh NAME
#
# Runs before NixOS's start script of a container, with the environment of its unit. That script and systemd-nspawn
# follow links below the container's root, which belongs to root in the container. The container does not run, so
# nothing changes its files until they have finished.
set -eu
export LC_ALL=C

name=$1
: "${root:?}"

die() {
        echo "container '$name': $*" >&2
        exit 1
}

# Prints where a link to a directory leads. Only the kernel knows: realpath(1) and the shell's pwd resolve links
# themselves, and fail or stop where a path gets too long.
resolve() {
        (cd -P -- "$1" 2>/dev/null && readlink /proc/self/cwd)
}

# refuse_link PATH: dies unless the link leads to a directory in the container
refuse_link() {
        local real to
        to=$(resolve "$1") || die "the symbolic link $1 does not lead to a directory; remove it"
        real=$(resolve "$root") || die "cannot enter its state directory $root"
        [[ $to == "$real"/* ]] || die "the symbolic link $1 leads out of its state directory, to ${to@Q}; remove it"
}

# The same for a link to a file, which only NixOS has a reason to make: to /etc/static.
refuse_file_link() {
        local text
        # The dot keeps newlines at the end of the text.
        text=$(readlink -n -- "$1" && echo .)
        [[ $text == "/etc/static/${1##*/}." ]] || die "$1 is a symbolic link to another file; remove it"
}

refuse_links() {
        local path
        # What is not a link is where its parent is, so parents come first.
        for path in "$root"/{dev,etc,root,run,usr,usr/bin,var,var/lib,var/lib/private,var/log,var/log/journal}; do
                [[ ! -L $path ]] || refuse_link "$path"
        done
        for path in "$root"/etc/{os-release,machine-id}; do
                [[ ! -L $path ]] || refuse_file_link "$path"
        done
}

refuse_links
# NixOS's cp would write into a directory that a link leads to.
[[ ${COPY_RESOLV_CONF-1} != 1 || ! -L $root/etc/resolv.conf ]] || rm -- "$root/etc/resolv.conf"
