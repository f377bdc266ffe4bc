#!/bin/bash
# plugins: create network shell
# In a Debian host with Nix but without this program, installs its package, uses it as root and as a user, and purges it.
. "${BASH_SOURCE[0]%/*}/../host/lib.sh"
. "${BASH_SOURCE[0]%/*}/../host/containers.sh"
debs=$1
packages=$(printf '%s ' "$debs"/*.deb)

tree() { find /usr /etc -xdev \( -path /etc/ld.so.cache -o -path '/usr/share/man' \) -prune -o -print 2>/dev/null | LC_ALL=C sort; }
before=$(tree)
nok "the program is not installed before" command -v extra-container
# Without apt, which may choose other packages for its dependencies.
run dpkg -i $packages
is_status "dpkg -i installs the packages" 0
like "extra-container --version prints the version" "$(extra-container --version)" "^extra-container "
is "all plugins of the tree are loaded" "$(extra-container plugins | cut -f 1,4 | tr '\t' ' ')" \
        "$(make -s --no-print-directory -C "${BASH_SOURCE[0]%/*}/../.." list-plugins | tr ' ' '\n' | sed 's/$/ loaded/')"
ok "dpkg verifies the installed files" dpkg --verify extra-container extra-container-dev
broken_links() {
        local page link
        find /usr/share/doc/extra-container{,-dev} -name '*.md' | while read -r page; do
                grep -oP '\]\((?![a-z]+:|#)\K[^)#]+' "$page" | while read -r link; do
                        [[ -e ${page%/*}/$link ]] || echo "$page: $link"
                done
        done
}
is "the links in the pages lead to installed pages" "$(broken_links)" ""
ok "the pages of plugins are installed" test -e /usr/share/doc/extra-container/plugins/create/README.md
cp -r /usr/share/doc/extra-container-dev/examples/plugins /root/plugins
ok "an example plugin is built and installed" make -C /root/plugins/hosts install
is "it is loaded" "$(extra-container plugins | grep -c '^hosts.*loaded')" 1
make -sC /root/plugins/hosts uninstall

for file in bash-completion/completions/extra-container fish/vendor_completions.d/extra-container.fish \
        zsh/vendor-completions/_extra-container; do
        ok "the package has /usr/share/$file" test -s "/usr/share/$file"
done

# ---- a first container, as root ----
cd "$(mktemp -d)" || exit
echo '{ containers.demo = { extra.addressPrefix = "10.250.0"; config.system.stateVersion = "26.05"; }; }' >demo.nix
run extra-container create --start demo.nix
is "create --start starts a container" "$status $out" $'0 Installing containers:\ndemo\nStarting containers:\ndemo'
is "the container is running" "$(active demo)" active
is "show-ip prints its address" "$(extra-container show-ip demo)" 10.250.0.2
run extra-container destroy demo
is "destroy removes it" "$status$(left_of demo)" 0

# ---- as a user with sudo and Debian's sudoers file ----
chmod 755 . && cp demo.nix /home/alice/ && chown -R alice /home/alice
user() { runuser -l alice -c "cd; export NIX_PATH='$NIX_PATH'; $1"; }
run user 'extra-container build demo.nix'
is_status "build works without root" 0
like "it prints a store path" "$out" '^/nix/store/[^ ]*$'
run user 'extra-container create --start demo.nix'
is "create goes through sudo" "$status $out" $'0 Installing containers:\ndemo\nStarting containers:\ndemo'
run user 'extra-container list'
is "list prints the container" "$status $out" "0 demo"
run user 'EXTRA_CONTAINER_ETC=$(extra-container build demo.nix) extra-container create'
is "sudo keeps EXTRA_CONTAINER_ETC" "$status $out" $'0 Installing containers:\ndemo (unchanged, skipped)'
run user 'cp /bin/true mine; mkdir -p bin; printf "#!/bin/sh\necho mine \$0\n" >bin/mytool; chmod +x bin/mytool; PATH=$HOME/bin:$PATH extra-container shell demo.nix --destroy --run mytool'
is "sudo keeps PATH" "$status $out" "0 mine /home/alice/bin/mytool"
run user 'LD_PRELOAD=/no/such.so extra-container list 2>/dev/null'
is "LD_PRELOAD does not reach the program" "$status" 0
run user 'mkdir -p no; printf "#!/bin/sh\necho no >&2\nexit 1\n" >no/sudo; chmod +x no/sudo; PATH=$HOME/no:$PATH extra-container create demo.nix'
is "the error of a sudo that refuses is passed on" "$status $err" "1 no"
run user 'extra-container create demo.nix && extra-container destroy demo'
is "a user can create and destroy a container" "$status $out$(left_of demo)" $'0 Installing containers:\ndemo'

# ---- purged ----
run dpkg --purge extra-container extra-container-dev
is_status "dpkg --purge succeeds" 0
rm -rf /home/alice/*
is "no files are left" "$(diff <(echo "$before") <(tree) | grep '^[<>]' | grep -vE '/etc/(static|os-release)|/etc/nixos-containers$|machines.target.wants$')" ""
done_testing
