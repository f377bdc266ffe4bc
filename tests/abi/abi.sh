#!/bin/sh
# shellcheck disable=SC2153
# Tests the binary interface of plugins and prints TAP. Variables: EC, FROZEN (directory of the plugin
# built with a frozen header), NEXT (the program built from next.c), PLUGINS (the plugins to check),
# CC, and SRC (the sources).
n=0 failed=0
# Other users must be able to access it.
[ "$(id -u)" != 0 ] || unset TMPDIR
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
SRC=${SRC:-.} CC=${CC:-cc}
HEADER=$SRC/core/include/extra-container/plugin.h

# ok TEXT: passes if the last command succeeded; its output is in $T/log.
ok() {
        if [ $? = 0 ]; then
                n=$((n + 1))
                echo "ok $n - $1"
        else
                n=$((n + 1)) failed=$((failed + 1))
                echo "not ok $n - $1"
                sed 's/^/# /' "$T/log"
        fi
}

# ---- the header
echo "#include <extra-container/plugin.h>" > "$T/h.c"
cp "$T/h.c" "$T/h.cc"
for std in c11 c17; do
        for cc in "$CC" clang; do
                command -v "$cc" > /dev/null || continue
                $cc -std=$std -pedantic -Wall -Wextra -Werror -I"$SRC/core/include" -fsyntax-only "$T/h.c" > "$T/log" 2>&1
                ok "the header compiles as $std ($cc)"
        done
done
for cxx in g++ clang++; do
        command -v $cxx > /dev/null || continue
        $cxx -std=c++17 -pedantic -Wall -Wextra -Werror -I"$SRC/core/include" -fsyntax-only "$T/h.cc" > "$T/log" 2>&1
        ok "the header compiles as c++17 ($cxx)"
done
$CC -std=gnu11 -Wpadded -Werror -I"$SRC/core/include" -fsyntax-only "$T/h.c" > "$T/log" 2>&1
ok "no struct has padding"
# In C++ the descriptor keeps its name, even in a namespace.
cat > "$T/n.cc" <<'E'
#include <extra-container/plugin.h>
namespace site { EC_PLUGIN(spaced, .version = "1", .summary = "In a namespace"); }
E
if command -v g++ > /dev/null; then
        g++ -std=gnu++20 -I"$SRC/core/include" -fPIC -shared "$T/n.cc" -o "$T/spaced.so" > "$T/log" 2>&1 &&
                nm -D --defined-only "$T/spaced.so" | grep -q ' ec_plugin_v1_spaced$'
        ok "a C++ plugin in a namespace exports its descriptor"
fi
$CC -std=c11 -I"$SRC/core/include" -I"$SRC/tests/abi" -fsyntax-only "$SRC/tests/abi/layout.c" > "$T/log" 2>&1
ok "no member has moved"

"$SRC/tests/abi/structs" "$HEADER" > "$T/now"
for frozen in "$SRC"/tests/abi/plugin-*.h; do
        "$SRC/tests/abi/structs" "$frozen" > "$T/then"
        awk 'NR == FNR { now[$2] = $0; next }
             { sub(/ *};$/, ""); if (index(now[$2], $0) != 1) { print "struct " $2 " has changed other than by growing at its end"; bad = 1 } }
             END { exit bad || FNR < 20 }' "$T/now" "$T/then" > "$T/log" 2>&1
        ok "the structs of ${frozen##*/} have changed only by growing at the end"
done

