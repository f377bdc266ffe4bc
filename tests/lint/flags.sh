# shellcheck shell=bash disable=SC2034
# Sourced by check.sh and analysis: the flags with which any C file of the tree can be compiled.
flags=(-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wvla -Wno-missing-field-initializers
        -Icore -Icore/include -Iplugins/common -Itests/plugins -Itests/unit
        '-DEC_DATE=""' '-DEC_VERSION="0"' '-DEC_OWN_PLUGINS=""' '-DEC_PLUGIN_DIR="/"' '-DEC_DATA_DIR="/"'
        '-DEC_SYSCONF_DIR="/"')
read -r -a libs < <(pkg-config --cflags libsystemd libseccomp jansson inih)
flags+=("${libs[@]}")
