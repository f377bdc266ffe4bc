#!/bin/sh
# Help comes from the tables, as do the lists of plugins.
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
ok "--help: stdout, status 0"
overview=$out
has "all commands" "  probe-words "
has "with their aliases" "  probe, sonde "
has "and those of the core" "  plugins "
has_not "not the hidden ones" "probe-hidden"
narrow "80 columns" 80
[ "$(printf '%s\n' "$out" | sed -n '/^Commands:/,/^$/p' | sed '1d;$d' | sort)" = "$(printf '%s\n' "$out" | sed -n '/^Commands:/,/^$/p' | sed '1d;$d')" ]
ok "in order"
run help
[ "$out" = "$overview" ]
ok "help is --help"
run -h
[ "$out" = "$overview" ]
ok "so is -h"

run help probe
[ "$status" = 0 ] && [ ! "$err" ]
ok "help of a command"
page=$out
has "its usage" "Usage: extra-container probe [OPTION...] [ARG...]
       extra-container sonde ..."
has "its details as they are" "
    as it is:   three   blanks
"
has "a switch" "  -f, --fast "
has "a value" "  -l, --level N "
has "the core's options" "  -E, --expr EXPR "
has "another's options have a heading" "Options of probe:
      --probe-build "
has_not "no hidden option" "--hidden"
has_not "none of another scope" "--probe-start"
narrow "80 columns" 80
for words in "probe --help" "probe -h" "--help probe" "sonde --help" "help sonde" "probe a b --fast --help"; do
        run $words
        [ "$status" = 0 ] && [ "$out" = "$page" ]
        ok "$words"
done
run help probe-hidden
says "a hidden command has help" 0 "Usage: extra-container probe-hidden"
run help probe-table
has "a listing has --json" "      --json "
run help probe-words
has_not "what builds nothing has no --expr" "--expr"
run help probe plugins
is "one at a time" 2 "" "error: help: only one command can be given"

# ---- the terminal's width
if command -v script > /dev/null && [ "$(id -u)" = 0 ]; then
        for cols in 60 120; do
                script -qec "stty cols $cols rows 24; EXTRA_CONTAINER_PLUGIN_DIR=$T/plugins $WHO $EC --config $T/conf.ini help probe" /dev/null \
                        < /dev/null 2> "$T/err" | tr -d '\r' > "$T/out"
                out=$(cat "$T/out") err=$(cat "$T/err") status=0
                narrow "$cols columns" $cols
                [ "$cols" = 60 ] || { printf '%s\n' "$out" | awk 'length > 81 { wide = 1 } END { exit !wide }'; ok "all of them"; }
        done
fi

# ---- plugins
printf 'not a plugin\n' > "$T/plugins/broken.so"
chmod 644 "$T/plugins/broken.so"
printf '[paths]\ndata = %s/data\n[plugins]\nbroken = on\ngone = on\naway = off\n' "$T" > "$T/conf.ini"
run plugins --json
[ "$status" = 0 ] && [ ! "$err" ]
ok "plugins --json, whatever they are like"
if command -v python3 > /dev/null; then
        printf '%s' "$out" | python3 -c '
import json, sys
p = {x["name"]: x for x in json.load(sys.stdin)}
assert list(p) == sorted(p), list(p)
b = p["broken"]
assert b["state"] == "rejected" and b["toggle"] == "on" and "cannot be loaded" in b["reason"] and b["version"] is None, b
assert p["gone"]["state"] == "missing" and p["gone"]["file"] is None, p["gone"]
assert p["away"]["state"] == "off", p["away"]
x = p["probe"]
assert x["state"] == "loaded" and x["toggle"] == "auto" and x["version"] == "1.2" and x["abi"] == "1.0", x
assert x["commands"][:2] == ["probe", "probe-words"] and "probe-hidden" not in x["commands"], x
assert x["options"] == ["--probe-build", "--probe-value", "--probe-start", "--probe-veto"], x
assert x["hooks"] == ["configure", "finish"], x
assert x["file"].endswith("/plugins/probe.so") and x["reason"] is None, x
' > "$T/log" 2>&1
        r=$? err=$(cat "$T/log")
        [ $r = 0 ]
        ok "what it says of each"
fi
run plugins
says "as a list" 0 "broken"
run probe-status 0
says "a rejected one is a warning elsewhere" 0 "warning: plugin broken was rejected: it cannot be loaded"

finish
