# Copies programs of this Debian machine, with their libraries and loader, to
# $out, so that they run with only /nix/store. $content selects them: `programs`
# for everything that a container needs, or `nix` for Nix itself.
# shellcheck shell=bash disable=SC2154,SC2207,SC2086
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
umask 022
shopt -s nullglob

die() {
    echo "base: $*" >&2
    exit 1
}

# Packages that may be missing are fetched without being installed.
extra=$PWD/extra
mkdir -p "$extra"
for package in patchelf openssh-server libwrap0 socat iptables nftables conntrack dbus-daemon curl systemd-container; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed && continue
    apt-get download "$package" >&2 || die "the Debian package $package is not installed and cannot be fetched"
    dpkg-deb -x "${package}"_*.deb "$extra"
done
chmod -R a+rX "$extra"
PATH+=:$extra/usr/bin:$extra/bin
command -v patchelf >/dev/null || die "patchelf is missing"

interpreter=$(patchelf --print-interpreter /bin/bash)
loader=${interpreter##*/}
arch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null) || arch=$(basename "$(dirname "$(ldd /bin/bash | awk '/libc\.so/ { print $3 }')")")
libdir=usr/lib/$arch

# locate_file NAME DIR...: sets $found to the file in the first directory that has it
locate_file() {
    local dir
    for dir in "${@:2}"; do
        [[ -e $dir/$1 ]] && { found=$dir/$1; return 0; }
    done
    return 1
}

mkdir -p "$out"/usr/{bin,sbin,lib/systemd/system,lib/openssh,lib64,share/dbus-1/system.d} "$out/$libdir"/{systemd,security,xtables}
ln -s usr/bin usr/sbin usr/lib usr/lib64 "$out/"

# --- programs -------------------------------------------------------------

bin=(
    $(for package in coreutils findutils grep sed diffutils hostname; do dpkg -L "$package"; done | sed -nE 's,^/(usr/)?bin/,,p')
    bash ps kill pgrep pkill free top uptime watch
    mount umount mountpoint findmnt nsenter unshare setpriv lsns flock su dmesg getopt logger
    systemctl journalctl systemd-tmpfiles systemd-run systemd-notify systemd-cat systemd-escape systemd-detect-virt
    systemd-tty-ask-password-agent systemd-nspawn machinectl busctl loginctl systemd-cgls
    dbus-daemon dbus-send ss getent
    ssh ssh-keygen ssh-keyscan scp sftp socat curl gzip tar less mawk
)
sbin=(ip sysctl nft conntrack xtables-nft-multi xtables-legacy-multi sshd nologin bridge tc runuser)
# Programs that some machines or versions lack.
optional=" lsns flock getopt logger less mawk watch free top uptime pgrep pkill bridge tc runuser systemd-cgls systemd-cat \
systemd-detect-virt systemd-cgroups-agent unshare setpriv ssh-keyscan scp sftp "
systemd_programs=(systemd systemd-journald systemd-shutdown systemd-cgroups-agent systemd-sulogin-shell systemd-sysctl)
if [[ $content == nix ]]; then
    bin=(nix $(dpkg -L nix-bin | sed -nE 's,^/usr/bin/(nix-.*),\1,p'))
    sbin=() systemd_programs=() optional=
fi

programs=()
take() {
    local to=$1 name=$2 && shift 2
    if ! locate_file "$name" "$@"; then
        [[ $optional == *" $name "* ]] && return 0
        die "this machine has no program $name"
    fi
    cp -L "$found" "$out/$to/$name"
    [[ $(head -c 4 "$found" | tr -d '\0') == $'\177ELF' ]] && programs+=("$to/$name")
    return 0
}
for name in "${bin[@]}"; do
    # A link to another program of the package is kept as a link.
    locate_file "$name" {"",$extra}{/usr,}/bin || :
    if [[ -L ${found-} && -e $out/usr/bin/$(readlink "$found") ]]; then
        ln -s "$(readlink "$found")" "$out/usr/bin/$name"
    else
        take usr/bin "$name" {"",$extra}{/usr,}/{bin,sbin}
    fi
    unset found
done
for name in "${sbin[@]}"; do take usr/sbin "$name" {"",$extra}{/usr,}/{sbin,bin}; done
for name in "${systemd_programs[@]}"; do take usr/lib/systemd "$name" /usr/lib/systemd /lib/systemd; done
if [[ $content == programs ]]; then
    # Programs that later versions have split off.
    [[ -e /usr/lib/systemd/systemd-executor ]] && take usr/lib/systemd systemd-executor /usr/lib/systemd
    for name in sshd-session sshd-auth; do
        locate_file "$name" {"",$extra}/usr/lib/openssh && take usr/lib/openssh "$name" {"",$extra}/usr/lib/openssh
    done
    ln -s bash "$out/usr/bin/sh"
    [[ -e $out/usr/bin/mawk ]] && ln -s mawk "$out/usr/bin/awk"
    for name in {iptables,ip6tables}{,-save,-restore}; do
        ln -s xtables-nft-multi "$out/usr/sbin/$name"
        for kind in nft legacy; do
            ln -s "xtables-$kind-multi" "$out/usr/sbin/${name/tables/tables-$kind}"
        done
    done
    ln -s ../lib/systemd/systemd "$out/usr/sbin/init"
    for name in poweroff reboot halt shutdown; do ln -s ../bin/systemctl "$out/usr/sbin/$name"; done
    # For callers that only search bin.
    for file in "$out"/usr/sbin/*; do
        [[ -e $out/usr/bin/${file##*/} ]] || ln -s "../sbin/${file##*/}" "$out/usr/bin/${file##*/}"
    done
    {
        echo "#!$out/usr/bin/bash"
        echo "PATH=$out/usr/bin"
        cat "$netcat"
    } > "$out/usr/bin/nc"
    chmod 755 "$out/usr/bin/nc"
    ln -s nc "$out/usr/bin/netcat"
