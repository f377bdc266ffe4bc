# SPDX-License-Identifier: MIT
# Builder: links to the units and settings of all containers.
# shellcheck shell=bash disable=SC2154
mkdir "$out"
mkdir "$out/etc"
last=
while read -r dir name target; do
        [[ $dir == "$last" ]] || mkdir -p "$out/etc/$dir"
        last=$dir
        ln -s -- "$target" "$out/etc/$dir/$name"
done <"$linksPath"
