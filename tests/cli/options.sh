#!/bin/sh
# Tests how the command line is parsed, what is rejected, and with which status.
# shellcheck disable=SC2154,SC2086,SC1091,SC2034
. "$(dirname "$0")/lib.sh"

run probe a --fast b -l 3 --level=4
is "options may be anywhere, and the last one wins" 0 "command probe
fast=1
level=2 [4]
arg [a]
arg [b]
greeting [hello]" ""

run sonde -fl3 -w a -wb
is "aliases, combined short options and repeated options work" 0 "command probe
fast=1
level=1 [3]
word=2 [a] [b]
greeting [hello]" ""

run probe - -- --fast -x
is "a dash is an argument, and -- ends the options" 0 "command probe
arg [-]
arg [--fast]
arg [-x]
greeting [hello]" ""

run probe --build-args -K --fast --final c --build-args -h
is "an option takes the rest of the line, up to a final option" 0 "command probe
final=1 [c] [--build-args] [-h]
build-args=1 [-K] [--fast]
greeting [hello]" ""

run probe-words -f web ls -f --help
is "options of a command with words end at the first argument" 0 "command probe-words
fast=1
arg [web]
arg [ls]
arg [-f]
arg [--help]
greeting [hello]" ""

run probe --probe-build -E '{ }' -A 'a b' --probe-value=-x
is "a command that builds has the core's options and those of scope BUILD" 0 "command probe
probe-build=1
probe-value=1 [-x]
expr=1 [{ }]
attr=1 [a b]
greeting [hello]" ""

run probe --probe-start
says "an option of another scope is unknown" 2 "error: probe: unknown option '--probe-start'"
run probe --probe-biuld
is "an unknown option suggests the nearest name" 2 "" "error: probe: unknown option '--probe-biuld', did you mean '--probe-build'?"
run probe --fast=1
is "a switch takes no value" 2 "" "error: probe: option '--fast' takes no value"
run probe --level
is "a missing value is an error" 2 "" "error: probe: option '--level' needs a value (N)"
run probe-words --expr x
says "a command that does not build has no --expr" 2 "unknown option '--expr'"
run probe-none x
is "an argument of a command without arguments is an error" 2 "" "error: probe-none takes no arguments, but 'x' was given"
run probe-table web
is "an argument of a listing is an error that names --json" 2 "" "error: probe-table takes no names, but 'web' was given; 'probe-table --json' prints all details"
run probe-none --json
says "a command that is not a listing has no --json" 2 "unknown option '--json'"
run probe-table --json
says "a listing with --json is JSON" 0 '"n": 7'
run probe-table
is "a listing in a pipe is separated by tabs" 0 "x	7" ""

run probe --probe
is "the beginning of several options suggests none of them" 2 "" "error: probe: unknown option '--probe'"
run probe --build
is "the beginning of an option suggests that" 2 "" "error: probe: unknown option '--build', did you mean '--build-args'?"

run probe -fast
is "a long option with one '-' suggests it with two" 2 "" "error: probe: unknown option '-fast', did you mean '--fast'?"

# ---- before the command
run
is "a missing command prints the usage" 2 "" "Usage: extra-container [OPTION...] COMMAND [ARGUMENT...]
'extra-container --help' lists the commands."
run --version
says "--version prints the version" 0 "extra-container "
run --versoin
is "an unknown option before the command suggests the nearest name" 2 "" "error: unknown option '--versoin', did you mean '--version'?"
run -V
is "-V suggests --version" 2 "" "error: unknown option '-V', did you mean '--version'?"
run -q
is "an unknown option before the command says where the commands are listed" 2 "" "error: unknown option '-q'; 'extra-container --help' lists the commands"
run -f web
is "a short option of a command must follow the command, too" 2 "" "error: option '-f' must follow the command"
run --probe-value=x probe
is "an option of a command must follow the command" 2 "" "error: option '--probe-value=x' must follow the command"
run --verbose probe
is "--verbose works before the command" 0 "command probe
greeting [hello]" "this is info"
run probe -v
is "--verbose works after the command" 0 "command probe
verbose=1
greeting [hello]" "this is info"
run probe --debug
says "--debug prints debug messages" 0 "probe: this is debug"
ENV=EXTRA_CONTAINER_ETC=/nix/store/x
run
is "a build output in the environment opens a session" 0 "command probe-shell
greeting [hello]" ""
run --fast a
is "the session of a build output takes options" 0 "command probe-shell
fast=1
arg [a]
greeting [hello]" ""
ENV=

