#!/bin/sh
# Tests help and the lists of plugins, which are generated from the tables.
# shellcheck disable=SC2154,SC2086,SC1091,SC2034
. "$(dirname "$0")/lib.sh"

has() {
        case $out in *"$2"*) true ;; *) false ;; esac
        ok "$1"
}
has_not() {
        case $out in *"$2"*) false ;; *) true ;; esac
        ok "$1"
}
narrow() {
        [ "$(printf '%s\n' "$out" | awk '{ if (length > m) m = length } END { print m }')" -le "$2" ]
        ok "$1"
}

run --help
[ "$status" = 0 ] && [ ! "$err" ]
ok "--help prints to stdout with status 0"
overview=$out
has "--help lists all commands" "  probe-words "
has "--help lists aliases" "  probe, sonde "
has "--help lists the core's commands" "  plugins "
has_not "--help omits hidden commands" "probe-hidden"
narrow "help fits 80 columns" 80
[ "$(printf '%s\n' "$out" | sed -n '/^Commands:/,/^$/p' | sed '1d;$d' | sort)" = "$(printf '%s\n' "$out" | sed -n '/^Commands:/,/^$/p' | sed '1d;$d')" ]
ok "--help lists the commands in order"
run help
[ "$out" = "$overview" ]
ok "help prints the same as --help"
run -h
[ "$out" = "$overview" ]
ok "-h prints the same as --help"

run help probe
[ "$status" = 0 ] && [ ! "$err" ]
ok "help of a command prints to stdout with status 0"
page=$out
has "help of a command shows its usage" "Usage: extra-container probe [OPTION...] [ARG...]
       extra-container sonde ..."
has "help of a command shows its details unchanged" "
    as it is:   three   blanks
"
has "help of a command shows switches" "  -f, --fast "
has "help of a command shows options with values" "  -l, --level N "
has "help of a command shows the core's options" "  -E, --expr EXPR "
has "options of a plugin have a heading" "Options of probe:
      --probe-build "
has_not "help of a command omits hidden options" "--hidden"
has_not "help of a command omits options of other scopes" "--probe-start"
narrow "help fits 80 columns" 80
for words in "probe --help" "probe -h" "--help probe" "sonde --help" "help sonde" "probe a b --fast --help"; do
        run $words
        [ "$status" = 0 ] && [ "$out" = "$page" ]
        ok "'$words' prints the same help"
done
run help probe-hidden
says "a hidden command has help" 0 "Usage: extra-container probe-hidden"
run help probe-table
has "help of a listing shows --json" "      --json "
run help probe-words
has_not "help of a command that does not build omits --expr" "--expr"
run help probe plugins
is "help takes only one command" 2 "" "error: help: only one command can be given"

# ---- the terminal's width
if command -v script > /dev/null && [ "$(id -u)" = 0 ]; then
        for cols in 60 120; do
                script -qec "stty cols $cols rows 24; EXTRA_CONTAINER_PLUGIN_DIR=$T/plugins $WHO $EC --config $T/conf.ini help probe" /dev/null \
                        < /dev/null 2> "$T/err" | tr -d '\r' > "$T/out"
                out=$(cat "$T/out") err=$(cat "$T/err") status=0
                narrow "help fits $cols columns" $cols
                [ "$cols" = 60 ] || { printf '%s\n' "$out" | awk 'length > 81 { wide = 1 } END { exit !wide }'; ok "help uses the whole width of $cols columns"; }
        done
fi

# ---- plugins
printf 'not a plugin\n' > "$T/plugins/broken.so"
chmod 644 "$T/plugins/broken.so"
printf '[paths]\ndata = %s/data\n[plugins]\nbroken = on\ngone = on\naway = off\n' "$T" > "$T/conf.ini"
run plugins --json
[ "$status" = 0 ] && [ ! "$err" ]
ok "plugins --json succeeds with rejected and missing plugins"
if command -v python3 > /dev/null; then
        printf '%s' "$out" | python3 -c '
import json, sys
p = {x["name"]: x for x in json.load(sys.stdin)}
assert list(p) == sorted(p), list(p)
b = p["broken"]
assert b["state"] == "rejected" and b["toggle"] == "on" and "cannot be loaded" in b["reason"] and b["version"] is None, b
assert p["gone"]["state"] == "missing" and p["gone"]["file"] is None, p["gone"]
assert p["gone"]["reason"].startswith("it is on in /") and p["gone"]["reason"].endswith("/conf.ini:5"), p["gone"]
assert p["away"]["state"] == "off" and p["away"]["reason"].endswith("/conf.ini:6"), p["away"]
x = p["probe"]
assert x["state"] == "loaded" and x["toggle"] == "auto" and x["version"] == "1.2" and x["abi"] == "1.0", x
assert x["commands"][:2] == ["probe", "probe-words"] and "probe-hidden" not in x["commands"], x
assert x["options"] == ["--probe-build", "--probe-value", "--probe-start", "--probe-veto"], x
assert x["hooks"] == ["configure", "finish"], x
assert x["file"].endswith("/plugins/probe.so") and x["reason"] is None, x
' > "$T/log" 2>&1
        r=$? err=$(cat "$T/log")
        [ $r = 0 ]
        ok "plugins --json gives the state of each plugin"
fi
run plugins
says "plugins lists a rejected plugin" 0 "broken"
run probe-status 0
says "other commands warn about a rejected plugin" 0 "warning: plugin broken was rejected: it cannot be loaded"

finish
