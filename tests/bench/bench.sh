#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs in a throwaway host (make bench) and prints median run times. Missed targets are shown; the exit status only says
# whether everything ran.
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "$0")")
cd /root
export LC_ALL=C

pairs() { "${PAIRS:?}" "$@"; }
number() { awk "BEGIN { printf \"%.${2-2}f\", $1 }"; }

missed=0
heading() { printf '\n%-52s %12s   %-28s\n' "$1" "median" "target"; }
# row WHAT FIGURE [TARGET CONDITION]: CONDITION is an awk expression
row() {
        local verdict=''
        if (($# > 2)); then
                if awk "BEGIN { exit !($4) }"; then verdict=ok; else verdict=MISSED missed=$((missed + 1)); fi
        fi
        printf '%-52s %12s   %-28s %s\n' "$1" "$2" "${3-}" "$verdict"
}
ms() { number "$1 / 1000"; }

section=${1-all}
part() { [[ $section == all || $section == "$1" ]]; }

cat >one.nix <<'END'
{ containers.demo.config.system.stateVersion = "26.05"; }
END
etc=$(extra-container build one.nix)
output() { # COUNT [TEXT]
        nix-build --no-out-link "$here/outputs.nix" --argstr etc "$etc" --argstr count "$1" --argstr text "${2-}" 2>/dev/null
}
declare -A o
for n in 1 8 16 100 1000; do
        o[$n]=$(output $n)
        ln -sfn "${o[$n]}" "/nix/var/nix/gcroots/bench-$n"
done

if [[ ${EC_HOST_FLAVOUR-} == nixos ]]; then units=/etc/systemd-mutable/system; else units=/etc/systemd/system; fi
# Removes all traces of installed containers.
forget="find $units /etc/nixos-containers /nix/var/nix/gcroots/auto -name '*n[0-9][0-9][0-9][0-9]*' -type l -delete
busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Reload"

if part create; then
        heading "create of a built output, nothing changed"
        declare -A t
        for n in 1 16 100 1000; do
                extra-container create "${o[$n]}" >/dev/null
                read -r t[$n] _ < <(pairs -n 41 extra-container create "${o[$n]}")
                case $n in
                100) row "$n containers" "$(ms "${t[$n]}") ms" "< 10 ms" "${t[$n]} < 10000" ;;
                *) row "$n containers" "$(ms "${t[$n]}") ms" ;;
                esac
        done
        small=$(number "(${t[100]} - ${t[1]}) / 99") large=$(number "(${t[1000]} - ${t[100]}) / 900")
        row "per additional container: up to 100, up to 1000" "$small, $large us" "linear: at most twice" "$large < 2 * $small"
        sh -c "$forget"

        heading "first install of a built output"
        declare -A reload extra
        for n in 1 16 100 1000; do
                rounds=21
                ((n < 1000)) || rounds=7
                # The reload that it is compared with reads the same units.
                readarray -t lines < <(pairs -n $rounds -p "$forget
                        if [ \$WHICH = 0 ]; then extra-container create ${o[$n]}; fi" @reload :: extra-container create "${o[$n]}")
                read -r r _ <<<"${lines[0]}"
                read -r f _ _ e <<<"${lines[1]}"
                extra[$n]=$e reload[$n]=$r
                case $n in
                100) row "$n containers; a daemon-reload alone $(ms "$r") ms" "$(ms "$f") ms" "daemon-reload + 15 ms" "$e < 15000" ;;
                *) row "$n containers; a daemon-reload alone $(ms "$r") ms" "$(ms "$f") ms" ;;
                esac
        done
        small=$(number "(${extra[100]} - ${extra[1]}) / 99") large=$(number "(${extra[1000]} - ${extra[100]}) / 900")
        row "the same without the reload: up to 100, up to 1000" "$small, $large us" "linear: at most twice" "$large < 2 * $small"
        sh -c "$forget"
fi

