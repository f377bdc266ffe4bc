# shellcheck shell=sh disable=SC2034
# Sourced by the tests of the command line, which print TAP. EC is the program, PROBE the directory of
# the test plugin; the plugins that were built are next to the program. Root runs the program as an unprivileged user.
# UNDER, if set, is a program like tests/valgrind/run, and runs it.

umask 022
n=0 failed=0 T=
EC=${EC:?} PROBE=${PROBE:?} BUILT=${EC%/*}/plugins

T=$(mktemp -d "${TMPDIR:-/tmp}/extra-container-cli.XXXXXX") || exit 1
chmod 755 "$T"
trap 'rm -rf "$T"' EXIT
mkdir -m 755 "$T/bin" "$T/plugins" "$T/data" "$T/home"
cp "$EC" "$T/bin/extra-container"
cp "$PROBE"/*.so "$T/plugins/"
printf '[paths]\ndata = %s/data\n' "$T" > "$T/conf.ini"
chmod -R a+rX "$T"
EC=$T/bin/extra-container
WHO=
[ "$(id -u)" != 0 ] || WHO='setpriv --reuid=65534 --regid=65534 --clear-groups --'

# plugins NAME...: the program also loads these. Skips the file if one of them is not built, so call it first.
plugins() {
        for plugin; do
                if ! [ -e "$BUILT/$plugin.so" ]; then
                        echo "1..0 # SKIP plugin $plugin is not built"
                        exit 0
                fi
                cp "$BUILT/$plugin.so" "$T/plugins/"
                [ ! -d "$BUILT/$plugin" ] || cp -r "$BUILT/$plugin" "$T/plugins/"
        done
        chmod -R a+rX "$T/plugins"
}

# run WORD...: runs the program with the test's configuration and sets $out, $err and $status.
run() {
        # shellcheck disable=SC2086
        env -u EXTRA_CONTAINER_ETC -u XDG_RUNTIME_DIR HOME="$T/home" EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" NO_COLOR=1 $ENV \
                $WHO ${UNDER-} "$EC" --config "$T/conf.ini" "$@" > "$T/out" 2> "$T/err" < /dev/null
        status=$?
        out=$(cat "$T/out") err=$(cat "$T/err")
}
ENV=

# ok TEXT: passes if the last command succeeded.
ok() {
        if [ $? = 0 ]; then
                n=$((n + 1))
                echo "ok $n - $1"
        else
                n=$((n + 1)) failed=$((failed + 1))
                echo "not ok $n - $1"
                { echo "status $status"; echo "stdout: $out"; echo "stderr: $err"; } | sed 's/^/# /'
        fi
}

# is TEXT STATUS OUT ERR
is() {
        [ "$status" = "$2" ] && [ "$out" = "$3" ] && [ "$err" = "$4" ]
        ok "$1"
}

# says TEXT STATUS WORDS: WORDS are part of stdout or stderr.
says() {
        [ "$status" = "$2" ] && case "$out$err" in *"$3"*) true ;; *) false ;; esac
        ok "$1"
}

finish() {
        echo "1..$n"
        [ "$failed" = 0 ]
        exit
}
