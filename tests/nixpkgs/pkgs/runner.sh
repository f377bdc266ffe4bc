# Runs the build command of a runCommand derivation.
# shellcheck shell=bash disable=SC1090,SC2154
umask 022
for input in ${inputs-}; do
    PATH=$input/bin:$PATH
done
export PATH LC_ALL=C
. "$buildCommandPath"
