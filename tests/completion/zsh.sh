#!/bin/bash
# Tests the completion of zsh in an inner zsh with a terminal (zpty), by what compadd gets.
# shellcheck disable=SC1091,SC2016,SC2154
. "$(dirname "$0")/lib.sh"
command -v zsh >/dev/null || { echo '1..0 # SKIP zsh is not installed'; exit; }
chmod 777 "$T/home"
mkdir "$T/functions"
cp "$T/extra-container.zsh" "$T/functions/_extra-container"
chmod -R a+rX "$T/functions"

# In the inner zsh, compadd also prints what it adds; ^X^E ends a round.
cat >"$T/inner.zsh" <<'END'
PS1=
unsetopt zle_bracketed_paste beep prompt_sp 2>/dev/null
fpath=("$T/functions" $fpath)
autoload -Uz compinit
compinit -u -D
zstyle ':completion:*' verbose no
compadd() {
        local -a hits
        if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
                builtin compadd "$@"
                return
        fi
        builtin compadd -A hits "$@"
        (( ! $#hits )) || print -rl -- ">>$IPREFIX"${^hits}
        builtin compadd "$@"
}
round() { zle complete-word; print -r -- "<end>"; zle kill-whole-line }
zle -N complete-word _complete_word 2>/dev/null
zle -C complete-word complete-word _main_complete
zle -N round
bindkey '^X^E' round
print -r -- "<ready>"
END
cat >"$T/outer.zsh" <<'END'
zmodload zsh/zpty
typeset -gx T=$1
zpty inner zsh -f -i
await() { # TEXT
        local chunk all=
        while zpty -r inner chunk "*$1*"; do
                all+=$chunk
                [[ $chunk != *$1* ]] || break
        done
        print -r -- ${all//$'\r'/}
}
zpty -w inner "stty -echo; cd ${(q)T}/work; source ${(q)T}/inner.zsh"
await '<ready>' >/dev/null
shift
for line; do
        zpty -w -n inner "$line"$'\x18\x05'
        print -r -- "== $line"
        await '<end>' | sed -n 's/.*>>//p' | tr -d '\\' | LC_ALL=C sort -u
done
zpty -d inner
END
lines=('site-b' 'site-build --f' 'site-build --site' 'site-one we' 'site-build we' 'site-build --out ' 'site-build --from=we' 'site-one xx' 'site-build "web two.nix" d' 'site-build web.nix web ')
got=$(cd "$T/work" && "${as_user[@]}" timeout 60 zsh -f "$T/outer.zsh" "$T" "${lines[@]/#/extra-container }" 2>&1)
typed() { awk -v head="== extra-container $1" '$0 == head { on = 1; next } /^== / { on = 0 } on' <<<"$got"; }
is 'commands are completed' "$(typed site-b)" "$(words site-both site-build)"
is 'options are completed' "$(typed 'site-build --f')" "$(words --fast --from)"
is 'an option of scope BUILD is completed for other commands' "$(typed 'site-build --site')" --site-opt
is 'container names are completed' "$(typed 'site-one we')" "$(words web web-2)"
is 'files are completed' "$(typed 'site-build we')" "$(words 'web two.nix' web.nix)"
is 'directories are completed' "$(typed 'site-build --out ')" "$(words 'a dir' dir.d)"
is 'a value after "=" is completed' "$(typed 'site-build --from=we')" "$(words --from=web --from=web-2)"
is 'a word without matches is not completed' "$(typed 'site-one xx')" ''
is 'quoted text is one word' "$(typed 'site-build "web two.nix" d')" db
is 'names that were already given are not offered' "$(typed 'site-build web.nix web ')" "$(words db web-2)"
[[ $failed == 0 ]] || printf '%s\n' "$got" | sed 's/^/# /'
finish
