#!/bin/bash
# The completion of fish, by its own `complete -C`.
# shellcheck disable=SC1091,SC2016,SC2154
. "$(dirname "$0")/lib.sh"
command -v fish >/dev/null || { echo '1..0 # SKIP there is no fish'; exit; }
chmod 777 "$T/home"

typed() {
        (cd "$T/work" && "${as_user[@]}" fish --no-config -c 'source $argv[1]/extra-container.fish; complete -C $argv[2]' "$T" "extra-container $1" 2>&1) |
                cut -f1 | LC_ALL=C sort
}
is 'commands' "$(typed site-b)" "$(words site-both site-build)"
is 'nothing typed yet' "$(typed '' | head -n 1)" help
is 'no files where none are wanted' "$(typed 'site-none ')" ''
is 'options' "$(typed 'site-build --f')" "$(words --fast --from)"
is 'the plugin'\''s option of all builds' "$(typed 'site-build --site')" --site-opt
is 'names' "$(typed 'site-one we')" "$(words web web-2)"
is 'files' "$(typed 'site-build we')" "$(words 'web two.nix' web.nix)"
is 'a name with a blank' "$(typed 'site-build web\ t')" 'web two.nix'
is 'directories' "$(typed 'site-build --out ')" "$(words 'a dir/' dir.d/)"
is 'a joined value' "$(typed 'site-build --from=we')" "$(words --from=web --from=web-2)"
is 'joined directories' "$(typed 'site-build --out=d')" --out=dir.d/
is 'nothing fits' "$(typed 'site-one xx')" ''
is 'quoted words are one' "$(typed 'site-build "web two.nix" d')" db
is 'texts stand beside the words' \
        "$(cd "$T/work" && "${as_user[@]}" fish --no-config -c 'source $argv[1]/extra-container.fish; complete -C "extra-container site-one d"' "$T")" \
        $'db\tcontainer'
finish