# ---- commands
sudo='sudo '
[ "$(id -u)" != 0 ] || [ "$WHO" ] || sudo=
run help prob
is "an unknown command suggests the nearest name" 2 "" "error: unknown command 'prob', did you mean 'probe'?"
if ! command -v nixos-container > /dev/null; then
        run qqqqqqqqqq
        is "an unknown command without a similar name suggests nothing" 2 "" "error: unknown command 'qqqqqqqqqq'; 'extra-container --help' lists the commands"
        run "$(printf 'qqqq\033]0;title\007qqqq\033[2Jqq\302\233')"
        is "a message has no escape sequences" 2 "" "error: unknown command 'qqqqqqqqqq'; 'extra-container --help' lists the commands"
fi
run help stop
is "a command of other programs is answered with what does that" 2 "" "error: unknown command 'stop'; to stop a container, use '${sudo}systemctl stop container@NAME'"
run help run
is "a hint names only commands that are there" 2 "" "error: unknown command 'run'; to run a command in a container, use '${sudo}machinectl shell NAME COMMAND'"
run help rm
is "without such a command, there is no hint" 2 "" "error: unknown command 'rm'; 'extra-container --help' lists the commands"
run help qqqqqqqqqq
says "help of an unknown command is an error" 2 "unknown command 'qqqqqqqqqq'"
printf '#!/bin/sh\necho "nixos-container: $*"\nexit 7\n' > "$T/bin/nixos-container"
chmod 755 "$T/bin/nixos-container"
ENV=PATH=$T/bin:$PATH
run show-ip web -x --help
is "other commands are passed to nixos-container" 7 "nixos-container: show-ip web -x --help" ""
run frobnicate web
is "unknown ones, too" 7 "nixos-container: frobnicate web" ""
run prob
is "a mistyped command of ours is not passed on" 2 "" "error: unknown command 'prob', did you mean 'probe'?"
run stat
is "the nearest command may be one of nixos-container" 2 "" "error: unknown command 'stat', did you mean 'status'?"
run logs web
is "a command with a hint is not passed on" 2 "" "error: unknown command 'logs'; to read the log of a container, use '${sudo}journalctl -M web'; if it is stopped, use '${sudo}journalctl -u container@web'"
printf '#!/bin/sh\nwhile [ "${1##*/}" != extra-container ]; do shift; done; echo "sudo: $*"\n' > "$T/bin/sudo"
chmod 755 "$T/bin/sudo"
run stop web --now
is "a command that needs root is passed on by root" 0 "sudo: $T/bin/extra-container stop web --now" ""
ENV="$ENV EXTRA_CONTAINER_ELEVATED=1"
run stop web
is "sudo is called only once" 1 "" "error: nixos-container stop needs root, but sudo did not grant it"
ENV=PATH=$T/bin:$PATH
rm "$T/bin/sudo"
mkdir "$T/plugins/gone" "$T/plugins/probe" "$T/plugins/broken"
cat > "$T/plugins/gone/feature.json" <<'E'
{ "feature": "gone", "commands": ["teleport", "show-ip"], "options": ["--beam", "-B"], "forwards": ["show-ip"] }
E
cat > "$T/plugins/probe/feature.json" <<'E'
{ "feature": "probe", "commands": ["probe"] }
E
run teleport web
is "a command of a missing plugin names the plugin" 2 "" "error: command 'teleport': plugin gone is not installed"
run show-ip
is "a command that nixos-container also has is passed to it" 7 "nixos-container: show-ip" ""
run probe --beam
is "an option of a missing plugin names the plugin" 2 "" "error: option '--beam': plugin gone is not installed"
run probe -fB
is "a short option of a missing plugin names the plugin" 2 "" "error: option '-B': plugin gone is not installed"
echo '{ "feature": ' > "$T/plugins/broken/feature.json"
run teleport web
says "a broken feature.json does not hide the others" 2 "plugin gone is not installed"
printf '[paths]\ndata = %s/data\n[plugins]\nprobe = off\n' "$T" > "$T/conf.ini"
run probe
is "a command of a plugin that is off names the line of the configuration" 2 "" "error: command 'probe': plugin probe is off in $T/conf.ini:4"
ENV=
rm "$T/bin/nixos-container"

