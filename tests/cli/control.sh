#!/bin/sh
# The command line of plugin control, without systemd.
# shellcheck source=tests/cli/lib.sh disable=SC2154
. "${0%/*}/lib.sh"
plugins control

for command in start stop terminate reload; do
        run "$command" --timeout soon a
        is "$command: the limit must be a duration" 2 "" \
                "error: $command: option '--timeout' needs a duration, as 10s, 500ms or 2min, not 'soon'"
done
run help run
says "options of run come before the name" 0 "Usage: extra-container run [OPTION...] NAME CMD..."
run help exec
says "exec is run" 0 "Usage: extra-container run [OPTION...] NAME CMD..."
run ps
says "another program's word leads to status" 2 "'extra-container status'"
finish
