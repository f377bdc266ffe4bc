#!/bin/bash
# Compares man pages, the INI and the settings of the NixOS module with the tables of the program and its plugins.
# Prints TAP. MAN is the directory of the pages, INI the file, TOOL makes both, PLUGINS is the directory of the
# plugins, EC the program.
set -uo pipefail
cd "$(readlink -f -- "${BASH_SOURCE[0]%/*}/../..")" || exit
MAN=${MAN:?} INI=${INI:?} TOOL=${TOOL:?} PLUGINS=${PLUGINS:?} EC=${EC:?}
. tests/tap.sh
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT

# Run as an unprivileged user, who may load plugins from any directory.
chmod 755 "$T"
mkdir -m 755 "$T/plugins" "$T/root"
cp "$EC" "$T/ec"
cp "$PLUGINS"/*.so "$T/plugins/" 2>/dev/null
chmod -R a+rX "$T"
ec=(env -u EXTRA_CONTAINER_ETC HOME=/nonexistent NO_COLOR=1 EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" "$T/ec")
((EUID != 0)) || ec=(setpriv --reuid=65534 --regid=65534 --clear-groups -- "${ec[@]}")
printf '@keys\n' >"$T/keys.in"
"$TOOL" "$T/keys.in" "$PLUGINS" . >"$T/keys" || exit 1
shopt -s nullglob
built=("$PLUGINS"/*.so)
built=("${built[@]##*/}")

