#!/bin/sh
# Tests which definitions are accepted and which are rejected, with stubs in place of Nix.
# shellcheck disable=SC2154,SC1091,SC2034
EC=${EC:?}
CREATE=${EC%/*}/plugins/create.so
if ! [ -e "$CREATE" ]; then
        echo "1..0 # SKIP the command build is not available"
        exit 0
fi
. "$(dirname "$0")/lib.sh"
cp "$CREATE" "$T/plugins/"

hash=3sd60ih5rjklrmxr7w30vsdfksn55vlx
mkdir "$T/stub" "$T/work" "$T/store"
store=$(cd "$T/store" && pwd -P)
output=$store/$hash-etc
for i in "$output" "$store/$hash-template"; do mkdir -p "$i/etc/systemd/system" "$i/etc/nixos-containers"; done
mkdir "$store/$hash-bare"
: > "$output/etc/systemd/system/container@demo.service"
: > "$output/etc/nixos-containers/demo.conf"
: > "$store/$hash-template/etc/systemd/system/container@.service"

for i in nix-instantiate nix-store nix-build; do
        cat > "$T/stub/$i" <<END
#!/bin/sh
[ -z "\$STUB_EVENT" ] || echo "@nix \$STUB_EVENT" >&2
[ -z "\$STUB_FAIL" ] || exit 1
root= prev=
for a; do
        case \$prev in --add-root | --out-link) root=\$a ;; esac
        prev=\$a
done
ln -s "$output" "\$root" && echo "\$root"
END
        chmod 755 "$T/stub/$i"
done
PATH=$T/stub:$PATH

cd "$T/work" || exit 1
echo '{ }' > web.nix
: > empty.nix
echo > blank.nix
mkdir project bare
echo '{ }' > project/default.nix
echo '{ }' > secret.nix
chmod 0 secret.nix
ln -s "$output" result
chmod -R a+rX "$T/work/project" "$T/store" "$T/stub"
ENV="NIX_STORE_DIR=$store"

builds() {
        what=$1
        shift
        run build "$@"
        is "builds from $what" 0 "$output" ""
}
builds "a file" web.nix
builds "a directory" project
builds "a directory with a slash" ./project/
builds "an expression" -E '{ }'
builds "a store path" "$output"
builds "a link to a store path" ./result
builds "a file with Nix options after it" web.nix --build-args --keep-going -j2

# refused TEXT STATUS ERROR WORD...
refused() {
        what=$1 want=$2 message=$3
        shift 3
        run build "$@"
        is "rejects $what" "$want" "" "error: $message"
}
refused "nothing on stdin" 1 "(standard input) is empty; it defines no containers"
refused "a forgotten value of an option" 1 "(standard input) is empty; it defines no containers; option '--nixpkgs-path' took 'web.nix' as its value" --nixpkgs-path web.nix
refused "nothing on stdin with a value that is no definition" 1 "(standard input) is empty; it defines no containers" --nixpkgs-path project
refused "an empty file" 1 "'empty.nix' is empty; it defines no containers" empty.nix
refused "a blank file" 1 "'blank.nix' is empty; it defines no containers" blank.nix
refused "an empty expression" 1 "(--expr) is empty; it defines no containers" -E ''
refused "no file" 1 "no such file: './nowhere.nix'" ./nowhere.nix
refused "a name in place of the definition" 1 "'demo' is not a file; give the definition first, then the names of containers" demo
refused "names before the definition" 2 "'demo' is not a file; give the definition first, then the names of containers: build web.nix demo db" demo web.nix db
refused "an unreadable file" 1 "cannot read definition 'secret.nix': Permission denied" secret.nix
refused "a directory without default.nix" 1 "directory 'bare' has no default.nix and no flake.nix" bare
refused "an output without containers" 1 "'$store/$hash-template' defines no containers: there is no container@NAME.service in its etc/systemd/system" "$store/$hash-template"
refused "a store path without etc" 1 "'$store/$hash-bare' is neither a system nor a build output with containers: it has no etc directory" "$store/$hash-bare"
refused "two definitions" 2 "two definitions were given: 'web.nix' and 'project/'" web.nix project/
refused "a file and an expression" 2 "two definitions were given: --expr and 'web.nix'" -E '{ }' web.nix
refused "--build-args with an option of its own" 2 "--build-args: option '-A' cannot be used here" web.nix --build-args -A x
refused "--build-args with a dry run" 2 "--build-args: option '--dry-run' cannot be used here, because the result has to be built" web.nix --build-args --dry-run

ENV="$ENV STUB_FAIL=1"
refused "an evaluation that fails without a message" 1 "nix-instantiate failed with exit status 1" web.nix
# run splits ENV at blanks, so the events contain none.
ENV="NIX_STORE_DIR=$store STUB_FAIL=1 STUB_EVENT={\"action\":\"msg\",\"level\":0,\"raw_msg\":\"nope\",\"file\":\"$T/work/web.nix\",\"line\":1,\"column\":3}"
refused "an evaluation that fails" 1 "nope
  at $T/work/web.nix:1:3
      1| { }
       |   ^" web.nix
ENV="NIX_STORE_DIR=$store STUB_EVENT={\"action\":\"msg\",\"level\":1,\"msg\":\"warning:odd\"}"
run build web.nix
says "a warning of Nix is not a failure" 0 "$output"
ENV="NIX_STORE_DIR=$store EXTRA_CONTAINER_ETC=$output"
builds "an output in the environment"
mkdir -m 755 "$T/only"
[ -z "$WHO" ] || ln -s "$(command -v setpriv)" "$T/only/"
ENV="NIX_STORE_DIR=$store PATH=$T/only"
if ! [ -e /run/current-system/sw/bin/nix-instantiate ] && ! [ -e /nix/var/nix/profiles/default/bin/nix-instantiate ]; then
        run build web.nix
        is "a missing Nix is reported" 1 "" "error: Nix is not installed: 'nix-instantiate' is not in PATH"
fi

chmod 600 secret.nix
finish
