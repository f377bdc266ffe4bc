#!/bin/bash
# Tests the completion of fish with `complete -C`.
# shellcheck disable=SC1091,SC2016,SC2154
. "$(dirname "$0")/lib.sh"
command -v fish >/dev/null || { echo '1..0 # SKIP fish is not installed'; exit; }
chmod 777 "$T/home"

typed() {
        (cd "$T/work" && "${as_user[@]}" fish --no-config -c 'source $argv[1]/extra-container.fish; complete -C $argv[2]' "$T" "extra-container $1" 2>&1) |
                cut -f1 | LC_ALL=C sort
}
is 'commands are completed' "$(typed site-b)" "$(words site-both site-build)"
is 'an empty line completes to commands' "$(typed '' | head -n 1)" help
is 'files are not completed for a command without arguments' "$(typed 'site-none ')" ''
is 'options are completed' "$(typed 'site-build --f')" "$(words --fast --from)"
is 'an option of scope BUILD is completed for other commands' "$(typed 'site-build --site')" --site-opt
is 'container names are completed' "$(typed 'site-one we')" "$(words web web-2)"
is 'files are completed' "$(typed 'site-build we')" "$(words 'web two.nix' web.nix)"
is 'a file name with a blank is completed' "$(typed 'site-build web\ t')" 'web two.nix'
is 'directories are completed' "$(typed 'site-build --out ')" "$(words 'a dir/' dir.d/)"
is 'a value after "=" is completed' "$(typed 'site-build --from=we')" "$(words --from=web --from=web-2)"
is 'directories after "=" are completed' "$(typed 'site-build --out=d')" --out=dir.d/
is 'a word without matches is not completed' "$(typed 'site-one xx')" ''
is 'quoted text is one word' "$(typed 'site-build "web two.nix" d')" db
is 'words have descriptions' \
        "$(cd "$T/work" && "${as_user[@]}" fish --no-config -c 'source $argv[1]/extra-container.fish; complete -C "extra-container site-one d"' "$T")" \
        $'db\tcontainer'
finish
