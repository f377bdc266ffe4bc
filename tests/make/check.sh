#!/bin/bash
# The makefile itself, in a copy of the tree. Prints TAP. OBJECTS is a build to take objects from.
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
has() { # NAME TEXT PATTERN: as many lines of it as there should be
        is "$1" "$(grep -cE -- "$3" <<<"$2")" "${4:-1}"
}

# ---- what is printed
out=$(run)
is "make" "$?" 0
has "a short line for a link" "$out" "^  LD      $ec\$"
has "no command is printed" "$out" '(^|[ /])(cc|gcc|ar) ' 0
is "nothing is done twice" "$(run)" ""
touch core/util/name.c
has "V=1 prints commands" "$(run V=1 build/obj/core/util/name.o)" '-c core/util/name.c -o build/obj/core/util/name.o$'
touch core/util/name.c
is "make -s prints nothing" "$(run -s)" ""

# ---- make help: each target and variable that is for users
targets() { sed -n 's/^\.PHONY: //p' Makefile tests/check.mk | grep -vxE 'FORCE|prune|list-plugins|san|fuzz'; }
variables() { sed -n 's/^\([A-Z_]*\) *?=.*/\1/p' Makefile | grep -vx SAN; }
help=$(run help)
is "make help" "$?" 0
is "it has every target and variable" "$(sed -n 's/^  \([A-Za-z_-]*\) .*/\1/p' <<<"$help")" "$(targets; variables)"
has "with values" "$(run help PREFIX=/opt)" '^  BINDIR .* \[/opt/bin\]$'

# ---- flags
out=$(run -n -B V=1 CPPFLAGS=-DSITE_MACRO all build/tests/unit/util/name "build/tests/plugins/$first" \
        build/tests/loader/loader build/tests/loader/zoo/minimal.so build/tests/cli/plugins/probe.so \
        build/tests/abi/next-core build/tests/abi/plugins/frozen.so build/tests/bench/pairs)
is "CPPFLAGS reach every compiler run" "$(grep -E '(^|; )(cc|gcc) ' <<<"$out" | grep -v SITE_MACRO)" ""
run -s CPPFLAGS=-DSITE_MACRO build/obj/core/util/name.o
has "other CPPFLAGS compile again" "$(run -n V=1 build/obj/core/util/name.o)" '-c core/util/name.c'

# ---- libraries that are missing
touch core/util/name.c
mkdir empty
out=$(PKG_CONFIG_LIBDIR=$T/empty run build/obj/core/util/name.o)
is "without libraries" "$?" 2
has "it says which are missing and how to get them" "$out" \
        'pkg-config does not find libsystemd jansson inih\. On Debian: apt install pkg-config libsystemd-dev libjansson-dev libinih-dev\. `make check` installs'
out=$(run PKG_CONFIG=/none/pkg-config build/obj/core/util/name.o)
is "without pkg-config" "$?" 2
has "it says so" "$out" '/none/pkg-config is not installed\. On Debian: apt install pkg-config '
PKG_CONFIG_LIBDIR=$T/empty run clean -n >/dev/null
is "make clean does not need them" "$?" 0

# ---- files that come and go
echo 'int gone_function(void); int gone_function(void) { return 1; }' | tee core/util/gone.c >"plugins/$first/gone.c"
run -s
has "a new source is compiled in" "$(nm build/libcore.a "build/plugins/$first.so")" 'gone_function' 2
rm core/util/gone.c "plugins/$first/gone.c"
run -s
has "a deleted one is not linked" "$(nm build/libcore.a "build/plugins/$first.so")" 'gone_function' 0
is "its objects are removed" "$(find build/obj -name 'gone.*')" ""
printf 'all: bad\nbad:\n\techo half >$@; false\ninclude Makefile\n' >bad.mk
run -f bad.mk bad >/dev/null
is "a target whose recipe fails is removed" "$(ls bad 2>/dev/null)" ""

# ---- plugins/common, without and with a plugin that uses it
rm -rf plugins
mkdir -p plugins/tiny
tiny() { run -s MAN= all; }
cat >plugins/tiny/tiny.c <<'EOT'
#include <extra-container/plugin.h>
EC_PLUGIN(tiny, .version = "1", .summary = "Does nothing");
EOT
tiny
is "without plugins/common" "$?" 0
mkdir plugins/common
tiny
is "with an empty one" "$?" 0
cat >plugins/common/answer.h <<<'int answer(void);'
printf '#include "answer.h"\nint answer(void) { return 42; }\n' >plugins/common/answer.c
printf '#include "answer.h"\nint uses(void); int uses(void) { return answer(); }\n' >plugins/tiny/uses.c
tiny
is "with a file that the plugin uses" "$?" 0
is "it is not a plugin" "$(run -s list-plugins) $(ls build/plugins)" "tiny tiny.so"
has "the plugin has it" "$(nm build/plugins/tiny.so)" ' t answer$'
is "but exports only its descriptor" "$(nm -D --defined-only build/plugins/tiny.so | cut -d' ' -f3)" ec_plugin_v1_tiny
done_testing
