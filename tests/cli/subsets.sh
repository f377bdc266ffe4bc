#!/bin/sh
# Runs the program without plugins, with each alone, with all but each and with all, where the missing ones are switched
# off or not installed. Using a missing one is an error that names it; the present ones work as if all were present.
# shellcheck disable=SC2154,SC1091,SC2034,SC2015
TREE=$(cd "$(dirname "$0")/../.." && pwd)/plugins
. "$(dirname "$0")/lib.sh"

all=
for so in "$BUILT"/*.so; do
        p=${so##*/}
        p=${p%.so}
        [ -e "$so" ] && [ -e "$TREE/$p/feature.json" ] || continue
        all="$all $p"
done
if [ -z "$all" ]; then
        echo "1..0 # SKIP no plugins are built"
        exit 0
fi

# words PLUGIN KEY: a list in its feature.json
words() { tr -d '\n' < "$TREE/$1/feature.json" | sed -n "s/.*\"$2\": *\[\([^]]*\)\].*/\1/p" | tr -d '",'; }
for p in $all; do
        eval "commands_$p='$(words "$p" commands)' options_$p='$(words "$p" options)' nix_$p='$(words "$p" nixOptions)'"
done
get() { eval "printf '%s' \"\$$1_$2\""; }

# The stub of Nix records its arguments.
hash=3sd60ih5rjklrmxr7w30vsdfksn55vlx
mkdir "$T/stub" "$T/store" "$T/log" "$T/work"
chmod 777 "$T/log"
store=$(cd "$T/store" && pwd -P)
output=$store/$hash-etc
mkdir -p "$output/etc/systemd/system" "$output/etc/nixos-containers"
: > "$output/etc/systemd/system/container@demo.service"
: > "$output/etc/nixos-containers/demo.conf"
cat > "$T/stub/nix-build" <<END
#!/bin/sh
root= prev=
for a; do
        case \$prev in
        --add-root | --out-link) root=\$a ;;
        modules | args | disabled) echo "\$prev \$a" >> "$T/log/nix" ;;
        esac
        prev=\$a
done
ln -s "$output" "\$root" && echo "\$root"
END
cp "$T/stub/nix-build" "$T/stub/nix-instantiate"
cp "$T/stub/nix-build" "$T/stub/nix-store"
chmod 755 "$T"/stub/*
echo '{ }' > "$T/work/web.nix"
chmod -R a+rX "$T/store" "$T/stub" "$T/work" "$T/data"
ENV="NIX_STORE_DIR=$store PATH=$T/stub:/usr/sbin:/usr/bin:/sbin:/bin"

# fail TEXT: adds a failure of this subset
wrong=
fail() { wrong="$wrong
$1: status $status, $out $err"; }

# shows COMMAND OPTION: the help of the command has the option
shows() {
        run "$1" --help
        [ "$status" = 0 ] && case $out in *" $2"[\ ,]* | *" $2
"*) ;; *) false ;; esac
}
# lists COMMAND: $overview, the output of --help, has the command
lists() { printf '%s\n' "$overview" | grep -qE "^ +([a-z-]+, )?$1[ ,]"; }

# check_missing PLUGIN REASON: it is "off in ", or "not installed"
check_missing() {
        reason=$2
        [ "$2" != 'off in ' ] || reason="off in $T/conf.ini:$(grep -n "^$1 = off" "$T/conf.ini" | cut -d : -f 1)"
        for c in $(get commands "$1"); do
                run "$c" x
                [ "$status" = 2 ] && [ "$err" = "error: command '$c': plugin $1 is $reason" ] || fail "command $c"
                run help "$c"
                [ "$status" != 0 ] && case $err in *"plugin $1 is $reason") ;; *) false ;; esac || fail "help $c"
        done
        for o in $(get options "$1"); do
                for c in $building; do
                        run "$c" "$o" "$T/work/web.nix"
                        [ "$status" = 2 ] && case $err in "error: "*"option '$o': plugin $1 is $reason") ;; *) false ;; esac || fail "$c $o"
                done
        done
}

check_present() {
        for c in $(get commands "$1"); do
                run "$c" --help
                [ "$status" = 0 ] && [ -z "$err" ] && case $out in *"extra-container $c"*) ;; *) false ;; esac || fail "$c --help"
                for q in $all; do
                        for o in $(get options "$q"); do
                                case " $subset  : $shown " in
                                *" $q "*" : "*" $c:$o "*) shows "$c" "$o" || fail "$o is not in $c --help" ;;
                                *) ! shows "$c" "$o" || fail "$o is in $c --help" ;;
                                esac
                        done
                done
        done
}

# Evaluations get the modules of the present plugins and the Nix options of the missing ones.
check_build() {
        : > "$T/log/nix"
        chmod 666 "$T/log/nix"
        run build "$T/work/web.nix"
        [ "$status" = 0 ] && [ "$out" = "$output" ] || fail build
        for p in $all; do
                case " $subset " in
                *" $p "*)
                        for o in $(get nix "$p"); do
                                ! grep -q "^disabled .*\"$o\"" "$T/log/nix" || fail "$o of a present plugin is disabled"
                        done
                        ! [ -e "$BUILT/$p/module.nix" ] || grep -q "^modules .*/$p/module.nix\"" "$T/log/nix" || fail "no module of $p"
                        ;;
                *)
                        for o in $(get nix "$p"); do
                                grep -q "^disabled .*\"$o\":\"$p\"" "$T/log/nix" || fail "$o is not disabled"
                        done
                        ! grep -q "/$p/module.nix" "$T/log/nix" || fail "the module of $p, which is missing"
                        ;;
                esac
        done
}

