#!/bin/bash
# Man pages and the INI against the tables that the program and its plugins have. Prints TAP.
# MAN is the directory of the pages, TOOL makes them, PLUGINS is the directory of the plugins, EC the program.
set -uo pipefail
cd "$(readlink -f -- "${BASH_SOURCE[0]%/*}/../..")" || exit
MAN=${MAN:?} TOOL=${TOOL:?} PLUGINS=${PLUGINS:?} EC=${EC:?}
. tests/tap.sh
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT

# As a user of no rights, the plugins can be of any place.
chmod 755 "$T"
mkdir -m 755 "$T/plugins" "$T/root"
cp "$EC" "$T/ec"
cp "$PLUGINS"/*.so "$T/plugins/" 2>/dev/null
chmod -R a+rX "$T"
ec=(env -u EXTRA_CONTAINER_ETC HOME=/nonexistent NO_COLOR=1 EXTRA_CONTAINER_PLUGIN_DIR="$T/plugins" "$T/ec")
((EUID != 0)) || ec=(setpriv --reuid=65534 --regid=65534 --clear-groups -- "${ec[@]}")
printf '@keys\n' >"$T/keys.in"
"$TOOL" "$T/keys.in" "$PLUGINS" . >"$T/keys" || exit 1

# ---- pages ------------------------------------------------------------------
if command -v mandoc >/dev/null; then
        for page in extra-container.1 extra-container.ini.5 extra-container-plugin.3; do
                # Which pages of others a machine has is its own affair.
                is "$page: mandoc finds nothing" \
                        "$(mandoc -T lint "$MAN/$page" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db')" ''
                mandoc -T utf8 "$MAN/$page" 2>/dev/null | col -bx >"$T/$page.txt"
                is "$page: it can be read" "$([[ $(wc -l <"$T/$page.txt") -gt 60 ]] && echo yes)" yes
        done

        # What help says is in the page, but for the breaks of lines.
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
        is "extra-container.1: commands and options of all" "$absent" ''
        is "extra-container.1: no hidden command" "$(grep -cE '^   (complete|shell-exec)$' "$T/extra-container.1.txt")" 0
        is "extra-container.ini.5: every key" \
                "$(while IFS=$'\t' read -r section key _; do
                        grep -qE "^ {5}$key( = .*)?( {2,}.*)?$" "$T/extra-container.ini.5.txt" || echo "$section $key"
                done <"$T/keys")" ''
        is "extra-container-plugin.3: every name of the header" \
                "$(grep -oE '\b(ec|EC)_[a-zA-Z_]+[a-zA-Z]\b' core/include/extra-container/plugin.h | sort -u | while read -r name; do
                        grep -qF "$name" "$T/extra-container-plugin.3.txt" || echo "$name"
                done)" ''
        # Each example is C, and of a plugin that can be made.
        mandoc -T utf8 "$MAN/extra-container-plugin.3" | col -bx | sed -n '/^EXAMPLES/,/^SEE/p' | sed '1,/A plugin/d; /^SEE/d' >"$T/hello.c"
        is "extra-container-plugin.3: the example compiles" \
                "$(${CC:-cc} -std=gnu11 -Wall -Wextra -Wno-missing-field-initializers -Werror -fPIC -shared -fvisibility=hidden -Icore/include "$T/hello.c" -o "$T/plugins/hello.so" 2>&1)" ''
        chmod a+rx "$T/plugins/hello.so"
        is "... and runs" "$("${ec[@]}" --config /dev/null hello 2>&1)" hello
        rm "$T/plugins/hello.so"
else
        skip 'pages' 'there is no mandoc'
fi

# ---- a page without a plugin does not know it ----------------------------------
if [[ -e $PLUGINS/create.so ]]; then
        mkdir "$T/few"
        cp "$PLUGINS/create.so" "$T/few/"
        "$TOOL" docs/man/extra-container.1.in "$T/few" . >"$T/few.1"
        is 'a build without other plugins tells of none' "$(grep -cE 'shell|show-ip|cssh|addressPrefix|ssh' "$T/few.1")" 0
        "$TOOL" docs/man/extra-container.ini.5.in "$T/few" . >"$T/few.5"
        is 'nor of their settings' "$(grep -cE 'key-dir|range6|prompt' "$T/few.5")" 0
        if command -v mandoc >/dev/null; then
                is 'mandoc finds nothing in those' "$(mandoc -T lint "$T/few.1" "$T/few.5" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db')" ''
        fi
fi

# ---- the INI --------------------------------------------------------------------
# Its keys, whether they are set or stand behind a "; "; others' comments have no such lines.
ini_keys() {
        sed -nE 's/^(; )?(\[[a-z]+\])$/\2/p; s/^(; )?([a-z0-9_-]+) =( (.*))?$/\2\t\4/p' etc/extra-container.ini |
                awk -F '\t' '/^\[/ { section = substr($0, 2, length($0) - 2); next } { print section "\t" $1 "\t" $2 }'
}
ini_keys >"$T/ini"
is 'INI: no key is there twice' "$(cut -f1,2 "$T/ini" | sort | uniq -d)" ''
is 'INI: every key of the tables' "$(comm -13 <(cut -f1,2 "$T/ini" | sort) <(cut -f1,2 "$T/keys" | sort))" ''
# Sections of plugins that were not built cannot be checked.
built=$(cut -f1 "$T/keys" | sort -u)
is 'INI: no other keys' "$(comm -23 <(cut -f1,2 "$T/ini" | sort) <(cut -f1,2 "$T/keys" | sort) | while IFS=$'\t' read -r section key; do
        grep -qxF "$section" <<<"$built" || continue
        [[ $section != plugins || -e $PLUGINS/$key.so ]] || continue
        echo "$section $key"
done)" ''
is 'INI: values are the defaults' "$(awk -F '\t' 'NR == FNR { def[$1 FS $2] = $4; next }
        ($1 FS $2) in def && def[$1 FS $2] != "" && $2 != "data" && def[$1 FS $2] != $3 { print $1, $2, $3 }' "$T/keys" "$T/ini")" ''
is 'INI: each key has a comment above it' "$(awk '
        /^(; )?[a-z0-9_-]+ =/ { if (!said) print; next }
        /^(; )?\[[a-z]+\]$/ { said = 0; next }
        /^;/ { said = 1 } /^$/ { said = 0 }' etc/extra-container.ini)" ''

# With nothing commented out, the program takes it as it stands. Keys without a value are left, and a root for the test.
sed -E 's/^; (\[[a-z]+\])$/\1/; s/^; ([a-z0-9_-]+ = .*)$/\1/; s/^; root =.*/root = /' etc/extra-container.ini | sed "s,^root = .*,root = $T/root," >"$T/all.ini"
if [[ -e $PLUGINS/create.so ]]; then
        is 'INI: all of it is accepted' "$("${ec[@]}" --config "$T/all.ini" list 2>&1)" ''
        is 'INI: as installed, too' "$(sed "s,^; root =.*,root = $T/root," etc/extra-container.ini >"$T/one.ini"; "${ec[@]}" --config "$T/one.ini" list 2>&1)" ''
fi
done_testing
