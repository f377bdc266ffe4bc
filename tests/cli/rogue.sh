#!/bin/sh
# A plugin that crashes, exits, hangs or cannot be initialised is named, and does not affect what does not need it.
# shellcheck source=tests/cli/lib.sh disable=SC2154
. "${0%/*}/lib.sh"
cp "$ROGUE" "$T/plugins/"

rogue() { # ROGUE WORD...: runs the program with this misbehaviour
        ROGUE_IS=$1
        shift
        # shellcheck disable=SC2086
        env ROGUE="$ROGUE_IS" HOME="$T/home" EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" NO_COLOR=1 \
                $WHO "$EC" --config "$T/conf.ini" "$@" > "$T/out" 2> "$T/err" < /dev/null
        status=$?
        out=$(cat "$T/out") err=$(cat "$T/err")
}

rogue 'command exit' rogue
is "exit() in a command is a failure that names the plugin" 1 "" "error: plugin rogue called exit() in its command 'rogue'"
rogue 'hook exit' probe
is "exit() in a hook is a failure that names the plugin" 1 "" "error: plugin rogue called exit() in its hook 'configure'"
rogue 'init exit' probe
is "exit() in init() is a failure that names the plugin" 1 "" "error: plugin rogue called exit() in its init()"
# A sanitizer reports crashes itself.
if ! ldd "$EC" | grep -q libasan; then
        rogue 'command crash' rogue
        says "a crash in a command names the plugin" 139 "error: plugin rogue crashed in its command 'rogue' (SIGSEGV)"
        rogue 'hook crash' probe
        says "a crash in a hook names the plugin" 139 "error: plugin rogue crashed in its hook 'configure' (SIGSEGV)"
        rogue 'constructor crash' probe
        says "a crash in a constructor names the plugin" 139 "error: plugin rogue crashed in its constructors (SIGSEGV)"
fi
rogue 'command quick-exit' rogue
says "quick_exit() is a failure that names the plugin, too" 1 "error: plugin rogue called exit() in its command 'rogue'"
rogue 'hook close' probe
says "a plugin that closes stderr leaves no gap for the next file" 0 "command probe"
rogue 'command 256' rogue
is "256 is not an exit status" 1 "" "error: plugin rogue: command 'rogue' returned 256, which is not an exit status"
rogue 'hook hold' probe
says "a hold that a hook does not release is released with a warning" 0 "warning: plugin rogue still held interrupts after its hook 'configure': released"
rogue 'hook deadlock' rogue
is "a hook cannot call a phase" 1 "" "error: plugin rogue: deploy->destroy() cannot be called from a hook: plugin rogue did so in its hook 'configure'"

# ---- init() fails
rogue 'init fail' probe
says "a plugin that cannot be initialised is left out with a warning" 0 "warning: plugin rogue was rejected: it could not be initialised: no luck"
says "the command of another plugin still runs" 0 "command probe"
rogue 'init cancel' probe
says "whatever its error is" 0 "warning: plugin rogue was rejected: it could not be initialised: Operation canceled"
rogue 'init fail' rogue
is "the command of a rejected plugin gives the reason" 1 "" "error: rogue: its plugin rogue was rejected: it could not be initialised: no luck"
rogue 'init fail' probe --rogue-option
is "the option of a rejected plugin gives the reason" 1 "" "error: option '--rogue-option': its plugin rogue was rejected: it could not be initialised: no luck"
printf '[paths]\ndata = %s/data\n[plugins]\nrogue = required\n' "$T" > "$T/conf.ini"
rogue 'init fail' probe
is "a required plugin that cannot be initialised is an error" 1 "" "error: plugin rogue: it could not be initialised: no luck"
printf '[paths]\ndata = %s/data\n' "$T" > "$T/conf.ini"

