#!/bin/sh
# The layers of the house: who may include, name and call whom. Prints TAP. SRC is
# the tree, OBJ the directory of its objects (may be empty).
n=0 failed=0
cd "${SRC:-.}" || exit 1
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT

# none TEXT: what grep found is wrong.
none() {
        n=$((n + 1))
        if [ -s "$T/found" ]; then
                failed=1
                echo "not ok $n - $1"
                sed 's/^/# /' "$T/found"
        else
                echo "ok $n - $1"
        fi
}
sources() { find "$@" -name '*.[ch]' | LC_ALL=C sort; }

# ---- includes
sources core/util | xargs grep -nE '#include "' /dev/null | grep -vE '"(util/[a-z_0-9]+|[a-z_0-9]+)\.h"' > "$T/found"
none "core/util includes core/util"
sources core/svc | xargs grep -nE '#include "' /dev/null | grep -vE '"(util|svc)/[a-z_0-9/]+\.h"' > "$T/found"
none "core/svc includes core/util and core/svc"
sources core/model | xargs grep -nE '#include "' /dev/null | grep -vE '"(util|svc|model)/[a-z_0-9/]+\.h"' > "$T/found"
none "core/model includes core/util, core/svc and core/model"
grep -nE '#include "(nix|inih|jansson|systemd)' -r core > "$T/found"
none "libraries stand in <>"
# host.c alone knows both the model and the ABI's tables.
grep -lE 'struct ec_(log|err|opt|conf|proc|nix|systemd|machine|containers|deploy|shell|term|table)_api [a-z]' -r core --include='*.c' |
        grep -vxE "core/plugin/(host|services)\.[ch]" > "$T/found"
none "the services are bound in core/plugin"

for p in plugins/*/; do
        [ -d "$p" ] || continue
        name=$(basename "$p")
        grep -nE '#include' -r "$p" --include='*.[ch]' | while IFS= read -r line; do
                inc=$(printf '%s' "$line" | sed 's/.*#include *//')
                case $inc in
                '<extra-container/plugin.h>'*) ;;
                '"../../core/util/'*) [ "$name" = common ] || printf '%s\n' "$line" ;;
                '"'*/*) printf '%s\n' "$line" ;;
                '"'*) file=$(printf '%s' "$inc" | cut -d'"' -f2)
                      [ -e "$p$file" ] || [ -e "plugins/common/$file" ] || printf '%s\n' "$line" ;;
                '<'*) file=$(printf '%s' "$inc" | sed 's/<\([^>]*\)>.*/\1/')
                      printf '#include <%s>\n' "$file" | ${CC:-cc} -D_GNU_SOURCE -E -x c -M - 2>/dev/null |
                              grep -qE 'jansson|systemd|ini\.h|cmocka' && printf '%s\n' "$line" ;;
                esac
        done > "$T/found"
        none "plugin $name includes plugin.h, libc, plugins/common and its own files"
done

# ---- names: nothing in core knows a plugin, and no plugin another
for p in plugins/*/; do
        [ -d "$p" ] || continue
        name=$(basename "$p")
        {
                # As a string or in its symbol; a word that is also one of the core's own is none.
                grep -nE "ec_plugin_v1_$name\b|plugins/$name\b" -r core --include='*.[ch]'
                grep -nE "(plugins_find|plugin_loaded|strcmp)\([^)]*\"$name\"" -r core plugins --include='*.[ch]'
        } > "$T/found"
        none "nobody names plugin $name"
        # Its own options are its own: the core asks for those of its own tables only.
        sed -n 's/.*{ \.name = "\([a-z-]*\)", .*\.scopes = .*/\1/p' "$p"*.c | while read -r option; do
                grep -nE "options_(is_set|values?)\([^)]*\"$option\"" -r core --include='*.c'
        done > "$T/found"
        none "the core asks for no option of plugin $name"
done

# ---- calls: what changes or ends the process is for main and proc
if [ "${OBJ-}" ]; then
        find "$OBJ/core" -name '*.o' | LC_ALL=C sort | while read -r o; do
                allowed='^$'
                case $o in
                */core/cli/main.o) allowed='^(un)?setenv$' ;;
                */core/svc/process/*.o) allowed='^(posix_spawnp?|execve|signal|sigaction|kill)$' ;;
                # The crash of a plugin, and its exit().
                */core/model/operation/call.o) allowed='^(_exit|raise|sigaction|signal)$' ;;
                */core/svc/process/interrupt.o) allowed='^(signal|sigaction)$' ;;
                # Its children live in the namespaces of a container.
                */core/svc/machine/setns.o) allowed='^(_exit|chdir|execve|fork|kill|signal|umask)$' ;;
                */core/svc/machine/*.o | */core/svc/systemd/*.o) allowed='^(sigaction)$' ;;
                esac
                nm --undefined-only "$o" | awk '{ sub(/@.*/, "", $2); print $2 }' |
                        grep -E '^(_?exit|_Exit|abort|v?fork|clone|system|popen|exec[lv]p?e?|execve|fexecve|posix_spawnp?|signal|sigaction|raise|kill|(un)?setenv|putenv|clearenv|f?chdir|chroot|umask|sleep|usleep|nanosleep|clock_nanosleep|gets|mktemp|tmpnam|tempnam)$' |
                        grep -vE "$allowed" | sed "s|^|${o#"$OBJ"/}: |"
        done > "$T/found"
        none "what ends or changes the process is called in main and proc alone"
        # stdout belongs to term.c
        find "$OBJ/core" -name '*.o' ! -name term.o | LC_ALL=C sort | while read -r o; do
                nm --undefined-only "$o" | awk '{ sub(/@.*/, "", $2); print $2 }' |
                        grep -E '^(stdout|(__)?v?printf(_chk)?|puts|putchar)$' | sed "s|^|${o#"$OBJ"/}: |"
        done > "$T/found"
        none "core/svc/term/term.c alone writes to stdout"
fi


echo "1..$n"
exit $failed