if part list; then
        heading "list and help"
        for n in 1 100 1000; do
                extra-container create "${o[$n]}" >/dev/null
                readarray -t lines < <(pairs -n 41 extra-container list)
                row "list of $n" "$(ms "${lines[0]%% *}") ms"
        done
        readarray -t lines < <(pairs -n 101 extra-container --help :: extra-container create --help :: true)
        read -r t _ <<<"${lines[0]}"
        plugins=$(extra-container plugins | wc -l)
        row "--help, $plugins plugins" "$(ms "$t") ms" "< 5 ms" "$t < 5000"
        read -r t _ <<<"${lines[1]}"
        row "create --help" "$(ms "$t") ms" "< 5 ms" "$t < 5000"
        row "(for comparison: true)" "$(ms "${lines[2]%% *}") ms"
        sh -c "$forget"
fi

names=$(printf 'container@n%04d ' {1..8})
if part start; then
        heading "eight containers"
        extra-container create "${o[8]}" >/dev/null
        # shellcheck disable=SC2086
        readarray -t lines < <(pairs -n "${EC_BENCH_STARTS-15}" -p "systemctl stop $names; systemctl reset-failed" \
                systemctl start $names :: extra-container create --start "${o[8]}")
        read -r a _ <<<"${lines[0]}"
        read -r b _ _ e <<<"${lines[1]}"
        row "systemctl start" "$(ms "$a") ms"
        row "create --start; paired difference: $(ms "$e") ms" "$(ms "$b") ms" "within 5 % of systemctl" "$e < 0.05 * $a"

        readarray -t lines < <(pairs -n "${EC_BENCH_STARTS-9}" -p "case \$WHICH in 0) extra-container create --start ${o[1]} ;; *) extra-container create --start ${o[8]} ;; esac" \
                extra-container destroy --all :: extra-container destroy --all)
        read -r a _ <<<"${lines[0]}"
        read -r b _ <<<"${lines[1]}"
        row "destroy --all of 1 running" "$(ms "$a") ms"
        row "destroy --all of 8 running" "$(ms "$b") ms" "in parallel: < 4 times 1" "$b < 4 * $a"
fi

if part build; then
        heading "a definition file with 16 containers"
        {
                echo '{ containers = {'
                for i in {1..16}; do
                        echo "  b$i.config = { system.stateVersion = \"26.05\"; environment.etc.mark.text = builtins.getEnv \"MARK\"; };"
                done
                echo '}; }'
        } >sixteen.nix
        extra-container create sixteen.nix >/dev/null
        read -r a _ < <(pairs -n 9 extra-container create sixteen.nix)
        row "create of 16 containers, nothing changed" "$(ms "$a") ms"
        # Stubs that return Nix's result immediately, so that only the program's own time remains.
        result=$(extra-container build sixteen.nix)
        mkdir stub
        for program in nix-instantiate nix-store; do
                cat >stub/$program <<END
#!/bin/sh
while [ "\$1" != --add-root ]; do shift; done
ln -s $result "\$2"
echo "\$2"
END
                chmod +x stub/$program
        done
        readarray -t lines < <(PATH=$PWD/stub:$PATH pairs -n 41 -p "rm -f /tmp/drv /tmp/out" \
                sh -c 'nix-instantiate --add-root /tmp/drv; nix-store --add-root /tmp/out' :: extra-container create sixteen.nix)
        read -r b _ _ e <<<"${lines[1]}"
        row "of this, time outside of Nix" "$(ms "$e") ms" "< 10 ms" "$e < 10000"
        extra-container destroy --all >/dev/null
        # shellcheck disable=SC2016
        fresh='MARK=$(date +%s%N) exec "$@"'
        build=(sh -c "$fresh" - extra-container build sixteen.nix --build-args)
        # With an option that the program does not know, it uses a single nix-build.
        readarray -t lines < <(pairs -n "${EC_BENCH_BUILDS-5}" "${build[@]}" -j 1 :: "${build[@]}" -j 2 :: \
                "${build[@]}" -j 1 --max-build-log-size 0 :: "${build[@]}" -j 2 --max-build-log-size 0)
        row "build from cold, two processes, -j 1" "$(ms "${lines[0]%% *}") ms"
        row "build from cold, two processes, -j 2" "$(ms "${lines[1]%% *}") ms"
        row "build from cold, one nix-build, -j 1" "$(ms "${lines[2]%% *}") ms"
        row "build from cold, one nix-build, -j 2" "$(ms "${lines[3]%% *}") ms"
fi

printf '\n'
((missed == 0)) || printf '%d targets missed
' "$missed"
