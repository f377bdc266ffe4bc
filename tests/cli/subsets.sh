#!/bin/sh
# Every subset of the plugins, in both ways that one can be missing: switched off, and not
# installed. What is missing is said to be; what is there works as if all were.
# shellcheck disable=SC2154,SC1091,SC2034,SC2015
EC=${EC:?}
BUILT=${EC%/*}/plugins
TREE=$(cd "$(dirname "$0")/../.." && pwd)/plugins
. "$(dirname "$0")/lib.sh"

all=
for p in create shell network ssh gc; do
        [ -e "$BUILT/$p.so" ] && [ -e "$TREE/$p/feature.json" ] || continue
        all="$all $p"
done
if [ -z "$all" ]; then
        echo "1..0 # SKIP there are no plugins"
        exit 0
fi

# words PLUGIN KEY: what its feature file says of it
words() { tr -d '\n' < "$TREE/$1/feature.json" | sed -n "s/.*\"$2\": *\[\([^]]*\)\].*/\1/p" | tr -d '",'; }
for p in $all; do
        eval "commands_$p='$(words "$p" commands)' options_$p='$(words "$p" options)' nix_$p='$(words "$p" nixOptions)'"
done
get() { eval "printf '%s' \"\$$1_$2\""; }

# A stub of Nix writes down what it was called with.
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

# fail TEXT: what is wrong with this subset
wrong=
fail() { wrong="$wrong
$1: status $status, $out $err"; }

# check_missing PLUGIN REASON
check_missing() {
        for c in $(get commands "$1"); do
                run "$c" x
                [ "$status" = 2 ] && [ "$err" = "error: command '$c': feature $1 is disabled: $2" ] || fail "command $c"
                run help "$c"
                [ "$status" != 0 ] && case $err in *"feature $1 is disabled"*) ;; *) false ;; esac || fail "help $c"
        done
        for o in $(get options "$1"); do
                for c in $building; do
                        run "$c" "$o" "$T/work/web.nix"
                        [ "$status" = 2 ] && case $err in "error: "*"option '$o': feature $1 is disabled: $2") ;; *) false ;; esac || fail "$c $o"
                done
        done
}

check_present() {
        for c in $(get commands "$1"); do
                run "$c" --help
                [ "$status" = 0 ] && [ -z "$err" ] && case $out in *"extra-container $c"*) ;; *) false ;; esac || fail "$c --help"
        done
        for o in $(get options "$1"); do
                for c in $building; do
                        run "$c" --help
                        [ "$status" = 0 ] && case $out in *" $o"*) ;; *) false ;; esac || fail "$o is not in $c --help"
                done
        done
}

# Evaluations get the modules of what is there, and the names of what is not.
check_build() {
        : > "$T/log/nix"
        chmod 666 "$T/log/nix"
        run build "$T/work/web.nix"
        [ "$status" = 0 ] && [ "$out" = "$output" ] || fail build
        for p in $all; do
                case " $subset " in
                *" $p "*)
                        for o in $(get nix "$p"); do
                                ! grep -q "^disabled .*\"$o\"" "$T/log/nix" || fail "$o is there, and said to be disabled"
                        done
                        ! [ -e "$BUILT/$p/module.nix" ] || grep -q "^modules .*/$p/module.nix\"" "$T/log/nix" || fail "no module of $p"
                        ;;
                *)
                        for o in $(get nix "$p"); do
                                grep -q "^disabled .*\"$o\":\"$p\"" "$T/log/nix" || fail "$o is not said to be disabled"
                        done
                        ! grep -q "/$p/module.nix" "$T/log/nix" || fail "the module of $p, which is not there"
                        ;;
                esac
        done
}

# check off|absent: the plugins of $subset, the others missing in this way
check() {
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
                cp "$BUILT/$p.so" "$T/plugins/"
                cp -r "$BUILT/$p" "$T/plugins/"
        done
        chmod -R a+rX "$T/plugins"
        case $1 in
        off) why='it is off in section [plugins] of the configuration' state=off ;;
        *) why='its plugin is not installed' state= ;;
        esac
        building=
        case " $subset " in *" create "*) building="create build" ;; esac
        case " $subset " in *" shell "*) building="$building shell" ;; esac
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
                *) fail "plugins says of $p: $line" ;;
                esac
                for c in $(get commands "$p"); do
                        case "$c:$(printf '%s\n' "$overview" | grep -cE "^ +([a-z-]+, )?${c}[ ,]")" in
                        add:*) ;;
                        *:0) [ -z "$here" ] || fail "$c is not in --help" ;;
                        *) [ "$here" ] || fail "$c is in --help" ;;
                        esac
                done
                if [ "$here" ]; then check_present "$p"; else check_missing "$p" "$why"; fi
        done
        case " $subset " in *" create "*) check_build ;; esac
        status='' out=$wrong err=''
        [ -z "$wrong" ]
        ok "$1: all but$missing"
}

# Counts in binary through the subsets.
# shellcheck disable=SC2086
set -- $all
count=1
for p; do count=$((count * 2)); done
i=0
while [ $i -lt $count ]; do
        subset='' missing='' bits=$i
        for p; do
                [ $((bits % 2)) = 0 ] && subset="$subset $p" || missing="$missing $p"
                bits=$((bits / 2))
        done
        missing=${missing:- nothing}
        check off
        check absent
        i=$((i + 1))
done
finish
