# SPDX-License-Identifier: MIT
# bash completion for extra-container: asks the program what the next word can be.
# shellcheck shell=bash

_extra_container() {
        local -a words=() found=()
        local line word cur='' i=1 last file=''

        # bash splits --option=value at "=": join the parts again.
        while ((i <= COMP_CWORD)); do
                word=${COMP_WORDS[i]}
                last=$((${#words[@]} - 1))
                if ((last >= 0)) && [[ $word == = && ${words[last]} == --* && ${words[last]} != *=* ]]; then
                        words[last]+="="
                        if ((i < COMP_CWORD)); then
                                i=$((i + 1))
                                words[last]+=${COMP_WORDS[i]}
                        fi
                else
                        words+=("$word")
                fi
                i=$((i + 1))
        done
        last=$((${#words[@]} - 1))
        ((last < 0)) || cur=${words[last]}

        COMPREPLY=()
        while IFS= read -r line; do
                case $line in
                :files) file='file' ;;
                :dirs) file=directory ;;
                *) found+=("${line%%$'\t'*}") ;;
                esac
        done < <(extra-container complete -- "${words[@]}" 2>/dev/null)
        [[ $cur != --*=* ]] || cur=${cur#*=}

        # Unlike files, names of containers and options have no blanks.
        for word in "${found[@]}"; do
                [[ $word != "$cur"* ]] || COMPREPLY+=("$word")
        done
        if [[ $file ]]; then
                compopt -o filenames 2>/dev/null
                while IFS= read -r line; do
                        COMPREPLY+=("$line")
                done < <(compgen -A "$file" -- "$cur")
        fi
}

complete -F _extra_container extra-container