# The header's own minor version is frozen as it is: its structs, and a line of the layout for each member and value.
# Offsets and sizes are for the compiler to check; they differ between machines.
minor=$(sed -n 's/^#define EC_ABI_MINOR \([0-9]*\).*/\1/p' "$HEADER")
how="before the first release: run tests/abi/freeze -f, which copies plugin.h to tests/abi/plugin-1.$minor.h and writes \
layout-1.$minor.inc; afterwards: raise EC_ABI_MINOR and run tests/abi/freeze, which adds plugin-1.$((minor + 1)).h"
names() { sed -n 's/^\(AT([^,]*, [^,]*\|SIZE([^,]*\), [0-9]*)$/\1)/p; /^VALUE/p' "$1"; }
{
        "$SRC/tests/abi/structs" "$SRC/tests/abi/plugin-1.$minor.h" | diff - "$T/now" || { echo "$how"; false; }
} > "$T/log" 2>&1
ok "the header is the same as the frozen one of its minor version"
compare_layout() { # HEADER'S LAYOUT, FROZEN LAYOUT
        names "$1" > "$T/names"
        names "$2" > "$T/frozen_names"
        missing=$(grep -vxFf "$T/frozen_names" "$T/names")
        extra=$(grep -vxFf "$T/names" "$T/frozen_names")
        [ -s "$T/names" ] && [ ! "$missing$extra" ] && return
        [ ! "$missing" ] || printf 'missing in %s: %s\n' "${2##*/}" "$missing"
        [ ! "$extra" ] || printf 'not in plugin.h: %s\n' "$extra"
        echo "$how"
        return 1
}
mkdir "$T/layout"
frozen=$SRC/tests/abi/layout-1.$minor.inc
{ "$SRC/tests/abi/freeze" "$T/layout" && compare_layout "$T/layout/layout-1.$minor.inc" "$frozen"; } > "$T/log" 2>&1
ok "${frozen##*/} has every member and value of the header"
grep -v 'AT(ec_hooks, eval,' "$frozen" > "$T/stale.inc"
compare_layout "$T/layout/layout-1.$minor.inc" "$T/stale.inc" > "$T/log" 2>&1
[ "$(head -n 1 "$T/log")" = 'missing in stale.inc: AT(ec_hooks, eval)' ]
ok "a layout without one of the members is reported with its name"
for frozen in "$SRC"/tests/abi/layout-*.inc; do
        grep -qxF "#include \"${frozen##*/}\"" "$SRC/tests/abi/layout.c" > "$T/log" 2>&1
        ok "tests/abi/layout.c includes ${frozen##*/}"
done

# ---- mixed versions
if [ "$(id -u)" = 0 ]; then
        WHO='setpriv --reuid=65534 --regid=65534 --clear-groups --'
fi
mkdir "$T/plugins" && cp "$FROZEN"/*.so "$T/plugins/" && cp "$EC" "$T/extra-container" && : > "$T/conf.ini" && chmod -R a+rX "$T"
# shellcheck disable=SC2086
EXTRA_CONTAINER_PLUGIN_DIR=$T/plugins ${WHO-} "$T/extra-container" --config "$T/conf.ini" icy -t 4 --frozen-option x \
        > "$T/out" 2> "$T/err"
status=$?
{ echo "status $status"; cat "$T/out" "$T/err"; } > "$T/log"
[ $status = 5 ] && [ "$(cat "$T/out")" = "frozen 1 4 cold x from cat" ] && [ "$(cat "$T/err")" = "configure
finish 5" ]
ok "a plugin of 1.0 runs in the current program"
"$NEXT" "$T/plugins/frozen.so" > "$T/log" 2>&1
ok "the core of a later minor version fills the missing members of a plugin of 1.0 with zeros"

# ---- our plugins
# Functions that exit, start processes, or change signals, the process's state, stdout or stderr.
banned='^(_?exit|_Exit|quick_exit|v?fork|system|popen|exec[lv]p?e?|fexecve|posix_spawnp?|signal|sigaction|raise|kill|(un)?setenv|putenv|clearenv|f?chdir|chroot|set(e|re|res)?[ug]id|umask|(__)?v?printf(_chk)?|puts|putchar|perror|stdout|stderr|dlopen|syslog)(@.*)?$'
for p in $PLUGINS; do
        name=${p##*/}
        name=${name%.so}
        nm -D --defined-only "$p" | awk '{ print $3 }' | grep -v '^__odr_asan' > "$T/log"
        [ "$(cat "$T/log")" = "ec_plugin_v1_$name" ]
        ok "$name exports only its descriptor"
        ! nm -D --undefined-only "$p" | awk '{ print $2 }' | grep -E "$banned" > "$T/log"
        ok "$name imports no function that is reserved for the core"
        ! readelf -d "$p" | grep NEEDED | grep -Ev 'lib(c|gcc_s|asan|ubsan|m)\.so|ld-linux' > "$T/log"
        ok "$name needs only libc"
done

echo "1..$n"
[ $failed = 0 ]
