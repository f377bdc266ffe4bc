#!/bin/bash
# Checks the sources: format, style, shellcheck, cppcheck, and warnings of both compilers. Prints TAP.
# Usage: tests/lint/check.sh [format]; format applies clang-format instead.
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
scripts() { files -type f -size -200k ! -name '*.md' | xargs grep -lIE -m1 '^#!.*\b(ba)?sh\b|^# shellcheck shell='; }
mapfile -t shell < <(scripts)
mapfile -t nix < <(files -name '*.nix')
# Except the public header, whose tables are laid out for 80 columns, and its frozen copies.
mapfile -t formatted < <(files -name '*.[ch]' ! -path './core/include/*' ! -path './tests/abi/plugin-*.h')
# Except programs that are compiled in several ways.
mapfile -t c < <(files -name '*.c' ! -path './tests/abi/*' ! -path './tests/loader/*' ! -path './tests/cli/*' \
        ! -path './tests/completion/*')
# Except tests of plugins that are not in this tree.
for i in "${!c[@]}"; do
        name=${c[i]##*/} dir=${c[i]%/*}
        case ${c[i]} in
        ./tests/plugins/fake[_-]host*) ;;
        ./tests/plugins/*) [[ -d plugins/${name%.c} ]] || unset "c[i]" ;;
        ./tests/fuzz/*/*) [[ -d plugins/${dir##*/} ]] || unset "c[i]" ;;
        esac
done
. tests/lint/flags.sh

compile() { # COMPILER: compiles each file separately, two at a time
        printf '%s\0' "${c[@]}" | xargs -0 -P 2 -n 8 "$1" "${flags[@]}" -Werror -fsyntax-only
}

# Shell tests and the stand-in for nixpkgs have tables with one case per line, which may be longer.
narrow=("${formatted[@]}")
for file in "${shell[@]}" "${nix[@]}"; do
        [[ $file == ./tests/* ]] || narrow+=("$file")
done

if [[ ${1-} == format ]]; then
        exec clang-format -i "${formatted[@]}"
fi

none() { ! "$@"; } # CMD...: fails if the command finds something
long_functions() { awk -v MAX=60 -f tests/lint/functions.awk "${formatted[@]}" | grep .; }
no_newline() { # FILE...: prints those that do not end with a newline
        local file found=1
        for file; do
                [[ ! $(tail -c 1 "$file") ]] || { echo "$file" && found=0; }
        done
        return "$found"
}

# The versions of clang-format disagree; 14 is that of Debian 12.
if [[ $(clang-format --version) == *' version 14.'* ]]; then
        check "clang-format would change nothing" clang-format --dry-run -Werror "${formatted[@]}"
else
        n=$((n + 1))
        printf 'ok %d - clang-format would change nothing # SKIP clang-format is not version 14
' "$n"
fi
check "no line is longer than 120 columns" none env LC_ALL=C.UTF-8 grep -nE '^.{121}' "${narrow[@]}"
check "no function is longer than 60 lines" none long_functions
check "Nix files have no tabs and no trailing blanks" none grep -nP '\t| $' "${nix[@]}"
check "sources end with a newline" none no_newline "${formatted[@]}" "${shell[@]}" "${nix[@]}"
# Tests our own two checkers with planted sources.
planted() {
        local dir status=0
        dir=$(mktemp -d)
        {
                printf '/* What is no\n * name; there is no other. */\nint behind_the_code;\n'
                printf 'const char *text = "stands "\n"in it";\nvoid f(void)\n{\n'
                printf 'a = "\\"b";\n%.0s' {1..61}
                printf '}\n'
        } >"$dir/planted.c"
        diff - <(tests/lint/english "$dir/planted.c"; awk -v MAX=60 -f tests/lint/functions.awk "$dir/planted.c"
                awk -v MAX=61 -f tests/lint/functions.awk "$dir/planted.c") <<EOT || status=1
$dir/planted.c:2: "is no name": is not a / is not / there is no
$dir/planted.c:5: "stands in": is in / contains / is / follows / means
    2 $dir
    2 in all
$dir/planted.c:7: a function of 61 lines
EOT
        rm -rf "$dir"
        return "$status"
}
check "planted errors of style and English are found" planted
check "texts are in plain English" tests/lint/english
check "each file of core has a unit test" tests/lint/tested
installed=() tests=()
for file in "${shell[@]}"; do
        if [[ $file == ./tests/* ]]; then tests+=("$file"); else installed+=("$file"); fi
done
check "shellcheck has no remarks on what is installed" shellcheck -x -S style "${installed[@]}"
# In tests, ignored: variables of sourced files (SC2154, SC2034), and ls of file names of our own (SC2010).
check "shellcheck has no warnings about tests" shellcheck -x -S warning -e SC2154,SC2034,SC2010 "${tests[@]}"
# cppcheck does not support cleanup attributes, so the sanitizers look for leaks.
check "cppcheck has no warnings" cppcheck --quiet --error-exitcode=1 --inline-suppr -j 2 --std=c11 \
        --enable=warning,portability,performance --suppress=memleak --suppress=resourceLeak \
        --suppress=missingIncludeSystem --suppress=unknownMacro -D_GNU_SOURCE -Icore -Icore/include -Iplugins/common \
        core plugins examples
check "clang has no warnings" compile clang
check "gcc has no warnings" compile gcc
echo "1..$n"
exit "$failed"
