#!/bin/sh
# Tests what is suggested in place of words and options that the program does not know.
# shellcheck disable=SC2154,SC1091,SC2034
. "$(dirname "$0")/lib.sh"
plugins create shell
sudo='sudo '
[ "$(id -u)" != 0 ] || [ "$WHO" ] || sudo=
install="to install and start containers, use 'extra-container create --start"

# hint TEXT ERROR WORD...
hint() {
        what=$1 message=$2
        shift 2
        run "$@"
        is "$what" 2 "" "error: $message"
}
if ! command -v nixos-container > /dev/null; then
        hint "what needs root has sudo" "unknown command 'logs'; to read the log of a container, use '${sudo}journalctl -M web'; if it is stopped, use '${sudo}journalctl -u container@web'" logs web
        hint "a status needs no sudo" "unknown command 'status'; to see the status of a container, use 'systemctl status container@web'" status web
fi
remove="unknown command 'rm'; to remove a container, use 'extra-container destroy"
hint "a hint has the name that was typed" "$remove web'" rm web
hint "an option is not a name" "$remove NAME'" rm --now
hint "no container has such a name" "$remove NAME'" rm "a'b"
hint "a hint has the definition that was typed" "unknown command 'up'; $install web.nix'" up web.nix
hint "a name is not a definition" "unknown command 'up'; $install DEFINITION'" up web
hint "a definition in place of the command" "unknown command 'web.nix'; $install web.nix'" web.nix
hint "a path in place of the command" "unknown command './web'; $install ./web'" ./web
hint "a flake reference in place of the command" "unknown command '.#web'; $install .#web'" '.#web'
hint "the word version" "unknown command 'version'; to see the version, use 'extra-container --version'" version
hint "the word ssh" "unknown command 'ssh'; to connect to a container by SSH, use cssh in a session: 'extra-container shell DEFINITION --ssh', with -n if the container is installed" ssh web
hint "an option in place of the command" "option '-s' must follow the command, as in 'extra-container create -s web.nix'" -s web.nix
hint "an option before the command" "option '-s' must follow the command" -s create web.nix
hint "an option that only a session has" "option '--run' must follow the command, as in 'extra-container shell --run c hostname'" --run c hostname
hint "an option of another command" "create: unknown option '--run'; it belongs to shell" create web.nix --run c hostname
hint "a short option of two other commands" "build: unknown option '-r'; it belongs to create, shell" build -r web.nix
hint "an argument of list" "list takes no names, but 'web' was given; 'list --json' prints all details" list web
finish
