# SPDX-License-Identifier: MIT
# Checks addresses and forwarded ports of containers, each alone and against those of the others.
#
# containers: name -> options. The result: { errors, warnings }, lists of texts that name the container.
{ lib, containers }:

let
  inherit (builtins) attrNames elem elemAt filter fromJSON head length match;
  inherit (lib) concatMap concatMapStringsSep filterAttrs groupBy hasInfix mapAttrsToList optional splitString;

  ## Addresses as text

  noMask = a: head (splitString "/" a);
  isAddress = a: match "[0-9a-fA-F.:]+(/[0-9]+)?" a != null;
  isAddress6 = a: isAddress a && hasInfix ":" a;

  number = s: fromJSON (head (match "0*([0-9]+)" s));
  power2 = n: if n <= 0 then 1 else 2 * power2 (n - 1);
  # Does an IPv4 address with a prefix length name more than the network? `ip route` refuses that.
  hasHostBits = a:
    let
      m = match "([0-9]+)[.]([0-9]+)[.]([0-9]+)[.]([0-9]+)/([0-9]+)" a;
      address = lib.foldl' (n: i: n * 256 + number (elemAt m i)) 0 [ 0 1 2 3 ];
      size = power2 (32 - number (elemAt m 4));
    in
    m != null && address != address / size * size;

  # The same text for each spelling of an address.
  keyOf = address:
    let
      text = lib.toLower (noMask address);
      halves = map (h: filter (g: g != "") (splitString ":" h)) (splitString "::" text);
      missing = 8 - lib.foldl' (n: h: n + length h) 0 halves;
      zeros = lib.genList (_: "0") (lib.max 0 missing);
      short = g: let m = match "0*([0-9a-f]+)" g; in if m == null then g else head m;
    in
    if !hasInfix ":" text then text
    else concatMapStringsSep ":" short (head halves ++ (if length halves == 2 then zeros ++ elemAt halves 1 else [ ]));

  ## The interfaces of containers, as options describe them

  linkOf = container: prefix: o: {
    inherit container prefix;
    bridge = o.hostBridge or null;
    set = filterAttrs (_: v: v != null && v != "") {
      hostAddress = o.hostAddress or null;
      localAddress = o.localAddress or null;
      hostAddress6 = o.hostAddress6 or null;
      localAddress6 = o.localAddress6 or null;
    };
  };
  linksOf = name: c:
    optional c.privateNetwork (linkOf name "" c)
    ++ mapAttrsToList (n: linkOf name "${lib.showOption [ "extraVeths" n ]}.") (c.extraVeths or { });
  links = concatMap (n: linksOf n containers.${n}) (attrNames containers);

  # options: names of options. The result: { container, option, address, bridge, key }.
  addressesOf = options: concatMap
    (l: map
      (o: {
        inherit (l) container bridge;
        option = l.prefix + o;
        address = l.set.${o};
        key = keyOf l.set.${o};
      })
      (filter (o: l.set ? ${o}) options))
    links;
  locals = addressesOf [ "localAddress" "localAddress6" ];
  hosts = filter (a: a.bridge == null) (addressesOf [ "hostAddress" "hostAddress6" ]);

  ## Each alone

  wrongAddress = l: o:
    let
      a = l.set.${o};
      text = "container '${l.container}': ${l.prefix}${o} is '${a}'";
      alone = "give the address alone: ${noMask a}";
      isTop = l.prefix == "";
      is6 = lib.hasSuffix "6" o;
    in
    if !(if is6 then isAddress6 a else isAddress a) then
      [ "${text}, which is not an ${if is6 then "IPv6" else "IP"} address" ]
    else if lib.hasPrefix "host" o && hasInfix "/" a && (isTop || hasHostBits a) then
      [ "${text}, but must have no prefix length; ${alone}" ]
    else if o == "localAddress" && l.bridge == null && hasHostBits a then
      [ "${text}, but can have a prefix length only with a hostBridge; ${alone}" ]
    else [ ];

  ## Against each other

  quoted = names: concatMapStringsSep " and " (n: "'${n}'") names;
  # In which containers, and where in them, is this?
  clash = all: same: own: lib.concatLists (mapAttrsToList
    (_: found:
      let
        names = lib.unique (map (a: a.container) found);
      in
      if length names > 1 then [ "containers ${quoted names} ${same (head found)}" ]
      else if length found > 1 then [ "container ${quoted names}: ${own found}" ]
      else [ ])
    (groupBy (a: a.key) all));

  # Networks of bridges are separate; interfaces without a bridge share the host's routes.
  equalLocals = clash
    (map (a: a // { key = "${toString a.bridge} ${a.key}"; }) locals)
    (a: "have the same ${a.option}, ${noMask a.address}; each needs its own address")
    (found: "${concatMapStringsSep " and " (a: a.option) found} are the same address, ${noMask (head found).address}");

  usedByHost = a:
    let
      same = filter (h: h.key == a.key) hosts;
      other = head same;
    in
    optional (a.bridge == null && same != [ ])
      ("container '${a.container}': ${a.option} is ${noMask a.address}, which "
        + "${if other.container == a.container then "is also its" else "container '${other.container}' has as"} "
        + "${other.option}; the host needs another address");

  ## Ports

  portsOf = name: map
    (p: {
      container = name;
      protocol = p.protocol or "tcp";
      port = toString p.hostPort;
      key = "${p.protocol or "tcp"} ${toString p.hostPort}";
    })
    (if containers.${name}.privateNetwork then containers.${name}.forwardPorts or [ ] else [ ]);
  ports = concatMap portsOf (attrNames containers);
  portText = p: "port ${p.port} (${p.protocol}) of the host";
  equalPorts = clash ports
    (p: "both forward ${portText p}; give one of them another hostPort")
    (found: "forwardPorts has ${portText (head found)} more than once");
  wrongProtocol = p: optional (!elem p.protocol [ "tcp" "udp" ])
    "container '${p.container}': forwardPorts: the protocol '${p.protocol}' is neither 'tcp' nor 'udp'";

  ## In the network of a bridge

  # With a hostAddress, the container has a route to that and a default route.
  lonely = l: map
    (o: "container '${l.container}': ${l.prefix}${o} is '${l.set.${o}}', without a prefix length: the container "
      + "reaches nothing in the network of the bridge '${l.bridge}'. Add the length of that network, as in "
      + (if o == "localAddress" then "${l.set.${o}}/24" else "${l.set.${o}}/64"))
    (filter (o: l.bridge != null && l.set ? ${o} && !hasInfix "/" l.set.${o} && !(l.set ? ${gateway.${o}}))
      (attrNames gateway));
  gateway = { localAddress = "hostAddress"; localAddress6 = "hostAddress6"; };

  ## Without effect

  isSet = o: c: !elem (c.${o} or null) [ null [ ] ];
  private = [
    "hostBridge" "forwardPorts" "hostAddress" "hostAddress6" "localAddress" "localAddress6" "localMacAddress"
  ];
  ignored = name: c:
    let
      used = filter (o: isSet o c) private;
      hasInterface = lib.any (o: isSet o c) (lib.subtractLists [ "forwardPorts" ] private ++ [ "extraFlags" ]);
    in
    optional (!c.privateNetwork && used != [ ])
      ("${lib.concatStringsSep " and " used} ${if length used > 1 then "have" else "has"} no effect without a private "
        + "network; set extra.addressPrefix, or privateNetwork = true")
    ++ optional (c.privateNetwork && isSet "forwardPorts" c && !hasInterface)
      "forwardPorts has no effect without an address; set localAddress"
    ++ concatMap
      (n: map (o: "${lib.showOption [ "extraVeths" n o ]} has no effect; only the container's own ${o} has one")
        (filter (o: isSet o c.extraVeths.${n}) [ "forwardPorts" "localMacAddress" ]))
      (attrNames (c.extraVeths or { }));
in
{
  errors = concatMap (l: concatMap (wrongAddress l) (attrNames l.set)) links
    ++ equalLocals
    ++ concatMap usedByHost locals
    ++ concatMap wrongProtocol ports
    ++ equalPorts;
  warnings = concatMap (n: map (text: "container '${n}': ${text}") (ignored n containers.${n})) (attrNames containers)
    ++ concatMap lonely links;
}
