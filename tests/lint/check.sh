#!/bin/bash
# What a machine can see of the sources: shellcheck, cppcheck, and both compilers without a warning. Prints TAP.
set -uo pipefail
cd "$(readlink -f -- "${BASH_SOURCE[0]%/*}/../..")" || exit
n=0 failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

check() { # NAME CMD...
        local name=$1
        shift
        n=$((n + 1))
        if "$@" >"$out" 2>&1 </dev/null; then
                printf 'ok %d - %s\n' "$n" "$name"
        else
                failed=1
                printf 'not ok %d - %s\n' "$n" "$name"
                head -n 60 "$out" | sed 's/^/# /'
        fi
}

files() { find . -path ./build -prune -o -path ./.git -prune -o "$@" -print | LC_ALL=C sort; }
scripts() { files -type f -size -200k | xargs grep -lIE -m1 '^#!.*\b(ba)?sh\b|^# shellcheck shell='; }
mapfile -t shell < <(scripts)
mapfile -t c < <(files -name '*.c' \( -path './core/*' -o -path './plugins/*' -o -path './docs/*' -o -path './tests/unit/*' -o -path './tests/plugins/*' -o -path './tests/fuzz/*' -o -path './tests/bench/*' \))
# Without those of plugins that are not in this tree.
for i in "${!c[@]}"; do
        name=${c[i]##*/}
        [[ ${c[i]} != ./tests/plugins/* || $name == fake_host.c || -d plugins/${name%.c} ]] || unset "c[i]"
done
flags=(-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wvla -Wno-missing-field-initializers -Icore -Icore/include -Iplugins/common -Itests/plugins -Itests/unit '-DEC_DATE=""'
        '-DEC_VERSION="0"' '-DEC_PLUGIN_DIR="/"' '-DEC_DATA_DIR="/"' '-DEC_SYSCONF_DIR="/"')
read -r -a libs < <(pkg-config --cflags libsystemd jansson inih)

compile() { # COMPILER: each file for itself, two at a time
        printf '%s\0' "${c[@]}" | xargs -0 -P 2 -n 8 "$1" "${flags[@]}" "${libs[@]}" -Werror -fsyntax-only
}

# Variables of files that are sourced (SC2154, SC2034), and ls of names that are ours (SC2010).
check "shellcheck" shellcheck -x -S warning -e SC2154,SC2034,SC2010 "${shell[@]}"
# It does not know of cleanup attributes, so leaks are for the sanitizers.
check "cppcheck" cppcheck --quiet --error-exitcode=1 --inline-suppr -j 2 --std=c11 --enable=warning,portability,performance \
        --suppress=memleak --suppress=resourceLeak --suppress=missingIncludeSystem --suppress=unknownMacro -D_GNU_SOURCE -Icore -Icore/include -Iplugins/common core plugins
check "clang has no warnings" compile clang
check "gcc has no warnings" compile gcc
echo "1..$n"
exit "$failed"
