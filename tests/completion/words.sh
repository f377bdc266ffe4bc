#!/bin/bash
# What the program itself offers, whatever the shell.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

offered() { (cd "$T/work" && "${as_user[@]}" extra-container complete -- "$@" | cut -f1); }
has() { # NAME OFFERED WORD...: all of them, one a line
        local name=$1 list=$2 word
        shift 2
        for word; do
                grep -qxF -e "$word" <<<"$list" || { is "$name" "$list" "... $word"; return; }
        done
        is "$name" '' ''
}
has_not() {
        local name=$1 list=$2 word
        shift 2
        for word; do
                ! grep -qxF -e "$word" <<<"$list" || { is "$name" "$list" "all but $word"; return; }
        done
        is "$name" '' ''
}

is 'commands, aliases, no hidden ones' "$(offered '')" \
        "$(words help plugins site-both site-build site-make site-none site-one site-words)"
is 'no words at all' "$(offered)" "$(offered '')"
is 'an option before the command' "$(offered --verbose '')" "$(offered '')"
is 'with a value' "$(offered --config x '')" "$(offered '')"
is 'the value' "$(offered --config '')" :files
is 'the value, joined' "$(offered --config=/e)" :files
has 'options before the command' "$(offered -)" -h --help --version --config --verbose --debug
has_not '-- takes long ones' "$(offered --)" -h
is 'texts are on one line, behind a tab' \
        "$("${as_user[@]}" extra-container complete -- site-build --o | grep '^--out')" $'--out\tWhere it goes: \\ "here" or $there'

is 'help: commands' "$(offered help '')" "$(offered '')"
is 'help: one of them' "$(offered help help '')" ''
is 'a command without arguments' "$(offered site-none '')" ''
is 'a definition' "$(offered site-build '')" :files
is 'then names' "$(offered site-build web.nix '')" "$(words db web web-2)"
is 'the alias' "$(offered site-make web.nix '')" "$(words db web web-2)"
is 'names that are there already' "$(offered site-build web.nix web '')" "$(words db web-2)"
is 'with an expression, names' "$(offered site-build -E '{ }' '')" "$(words db web web-2)"
is 'standard input is a definition' "$(offered site-build - '')" "$(words db web web-2)"
is 'one name' "$(offered site-one '')" "$(words db web web-2)"
is 'and no more' "$(offered site-one db '')" ''
is 'names or a definition: names' "$(offered site-both '')" "$(words db web web-2)"
is 'a path is a definition' "$(offered site-both ./)" :files
is 'names behind names' "$(offered site-both db '')" "$(words web web-2)"
is 'a command of nixos-container: names' "$(offered status '')" "$(words db web web-2)"

has 'options: own, of the core, of plugins' "$(offered site-build -)" -f --fast -o --out --from --attr -A --site-opt --help
list=$(offered site-build --)
has 'long options' "$list" --out --from --mark --fast --site-opt --expr --nixpkgs-path --build-args --show-trace
has_not 'no short ones, no hidden ones, none of other commands' "$list" -f --secret --json --version
list=$(offered site-build --fast --mark a --)
has_not 'once is enough' "$list" --fast
has 'unless it can be repeated' "$list" --mark
has_not 'given by its letter' "$(offered site-build -f --)" --fast
is 'a directory' "$(offered site-build --out '')" :dirs
is 'of a letter' "$(offered site-build -o '')" :dirs
is 'of a letter behind others' "$(offered site-build -fo '')" :dirs
is 'a letter with its value' "$(offered site-build -o/tmp '')" :files
is 'joined' "$(offered site-build --out=)" :dirs
is 'a name' "$(offered site-build --from '')" "$(words db web web-2)"
is 'any text' "$(offered site-build --mark '')" ''
is 'a file, of a plugin' "$(offered site-build --site-opt '')" :files
is 'joined values are no arguments' "$(offered site-build --mark=x '')" :files
is 'what follows goes elsewhere' "$(offered site-build web.nix --all-of a '')" :files
is 'up to an option that ends it' "$(offered site-build web.nix --all-of a -)" --then
is 'which takes the rest itself' "$(offered site-build web.nix --all-of a --then b '')" :files
is '-- ends options' "$(offered site-build -- -)" :files
is 'words behind a name: files' "$(offered site-words db ls '')" :files
is 'and no options' "$(offered site-words db -)" :files
has 'before it, options' "$(offered site-words --)" --fast
is 'an option that nobody knows' "$(offered site-build --nonsense=)" ''
is 'an empty option' "$(offered site-build --=)" ''
is 'an unknown command has no options' "$(offered nonsense --)" "$(words db web web-2)"

rm -r "$T/root/units"
is 'no directory of units: no names' "$(offered site-one '')" ''
printf '[paths]\nunits\n' >"$T/conf.ini"
"${as_user[@]}" extra-container complete -- '' >/dev/null 2>&1
is 'a broken configuration is an error' $? 1
finish
