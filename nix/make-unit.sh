# SPDX-License-Identifier: MIT
# Builder: a unit and its scripts.
# shellcheck shell=bash disable=SC2154
mkdir -p "$out/bin"
cp -- "$unitPath" "$out/$unitName"
for script in $scripts; do
        path=${script%%:*}Path
        cp -- "${!path}" "$out/bin/${script#*:}"
        chmod 0755 "$out/bin/${script#*:}"
done
