#!/bin/bash
# Builds the Debian packages from the tracked files; installs, uses and purges them in a throwaway host. Prints TAP.
set -uo pipefail
top=$(readlink -f -- "${BASH_SOURCE[0]%/*}/../..")
dir=$top/build/deb
n=0 failed=0

result() { # STATUS NAME [FILE with details]
        n=$((n + 1))
        if (($1 == 0)); then
                printf 'ok %d - %s\n' "$n" "$2"
        else
                failed=1
                printf 'not ok %d - %s\n' "$n" "$2"
                [[ ! ${3-} ]] || tail -n 30 "$3" | sed 's/^/# /'
        fi
}
finish() {
        printf '1..%d\n' "$n"
        exit "$failed"
}

if ! command -v dpkg-buildpackage >/dev/null; then
        echo '1..0 # SKIP this is not Debian'
        exit
fi
rm -rf "$dir"
mkdir -p "$dir/extra-container"
cd "$top" || exit
# The tracked files, or all files of a tree without git.
if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -z | xargs -0 cp --parents -t "$dir/extra-container" 2>/dev/null
else
        tar -c --exclude=./build . | tar -x -C "$dir/extra-container"
fi

(cd "$dir/extra-container" && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS DEB_BUILD_OPTIONS="parallel=$(nproc) noautodbgsym" dpkg-buildpackage -us -uc -b) >"$dir/log" 2>&1 </dev/null
result $? "dpkg-buildpackage succeeds" "$dir/log"
((failed == 0)) || finish
! grep -E 'warning:' "$dir/log" >"$dir/warnings"
result $? "it prints no warnings" "$dir/warnings"
lintian --allow-root --fail-on error "$dir"/*.changes >"$dir/lintian" 2>&1
result $? "lintian has no errors" "$dir/lintian"
sed 's/^/# /' "$dir/lintian"

# Number the results of the host test with those here.
"$top/tests/host/run" --flavour debian --no-install --share "$dir" bash "$top/tests/deb/use.sh" "$dir" >"$dir/use" 2>&1
status=$?
while IFS= read -r line; do
        case $line in
        'ok '*' - '*) result 0 "in a host: ${line#* - }" ;;
        'not ok '*' - '*) result 1 "in a host: ${line#* - }" ;;
        '1..'*) ;;
        *) printf '# %s\n' "${line#'# '}" ;;
        esac
done <"$dir/use"
grep -q '^1\.\.' "$dir/use"
result $? "in a host: all tests ran (status $status)"
finish
