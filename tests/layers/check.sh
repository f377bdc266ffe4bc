#!/bin/sh
# Checks which layers include, name and call each other, and prints TAP. SRC is the tree, OBJ the directory of its
# objects, or empty to check only the sources.
n=0 failed=0
cd "${SRC:-.}" || exit 1
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT

# none TEXT: passes if $T/found is empty.
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
none "core/util includes only core/util"
sources core/svc | xargs grep -nE '#include "' /dev/null | grep -vE '"(util|svc)/[a-z_0-9/]+\.h"' > "$T/found"
none "core/svc includes only core/util and core/svc"
sources core/model | xargs grep -nE '#include "' /dev/null | grep -vE '"(util|svc|model)/[a-z_0-9/]+\.h"' > "$T/found"
none "core/model includes only core/util, core/svc and core/model"
grep -nE '#include "(nix|inih|jansson|seccomp|systemd)' -r core > "$T/found"
none "headers of libraries are included with <>"
# Only host.c and services.c use both the model and the tables of the ABI.
grep -lE 'struct ec_(log|err|opt|conf|proc|nix|systemd|machine|containers|deploy|shell|term|table)_api [a-z]' -r core --include='*.c' |
        grep -vxE "core/plugin/(host|phases|services)\.[ch]" > "$T/found"
none "only core/plugin binds the services"

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
                              grep -qE 'jansson|include/seccomp\.h|systemd|ini\.h|cmocka' && printf '%s\n' "$line" ;;
                esac
        done > "$T/found"
        none "plugin $name includes only plugin.h, libc, plugins/common and its own files"
done

# ---- machined: it enters a container with processes of the host, which root in it can catch
grep -rnE --include='*.[ch]' --include='*.sh' '"(OpenMachine(PTY|Login|Shell|RootDirectory)|CopyToMachine|CopyFromMachine|BindMountMachine|machinectl)"|sd_bus_open_system_machine\(|machinectl.*(login|shell|copy|bind)|(systemctl|busctl) (-M|--machine)' \
        core plugins nix | grep -vE '^core/cli/hints\.c:|^[^:]*:[0-9]+:( \*|/\*)' > "$T/found"
none "nothing makes machined or systemd enter a container"