fi

# --- libraries ------------------------------------------------------------

# Opened by name at run time, so ldd does not list them.
opened=()
take_library() {
    locate_file "$1" {"",$extra}{"/usr/lib/$arch","/lib/$arch"} || return 1
    mkdir -p "$out/$libdir/$(dirname "$1")"
    cp -L "$found" "$out/$libdir/$1"
    opened+=("$libdir/$1")
}
if [[ $content == programs ]]; then
    for name in security/pam_permit.so libgcc_s.so.1; do
        take_library "$name" || die "this machine has no library $name"
    done
    for name in libip4tc.so.2 libacl.so.1 libcrypt.so.1 libnss_dns.so.2; do take_library "$name" || :; done
    for file in {"",$extra}{"/usr/lib/$arch","/lib/$arch"}/xtables/lib{xt,ipt,ip6t}_*.so; do
        name=xtables/${file##*/}
        [[ -e $out/$libdir/$name ]] || take_library "$name"
    done
fi

private=/usr/lib/$arch/systemd
export LD_LIBRARY_PATH=$private:/usr/lib/systemd:/lib/systemd:$extra/usr/lib/$arch:$extra/lib/$arch
files=("${programs[@]/#/$out/}" "${opened[@]/#/$out/}")
ldd "${files[@]}" > ldd.txt 2>/dev/null || :
grep -q 'not found' ldd.txt && die "missing libraries: $(grep 'not found' ldd.txt | sort -u)"
awk '$2 == "=>" { print $3 }' ldd.txt | sort -u > libraries.txt
unset LD_LIBRARY_PATH
while read -r library; do
    case $library in
        "$out"/*) continue ;;
        */systemd/*) to=$libdir/systemd ;;
        *) to=$libdir ;;
    esac
    [[ -e $out/$to/${library##*/} ]] || cp -L "$library" "$out/$to/"
done < libraries.txt
[[ -e $out/$libdir/$loader ]] || cp -L "$interpreter" "$out/$libdir/"
chmod 755 "$out/$libdir/$loader"
# For programs that are not patched, when this is mounted on /usr.
[[ -e $out/usr/lib64/$loader ]] || ln -s "../lib/$arch/$loader" "$out/usr/lib64/$loader"
[[ $interpreter == /lib/* ]] && ln -s "$arch/$loader" "$out/usr/lib/$loader"

# RPATH instead of RUNPATH, because it also applies to the dependencies of libraries.
for program in "${programs[@]}"; do
    chmod u+w,a+rx "$out/$program"
    patchelf --set-interpreter "$out/$libdir/$loader" --force-rpath \
        --set-rpath "$out/$libdir:$out/$libdir/systemd" "$out/$program"
done

if [[ $content == nix ]]; then
    # The RUNPATH of a library would override this RPATH.
    for library in "$out/$libdir"/libnix*.so*; do
        chmod u+w "$library"
        patchelf --remove-rpath "$library"
    done
    exit 0
fi

# --- units and data -------------------------------------------------------

units=(
    {basic,sysinit,multi-user,local-fs,local-fs-pre,swap,remote-fs,remote-fs-pre,paths,timers,sockets,slices}.target
    {network,network-pre,network-online,nss-lookup,nss-user-lookup,time-set,time-sync}.target
    {shutdown,umount,final,poweroff,reboot,halt,exit,emergency,rescue,sigpwr}.target
    user.slice systemd-{poweroff,reboot,halt,exit}.service emergency.service rescue.service
    systemd-journald.service systemd-journald{,-dev-log}.socket systemd-journal-flush.service
    systemd-tmpfiles-setup.service systemd-sysctl.service dbus.service dbus.socket machines.target
)
unit_dir=$out/usr/lib/systemd/system
for unit in "${units[@]}"; do
    locate_file "$unit" {"",$extra}{/usr,}/lib/systemd/system || die "this machine has no unit $unit"
    cp -L "$found" "$unit_dir/"
done
want() {
    mkdir -p "$unit_dir/$1.wants"
    local unit
    for unit in "${@:2}"; do ln -s "../$unit" "$unit_dir/$1.wants/"; done
}
want sysinit.target systemd-journald.service systemd-journal-flush.service systemd-tmpfiles-setup.service systemd-sysctl.service
want sockets.target systemd-journald.socket systemd-journald-dev-log.socket dbus.socket
want multi-user.target dbus.service
ln -s multi-user.target "$unit_dir/default.target"
ln -s reboot.target "$unit_dir/ctrl-alt-del.target"

cp -L /usr/share/dbus-1/system.conf "$out/usr/share/dbus-1/"
cp -L /usr/share/dbus-1/system.d/org.freedesktop.systemd1.conf "$out/usr/share/dbus-1/system.d/"
ls "$unit_dir" > "$out/units"
