# The phases of mkDerivation. $phasesPath defines the phases and hooks of the package.
# shellcheck shell=bash disable=SC1090,SC2086,SC2154
PATH=$PATH:/usr/local/bin:/usr/bin:/bin
SHELL=$BASH
# Optimising would take longer than it saves.
CFLAGS=${CFLAGS--O0}
for input in ${inputs-}; do
    # Replaces the setup hook of pkg-config.
    [[ ! -d $input/lib/pkgconfig ]] || PKG_CONFIG_PATH=${PKG_CONFIG_PATH+$PKG_CONFIG_PATH:}$input/lib/pkgconfig
done
export PATH SHELL CFLAGS ${PKG_CONFIG_PATH+PKG_CONFIG_PATH}

runHook() { ! declare -F "$1" >/dev/null || "$1"; }
patchShebangs() { :; } # /usr/bin and /bin exist
# phase NAME CMD...: runs the package's phase, or CMD between its hooks
phase() {
    local name=$1
    shift
    if declare -F "${name}Phase" >/dev/null; then
        "${name}Phase"
    else
        runHook "pre${name^}"
        "$@"
        runHook "post${name^}"
    fi
}
has_makefile() { [[ -e Makefile ]]; }
default_unpack() {
    cp -r "$src" source
    chmod -R u+w source
    cd source || exit
}
default_configure() { [[ ! -x configure ]] || ./configure --prefix="$out" ${configureFlags-}; }
default_build() { ! has_makefile || make ${enableParallelBuilding:+-j"$NIX_BUILD_CORES"} ${makeFlags-} ${buildFlags-}; }
default_check() { [[ ! ${doCheck-} ]] || make ${enableParallelBuilding:+-j"$NIX_BUILD_CORES"} ${makeFlags-} ${checkFlags-} ${checkTarget:-check}; }
default_install() { ! has_makefile || make ${makeFlags-} ${installFlags-} install; }

. "$phasesPath"
[[ ! ${src-} || ${dontUnpack-} ]] || phase unpack default_unpack
phase patch :
phase configure default_configure
[[ ${dontBuild-} ]] || phase build default_build
phase check default_check
phase install default_install
phase fixup :
[[ ! ${doInstallCheck-} ]] || phase installCheck :
