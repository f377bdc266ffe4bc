#!/bin/bash
# Tests the completion of bash in the way readline calls it.
# shellcheck disable=SC1091,SC2016,SC2154
. "$(dirname "$0")/lib.sh"
command -v bash >/dev/null || { echo '1..0 # SKIP bash is not installed'; exit; }

# complete WORD...: completes the last word; words are cut at "=" like readline does.
cat >"$T/drive.bash" <<'END'
source "$1/extra-container.bash"
shift
COMP_WORDS=()
for word; do
        while [[ $word == --*=* ]]; do
                COMP_WORDS+=("${word%%=*}" =)
                word=${word#*=}
                [[ $word ]] || continue 2
        done
        COMP_WORDS+=("$word")
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_extra_container extra-container "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort
END
typed() { (cd "$T/work" && "${as_user[@]}" bash --norc "$T/drive.bash" "$T" extra-container "$@" 2>&1); }

is 'commands are completed' "$(typed site-b)" "$(words site-both site-build)"
is 'an empty line completes to commands' "$(typed '' | head -n 1)" help
is 'options are completed' "$(typed site-build --f)" "$(words --fast --from)"
is 'an option of scope BUILD is completed for other commands' "$(typed site-build --site)" --site-opt
is 'container names are completed' "$(typed site-one we)" "$(words web web-2)"
is 'files are completed' "$(typed site-build we)" "$(words 'web two.nix' web.nix)"
is 'directories are completed' "$(typed site-build --out '')" "$(words 'a dir' dir.d)"
is 'a value after "=" is completed' "$(typed site-build --from=we)" "$(words web web-2)"
is 'an empty value after "=" is completed' "$(typed site-build --out=)" "$(words 'a dir' dir.d)"
is 'an option after a value with "=" is completed' "$(typed site-build --out=x --fa)" --fast
is 'a word without matches is not completed' "$(typed site-one x)" ''
is 'text that looks like code is not completed' "$(typed site-one '$(touch x)')" ''
is 'text that looks like code is not executed' "$(ls "$T/work")" "$(words 'a dir' dir.d other 'web two.nix' web.nix)"
is 'the completion is registered' "$("${as_user[@]}" bash --norc -c 'source "$1/extra-container.bash"; complete -p extra-container' - "$T")" \
        'complete -F _extra_container extra-container'

# With the Tab key in a terminal.
if command -v tmux >/dev/null; then
        tmux=("${as_user[@]}" SHELL=/bin/sh tmux -S "$T/home/tmux" -f /dev/null)
        chmod 777 "$T/home"
        "${tmux[@]}" new-session -d -x 120 -y 30 -c "$T/work" "PS1='> ' HISTFILE= bash --norc -i" \; \
                set -g remain-on-exit on >/dev/null 2>&1
        screen() { "${tmux[@]}" capture-pane -p | sed '/^$/d'; }
        shows() { # TEXT: the screen shows TEXT within a minute
                local end=$((SECONDS + 60))
                until grep -qF -e "$1" <<<"$(screen)"; do
                        ((SECONDS < end)) || return 1
                        sleep 0.05
                done
        }
        "${tmux[@]}" send-keys "source ${T@Q}/extra-container.bash; echo rea''dy" Enter
        shows ready
        "${tmux[@]}" send-keys 'extra-container site-bu' Tab "web\\ t" Tab
        shows 'extra-container site-build web\ two.nix'
        is 'Tab completes in a terminal' $? 0
        "${tmux[@]}" send-keys C-u 'extra-container site-build --from=d' Tab
        shows '--from=db'
        is 'Tab completes a value after "="' $? 0
        "${tmux[@]}" kill-server
fi
finish
