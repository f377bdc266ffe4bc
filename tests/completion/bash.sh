#!/bin/bash
# The completion of bash, as readline calls it.
# shellcheck disable=SC1091,SC2016,SC2154
. "$(dirname "$0")/lib.sh"
command -v bash >/dev/null || { echo '1..0 # SKIP there is no bash'; exit; }

# complete WORD...: the last one is typed; cut at "=", as readline does with its word breaks.
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

is 'commands' "$(typed site-b)" "$(words site-both site-build)"
is 'nothing typed yet' "$(typed '' | head -n 1)" help
is 'options' "$(typed site-build --f)" "$(words --fast --from)"
is 'the plugin'\''s option of all builds' "$(typed site-build --site)" --site-opt
is 'names' "$(typed site-one we)" "$(words web web-2)"
is 'files' "$(typed site-build we)" "$(words 'web two.nix' web.nix)"
is 'directories' "$(typed site-build --out '')" "$(words 'a dir' dir.d)"
is 'a joined value' "$(typed site-build --from=we)" "$(words web web-2)"
is 'of which nothing is typed' "$(typed site-build --out=)" "$(words 'a dir' dir.d)"
is 'behind a joined value' "$(typed site-build --out=x --fa)" --fast
is 'nothing fits' "$(typed site-one x)" ''
is 'texts that look like code stay texts' "$(typed site-one '$(touch x)')" ''
is 'no file was made' "$(ls "$T/work")" "$(words 'a dir' dir.d other 'web two.nix' web.nix)"
is 'it is registered' "$("${as_user[@]}" bash --norc -c 'source "$1/extra-container.bash"; complete -p extra-container' - "$T")" \
        'complete -F _extra_container extra-container'

# By the keys, in a terminal.
if command -v tmux >/dev/null; then
        tmux=("${as_user[@]}" SHELL=/bin/sh tmux -S "$T/home/tmux" -f /dev/null)
        chmod 777 "$T/home"
        "${tmux[@]}" new-session -d -x 120 -y 30 -c "$T/work" "PS1='> ' HISTFILE= bash --norc -i" \; \
                set -g remain-on-exit on >/dev/null 2>&1
        screen() { "${tmux[@]}" capture-pane -p | sed '/^$/d'; }
        shows() { # TEXT: within a minute
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
        is 'with Tab, in a terminal' $? 0
        "${tmux[@]}" send-keys C-u 'extra-container site-build --from=d' Tab
        shows '--from=db'
        is 'with Tab, a joined value' $? 0
        "${tmux[@]}" kill-server
fi
finish
