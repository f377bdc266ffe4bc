#!/bin/sh
# Installs the program into a prefix, and builds and runs the site's plugin with
# nothing but what stands there. Prints TAP. MAKE and the variables of the build
# come from the makefile; SRC is the tree, OBJECTS the build to take objects from.
set -e
SRC=$(cd "${SRC:-.}" && pwd)
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
chmod 755 "$T"
n=0 failed=0

ok() {
        if [ "$2" = 0 ]; then
                n=$((n + 1))
                echo "ok $n - $1"
        else
                n=$((n + 1)) failed=1
                echo "not ok $n - $1"
                sed 's/^/# /' "$T/log"
        fi
}
try() {
        text=$1
        shift
        "$@" > "$T/log" 2>&1 && r=0 || r=$?
        ok "$text" "$r"
}
says() {
        grep -qF -- "$2" "$T/log" && r=0 || r=$?
        ok "$1" "$r"
}

cd "$SRC"
# A build of its own in the caller's build directory, with the objects that do not know their directories.
rm -rf "$BUILD"
mkdir -p "$BUILD"
[ ! -d "${OBJECTS-}/obj" ] || cp -a "$OBJECTS/obj" "$OBJECTS/flags" "$BUILD/"
try "make install" "${MAKE:-make}" -s "BUILD=$BUILD" "PREFIX=$T/usr" "SYSCONFDIR=$T/etc" install
mkdir "$T/site"
cp tests/site-plugin/site.c tests/site-plugin/Makefile "$T/site/"
cd "$T/site"
export PKG_CONFIG_PATH="$T/usr/lib/pkgconfig"
try "a plugin outside of the tree" "${MAKE:-make}" -s
try "and its installation" "${MAKE:-make}" -s install
EC=$T/usr/bin/extra-container
printf '[site]\ninventory = %s/inventory\n' "$T" >> "$T/etc/extra-container.ini"
try "is loaded" "$EC" plugins --json
says "by its name" '"site"'
says "with its hook" '"installed"'
try "its command" "$EC" site-inventory
says "knows its setting" "$T/inventory"
if "$EC" help create > "$T/log" 2>&1; then
        says "create has its option" --site-inventory
fi
echo "1..$n"
exit $failed
