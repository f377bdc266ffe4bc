#!/bin/bash
# Installs the program into a prefix, and builds, installs and loads each plugin of examples/plugins there, with its own
# makefile and nothing else of this tree; then the plugin of HACKING.md, in a copy of the tree. Prints TAP. MAKE is make,
# BUILD a directory for a separate build, which reuses the objects in OBJECTS that do not contain the directories.
set -uo pipefail
cd "$(readlink -f -- "${BASH_SOURCE[0]%/*}/../..")" || exit
make=${MAKE:-make} build=${BUILD:?}
. tests/tap.sh
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
chmod 755 "$T"
umask 022

rm -rf "$build"
mkdir -p "$build"
[[ ! -d ${OBJECTS-}/obj ]] || cp -a "$OBJECTS/obj" "$OBJECTS/flags" "$build/"
"$make" -s --no-print-directory "BUILD=$build" "PREFIX=$T/usr" "SYSCONFDIR=$T/etc" install >"$T/log" 2>&1 ||
        sed 's/^/# /' "$T/log"
export PKG_CONFIG_PATH=$T/usr/lib/pkgconfig
plugins=$T/usr/lib/extra-container/plugins
ec() { "$T/usr/bin/extra-container" "$@"; }
# Prints the value of a plugin's key in the JSON listing.
about() { ec plugins --json | jq -r --arg name "$1" ".[] | select(.name == \$name) | $2"; }
settings() { cat >>"$T/etc/extra-container.ini"; }

cp -r examples/plugins "$T/plugins"
for dir in "$T/plugins"/*/; do
        name=$(basename "$dir")
        is "$name: builds without a warning" \
                "$("$make" -s --no-print-directory -C "$dir" CFLAGS='-O2 -Wall -Wextra -Werror' 2>&1)" ''
        is "$name: exports only its descriptor" \
                "$(nm -D --defined-only "$dir$name.so" | awk '{ print $3 }')" "ec_plugin_v1_$name"
        is "$name: installs" "$("$make" -s --no-print-directory -C "$dir" install 2>&1; ls "$plugins/$name.so")" \
                "$plugins/$name.so"
        is "$name: is loaded" "$(about "$name" '.state')" loaded
done

# ---- memory_limit
is 'memory_limit: has the hook pre_install' "$(about memory_limit '.hooks | join(" ")')" pre_install

# ---- hosts
is 'hosts: has its hooks' "$(about hosts '.hooks | join(" ")')" 'started updated stopped failed removed'
settings <<<$'[hosts]\nfile = '"$T/hosts"
is 'hosts: lists nothing without a file' "$(ec hosts 2>&1; ec hosts --json)" '[]'
begin='# begin extra-container: kept up to date by the hosts plugin'
printf '127.0.0.1 localhost\n%s\n' "$begin" >"$T/hosts"
printf '10.0.0.2\tweb\nfd00::2\tweb\n# end extra-container\n::1 localhost\n' >>"$T/hosts"
is 'hosts: its command lists the block' "$(ec hosts)" $'web\t10.0.0.2\nweb\tfd00::2'
is 'hosts: its command prints JSON' "$(ec hosts --json | jq -c '.[0]')" '{"name":"web","address":"10.0.0.2"}'
sed -i '/^# end/d' "$T/hosts"
is 'hosts: a block without an end is an error' "$(ec hosts 2>&1)" \
        "error: $T/hosts has a line '$begin' without the line '# end extra-container' after it"
ln -sf /dev/zero "$T/hosts"
is 'hosts: a link is not followed' "$(ec hosts 2>&1)" "error: $T/hosts is not a regular file; set another one: [hosts] file"
is 'hosts: its command takes no arguments' "$(ec hosts web 2>&1; echo $?)" $'error: hosts takes no names, but \'web\' was given; \'hosts --json\' prints all details\n2'
is 'hosts: its options are in the help' "$(ec help hosts | grep -c -e '--update')" 1
if [[ -e $plugins/create.so ]]; then
        is 'hosts: commands that start take its option' "$(ec help create | grep -c -e '--no-hosts')" 1
        is 'hosts: other commands do not take its option' "$(ec build --no-hosts 2>&1 | sed 's/; .*//')" "error: build: unknown option '--no-hosts'"
fi

for dir in "$T/plugins"/*/; do
        name=$(basename "$dir")
        "$make" -s --no-print-directory -C "$dir" uninstall clean
        is "$name: uninstalls, and clean removes all build results" \
                "$(ls "$plugins/$name.so" 2>/dev/null; diff -r "examples/plugins/$name" "$dir")" ''
done

# ---- the plugin that HACKING.md adds to the tree
mkdir "$T/tree"
find . -path ./build -prune -o -path ./.git -prune -o -type f -print0 | xargs -0 cp -a --parents -t "$T/tree"
awk -v dir="$T/tree" -f tests/examples/files.awk HACKING.md
in_tree() { "$make" -s --no-print-directory -C "$T/tree" "BUILD=$build" PLUGINS=pid "$@" 2>&1; }
is 'HACKING.md: its plugin is formatted' \
        "$(! command -v clang-format >/dev/null ||
                (cd "$T/tree" && clang-format --dry-run plugins/pid/pid.c tests/plugins/pid.c 2>&1))" ''
is 'HACKING.md: its plugin builds' "$(in_tree "$build/plugins/pid.so")" ''
is 'HACKING.md: its plugin passes its test' "$(in_tree "$build/tests/plugins/pid" && "$build/tests/plugins/pid" 2>&1 | grep -cE '^ok |OK')" 3
pid_cli() { EC=$build/extra-container PROBE=$build/tests/cli/plugins sh "$T/tree/tests/cli/pid.sh" 2>&1; }
in_tree "$build/tests/cli/plugins/probe.so" >/dev/null
is 'the plugin of HACKING.md passes its test of the command line' "$(pid_cli)" \
        $'ok 1 - pid needs the name of a container\nok 2 - pid is in the help\n1..2'
is 'that test is skipped without the plugin' "$(mv "$build/plugins/pid.so" "$T/"; pid_cli; mv "$T/pid.so" "$build/plugins/")" \
        '1..0 # SKIP plugin pid is not built'
is 'HACKING.md: its plugin has a command and a setting' \
        "$(in_tree settings; jq -r '.settings | keys[]' "$T/tree/plugins/pid/settings.json"
        cp "$build/plugins/pid.so" "$plugins/" && ec help pid | grep -o -e '-p, --ps')" $'arguments\n-p, --ps'
is 'HACKING.md: its host test is valid bash' "$(bash -n "$T/tree/tests/host/pid.test" 2>&1)" ''
done_testing
