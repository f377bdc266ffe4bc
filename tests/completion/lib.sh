# Sourced by the tests of completion, which print TAP: sets up the program, the test plugin and installed containers.
# shellcheck shell=bash disable=SC2034
# EC is the program, PROBE the directory of the test plugin, COMPLETIONS the directory of the shells' files.
set -u
EC=${EC:?} PROBE=${PROBE:?} COMPLETIONS=${COMPLETIONS:?}

umask 022
n=0 failed=0
T=$(mktemp -d "${TMPDIR:-/tmp}/extra-container-completion.XXXXXX") || exit 1
chmod 755 "$T"
trap 'rm -rf "$T"' EXIT
mkdir -p "$T/bin" "$T/plugins" "$T/home" "$T/work/dir.d" "$T/work/a dir" "$T/units" "$T/store"
cp "$EC" "$T/bin/ec"
cp "$COMPLETIONS"/* "$T/"
cp "$PROBE"/*.so "$T/plugins/"
touch "$T/work/web.nix" "$T/work/web two.nix" "$T/work/other"
for name in db web web-2; do
        ln -s "/nix/store/00000000000000000000000000000000-u/container@$name.service" "$T/units/container@$name.service"
done
cat >"$T/conf.ini" <<END
[paths]
root = $T/root
units = /units
END
mkdir -p "$T/root"
mv "$T/units" "$T/root/units"

# The command that users type, with the test's configuration.
cat >"$T/bin/extra-container" <<END
#!/bin/sh
exec ${T@Q}/bin/ec --config ${T@Q}/conf.ini "\$@"
END
chmod -R a+rX "$T"
chmod 755 "$T/bin/extra-container"

as_user=(env -i HOME="$T/home" PATH="$T/bin:$PATH" LC_ALL=C.UTF-8 TERM=dumb EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins")
((EUID != 0)) || as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups -- "${as_user[@]}")

# is NAME GOT WANT: compares lists of words, one per line
is() {
        n=$((n + 1))
        if [[ $2 == "$3" ]]; then
                printf 'ok %d - %s\n' "$n" "$1"
        else
                failed=$((failed + 1))
                printf 'not ok %d - %s\n' "$n" "$1"
                { echo 'got:'; printf '%s\n' "$2"; echo 'wanted:'; printf '%s\n' "$3"; } | sed 's/^/#   /'
        fi
}
words() { (($# == 0)) || printf '%s\n' "$@"; }
finish() {
        printf '1..%d\n' "$n"
        ((failed == 0))
        exit
}