# install off|absent: installs the plugins of $subset, with the others missing in this way
install() {
        rm -rf "$T/plugins"
        mkdir -m 755 "$T/plugins"
        printf '[paths]\ndata = %s/data\n[plugins]\n' "$T" > "$T/conf.ini"
        for p in $all; do
                case "$1 $subset " in
                *" $p "*) echo "$p = required" >> "$T/conf.ini" ;;
                absent*)
                        mkdir "$T/plugins/$p"
                        cp "$TREE/$p/feature.json" "$T/plugins/$p/"
                        continue
                        ;;
                *) echo "$p = off" >> "$T/conf.ini" ;;
                esac
                plugins "$p"
        done
        chmod -R a+rX "$T/plugins"
}

# With all plugins: finds the commands that build, which have --expr, and the options of plugins that each command shows,
# "COMMAND:OPTION".
survey() {
        builders=' ' shown='' least='' fewest=1000
        for p in $all; do
                for c in $(get commands "$p"); do
                        shows "$c" --expr || continue
                        builders="$builders$c "
                        count=$(printf '%s\n' "$out" | grep -cE '^ +(-., )?--')
                        [ "$count" -ge "$fewest" ] || least=$c fewest=$count
                done
        done
        for p in $all; do
                for o in $(get options "$p"); do
                        shown_by=
                        for c in $(for q in $all; do get commands "$q"; echo; done); do
                                ! shows "$c" "$o" || shown_by="$shown_by $c:$o"
                        done
                        [ "$shown_by" ] || [ "$builders" = ' ' ] || fail "no command shows $o"
                        # The builder with the fewest options shows those of building only, which all builders have.
                        case "$shown_by " in
                        *" $least:$o "*)
                                for c in $builders; do
                                        case "$shown_by " in *" $c:$o "*) ;; *) fail "$o is not in $c --help" ;; esac
                                done
                                ;;
                        esac
                        shown="$shown$shown_by"
                done
        done
}

# check off|absent: tests the plugins of $subset, with the others missing in this way
check() {
        install "$1"
        case $1 in
        off) why='off in ' state=off ;;
        *) why='not installed' state= ;;
        esac
        building=
        for p in $subset; do
                for c in $(get commands "$p"); do
                        case $builders in *" $c "*) building="$building $c" ;; esac
                done
        done
        wrong=

        run plugins
        [ "$status" = 0 ] || fail plugins
        list=$out overview=
        run --help
        [ "$status" = 0 ] && [ -z "$err" ] || fail --help
        overview=$out
        for p in $all; do
                case " $subset " in
                *" $p "*) here=1 ;;
                *) here= ;;
                esac
                line=$(printf '%s\n' "$list" | grep "^$p	")
                case ${here:-$state}:$line in
                1:*loaded* | off:*off*) ;;
                :) ;;
                *) fail "plugins prints for $p: $line" ;;
                esac
                for c in $(get commands "$p"); do
                        if lists "$c"; then
                                [ "$here" ] || fail "$c is in --help"
                        else
                                [ -z "$here" ] || fail "$c is not in --help"
                        fi
                done
                if [ "$here" ]; then check_present "$p"; else check_missing "$p" "$why"; fi
        done
        case " $building " in *" build "*) check_build ;; esac
        status='' out=$wrong err=''
        [ -z "$wrong" ]
        ok "$2"
}

# both TEXT [PLUGIN...]: tests these plugins, with the others missing in both ways
both() {
        text=$1
        shift
        subset=$*
        check off "works with $text, the rest off"
        check absent "works with $text, the rest not installed"
}

# shellcheck disable=SC2046,SC2086
{
        subset=$all
        install off
        survey
        status='' out=$wrong err=''
        [ -z "$wrong" ]
        ok "options of plugins are in the help of commands"
        both "no plugins"
        for one in $all; do
                both "only $one" $one
                both "all plugins but $one" $(printf '%s\n' $all | grep -vx "$one")
        done
        subset=$all
        check off "works with all plugins"
}
finish
