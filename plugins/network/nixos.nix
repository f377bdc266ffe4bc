# SPDX-License-Identifier: MIT
# Types of settings in the NixOS module: what the program would reject is an error of the host's evaluation.
{ lib, word }:

let
  octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  text = word "(${octet}[.]){3}${octet}/([89]|[12][0-9]|30)"
    "range of IPv4 addresses like \"10.236.0.0/16\", from /8 to /30";

  # Bits after the prefix are a mistake.
  isRange = s:
    let
      halves = lib.splitString "/" s;
      parts = map lib.toInt (lib.splitString "." (lib.head halves));
      size = lib.foldl' (n: _: n * 2) 1 (lib.range 1 (32 - lib.toInt (lib.last halves)));
      number = lib.foldl' (n: part: n * 256 + part) 0 parts;
    in
    number == number / size * size;
in
{
  range = lib.types.addCheck text isRange // { inherit (text) description; };
  range6 = word "[0-9a-fA-F:]*:[0-9a-fA-F:]*/(4[89]|5[0-9]|6[0-4])"
    "range of IPv6 addresses like \"fd65:7863:6e74::/48\", from /48 to /64";
  connections = lib.types.ints.unsigned;
  firewall = lib.types.enum [ "auto" "nft" "iptables" ];
}
