#!/bin/bash
# Tests the makefile in a copy of the tree and prints TAP. OBJECTS is a build directory whose objects are reused.
set -uo pipefail
cd "$(readlink -f -- "${BASH_SOURCE[0]%/*}/../..")" || exit
make=${MAKE:-make}
. tests/tap.sh
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
mkdir "$T/build"
cp -a Makefile core plugins docs nix etc completions tests "$T/"
[[ ! -d ${OBJECTS-}/obj ]] || cp -a "$OBJECTS/obj" "$OBJECTS/flags" "$T/build/"
cd "$T" || exit
unset MAKEFLAGS MFLAGS MAKELEVEL V PLUGINS BUILD CPPFLAGS
ec=build/extra-container
first=$("$make" -s list-plugins) first=${first%% *}
run() { "$make" --no-print-directory "$@" 2>&1 </dev/null; }
has() { # NAME TEXT PATTERN [COUNT]: COUNT lines match, by default one
        is "$1" "$(grep -cE -- "$3" <<<"$2")" "${4:-1}"
}

# ---- output
out=$(run)
is "make succeeds" "$?" 0
has "linking prints a short line" "$out" "^  LD      $ec\$"
has "no command is printed" "$out" '(^|[ /])(cc|gcc|ar) ' 0
is "a second make does nothing" "$(run)" ""
touch core/util/name.c
has "V=1 prints commands" "$(run V=1 build/obj/core/util/name.o)" '-c core/util/name.c -o build/obj/core/util/name.o$'
touch core/util/name.c
is "make -s prints nothing" "$(run -s)" ""

# ---- make help: each target and variable for users
targets() { sed -n 's/^\.PHONY: //p' Makefile tests/check.mk | grep -vxE 'FORCE|prune|list-plugins|san'; }
variables() { sed -n 's/^\([A-Z_]*\) *?=.*/\1/p' Makefile | grep -vx SAN; }
help=$(run help)
is "make help succeeds" "$?" 0
is "make help lists every target and variable" "$(sed -n 's/^  \([A-Za-z_-]*\) .*/\1/p' <<<"$help")" "$(targets; variables)"
has "make help shows the values of variables" "$(run help PREFIX=/opt)" '^  BINDIR .* \[/opt/bin\]$'

# ---- flags
out=$(run -n -B V=1 CPPFLAGS=-DSITE_MACRO all build/tests/unit/util/name "build/tests/plugins/$first" \
        build/tests/loader/loader build/tests/loader/zoo/minimal.so build/tests/cli/plugins/probe.so \
        build/tests/abi/next-core build/tests/abi/plugins/frozen.so build/tests/bench/pairs)
is "CPPFLAGS are passed to every compiler run" "$(grep -E '(^|; )(cc|gcc) ' <<<"$out" | grep -v SITE_MACRO)" ""
run -s CPPFLAGS=-DSITE_MACRO build/obj/core/util/name.o
has "changed CPPFLAGS recompile" "$(run -n V=1 build/obj/core/util/name.o)" '-c core/util/name.c'

flags() { # the options of one compiler run
        run -n -B V=1 "$@" build/obj/core/util/name.o | grep -A1 "^cc .*-pie\|^cc .*EC_VERSION" | head -n 1 |
                grep -oE -- "-fstack-protector-strong|-D_FORTIFY_SOURCE=.|-O[0-9]" | tr "\n" " "
}
has "the program has a stack protector" "$(nm -D $ec)" ' __stack_chk_fail(@|$)'
echo 'int f;' | "${CC:-cc}" -Werror -fcf-protection -x c -c - -o /dev/null 2>/dev/null
is "the flow of control is protected, if the compiler can do that" "$?" \
        "$([[ $(run -n -B V=1 build/obj/core/util/name.o) == *-fcf-protection* ]]; echo $?)"
is "options against exploits come before those of the user" "$(flags CFLAGS=-O2)" "-fstack-protector-strong -D_FORTIFY_SOURCE=2 -O2 "
is "without optimization, functions are not checked" "$(flags CFLAGS=-O0)" "-fstack-protector-strong -O0 "
is "a level that the user sets is kept" "$(flags CPPFLAGS=-D_FORTIFY_SOURCE=3 CFLAGS=)" "-fstack-protector-strong -D_FORTIFY_SOURCE=3 "
is "with sanitizers there are none" "$(flags SAN=-fsanitize=address CFLAGS=-O1)" "-O1 "

# ---- missing libraries
touch core/util/name.c
mkdir empty
out=$(PKG_CONFIG_LIBDIR=$T/empty run build/obj/core/util/name.o)
is "missing libraries are an error" "$?" 2
has "the error names the missing libraries and how to install them" "$out" \
        'pkg-config does not find libsystemd libseccomp jansson inih\. On Debian: apt install pkg-config libsystemd-dev libseccomp-dev libjansson-dev libinih-dev\. `make check` installs'
out=$(run PKG_CONFIG=/none/pkg-config build/obj/core/util/name.o)
is "a missing pkg-config is an error" "$?" 2
has "the error names pkg-config" "$out" '/none/pkg-config is not installed\. On Debian: apt install pkg-config '
PKG_CONFIG_LIBDIR=$T/empty run clean -n >/dev/null
is "make clean works without libraries" "$?" 0

# ---- new and deleted files
echo 'int gone_function(void); int gone_function(void) { return 1; }' | tee core/util/gone.c >"plugins/$first/gone.c"
run -s
has "a new source is compiled in" "$(nm build/libcore.a "build/plugins/$first.so")" 'gone_function' 2
rm core/util/gone.c "plugins/$first/gone.c"
run -s
has "a deleted source is not linked" "$(nm build/libcore.a "build/plugins/$first.so")" 'gone_function' 0
is "the objects of a deleted source are removed" "$(find build/obj -name 'gone.*')" ""
printf 'all: bad\nbad:\n\techo half >$@; false\ninclude Makefile\n' >bad.mk
run -f bad.mk bad >/dev/null
is "the target of a failed recipe is removed" "$(ls bad 2>/dev/null)" ""

# ---- some of the plugins
features() { (cd "$1" && ls plugins/*/feature.json); }
run -s PLUGINS="$first"
is "PLUGINS: only these are built" "$(cd build/plugins && ls -- *.so)" "$first.so"
is "the feature.json of every plugin is kept" "$(features build)" "$(features .)"
is "nothing is done twice with PLUGINS" "$(run PLUGINS="$first")" ""
mkdir -p build/plugins/gone && touch build/plugins/gone/feature.json "build/plugins/$first/gone.nix"
run -s PLUGINS="$first"
is "files of plugins that are gone are removed" "$(find build/plugins -name 'gone*')" ""

# ---- plugins/common, without and with a plugin that uses it
rm -rf plugins
mkdir -p plugins/tiny
tiny() { run -s MAN= all; }
cat >plugins/tiny/tiny.c <<'EOT'
#include <extra-container/plugin.h>
EC_PLUGIN(tiny, .version = "1", .summary = "Does nothing");
EOT
tiny
is "a plugin builds without plugins/common" "$?" 0
mkdir plugins/common
tiny
is "a plugin builds with an empty plugins/common" "$?" 0
cat >plugins/common/answer.h <<<'int answer(void);'
printf '#include "answer.h"\nint answer(void) { return 42; }\n' >plugins/common/answer.c
printf '#include "answer.h"\nint uses(void); int uses(void) { return answer(); }\n' >plugins/tiny/uses.c
tiny
is "a plugin builds with a file of plugins/common" "$?" 0
is "plugins/common is not built as a plugin" "$(run -s list-plugins) $(ls build/plugins)" "tiny tiny.so"
has "the plugin contains the function of plugins/common" "$(nm build/plugins/tiny.so)" ' t answer$'
is "the plugin exports only its descriptor" "$(nm -D --defined-only build/plugins/tiny.so | cut -d' ' -f3)" ec_plugin_v1_tiny
done_testing
