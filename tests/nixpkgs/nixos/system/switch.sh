# switch-to-configuration ACTION: switches a running container to $SYSTEM, with as
# few restarts as possible.
# shellcheck shell=bash disable=SC2154
PATH=$BASE/usr/bin:$BASE/usr/sbin
action=${1-}

say() {
    echo "$*" >&2
}

case $action in
    switch|test|dry-activate) ;;
    # A container has no boot loader.
    boot) exit 0 ;;
    *)
        say "Usage: switch-to-configuration switch|boot|test|dry-activate"
        exit 1
        ;;
esac
if [[ ! -e /run/current-system || ! -d /run/systemd/system ]]; then
    say "This is not a running system: nothing to switch."
    exit 1
fi
(( EUID == 0 )) || { say "switch-to-configuration: root is needed"; exit 1; }

exec {lock}> /run/lock-switch-to-configuration
if ! flock -n "$lock"; then
    say "Could not acquire lock: another switch is running"
    exit 1
fi

old=$(readlink -f /etc/systemd/system)
new=$SYSTEM/units

# Sets $file to the file of a unit; for an instance without its own file, that of the template.
file_of() {
    local dir=$1 unit=$2
    file=$dir/$unit
    [[ -e $file || $unit != *@*.* ]] || file=$dir/${unit%%@*}@.${unit##*.}
    [[ -e $file || -e $file.d ]]
}
# Sets $text to the whole text of a unit in a directory.
text_of() {
    local part
    text=
    file_of "$1" "$2" || return 1
    for part in "$file" "$file.d"/*.conf; do
        [[ -e $part ]] && text+=$(< "$part")$'\n'
    done
    return 0
}
has() {
    [[ $'\n'$text == *$'\n'"$1="@(true|yes|1|on)$'\n'* ]]
}
has_not() {
    [[ $'\n'$text == *$'\n'"$1="@(false|no|0|off)$'\n'* ]]
}
shopt -s extglob nullglob

stop=() start=() restart=() reload=() skip=() targets=()
add() {
    local -n list=$1
    local unit
    for unit in "${list[@]}"; do [[ $unit != "$2" ]] || return 0; done
    list+=("$2")
}

mapfile -t active < <(systemctl list-units --full --plain --no-legend --state=active,activating,reloading | awk '{ print $1 }')
declare -A is_active=()
for unit in "${active[@]}"; do is_active[$unit]=1; done

for unit in "${active[@]}"; do
    [[ $unit == *.target ]] && targets+=("$unit")
    # For a unit of the distribution, only its drop-in can be added or removed.
    in_base=
    [[ -e $BASE/usr/lib/systemd/system/$unit ]] && in_base=1
    text_of "$old" "$unit" || [[ $in_base ]] || continue
    before=$text
    if ! text_of "$new" "$unit" && [[ ! $in_base ]]; then
        [[ $'\n'$before == *$'\n'X-StopOnRemoval=false$'\n'* ]] || add stop "$unit"
        continue
    fi
    if [[ $(readlink -f "$new/$unit") == /dev/null ]]; then
        add stop "$unit"
        continue
    fi
    [[ $text != "$before" ]] || continue

    kind=${unit##*.}
    case $kind in
        # Started again below, with their new dependencies.
        target|slice) continue ;;
        mount|swap|device|scope) add skip "$unit"; continue ;;
    esac
    if has X-ReloadIfChanged; then
        add reload "$unit"
    elif has_not X-RestartIfChanged || has RefuseManualStop || has X-OnlyManualStart; then
        add skip "$unit"
    elif [[ $kind == service && $unit == *@* && -e ${file%.service}.socket ]]; then
        # The service of a single connection; the next connection starts a new one.
        add skip "$unit"
    elif has_not X-StopIfChanged || [[ $in_base ]]; then
        add restart "$unit"
    elif [[ $kind == socket ]]; then
        add stop "$unit"
        add start "$unit"
        [[ ! ${is_active[${unit%.socket}.service]-} ]] || add stop "${unit%.socket}.service"
    else
        add stop "$unit"
        if [[ $kind == service && -e $new/${unit%.service}.socket ]]; then
            # The socket starts the service again, so the socket must be stopped first.
            [[ ! ${is_active[${unit%.service}.socket]-} ]] || add stop "${unit%.service}.socket"
            add start "${unit%.service}.socket"
        else
            add start "$unit"
        fi
    fi
done

# Joins names for a message, sorted.
join() {
    local IFS=$'\n' sorted
    mapfile -t sorted < <(printf '%s\n' "$@" | sort)
    printf -v joined '%s, ' "${sorted[@]}"
    joined=${joined%, }
}
report() {
    local what=$1
    shift
    (( $# )) || return 0
    join "$@"
    say "$what the following units: $joined"
}

if [[ $action == dry-activate ]]; then
    report "would stop" "${stop[@]}"
    report "would NOT restart" "${skip[@]}"
    report "would reload" "${reload[@]}"
    report "would restart" "${restart[@]}"
    report "would start" "${start[@]}"
    exit 0
fi

report "stopping" "${stop[@]}"
(( ${#stop[@]} )) && systemctl stop -- "${stop[@]}"
report "NOT restarting" "${skip[@]}"

status=0
say "activating the configuration..."
"$SYSTEM/activate" || status=2

systemctl reset-failed
systemctl daemon-reload || status=3
systemd-tmpfiles --create --remove --exclude-prefix=/dev || :

if (( ${#reload[@]} )); then
    report "reloading" "${reload[@]}"
    systemctl reload -- "${reload[@]}" || status=4
fi
if (( ${#restart[@]} )); then
    report "restarting" "${restart[@]}"
    systemctl restart -- "${restart[@]}" || status=4
fi
# Starting active targets again starts their new dependencies. Some targets
# cannot be started manually.
if (( ${#targets[@]} )); then
    mapfile -t targets < <(
        systemctl show -p Id,RefuseManualStart -- "${targets[@]}" |
            awk -F= '$1 == "Id" { id = $2 } $1 == "RefuseManualStart" { refuse = $2 } $0 == "" { if (refuse == "no") print id; id = "" }
                END { if (id != "" && refuse == "no") print id }'
    )
fi
report "starting" "${start[@]}"
if (( ${#start[@]} + ${#targets[@]} )); then
    systemctl start -- "${start[@]}" "${targets[@]}" || status=4
fi

mapfile -t now < <(systemctl list-units --full --plain --no-legend --state=active,activating,reloading | awk '{ print $1 }')
started=()
declare -A asked=()
for unit in "${start[@]}" "${restart[@]}"; do asked[$unit]=1; done
for unit in "${now[@]}"; do
    [[ ${is_active[$unit]-} || ${asked[$unit]-} || $unit != *.@(service|socket|timer|path|target) || $unit == *@*.service ]] || started+=("$unit")
done
if (( ${#started[@]} )); then
    join "${started[@]}"
    say "the following new units were started: $joined"
fi

mapfile -t broken < <(systemctl list-units --full --plain --no-legend --state=failed | awk '{ print $1 }')
if (( ${#broken[@]} )); then
    join "${broken[@]}"
    say "warning: the following units failed: $joined"
    systemctl status --no-pager --full -- "${broken[@]}" >&2
    status=4
fi
exit $status
