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

# Is a directory on this path closed to all users but root?
is_hidden() {
        local dir=$1
        while [[ $dir ]]; do
                [[ $(stat -c '%u %a' -- "$dir") != "0 "*00 ]] || return 0
                dir=${dir%/*}
        done
        return 1
}

has_private_users() {
        [[ ${PRIVATE_USERS:-no} != no || " ${EXTRA_NSPAWN_FLAGS-}" == *" "@(-U|--private-users)* ]]
}

# Files of root in a container belong to the host's root if the kernel maps the IDs of the mount, so no other user may
# reach a setuid program there.
close_directories() {
        local states=${root%/*} real parent
        # shellcheck disable=SC2174 # Directories above have the usual mode.
        mkdir -p -m 0700 -- /nix/var/nix/{profiles,gcroots}/per-container
        chmod 0700 -- /nix/var/nix/{profiles,gcroots}/per-container
        # shellcheck disable=SC2174
        [[ -d $states ]] || mkdir -p -m 0700 -- "$states"
        [[ ! -L $root ]] || real=$(resolve "$root") || die "its state directory $root is a link that leads nowhere"
        # Otherwise services of the host may read the container's files.
        has_private_users || return 0
        if [[ ! -L $root ]]; then
                chmod 0700 -- "$states"
                return
        fi
        # The directory that contains the target of a link may have other uses, so its mode is not changed.
        parent=${real%/*}
        is_hidden "$parent" ||
                die "privateUsers does not protect the host while all users can reach ${real@Q}, to which $root" \
                        "leads; let only root enter the directory that contains it (chmod 0700 ${parent@Q})"
}

# Root in a container with privateUsers owns the store's files, so the kernel would let it keep systemd and others of
# the host from opening these, by leases.
refuse_leases() {
        local file=/proc/sys/fs/leases-enable
        has_private_users || return 0
        [[ ! -e $file || $(<$file) == 0 ]] || echo 0 2>/dev/null >$file ||
                echo "container '$name': cannot set $file to 0, so the container can delay others" >&2
}

# refuse_link PATH: dies unless the link leads to a directory in the container
refuse_link() {
        local real to
        to=$(resolve "$1") || die "the symbolic link $1 does not lead to a directory; remove it"
        real=$(resolve "$root") || die "cannot enter its state directory $root"
        [[ $to == "$real"/* ]] || die "the symbolic link $1 leads out of its state directory, to ${to@Q}; remove it"
}

# The same for a link to a file, which only NixOS has a reason to make: to /etc/static. The host has an os-release
# there, but if it lacks a machine-id, NixOS's touch would make it.
refuse_file_link() {
        local text
        # The dot keeps newlines at the end of the text.
        text=$(readlink -n -- "$1" && echo .)
        [[ $text == "/etc/static/${1##*/}." && ($1 == */os-release || -e /etc/static/machine-id) ]] ||
                die "$1 is a symbolic link to another file; remove it"
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

# systemd-nspawn would wait for the other end of a FIFO, and the host for systemd-nspawn.
refuse_special_files() {
        local path
        for path in "$root"/{etc,usr/lib}/{os-release,machine-id,resolv.conf,localtime,passwd,group}; do
                [[ -L $path || ! -e $path || -f $path ]] || die "$path is not a regular file; remove it"
        done
}

# NixOS before 2025 copies the file of every host.
check_resolv_conf() {
        [[ ! -e /etc/resolv.conf ]] || return 0
        [[ ${COPY_RESOLV_CONF+set} ]] ||
                die "the host has no /etc/resolv.conf, which NixOS copies; create one, for example an empty file"
        [[ $COPY_RESOLV_CONF != 1 ]] ||
                echo "container '$name': the host has no /etc/resolv.conf, so the container gets no copy" >&2
}

close_directories
refuse_leases
refuse_links
check_resolv_conf
# NixOS's cp would write into a directory that a link leads to.
[[ ${COPY_RESOLV_CONF-1} != 1 || ! -L $root/etc/resolv.conf ]] || rm -- "$root/etc/resolv.conf"
refuse_special_files
