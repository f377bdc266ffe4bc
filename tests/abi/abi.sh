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

# One line per struct, without comments.
structs() {
        $CC -E -P -x c "$1" | tr -s ' \t\n' ' ' | sed 's/}; */};\n/g' | sed -n 's/^ *//; s/.*\(struct ec_[a-z_]* {\)/\1/p'
}
structs "$HEADER" > "$T/now"
for frozen in "$SRC"/tests/abi/plugin-*.h; do
        structs "$frozen" > "$T/then"
        awk 'NR == FNR { now[$2] = $0; next }
             { sub(/ *};$/, ""); if (index(now[$2], $0) != 1) { print "struct " $2 " has changed other than by growing at its end"; bad = 1 } }
             END { exit bad || FNR < 20 }' "$T/now" "$T/then" > "$T/log" 2>&1
        ok "the structs of ${frozen##*/} have changed only by growing at the end"
done
minor() { sed -n 's/^#define EC_ABI_MINOR \([0-9]*\).*/\1/p' "$1"; }
newest=$SRC/tests/abi/plugin-1.$(minor "$HEADER").h
{
        echo "the header of this minor version is frozen: raise EC_ABI_MINOR and freeze the new header as ${newest##*/}"
        [ -e "$newest" ] && structs "$newest" | diff - "$T/now"
} > "$T/log" 2>&1
ok "the header is the same as the frozen one of its minor version"

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
