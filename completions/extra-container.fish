# SPDX-License-Identifier: MIT
# fish completion for extra-container: asks the program what the next word can be.

# Files, as fish completes them for commands without completions of their own.
function __extra_container_files
    complete -C "extra-container-nothing $argv[1]"
end

function __extra_container_complete
    set -l before (commandline -opc)
    set -l word (commandline -ct)
    set -l prefix (string match -r -- '^--[^=]*=' $word)
    set -l rest (string replace -r -- '^--[^=]*=' '' $word)
    for line in (extra-container complete -- $before[2..-1] "$word" 2>/dev/null)
        set -l found $line
        switch $line
            case :files
                set found (__extra_container_files "$rest")
            case :dirs
                set found (__extra_container_files "$rest" | string match -r '^[^\t]*/(?=\t|$)')
        end
        for entry in $found
            printf '%s%s\n' "$prefix" $entry
        end
    end
end

complete -c extra-container -f -a '(__extra_container_complete)'
