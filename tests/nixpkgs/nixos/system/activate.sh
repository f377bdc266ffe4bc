# Makes $SYSTEM the running system: /usr, /etc, users, and the user's activation
# commands. Runs at boot and when switching to a system.
# shellcheck shell=bash disable=SC1091,SC2015,SC2154
PATH=$BASE/usr/bin:$BASE/usr/sbin
umask 022
shopt -s nullglob dotglob
status=0

failed() {
    echo "Activation script snippet '$1' failed (${2:-$?})" >&2
    status=2
}

# The paths of systemd and its units are below /usr.
if ! [[ /usr/lib/systemd/systemd -ef $BASE/usr/lib/systemd/systemd ]]; then
    if [[ $(stat -c %d:%i /usr) != $(stat -c %d:%i /) ]] && mountpoint -q /usr; then
        umount -l /usr || failed usr
    fi
    mount --bind "$BASE/usr" /usr || failed usr
fi

# --- /etc: links through /etc/static, so that one rename changes all files

[[ -d /etc ]] || mkdir /etc
ln -sfn "$SYSTEM/etc" /etc/.static.new && mv -T /etc/.static.new /etc/static || failed etc

place() {
    local from=$1 to=$2 static=$3 entry name mode user group
    for entry in "$from"/*; do
        name=${entry##*/}
        if [[ -d $entry && ! -L $entry ]]; then
            [[ -d $to/$name && ! -L $to/$name ]] || { rm -rf "${to:?}/$name"; mkdir "$to/$name"; }
            place "$entry" "$to/$name" "$static/$name"
        elif [[ $name == *.mode && -e ${entry%.mode} ]]; then
            :
        elif [[ -e $entry.mode ]]; then
            read -r mode user group < "$entry.mode"
            cp --remove-destination -L "$entry" "$to/.$name.new" &&
                chmod "$mode" "$to/.$name.new" &&
                chown "${user#+}:${group#+}" "$to/.$name.new" &&
                mv -T "$to/.$name.new" "$to/$name" || failed etc
            copied+=("$to/$name")
        elif [[ $(readlink "$to/$name") != "$static/$name" ]]; then
            [[ ! -d $to/$name || -L $to/$name ]] || rm -rf "${to:?}/$name"
            ln -s "$static/$name" "$to/.$name.new" && mv -T "$to/.$name.new" "$to/$name" || failed etc
        fi
    done
}
copied=()
previous=()
[[ ! -e /etc/.copied ]] || mapfile -t previous < /etc/.copied
place "$SYSTEM/etc" /etc /etc/static

# Remove files of an earlier system that this one does not have.
for file in "${previous[@]}"; do
    [[ " ${copied[*]} " == *" $file "* ]] || [[ -L $file ]] || rm -f "$file"
done
(( ${#copied[@]} )) && printf '%s\n' "${copied[@]}" > /etc/.copied || rm -f /etc/.copied
while IFS= read -r link; do
    [[ $(readlink "$link") == /etc/static/* ]] && rm "$link"
done < <(find /etc -xdev -xtype l)

# --- users

for file in passwd group shadow; do
    mode=0644
    [[ $file == shadow ]] && mode=0600
    if ! cmp -s "$SYSTEM/users/$file" "/etc/$file"; then
        install -m "$mode" "$SYSTEM/users/$file" "/etc/.$file.new" && mv -T "/etc/.$file.new" "/etc/$file" || failed users
    fi
done
while read -r user group mode home; do
    [[ -d $home ]] || { mkdir -p "$home" && chown "$user:$group" "$home" && chmod "$mode" "$home"; } || failed users
done < "$SYSTEM/users/homes"

# --- the rest

systemConfig=$SYSTEM
export systemConfig
. "$SYSTEM/activation-commands"

ln -sfn "$SYSTEM" /run/.current-system.new && mv -T /run/.current-system.new /run/current-system || status=2
exit $status