# ---- pages ------------------------------------------------------------------
if command -v mandoc >/dev/null; then
        for page in extra-container.1 extra-container.ini.5 extra-container-plugin.3; do
                # Other pages may be missing on this machine, and only pages of a BSD have a fixed .Os.
                is "$page: mandoc has no warnings" \
                        "$(mandoc -T lint "$MAN/$page" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db|operating system explicitly specified')" ''
                mandoc -T utf8 "$MAN/$page" 2>/dev/null | col -bx >"$T/$page.txt"
                is "$page: no line is longer than 78 characters in mandoc" \
                        "$(mandoc -T ascii -O width=78 "$MAN/$page" 2>/dev/null | col -bx | awk 'length > 78')" ''
                if command -v man >/dev/null; then
                        is "$page: no line is longer than 80 characters in man" \
                                "$(MANWIDTH=80 man -E ascii -l "$MAN/$page" 2>/dev/null | col -bx | awk 'length > 80')" ''
                else
                        skip "$page: no line is longer than 80 characters in man" 'man is not installed'
                fi
                is "$page: its footer has the program and its version" \
                        "$(tail -n 1 "$T/$page.txt" | grep -o '^extra-container [0-9.]*')" \
                        "$("${ec[@]}" --version | head -n 1)"
                is "$page: it has text" "$([[ $(wc -l <"$T/$page.txt") -gt 60 ]] && echo yes)" yes
        done

        # The page contains the texts of the help, except for the line breaks.
        flat() { tr -s ' \n' '  ' | sed 's/- /-/g; s/[‐−]/-/g'; }
        flat <"$T/extra-container.1.txt" >"$T/flat"
        mapfile -t commands < <("${ec[@]}" complete -- '' | cut -f1)
        absent=''
        for command in "${commands[@]}"; do
                grep -qE "^   (.*, )?$command(,.*)?$" "$T/extra-container.1.txt" || absent+=" $command"
                while IFS=$'\t' read -r option help; do
                        grep -qF -e " $option" "$T/flat" && grep -qF -e "$(flat <<<"$help" | sed 's/ *$//')" "$T/flat" || absent+=" $command:$option"
                done < <("${ec[@]}" complete -- "$command" --)
        done
        is "extra-container.1: it has all commands and options" "$absent" ''
        is "extra-container.1: it has no hidden commands" "$(grep -cE '^   (complete|shell-exec)$' "$T/extra-container.1.txt")" 0
        is "extra-container.ini.5: it has every key" \
                "$(while IFS=$'\t' read -r section key _; do
                        grep -qE "^ {5}$key( = .*)?( {2,}.*)?$" "$T/extra-container.ini.5.txt" || echo "$section $key"
                done <"$T/keys")" ''
        is "extra-container-plugin.3: it has every name of the header" \
                "$(grep -oE '\b(ec|EC)_[a-zA-Z_]+[a-zA-Z]\b' core/include/extra-container/plugin.h |
                        grep -vxE 'EC_(EXPORT|PRINTF|EXTERN_C)' | sort -u | while read -r name; do
                        grep -qF "$name" "$T/extra-container-plugin.3.txt" || echo "$name"
                done)" ''
        is "extra-container-plugin.3: it has no macro that only the header uses, and no backticks" \
                "$(grep -nE 'EC_EXPORT|EC_PRINTF|EC_EXTERN_C|`' "$T/extra-container-plugin.3.txt")" ''
        is "extra-container-plugin.3: constants have headings of their own, not that of the next struct" \
                "$(grep -E '^   (EC_[A-Z]+_\*|EC_PLUGIN|EC_HAS|struct ec_option)$' "$T/extra-container-plugin.3.txt" | sed -n '1,5s/^ *//p')" \
                $'EC_ABI_*\nEC_SCOPE_*\nEC_ARG_*\nEC_OPT_*\nstruct ec_option'
        is "extra-container-plugin.3: it has the commands of every phase" \
                "$(sed -n '/^COMMANDS AND PHASES/,/^NIX/p' "$T/extra-container-plugin.3.txt" | grep -oE 'EC_SCOPE_[A-Z]+')" \
                "$(grep -oE '^#define EC_SCOPE_[A-Z]+' core/include/extra-container/plugin.h | cut -d ' ' -f 2)"
        is "extra-container-plugin.3: a list in the comment on a function is a list" \
                "$(grep -cE '^ +[-•·] +.data.: the program' "$T/extra-container-plugin.3.txt")" 1
        is "extra-container-plugin.3: it has every function of the services and hooks" \
                "$(awk '/^struct ec_[a-z]* *{|^struct ec_[a-z_]*_api {/ { table = /_api/ ? substr($2, 4, length($2) - 7) "->" : "" }
                        /^};/ { table = "-" } table != "-" && match($0, /\(\*[a-z_]+\)\(/) && !/fn\)/ {
                                print table substr($0, RSTART + 2, RLENGTH - 4) }' core/include/extra-container/plugin.h |
                        while read -r function; do
                                grep -qE -- "^ {5}[a-z].*[ *]$function\(" "$T/extra-container-plugin.3.txt" || echo "$function"
                        done)" ''
        is "extra-container-plugin.3: unknown text in the header is an error" \
                "$(mkdir -p "$T/source/core/include/extra-container"
                for line in 'enum ec_new { EC_A };' 'struct ec_new { int a' '/* no end'; do
                        { cat core/include/extra-container/plugin.h; printf '%s\n' "$line"; } >"$T/source/core/include/extra-container/plugin.h"
                        echo @header | "$TOOL" /dev/stdin "$PLUGINS" "$T/source" 2>&1 >/dev/null | sed 's/.*made of: //'
                done)" $'enum ec_new { EC_A };\nstruct ec_new { int a\n/* no end'
        # The example is C code of a complete plugin.
        mandoc -T utf8 "$MAN/extra-container-plugin.3" | col -bx | sed -n '/^EXAMPLES/,/^SEE/p' | sed '1,/A plugin/d; /^SEE/d' >"$T/hello.c"
        is "extra-container-plugin.3: the example compiles" \
                "$(${CC:-cc} -std=gnu11 -Wall -Wextra -Wno-missing-field-initializers -Werror -fPIC -shared -fvisibility=hidden -Icore/include "$T/hello.c" -o "$T/plugins/hello.so" 2>&1)" ''
        chmod a+rx "$T/plugins/hello.so"
        is "extra-container-plugin.3: the example runs" "$("${ec[@]}" --config /dev/null hello 2>&1)" hello
        rm "$T/plugins/hello.so"
else
        skip 'pages' 'mandoc is not installed'
fi