# ---- exit status
conf() { printf '%b' "[paths]\ndata = $T/data\n$1" > "$T/conf.ini"; }
conf ''
run probe-status 0
is "a command's success is status 0" 0 "" ""
run probe-status 42
is "a command's own status is the exit status" 42 "" ""
run probe-status error
is "a failure is status 1" 1 "" "error: no such thing"
run probe-status
is "a usage error is status 2" 2 "" "error: status: say which"
run probe-status silent
says "a failure without a message gets one" 1 "error: plugin probe: command 'probe-status' failed: "
run probe --probe-veto
is "a hook that fails names its plugin" 1 "" "error: plugin probe: vetoed"
ENV=PROBE_INIT_FAILS=1
run probe
is "a plugin that cannot be initialised is rejected" 1 "" "error: probe: its plugin probe was rejected: it could not be initialised: no luck"
ENV=PROBE_FINISH=1
run probe-status 42
is "the finish hook gets the status" 42 "" "finish probe-status 42"
run probe-status error
is "the finish hook gets the status of a failure" 1 "" "finish probe-status 1
error: no such thing"
ENV=

# ---- configuration
conf '[probe]\ngreeting = good day\n'
run probe
is "a plugin gets its settings" 0 "command probe
greeting [good day]" ""
conf '[probe]\ncount = many\n'
run probe
is "a setting of the wrong type rejects its plugin" 1 "" "error: command 'probe': plugin probe was rejected: $T/conf.ini:4: 'count' of [probe] must be a whole number, not 'many'"
run --help
says "help ignores settings of the wrong type" 0 "Usage:"
conf '[probe]\ngreting = x\n[nobody]\na = b\n'
run probe-status 0
says "an unknown key is a warning" 0 "greting"
says "an unknown section is a warning" 0 "nobody"
conf '[plugins]\nabsent = off\n[absent]\na = b\n'
run probe-status 0
is "the section of a plugin that is off is not a warning" 0 "" ""
conf '[plugins]\nabsent = required\n'
run probe-status 0
is "a missing required plugin is an error" 1 "" "error: plugin absent is required in $T/conf.ini:4, but missing"
run plugins
says "plugins works without a required plugin" 0 "missing"
run --help
says "help works without a required plugin" 0 "Usage:"
conf '[plugins]\nabsent = on\n'
run probe-status 0
is "a missing plugin that is on is a warning" 0 "" "warning: plugin absent is on in $T/conf.ini:4, but missing"
conf '[plugins]\nabsent = perhaps\n'
run plugins
is "an invalid toggle is an error" 1 "" "error: $T/conf.ini:4: 'absent' of [plugins] must be required, on, auto or off, not 'perhaps'"
echo 'no section' > "$T/conf.ini"
run probe
says "a malformed configuration is an error" 1 "conf.ini"
run --version
says "--version works with a malformed configuration" 0 "extra-container "
conf ''
run probe --config "$T/absent.ini"
says "a missing --config file is an error" 1 "absent.ini"
printf '[probe]\ngreeting = other\n' > "$T/other.ini"
run probe a --config "$T/other.ini"
is "--config works after the command" 0 "command probe
arg [a]
greeting [other]" ""
if [ "$(id -u)" = 0 ]; then
        WHO_=$WHO WHO=
        run probe
        says "--config is rejected for root" 2 "error: option '--config' is refused for root; change "
        WHO=$WHO_
