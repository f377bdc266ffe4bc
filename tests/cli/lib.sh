# shellcheck shell=sh disable=SC2034
# Sourced by the tests of the command line, which print TAP. EC is the program, PROBE the directory of
# the test plugin. Root runs the program as an unprivileged user.

umask 022
n=0 failed=0 T=
EC=${EC:?} PROBE=${PROBE:?}

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

# run WORD...: runs the program with the test's configuration and sets $out, $err and $status.
run() {
        # shellcheck disable=SC2086
        env -u EXTRA_CONTAINER_ETC -u XDG_RUNTIME_DIR HOME="$T/home" EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" NO_COLOR=1 $ENV \
                $WHO "$EC" --config "$T/conf.ini" "$@" > "$T/out" 2> "$T/err" < /dev/null
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