# ---- pages of a build without a plugin -----------------------------------------
if [[ -e $PLUGINS/create.so ]]; then
        mkdir "$T/few"
        cp "$PLUGINS/create.so" "$T/few/"
        "$TOOL" docs/man/extra-container.1.in "$T/few" . >"$T/few.1"
        is 'extra-container.1 of a build with one plugin names no other' "$(grep -cE 'shell|show-ip|cssh|addressPrefix|ssh' "$T/few.1")" 0
        "$TOOL" docs/man/extra-container.ini.5.in "$T/few" . >"$T/few.5"
        is 'extra-container.ini.5 of a build with one plugin has no settings of others' "$(grep -cE 'key-dir|range6|prompt' "$T/few.5")" 0
        "$TOOL" etc/extra-container.ini.in "$T/few" . >"$T/few.ini"
        is 'the INI of a build with one plugin has no settings of others' "$(grep -cE 'key-dir|range6|prompt|ssh|shell' "$T/few.ini")" 0
        if command -v mandoc >/dev/null; then
                is 'mandoc has no warnings about these pages' "$(mandoc -T lint "$T/few.1" "$T/few.5" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db|operating system explicitly specified')" ''
        fi
fi

# ---- settings of the NixOS module -----------------------------------------------
# Keys, types, defaults and texts are those of the tables; `make settings` updates them.
settings() { # SECTION FILE
        local table
        table=$(echo "@json $1" | "$TOOL" /dev/stdin "$PLUGINS" . 2>&1)
        if [[ ! -e $2 ]]; then
                is "$2: is the same as the tables" "$(jq -e '.settings == {}' <<<"$table" >/dev/null 2>&1 ||
                        echo "$2 is missing: run make settings")" ''
                return
        fi
        is "$2: is the same as the tables" \
                "$(diff -u --label "$2" --label 'the tables' "$2" - <<<"$table" 2>&1)" ''
}
settings paths nix/paths.json
settings start nix/start.json
for plugin in "${built[@]%.so}"; do
        settings "$plugin" "plugins/$plugin/settings.json"
done
# A change of any part of a setting is found.
sed 's/"type": "string"/"type": "int"/; s/22.05/22.11/; s,/var/log/journal,/var/log,' nix/paths.json >"$T/paths.json"
is 'a type, a text and a default that differ are shown' \
        "$(echo '@json paths' | "$TOOL" /dev/stdin "$PLUGINS" . | diff "$T/paths.json" - | grep -c '^>')" 5

# ---- feature.json ----------------------------------------------------------------
echo '@words' | "$TOOL" /dev/stdin "$PLUGINS" . | sort >"$T/words"
is 'feature.json: has the commands and options of the tables' \
        "$(for plugin in "${built[@]%.so}"; do
                jq -r '.feature as $f | ("commands", "options") as $k | .[$k] // [] | .[] | "\($f)\t\($k)\t\(.)"' "plugins/$plugin/feature.json"
        done | sort | diff - "$T/words")" ''

# ---- the INI --------------------------------------------------------------------
# Prints the keys, whether they are set or commented out with "; "; other comments have no such lines.
ini_keys() {
        sed -nE 's/^(; )?(\[[a-z]+\])$/\2/p; s/^(; )?([a-z0-9_-]+) =( (.*))?$/\2\t\4/p' "$INI" |
                awk -F '\t' '/^\[/ { section = substr($0, 2, length($0) - 2); next } { print section "\t" $1 "\t" $2 }'
}
is 'INI: keys and defaults are those of the tables' \
        "$(diff <(ini_keys | grep -v $'^paths\tdata' | sort) <(cut -f1,2,4 "$T/keys" | grep -v $'^paths\tdata' | sort))" ''
is 'INI: each key has a comment above it' "$(awk '
        /^(; )?[a-z0-9_-]+ =/ { if (!said) print; next }
        /^(; )?\[[a-z]+\]$/ { said = 0; next }
        /^;/ { said = 1 } /^$/ { said = 0 }' "$INI")" ''

is 'INI: no line is longer than 80 characters' "$(grep -nE '^.{81}' "$INI")" ''

# The program accepts it with all keys set, except those without a value. root is a directory of the test.
sed -E 's/^; (\[[a-z]+\])$/\1/; s/^; ([a-z0-9_-]+ = .*)$/\1/' "$INI" | sed "s,^; root =.*,root = $T/root," >"$T/all.ini"
if [[ -e $PLUGINS/create.so ]]; then
        is 'INI: the program accepts all keys' "$("${ec[@]}" --config "$T/all.ini" list 2>&1)" ''
        is 'INI: the program accepts the installed file' "$(sed "s,^; root =.*,root = $T/root," "$INI" >"$T/one.ini"; "${ec[@]}" --config "$T/one.ini" list 2>&1)" ''
fi
done_testing