# ---- files: util/fs opens them, because it neither blocks nor accepts anything but a regular file
# open_calls DIR...: prints "FILE: CALL" for each call that opens something else than a directory or a mere path
open_calls() {
        grep -rnE --include='*.[ch]' '(^|[^a-z_>.])(open|openat|open64|fopen|freopen|creat)\([^)]' "$@" |
                grep -vE 'O_DIRECTORY|O_PATH|^[^:]*:[0-9]+:( \*|/\*)' |
                sed -E 's/^([^:]*):[0-9]+:(|.*[^a-z_>.])((open|openat|open64|fopen|freopen|creat)\([^|)]*).*/\1: \3/; s/ *$//' |
                LC_ALL=C sort -u
}
open_calls core plugins > "$T/calls"
sed 's/ *# .*//' << 'EOT' | LC_ALL=C sort > "$T/exceptions"
core/cli/main.c: open("/dev/null", O_RDWR # missing descriptors 0 to 2
core/model/definition/definition.c: open(arg, O_RDONLY # may be a FIFO: <(command)
core/model/operation/call.c: open("/dev/null", O_RDWR # as the output of a plugin that ends the process
core/svc/machine/cgroup.c: open(file, O_WRONLY # a file of the kernel
core/svc/machine/joiner.c: open("/dev/null", O_RDWR # what it shows in place of our own streams
core/svc/machine/joiner.c: open(j->tty_path, O_RDWR # the terminal, opened with the rights of the container
core/util/helper.c: open("/dev/null", O_RDWR # the standard streams of the child
core/svc/process/tty_guard.c: open("/dev/tty", O_RDWR # the terminal
core/util/fs.c: open(temp, O_WRONLY # only creates: O_EXCL
core/util/fs.c: open(path, flags # the function for a descriptor
core/util/fs.c: openat(dirfd, path, flags # the function
core/util/fs_unmount.c: fopen("/proc/self/mountinfo", "re" # a file of the kernel
plugins/shell/shell.c: open("/dev/tty", O_RDWR # the terminal
EOT
LC_ALL=C comm -23 "$T/calls" "$T/exceptions" > "$T/found"
none "files are opened by fs_open_regular() and fs_read() (or add the call and its reason to this check)"
LC_ALL=C comm -13 "$T/calls" "$T/exceptions" | while IFS=: read -r file call; do
        [ ! -e "$file" ] || echo "$file:$call"
done > "$T/found"
none "each exception from that is needed"

# option_uses PLUGIN CORE: prints calls in the directory CORE that read an option of the plugin in the directory PLUGIN.
# check-man compares feature.json with the tables.
option_uses() {
        options=$(jq -r '.options // [] | .[] | ltrimstr("--")' "${1%/}/feature.json" 2>&1) || {
                printf '%s\n' "$options"
                return
        }
        for option in $options; do
                # -z: a call may continue on the next line.
                grep -rzoP --include='*.c' "options_(is_set|values?)\((?:[^()]|\([^()]*\))*?\"$option\"" "$2" | tr '\0' '\n'
        done
}

# ---- names: neither the core nor other plugins name a plugin
for p in plugins/*/; do
        [ -d "$p" ] || continue
        name=$(basename "$p")
        {
                # As a string or in its symbol, but not as a word that the core uses itself.
                grep -nE "ec_plugin_v1_$name\b|plugins/$name\b" -r core --include='*.[ch]'
                grep -nE "(plugins_find|plugin_loaded|strcmp)\([^)]*\"$name\"" -r core plugins --include='*.[ch]'
        } > "$T/found"
        none "the core and other plugins do not name plugin $name"
        [ "$name" != common ] || continue
        option_uses "$p" core > "$T/found"
        none "the core reads no option of plugin $name"
done

# ---- programs of the host do not enter containers either
grep -rnE '(^|[^a-z])(nsenter|chroot|systemd-run.* (-M|--machine)|machinectl.* shell)' plugins nix core \
        --include='*.sh' --include='*.nix' --include='*.c' | grep -vE ':[[:space:]]*(/\*|\*|#)' | grep -vE 'vm-test.nix|core/svc/machine/relay.c|core/svc/process/sandbox.c|core/cli/hints.c' > "$T/found"
none "no script enters a container with the rights of the host"

# ---- calls: only main and proc change or end the process
if [ "${OBJ-}" ]; then
        find "$OBJ/core" -name '*.o' | LC_ALL=C sort | while read -r o; do
                allowed='^$'
                case $o in
                */core/cli/main.o) allowed='^(un)?setenv$' ;;
                */core/svc/process/sandbox.o) allowed='^(_exit|chdir|chroot)$' ;;
                */core/util/helper.o) allowed='^(_exit|fork|kill|signal)$' ;;
                */core/svc/process/interrupt.o) allowed='^(signal|sigaction)$' ;;
                */core/svc/process/*.o) allowed='^(posix_spawnp?|execve|signal|sigaction|kill)$' ;;
                # Handles a plugin's crash and exit().
                */core/model/operation/call.o) allowed='^(_exit|raise|sigaction|signal)$' ;;
                # Its children run in the namespaces of a container.
                */core/svc/machine/setns.o) allowed='^(fork|kill)$' ;;
                */core/svc/machine/relay.o) allowed='^(_exit|chroot|fchdir|fork|signal)$' ;;
                */core/svc/machine/forward.o) allowed='^(_exit|fork|signal)$' ;;
                */core/svc/machine/joiner.o) allowed='^(_exit|chdir|execve|fork|kill|signal|umask)$' ;;
                */core/svc/machine/*.o | */core/svc/systemd/*.o) allowed='^(sigaction)$' ;;
                esac
                nm --undefined-only "$o" | awk '{ sub(/@.*/, "", $2); print $2 }' |
                        grep -E '^(_?exit|_Exit|abort|v?fork|clone|system|popen|exec[lv]p?e?|execve|fexecve|posix_spawnp?|signal|sigaction|raise|kill|(un)?setenv|putenv|clearenv|f?chdir|chroot|umask|sleep|usleep|nanosleep|clock_nanosleep|gets|mktemp|tmpnam|tempnam)$' |
                        grep -vE "$allowed" | sed "s|^|${o#"$OBJ"/}: |"
        done > "$T/found"
        none "only main and proc call functions that end or change the process"
        # libsystemd's ways into a container take descriptors and capabilities of ours along.
        find "$OBJ/core" "$OBJ/plugins" -name '*.o' ! -path '*/machine/joiner.o' ! -path '*/machine/relay.o' |
                LC_ALL=C sort | while read -r o; do
                nm --undefined-only "$o" | awk '{ sub(/@.*/, "", $2); print $2 }' |
                        grep -E '^(setns|sd_bus_open_(system|user)_machine|sd_journal_open_(container|machine))$' |
                        sed "s|^|${o#"$OBJ"/}: |"
        done > "$T/found"
        none "only joiner and relay enter namespaces of a container"
        # The files of a container's journal may crash who reads them: journal_inside does that in a sandbox.
        find "$OBJ/core" "$OBJ/plugins" -name '*.o' ! -path '*/systemd/journal_inside.o' | LC_ALL=C sort |
                while read -r o; do
                nm --undefined-only "$o" | awk '{ sub(/@.*/, "", $2); print $2 }' |
                        grep -E '^sd_journal_open_(files(_fd)?|directory(_fd)?)$' | sed "s|^|${o#"$OBJ"/}: |"
        done > "$T/found"
        none "only journal_inside reads other journals than the host's"
        # Only term.c writes to stdout.
        find "$OBJ/core" -name '*.o' ! -name term.o | LC_ALL=C sort | while read -r o; do
                nm --undefined-only "$o" | awk '{ sub(/@.*/, "", $2); print $2 }' |
                        grep -E '^(stdout|(__)?v?printf(_chk)?|puts|putchar)$' | sed "s|^|${o#"$OBJ"/}: |"
        done > "$T/found"
        none "only core/svc/term/term.c writes to stdout"
        # Startup files, prompt and running a shell are in the plugin.
        find "$OBJ/core" -name '*.o' -exec nm --defined-only {} + | awk '{ print $3 }' |
                grep -iE 'session|(^|_)rc_|prompt' > "$T/found"
        none "core has no code of sessions"
fi


# ---- the graph of core, from the symbols of its objects
# circles LEVEL EDGES: prints the circles, with an explanation
circles() {
        awk -v level="$1" -f tests/layers/circles.awk "$2" > "$T/circles"
        cat "$T/circles"
        [ ! -s "$T/circles" ] ||
                echo "(A -> B by S: A uses the symbol S of B. Cut one edge of each circle: move S, or pass it as a callback.)"
}
# graph NAME DIR: runs the three checks on the objects below DIR
graph() {
        tests/layers/edges "$2" > "$T/edges"
        circles file "$T/edges" > "$T/found"
        none "$1: there is no circle between files"
        circles folder "$T/edges" > "$T/found"
        none "$1: there is no circle between folders"
        awk -f tests/layers/upward.awk "$T/edges" > "$T/found"
        none "$1: layers only use lower layers: cli, plugin, model, svc, util"
}
[ ! "${OBJ-}" ] || graph core "$OBJ/core"

# Tests the checks themselves with planted files: options of a plugin that the core reads.
mkdir -p "$T/option/core/cli" "$T/option/tiny"
cat > "$T/option/core/cli/main.c" << 'EOT'
int a = options_is_set(op->options, "tiny");
int b = options_is_set(op->options, "tiny-other") + options_is_set(op->options, "other");
int c = options_is_set(op->options, "other") && strcmp(name, "tiny");
const char *d = options_value(options_of(op),
                              "small");
EOT
printf '{\n  "options": [\n    "--tiny",\n    "--small"\n  ]\n}\n' > "$T/option/tiny/feature.json"
(cd "$T/option" && option_uses tiny/ core) | diff - /dev/fd/3 3<< 'EOT' > "$T/found"
core/cli/main.c:options_is_set(op->options, "tiny"
core/cli/main.c:options_value(options_of(op),
                              "small"
EOT
none "planted: the core reads options of a plugin"
echo '{}' > "$T/option/tiny/feature.json"
(cd "$T/option" && option_uses tiny/ core) > "$T/found"
none "planted: a plugin without options"
rm "$T/option/tiny/feature.json"
(cd "$T/option" && option_uses tiny/ core) > "$T/uses"
grep -q 'feature.json' "$T/uses" || echo "a missing feature.json is not reported" > "$T/found"
none "planted: a plugin without feature.json"

# Tests the checks themselves with planted files: calls that open files.
mkdir -p "$T/open/core"
cat > "$T/open/core/main.c" << 'EOT'
/* Like open(x, O_RDONLY). */
int a = open(p, O_RDONLY | O_CLOEXEC), b = sh->open(op), c = open(p, O_RDONLY | O_DIRECTORY);
int d = path ? openat(fd, p, O_RDONLY) : -1;
        if (open("/dev/null", O_RDWR) < 0)
FILE *f =
        fopen(p, "re");
EOT
(cd "$T/open" && open_calls core) | diff - /dev/fd/3 3<< 'EOT' > "$T/found"
core/main.c: fopen(p, "re"
core/main.c: open("/dev/null", O_RDWR
core/main.c: openat(fd, p, O_RDONLY
EOT
none "planted: files are opened"

# Tests the checks themselves with planted objects.
plant() { # FILE [USED...]: makes an object with a symbol named after FILE, which uses the symbols of the others
        mkdir -p "$T/planted/${1%/*}"
        for f in "$@"; do echo "int $(echo "$f" | tr / _)(void);"; done > "$T/planted.c"
        echo "int $(echo "$1" | tr / _)(void) { return 0" >> "$T/planted.c"
        object=$T/planted/$1.o
        shift
        for f in "$@"; do echo "+ $(echo "$f" | tr / _)()"; done >> "$T/planted.c"
        echo '; }' >> "$T/planted.c"
        ${CC:-cc} -c "$T/planted.c" -o "$object"
}
finds() { # NAME WANT: compares the output of the checks on the planted objects, without the explanation
        tests/layers/edges "$T/planted" > "$T/edges"
        {
                circles file "$T/edges"
                circles folder "$T/edges"
                awk -f tests/layers/upward.awk "$T/edges"
        } | grep -v '^(' > "$T/got"
        printf '%s' "$2" | diff - "$T/got" > "$T/found"
        none "the checks find $1"
        rm -rf "$T/planted"
}
plant cli/main plugin/loader model/deploy/deploy util/text
plant plugin/loader svc/proc
plant model/deploy/deploy model/op/op svc/proc
plant model/deploy/start model/deploy/deploy model/op/op
plant model/op/op util/text
plant svc/proc util/text
plant util/text
finds "nothing in a graph without errors" ""
plant model/deploy/install model/deploy/start util/text
plant model/deploy/start model/deploy/recover
plant model/deploy/recover model/deploy/install
plant util/text
finds "a circle of files in one folder" "circle of 3 files:
model/deploy/install -> model/deploy/start by model_deploy_start
model/deploy/start -> model/deploy/recover by model_deploy_recover
model/deploy/recover -> model/deploy/install by model_deploy_install
"
plant model/op/a model/op/b
plant model/op/b model/op/a model/op/c
plant model/op/c model/op/b
finds "two circles that share a file" "circle of 2 files:
model/op/a -> model/op/b by model_op_b
model/op/b -> model/op/a by model_op_a
circle of 2 files:
model/op/b -> model/op/c by model_op_c
model/op/c -> model/op/b by model_op_b
"
plant model/deploy/deploy model/op/op
plant model/op/op
plant model/op/lock model/deploy/host
plant model/deploy/host
finds "a circle of folders without a circle of files" "circle of 2 folders:
model/deploy -> model/op by model_op_op
model/op -> model/deploy by model_deploy_host
"
plant util/text svc/proc
plant svc/proc cli/main
plant cli/main
plant other/x util/text
finds "calls to a higher layer, and a folder that is not a layer" "other/x -> util/text by util_text: not in a layer
svc/proc -> cli/main by cli_main
util/text -> svc/proc by svc_proc
"

echo "1..$n"
exit $failed