fi

# ---- root through sudo, which has to keep part of the environment
printf '#!/bin/sh\nprintf "[%%s]\\n" "$@"\n' > "$T/bin/sudo"
chmod 755 "$T/bin/sudo"
as_user() {
        env -i PATH="$T/bin:$PATH" NIX_PATH='a=b c' SHELL=/bin/zsh HOME="$T/home" TERM=dumb EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" \
                EXTRA_CONTAINER_ETC=/nix/store/x EXTRA_CONTAINER_SESSION='a b' LD_PRELOAD='' "$@" > "$T/out" 2> "$T/err"
        status=$? out=$(cat "$T/out") err=$(cat "$T/err")
}
if [ "$(id -u)" != 0 ] || [ "$WHO" ]; then
        as_user $WHO "$EC" probe-root -v 'a b'
        out=$(echo "$out" | sed "s|$T|T|g; s|:$PATH\]|:PATH]|; s|^\[/.*/env\]|[env]|")
        is "sudo gets the variables to keep" 0 "[-H]
[--]
[env]
[PATH=T/bin:PATH]
[NIX_PATH=a=b c]
[SHELL=/bin/zsh]
[EXTRA_CONTAINER_ETC=/nix/store/x]
[EXTRA_CONTAINER_SESSION=a b]
[EXTRA_CONTAINER_ELEVATED=1]
[T/bin/extra-container]
[probe-root]
[-v]
[a b]" ""
        as_user $WHO "$EC" probe-root --wrong
        says "options are checked before sudo is run" 2 "error: probe-root: unknown option '--wrong'"
        as_user $WHO env EXTRA_CONTAINER_ELEVATED=1 "$EC" probe-root
        is "sudo is not run a second time" 1 "" "error: probe-root needs root, but sudo did not grant it"
        run probe-root
        is "--config is rejected by a command that needs root" 2 "" "error: probe-root: '--config' cannot be used with a command that needs root"
fi

# ---- output
env EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" $WHO "$EC" --config "$T/conf.ini" probe-flood > /dev/full 2> "$T/err"
status=$? out='' err=$(cat "$T/err")
says "a full disk is an error" 1 "error: cannot write to standard output: "
{ env EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" $WHO "$EC" --config "$T/conf.ini" probe-flood 2> "$T/err"; echo $? > "$T/status"; } | head -n 1 > "$T/out"
status=$(cat "$T/status") out=$(cat "$T/out") err=$(cat "$T/err")
is "a closed pipe is not reported as an error" 1 "line 0" ""
run help plugins < /dev/null
says "help works" 0 "Usage: extra-container plugins"

# ---- signals
mkfifo "$T/ready" "$T/never"
chmod 666 "$T/ready" "$T/never"
exec 9<> "$T/never"
for sig in INT:130 TERM:143 HUP:129; do
        env --default-signal=HUP,INT,TERM EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" PROBE_FINISH=1 $WHO "$EC" --config "$T/conf.ini" probe-wait \
                > "$T/ready" 2> "$T/err" < "$T/never" 9>&- &
        pid=$!
        read -r line < "$T/ready"
        kill -"${sig%:*}" $pid
        wait $pid
        status=$? out=$line err=$(cat "$T/err")
        is "SIG${sig%:*} ends a command with status ${sig#*:}" "${sig#*:}" ready "finish probe-wait ${sig#*:}
interrupted"
done

finish