# ---- a command of a plugin that was rejected or is missing
printf '[paths]\ndata = %s/data\n[rogue]\nsetting = many\n' "$T" > "$T/conf.ini"
run rogue
is "a setting of the wrong type rejects its plugin, and the command says so" 1 "" "error: command 'rogue': plugin rogue was rejected: $T/conf.ini:4: 'setting' of [rogue] must be a whole number, not 'many'"
run probe --rogue-option
is "and so does its option" 1 "" "error: option '--rogue-option': plugin rogue was rejected: $T/conf.ini:4: 'setting' of [rogue] must be a whole number, not 'many'"
run --rogue-option=x probe
says "also before the command" 1 "error: option '--rogue-option=x': plugin rogue was rejected: "
run probe
says "other plugins still run" 0 "command probe"
echo "not a program" > "$T/plugins/broken.so"
printf '[paths]\ndata = %s/data\n' "$T" > "$T/conf.ini"
run qqqqqqqq
says "an unknown command may belong to a plugin that cannot be loaded" 2 "error: unknown command 'qqqqqqqq', and plugin broken was rejected: it cannot be loaded: "
printf '[paths]\ndata = %s/data\n[plugins]\nbroken = required\n' "$T" > "$T/conf.ini"
run qqqqqqqq
says "a required one is an error for every command" 1 "error: plugin broken is required in $T/conf.ini:4, but was rejected: it cannot be loaded: "
rm "$T/plugins/broken.so"
run qqqqqqqq
is "also if it is missing" 1 "" "error: plugin broken is required in $T/conf.ini:4, but missing"
printf '[paths]\ndata = %s/data\n' "$T" > "$T/conf.ini"

# ---- signals
# interrupt MISBEHAVIOUR SIGNAL...: sends the signals with a pause between them and sets $status.
interrupt() {
        misbehaviour=$1
        shift
        mkfifo "$T/said"
        # shellcheck disable=SC2086
        env --default-signal=HUP,INT,TERM ROGUE="$misbehaviour" HOME="$T/home" EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" NO_COLOR=1 \
                $WHO "$EC" --config "$T/conf.ini" rogue > "${TO:-$T/out}" 2> "$T/said" < /dev/null &
        pid=$!
        exec 3< "$T/said"
        read -r first <&3
        [ "$first" = ready ] || echo "# it said: $first"
        pause=0
        for signal; do
                sleep $pause
                kill -s "$signal" "$pid"
                pause=0.7 # a second signal within half a second is ignored
        done
        err=$(cat <&3)
        exec 3<&-
        rm "$T/said"
        wait "$pid"
        status=$? out=$(cat "$T/out")
}
interrupt 'command wait' TERM
is "one signal ends a wait, and the plugin returns" 143 "" "interrupted"
mkfifo "$T/full"
exec 4<> "$T/full" # open for reading, but never read
: > "$T/out"
TO=$T/full
interrupt 'command flood' TERM
TO='' # for the next ones
exec 4<&-
is "a signal ends output into a pipe that is not read" 143 "" ""
interrupt 'command held' TERM TERM
is "a second signal ends a service that waits while signals are held" 143 "" "error: plugin rogue did not stop in its command 'rogue'; the program was ended. The next run repairs what is unfinished"
interrupt 'command hang' TERM TERM
is "a second one ends a plugin that does not stop" 143 "" "error: plugin rogue did not stop in its command 'rogue'; the program was ended. The next run repairs what is unfinished"

# ---- a malformed configuration
printf '[probe\n' > "$T/conf.ini"
run --help
says "help works with a malformed configuration" 0 "Usage:"
says "help warns about a malformed configuration" 0 "warning: $T/conf.ini:1: "
run help plugins
says "help of a command works with a malformed configuration" 0 "List the plugins"
run --version
says "--version works with a malformed configuration" 0 "extra-container "
run probe
says "a command fails with a malformed configuration" 1 "error: $T/conf.ini:1: "
run plugins
says "plugins fails with a malformed configuration" 1 "error: $T/conf.ini:1: "
printf '[paths]\nstate = relative\n' > "$T/conf.ini"
run --help
says "help works with an invalid path in the configuration" 0 "must be an absolute path"
run probe
says "a command fails with an invalid path in the configuration" 1 "error: $T/conf.ini:2: "
finish
