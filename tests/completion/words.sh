#!/bin/bash
# Tests the words that the program offers to all shells.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

offered() { (cd "$T/work" && "${as_user[@]}" extra-container complete -- "$@" | cut -f1); }
has() { # NAME OFFERED WORD...: all these words are offered
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

is 'commands and aliases are offered, hidden ones are not' "$(offered '')" \
        "$(words help plugins site-both site-build site-make site-none site-one site-words)"
is 'no words at all are like an empty word' "$(offered)" "$(offered '')"
is 'commands are offered after an option' "$(offered --verbose '')" "$(offered '')"
is 'commands are offered after an option with a value' "$(offered --config x '')" "$(offered '')"
is 'the value of an option before the command is a file' "$(offered --config '')" :files
is 'the value after "=" is a file' "$(offered --config=/e)" :files
has 'options before the command are offered' "$(offered -)" -h --help --version --config --verbose --debug
has_not 'short options are not offered after --' "$(offered --)" -h
is 'descriptions are on one line, after a tab' \
        "$("${as_user[@]}" extra-container complete -- site-build --o | grep '^--out')" $'--out\tWhere it goes: \\ "here" or $there'

is 'help offers commands' "$(offered help '')" "$(offered '')"
is 'help offers only one command' "$(offered help help '')" ''
is 'a command without arguments offers nothing' "$(offered site-none '')" ''
is 'the first argument is a definition' "$(offered site-build '')" :files
is 'names follow a definition' "$(offered site-build web.nix '')" "$(words db web web-2)"
is 'an alias offers the same as its command' "$(offered site-make web.nix '')" "$(words db web web-2)"
is 'names that were already given are not offered' "$(offered site-build web.nix web '')" "$(words db web-2)"
is 'names follow an expression' "$(offered site-build -E '{ }' '')" "$(words db web web-2)"
is 'names follow standard input as a definition' "$(offered site-build - '')" "$(words db web web-2)"
is 'a command with one name offers names' "$(offered site-one '')" "$(words db web web-2)"
is 'a command with one name offers nothing after it' "$(offered site-one db '')" ''
mkdir -p "$T/root/etc/systemd/system"
touch "$T/root/etc/systemd/system/container@hosted.service"
is 'a command without a definition offers all containers of the host' "$(offered site-one '')" "$(words db hosted web web-2)"
is 'one with a definition offers those of the program' "$(offered site-build web.nix '')" "$(words db web web-2)"
rm -r "$T/root/etc"
is 'a command with names or a definition offers names' "$(offered site-both '')" "$(words db web web-2)"
is 'a path is a definition' "$(offered site-both ./)" :files
is 'names follow names' "$(offered site-both db '')" "$(words web web-2)"
is 'a command of nixos-container offers names' "$(offered status '')" "$(words db web web-2)"

has 'options of the command, the core and plugins are offered' "$(offered site-build -)" -f --fast -o --out --from --attr -A --site-opt --help
list=$(offered site-build --)
has 'long options are offered after --' "$list" --out --from --mark --fast --site-opt --expr --nixpkgs-path --build-args --show-trace
has_not 'short, hidden and unrelated options are not offered after --' "$list" -f --secret --json --version
list=$(offered site-build --fast --mark a --)
has_not 'an option that was given is not offered again' "$list" --fast
has 'an option that can be repeated is offered again' "$list" --mark
has_not 'an option that was given by its letter is not offered again' "$(offered site-build -f --)" --fast
is 'the value of an option is a directory' "$(offered site-build --out '')" :dirs
is 'the value of a short option is a directory' "$(offered site-build -o '')" :dirs
is 'the value of combined short options is a directory' "$(offered site-build -fo '')" :dirs
is 'a short option with its value is complete' "$(offered site-build -o/tmp '')" :files
is 'the value after "=" is a directory' "$(offered site-build --out=)" :dirs
is 'the value of an option is a name' "$(offered site-build --from '')" "$(words db web web-2)"
is 'nothing is offered for a value that is any text' "$(offered site-build --mark '')" ''
is 'the value of an option of a plugin is a file' "$(offered site-build --site-opt '')" :files
is 'a value after "=" is not an argument' "$(offered site-build --mark=x '')" :files
is 'an option that takes the rest of the line offers files' "$(offered site-build web.nix --all-of a '')" :files
is 'the option that ends the rest is offered' "$(offered site-build web.nix --all-of a -)" --then
is 'the option that ends the rest takes the remaining words' "$(offered site-build web.nix --all-of a --then b '')" :files
is 'no options are offered after --' "$(offered site-build -- -)" :files
is 'files follow a name in a command with words' "$(offered site-words db ls '')" :files
is 'no options follow a name in a command with words' "$(offered site-words db -)" :files
has 'options are offered before the name' "$(offered site-words --)" --fast
is 'an unknown option has no values' "$(offered site-build --nonsense=)" ''
is 'an empty option has no values' "$(offered site-build --=)" ''
is 'an unknown command has no options' "$(offered nonsense --)" "$(words db web web-2)"

rm -r "$T/root/units"
is 'no names are offered without a directory of units' "$(offered site-one '')" ''
printf '[paths]\nunits\n' >"$T/conf.ini"
"${as_user[@]}" extra-container complete -- '' >/dev/null 2>&1
is 'a malformed configuration is an error' $? 1
finish
