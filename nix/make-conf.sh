# SPDX-License-Identifier: MIT
# Builder: the settings of a container.
# shellcheck shell=bash disable=SC2154
cp -- "$textPath" "$out"
