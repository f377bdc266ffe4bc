# SPDX-License-Identifier: MIT
# An etc output with `count` containers, n0001 to nNNNN, which share the system of the container in `etc`. Nothing is
# evaluated per container, but each has its own unit and conf file, as in a real output.
{ etc, count, text ? "", pkgs ? import <nixpkgs> { } }:

pkgs.runCommand "bench-${toString count}" { inherit etc count text; } ''
  mkdir -p $out/etc/systemd/system $out/etc/nixos-containers $out/share
  unit=$(cat $etc/etc/systemd/system/container@*.service)
  conf=$(cat $etc/etc/nixos-containers/*.conf)
  i=0
  while [ $i -lt $count ]; do
    i=$((i + 1))
    name=n$(printf %04d $i)
    printf '%s\nX-Text=%s %s\n' "$unit" "$name" "$text" >$out/share/container@$name.service
    printf '%s\nTEXT=%s\n' "$conf" "$name" >$out/share/$name.conf
  done
  ln -s $out/share/*.service $out/etc/systemd/system/
  ln -s $out/share/*.conf $out/etc/nixos-containers/
''
