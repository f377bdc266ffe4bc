#compdef extra-container
# SPDX-License-Identifier: MIT
# zsh completion for extra-container: asks the program what the next word can be.

_extra_container() {
        local -a args found
        local line
        local -a as_options
        local -i files=0 dirs=0 ret=1

        args=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
        for line in "${(@f)$(_call_program words extra-container complete -- "${(@q)args}" 2>/dev/null)}"; do
                case $line in
                (:files) files=1 ;;
                (:dirs) dirs=1 ;;
                (?*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
                esac
        done
        [[ $PREFIX != --*=* ]] || compset -P '*='
        [[ $PREFIX != -* ]] || as_options=(-o)
        (( ! $#found )) || { _describe $as_options 'extra-container' found && ret=0 }
        (( ! files )) || { _files && ret=0 }
        (( ! dirs )) || { _files -/ && ret=0 }
        return ret
}

_extra_container "$@"
