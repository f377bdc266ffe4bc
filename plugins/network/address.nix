# SPDX-License-Identifier: MIT
# Picks networks for containers, by their names, from a range of numbered slots.
#
# A container keeps the slot that it is installed with. A new one gets the slot that the hash of its name selects, or
# the next free one, so it gets the same slot in every evaluation, on every host. Runs at the same time pick from
# different partitions, which have no slots in common.
{ lib }:

let
  inherit (builtins) elemAt filter foldl' hashString head length stringLength substring;

  mod = a: b: a - a / b * b;

  digits = "0123456789abcdef";
  indexOf = c: lib.findFirst (i: substring i 1 digits == c) 0 (lib.range 0 15);
  dec = s: foldl' (n: c: n * 10 + indexOf c) 0 (lib.stringToCharacters s);
  unhex = s: foldl' (n: c: n * 16 + indexOf c) 0 (lib.stringToCharacters (lib.toLower s));
  # 28 bits of the hash of a name.
  number = name: unhex (substring 0 7 (hashString "sha256" name));
  pow2 = n: if n <= 0 then 1 else 2 * pow2 (n - 1);
  # The result of builtins.split without the separators.
  words = separator: s: filter (w: builtins.isString w && w != "") (builtins.split separator s);

  # [ [ from to ] ]: the slots in the aligned group of `size` units that contains unit n. base: the unit of slot 0.
  covered = slots: base: n: size:
    let
      from = n / size * size - base;
      to = from + size - 1;
    in
    if to < 0 || from >= slots then [ ] else [ [ (lib.max from 0) (lib.min to (slots - 1)) ] ];

  hex = n: if n < 16 then substring n 1 digits else hex (n / 16) + substring (mod n 16) 1 digits;

  # Seven eighths of the slots belong to partition 0, which is the usual one; the other 31 partitions share the rest.
  inPartition = partition: slot:
    if partition == 0 then mod slot 8 != 7
    else mod slot 8 == 7 && mod (slot / 8) 31 == partition - 1;

  # The first wanted and free slot from `start` on, continuing at 0 after the last slot.
  find = { slots, taken }: wanted: start:
    let
      holder = slot: lib.findFirst (t: elemAt t 0 <= slot && slot <= elemAt t 1) null taken;
      # gone: how many slots were tried.
      go = gone: slot:
        if gone >= slots then null
        else if slot >= slots then go gone 0
        else if !wanted slot then go (gone + 1) (slot + 1)
        else
          let
            t = holder slot;
          in
          if t == null then slot else go (gone + (elemAt t 1 - slot + 1)) (elemAt t 1 + 1);
    in
    go 0 start;

  pick = { slots, taken, partition }: name:
    let
      # The container's own interface may still have its network.
      free = { inherit slots; taken = filter (t: length t < 3 || elemAt t 2 != "ve-${name}") taken; };
      start = mod (number name) slots;
      usual = find free (inPartition partition) start;
    in
    if usual != null then usual else find free (slot: true) start;
in
rec {
  inherit hex mod;

  # Slots by name, or null if none is free.
  # range: { slots, taken = [ [ from to dev? ] ], assigned = { NAME = slot; } }.
  pickAll = partition: range: names:
    let
      kept = filter (n: range.assigned ? ${n}) names;
      new = filter (n: !(range.assigned ? ${n})) names;
      step = acc: name:
        let
          slot = pick { inherit (range) slots; inherit partition; taken = acc.taken; } name;
        in
        {
          taken = acc.taken ++ (if slot == null then [ ] else [ [ slot slot ] ]);
          picked = acc.picked // { ${name} = slot; };
        };
    in
    (foldl' step
      {
        taken = range.taken ++ map (n: [ range.assigned.${n} range.assigned.${n} ]) kept;
        picked = lib.genAttrs kept (n: range.assigned.${n});
      }
      new).picked;

  # The slots of an address that a definition sets, "10.9.0.6" or "10.9.0.6/29"; none for an invalid address.
  of4 = range: address:
    let
      m = builtins.match "([0-9]{1,3})[.]([0-9]{1,3})[.]([0-9]{1,3})[.]([0-9]{1,3})(/([0-9]{1,2}))?" address;
      n = foldl' (n: part: n * 256 + dec part) 0 (lib.take 4 m);
      bits = if elemAt m 5 == null then 32 else dec (elemAt m 5);
    in
    if m == null then [ ] else covered range.slots (range.base / 4) (n / 4) (pow2 (30 - bits));
  of6 = range: address:
    let
      m = builtins.match "([0-9a-fA-F:]+)(/([0-9]{1,3}))?" address;
      halves = map (words ":") (lib.splitString "::" (head m));
      right = if length halves > 1 then elemAt halves 1 else [ ];
      groups = map unhex (head halves ++ lib.genList (_: "0") (8 - length (head halves) - length right) ++ right);
      bits = if elemAt m 2 == null then 128 else dec (elemAt m 2);
    in
    if m == null || length halves > 2 || length groups != 8 then [ ]
    else if lib.take 3 groups != map unhex (words ":" range.head) then [ ]
    else covered range.slots range.base (elemAt groups 3) (pow2 (lib.min 16 (64 - bits)));

  # The ends of a network: 1 is the host, 2 the container.
  v4 = range: slot: end:
    let
      n = range.base + slot * 4 + end;
      octet = size: toString (mod (n / size) 256);
    in
    "${octet 16777216}.${octet 65536}.${octet 256}.${octet 1}";
  v6 = range: slot: end: "${range.head}:${hex (range.base + slot)}::${toString end}";
}
