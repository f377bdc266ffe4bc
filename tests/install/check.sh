#!/bin/bash
# Tests make install into a staging tree and make uninstall, and prints TAP. BUILD is a directory for a separate build,
# which reuses the objects in OBJECTS that do not contain the directories.
set -uo pipefail
cd "$(readlink -f -- "${BASH_SOURCE[0]%/*}/../..")" || exit
make=${MAKE:-make}
build=${BUILD:?}
. tests/tap.sh
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
rm -rf "$build"
mkdir -p "$build"
[[ ! -d ${OBJECTS-}/obj ]] || cp -a "$OBJECTS/obj" "$OBJECTS/flags" "$build/"

place() { # TARGET [VAR=VALUE...]
        "$make" -s --no-print-directory "$1" "BUILD=$build" PREFIX=/opt/ec SYSCONFDIR=/opt/etc LIBDIR=/opt/ec/lib64 MANDIR=/opt/man "DESTDIR=$stage" "${@:2}"
}
tree() { (cd "$stage" && find . ! -type d -printf '%m %P\n' | LC_ALL=C sort -k 2); }
# A plugin has a .so and a directory with its data.
plugin_files() { tree | sed -n 's,^\([0-9]*\) opt/ec/lib64/extra-container/plugins/,\1 ,p'; }
expected() { # PLUGIN...
        local p f
        {
                for p; do
                        echo "755 $p.so"
                        for f in "plugins/$p"/*.nix "plugins/$p"/*.sh; do
                                [[ ! -e $f || $f == */nixos.nix || $f == */vm-test.nix ]] || echo "644 ${f#plugins/}"
                        done
                done
                # feature.json of plugins that are not built is installed too.
                for f in plugins/*/feature.json; do
                        echo "644 ${f#plugins/}"
                done
        } | LC_ALL=C sort -k 2
}
read -r -a plugins <<<"$("$make" -s --no-print-directory list-plugins)"

# The umask of the installing user does not matter.
(umask 077 && place install)
is "make install succeeds" "$?" 0
is "plugins and their data are installed" "$(plugin_files)" "$(expected "${plugins[@]}")"
is "the program, its header and settings are installed" "$(tree | grep -vE '/plugins/|/share/|/man/')" "755 opt/ec/bin/extra-container
644 opt/ec/include/extra-container/plugin.h
644 opt/ec/lib64/pkgconfig/extra-container.pc
644 opt/etc/extra-container.ini"
is "the Nix code for evaluations is installed" "$(cd "$stage/opt/ec/share/extra-container/nix" && ls)" \
        "$(cd nix/eval && ls)"
is "directories are accessible to all users" "$(find "$stage" -mindepth 1 -type d ! -perm 755 -printf '%P %m\n')" ""
is "no file is writable by other users" "$(find "$stage" -type f -perm /022)" ""
is "nothing is installed elsewhere" "$(tree | grep -vE ' opt/(ec|etc|man)/')" ""
is "the plugin directory is compiled in" "$(grep -ac '/opt/ec/lib64/extra-container/plugins' "$stage/opt/ec/bin/extra-container")" 1
is "the plugin directory is in the pkg-config file" "$(PKG_CONFIG_PATH=$stage/opt/ec/lib64/pkgconfig pkg-config --variable=plugindir extra-container)" /opt/ec/lib64/extra-container/plugins
moved() { PKG_CONFIG_PATH=$stage/opt/ec/lib64/pkgconfig pkg-config --define-variable=prefix=/else "$@" extra-container; }
is "pkg-config moves the directories to another prefix" "$(moved --variable=plugindir) $(moved --cflags | xargs)" \
        "/else/lib64/extra-container/plugins -I/else/include"
is "no file contains the path of the staging tree" "$(grep -rlF "$stage" "$stage")" ""

before=$(tree)
echo '; mine' >>"$stage/opt/etc/extra-container.ini"
place install
is "installing again installs the same files" "$(tree)" "$before"
is "installing again keeps the settings" "$(tail -n 1 "$stage/opt/etc/extra-container.ini")" "; mine"

others=(bin/other lib64/extra-container/plugins/{site.so,site/module.nix,"${plugins[0]}/site.nix"}
        share/extra-container/{site.conf,nix/site.nix} include/extra-container/site.h)
mkdir -p "$stage/opt/ec/lib64/extra-container/plugins/"{site,"${plugins[0]}"}
touch "${others[@]/#/$stage/opt/ec/}"
place uninstall
is "make uninstall succeeds" "$?" 0
is "make uninstall keeps only settings and files of others" "$(tree | cut -d' ' -f2)" \
        "$(printf '%s\n' "${others[@]/#/opt/ec/}" opt/etc/extra-container.ini | LC_ALL=C sort)"
rm "${others[@]/#/$stage/opt/ec/}"
rmdir "$stage/opt/ec/lib64/extra-container/plugins/site"
place uninstall
is "make uninstall removes empty directories" "$(find "$stage" -mindepth 1 -name '*extra-container*' ! -name '*.ini')" ""

rm -rf "${stage:?}"/*
first=${plugins[0]}
place install "PLUGINS=$first"
is "with one plugin, only this one is installed" "$(plugin_files)" "$(expected "$first")"
done_testing
