# Containers of this host: the options of NixOS's module of this name, and its
# units and conf files.
{ config, lib, options, pkgs, utils, ... }@host:
let
  inherit (lib)
    attrValues concatMapStrings concatMapStringsSep concatStringsSep escapeShellArgs literalExpression
    mapAttrsToList mkDefault mkIf mkMerge mkOption optional optionalAttrs optionalString types;

  # Hosts from before 22.05 keep the directories that podman now also uses.
  prefix = optionalString (lib.versionAtLeast config.system.stateVersion "22.05") "nixos-";
  confName = "${prefix}containers";
  confDir = "/etc/${confName}";
  stateDir = "/var/lib/${confName}";
  tool = pkgs.nixos-container.override {
    stateDirectory = stateDir;
    configurationDirectory = confDir;
  };
  kernel = config.boot.kernelPackages.kernel.version;

  # As NixOS since the summer of 2026.
  hasDaemon = config.nix.enable && config.nix.daemon.enable;

  # --- options ----------------------------------------------------------------

  opt = type: default: description: mkOption { inherit type default description; };
  maybe = type: opt (types.nullOr type) null;

  linkOptions = {
    hostBridge = maybe types.str "The host's bridge to put the outer end of the link into.";
    forwardPorts = opt (types.listOf (
      types.submodule {
        options = {
          protocol = opt types.str "tcp" "The protocol whose port is forwarded.";
          hostPort = mkOption { type = types.port; description = "The port on the host."; };
          containerPort = maybe types.port "The port in the container; without one, the same.";
        };
      }
    )) [ ] "Ports of the host that lead into the container.";
    hostAddress = maybe types.str "The IPv4 address of the outer end, without a bridge.";
    hostAddress6 = maybe types.str "The IPv6 address of the outer end, without a bridge.";
    localAddress = maybe types.str "The IPv4 address of the inner end.";
    localAddress6 = maybe types.str "The IPv6 address of the inner end.";
    localMacAddress = maybe (types.strMatching "([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}") "The hardware address of the inner end.";
  };

  bindMount =
    { name, ... }:
    {
      options = {
        mountPoint = mkOption { type = types.str; description = "Mount point in the container."; };
        hostPath = maybe types.str "The place on the host; without one, the same.";
        isReadOnly = opt types.bool true "Whether the container may not write to it.";
      };
      config.mountPoint = mkDefault name;
    };
  deviceNode.options = {
    node = mkOption { type = types.str; description = "The device's path."; };
    modifier = mkOption { type = types.str; description = "Any of r, w and m (mknod)."; };
  };

  # Evaluates all definitions of a container's `config` into one system.
  systemType =
    name: cfg:
    lib.mkOptionType {
      name = "Toplevel NixOS config";
      merge =
        loc: defs:
        (import "${toString cfg.nixpkgs}/nixos/lib/eval-config.nix" {
          modules = [ (presets name cfg) ] ++ map (d: d.value) defs;
          prefix = [ "containers" name ];
          inherit (cfg) specialArgs;
          # Set from the host instead of the default.
          system = null;
        }).config;
    };
  presets =
    name: cfg:
    { options, ... }:
    {
      config = {
        nixpkgs =
          if options.nixpkgs ? hostPlatform then
            { inherit (host.pkgs.stdenv) hostPlatform; }
          else
            { localSystem = host.pkgs.stdenv.hostPlatform; };
        boot.isNspawnContainer = true;
        networking.hostName = mkDefault name;
        networking.useDHCP = false;
        assertions = [
          {
            # Newer kernels support longer alternative names of interfaces.
            assertion = builtins.compareVersions kernel "5.8" > 0 || !cfg.privateNetwork || builtins.stringLength name <= 11;
            message = "The container's name `${name}' is too long: with privateNetwork, it can have 11 characters, because its network interface is named after it. Linux 5.8 has no such limit.";
          }
          {
            assertion = !lib.hasInfix "_" name;
            message = "The container's name `${name}' has an underscore, which is not allowed.";
          }
        ];
      };
    };

  containerOptions =
    { name, config, options, ... }:
    {
      options = linkOptions // {
        config = mkOption {
          type = systemType name config;
          description = "The container's system, as NixOS modules.";
        };
        path = mkOption {
          type = types.path;
          example = "/nix/var/nix/profiles/per-container/webserver";
          description = "A system that is already built, instead of `config`.";
        };
        flake = maybe types.str "The flake that the container's system is taken from, instead of `config` and `path`.";
        nixpkgs = mkOption {
          type = types.path;
          default = pkgs.path;
          defaultText = literalExpression "pkgs.path";
          description = "The nixpkgs whose modules the container's system uses.";
        };
        specialArgs = opt (types.attrsOf types.unspecified) { } "Further arguments for the modules of `config`.";
        additionalCapabilities = opt (types.listOf types.str) [ ] "Capabilities beyond the usual ones.";
        ephemeral = opt types.bool false "Whether the container starts empty each time.";
        enableTun = opt types.bool false "Whether the container may make tunnel interfaces.";
        copyResolvConf = opt types.bool true "Whether the host's resolv.conf is copied into the container.";
        privateNetwork = opt types.bool false "Whether the container has a network of its own.";
        networkNamespace = maybe types.path "A network namespace to run in.";
        privateUsers = opt (types.either types.ints.u32 (types.enum [ "no" "identity" "pick" ])) "no"
          "Whether the container has user numbers of its own, and from where they start.";
        interfaces = opt (types.listOf types.str) [ ] "Interfaces of the host that move into the container.";
        macvlans = opt (types.listOf types.str) [ ] "Interfaces of the host of which the container gets a macvlan.";
        extraVeths = opt (types.attrsOf (types.submodule { options = linkOptions; })) { } "Further links into the container.";
        autoStart = opt types.bool false "Whether the container is started when the host boots.";
        restartIfChanged = opt types.bool true "Whether a switch of the host restarts a container that has changed.";
        timeoutStartSec = opt types.str "1min" "How long a start may take.";
        bindMounts = opt (types.attrsOf (types.submodule bindMount)) { } "Folders of the host in the container.";
        allowedDevices = opt (types.listOf (types.submodule deviceNode)) [ ] "Devices that the container may use.";
        tmpfs = opt (types.listOf types.str) [ ] "Places in the container that are in memory.";
        extraFlags = opt (types.listOf types.str) [ ] "Further arguments for systemd-nspawn.";
        pkgs = mkOption { visible = false; };
      };

      config.path =
        if options.pkgs.isDefined then
          throw "The option definition `containers.${name}.pkgs' in ${lib.showFiles options.pkgs.files} no longer has any effect; please remove it. `containers.${name}.nixpkgs' names the nixpkgs of the container, `containers.${name}.config.nixpkgs.pkgs' its packages."
        else if options.config.isDefined && config.flake != null then
          throw "The options `containers.${name}.config' and `containers.${name}.flake' cannot both be set."
        else
          mkMerge [
            (mkIf options.config.isDefined config.config.system.build.toplevel)
            (mkIf (config.flake != null) "/nix/var/nix/profiles/per-container/${name}")
          ];
    };

  # --- scripts ----------------------------------------------------------------

  # The settings for rendering the template unit of imperative containers.
  blank = {
    extraVeths = { };
    bindMounts = { };
    additionalCapabilities = [ ];
    allowedDevices = [ ];
    tmpfs = [ ];
    ephemeral = false;
    timeoutStartSec = "1min";
    hostAddress = null;
    hostAddress6 = null;
    localAddress = null;
    localAddress6 = null;
  };

  given = names: concatMapStringsSep " || " (n: "[[ -n \"\${${n}-}\" ]]") names;
  addresses = [ "HOST_ADDRESS" "LOCAL_ADDRESS" "HOST_ADDRESS6" "LOCAL_ADDRESS6" ];

  # Addresses and routes of one end of an extra veth pair.
  linkUp =
    name: own: own6: other: other6:
    "ip link set dev ${name} up\n"
    + optionalString (own != null) "ip addr add ${own} dev ${name}\n"
    + optionalString (own6 != null) "ip -6 addr add ${own6} dev ${name}\n"
    + optionalString (other != null) "ip route add ${other} dev ${name}\n"
    + optionalString (other6 != null) "ip -6 route add ${other6} dev ${name}\n";

  containerInit =
    cfg:
    pkgs.writeScript "container-init" ''
      #!${pkgs.runtimeShell} -e

      # Exit if a stop is requested before systemd has started.
      trap "exit 0" SIGRTMIN+3

      if ${given (addresses ++ [ "HOST_BRIDGE" "LOCAL_MAC_ADDRESS" ])}; then
          ip link set host0 name eth0
          if [[ -n "''${LOCAL_MAC_ADDRESS-}" ]]; then
              ip link set dev eth0 address "$LOCAL_MAC_ADDRESS"
          fi
          ip link set dev eth0 up
          if [[ -n "''${LOCAL_ADDRESS-}" ]]; then
              ip addr add "$LOCAL_ADDRESS" dev eth0
          fi
          if [[ -n "''${LOCAL_ADDRESS6-}" ]]; then
              ip -6 addr add "$LOCAL_ADDRESS6" dev eth0
          fi
          if [[ -n "''${HOST_ADDRESS-}" ]]; then
              ip route add "$HOST_ADDRESS" dev eth0
              ip route add default via "$HOST_ADDRESS"
          fi
          if [[ -n "''${HOST_ADDRESS6-}" ]]; then
              ip -6 route add "$HOST_ADDRESS6" dev eth0
              ip -6 route add default via "$HOST_ADDRESS6"
          fi
      fi
      ${concatStringsSep "\n" (
        mapAttrsToList (n: v: linkUp n v.localAddress v.localAddress6 v.hostAddress v.hostAddress6) cfg.extraVeths
      )}
      # Sourced, so that the trap above is effective until systemd starts.
      set +e
      . "$1"
    '';

  preStart =
    cfg:
    ''
      # May remain from a crash of the host.
      machinectl terminate "$INSTANCE" 2> /dev/null || true

      if ${given addresses}; then
          ip link del dev "ve-$INSTANCE" 2> /dev/null || true
          ip link del dev "vb-$INSTANCE" 2> /dev/null || true
      fi
    ''
    + concatMapStrings (n: "ip link del dev ${n} 2> /dev/null || true\n") (lib.attrNames cfg.extraVeths);

  start =
    cfg:
    let
      perContainer = kind: "/nix/var/nix/${kind}/per-container/$INSTANCE";
      passOn = [
        "PRIVATE_NETWORK" "PRIVATE_USERS" "HOST_BRIDGE" "HOST_ADDRESS" "LOCAL_ADDRESS" "HOST_ADDRESS6" "LOCAL_ADDRESS6"
        "LOCAL_MAC_ADDRESS" "HOST_PORT"
      ];
      flags =
        [
          "--keep-unit"
          "-M \"$INSTANCE\" -D \"$root\" \"\${extraFlags[@]}\""
          "--notify-ready=yes"
          "--kill-signal=SIGRTMIN+3"
        ]
        ++ map (p: "--bind-ro=${p}:${p}$NIX_BIND_OPT") ([ "/nix/store" "/nix/var/nix/db" ] ++ optional hasDaemon "/nix/var/nix/daemon-socket")
        ++ map (k: "--bind=\"${perContainer k}:/nix/var/nix/${k}$NIX_BIND_OPT\"") [ "profiles" "gcroots" ]
        ++ optional (!cfg.ephemeral) "--link-journal=try-guest"
        ++ map (v: "--setenv ${v}=\"\${${v}-}\"") passOn
        ++ [ "--setenv PATH=\"$PATH\"" ]
        ++ optional cfg.ephemeral "--ephemeral"
        ++ optional (cfg.additionalCapabilities != [ ]) "--capability=\"${concatStringsSep "," cfg.additionalCapabilities}\""
        ++ map (t: "--tmpfs=${t}") cfg.tmpfs
        ++ [
          "\${EXTRA_NSPAWN_FLAGS-}"
          "${containerInit cfg} \"\${SYSTEM_PATH:-/nix/var/nix/profiles/system}/init\""
        ];
    in
    ''
      # From the unit's environment.
      declare root

      mkdir -p "$root/usr/bin" "$root/etc" "$root/var/lib"
      chmod 0755 "$root/etc" "$root/var/lib"
      mkdir -p "$root/var/lib/private" "$root/root" /run/nixos-containers
      chmod 0700 "$root/var/lib/private" "$root/root" /run/nixos-containers
      if [[ ! -e "$root/etc/os-release" && ! -h "$root/etc/os-release" ]]; then
          touch "$root/etc/os-release"
      fi
      if [[ ! -e "$root/etc/machine-id" ]]; then
          touch "$root/etc/machine-id"
      fi

      mkdir -p "${perContainer "profiles"}" "${perContainer "gcroots"}"
      chmod 0755 "${perContainer "profiles"}" "${perContainer "gcroots"}"

      if [[ "''${COPY_RESOLV_CONF-}" = 1 ]]; then
          cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
      fi

      if [[ -n "''${FLAKE-}" && ! -e "${perContainer "profiles"}/system" ]]; then
          ${tool}/bin/nixos-container update "$INSTANCE"
      fi

      declare -a extraFlags=()
      if [[ "''${PRIVATE_NETWORK-}" = 1 ]]; then
          extraFlags+=("--private-network")
      fi

      NIX_BIND_OPT=""
      if [[ -n "''${PRIVATE_USERS-}" ]]; then
          extraFlags+=("--private-users=$PRIVATE_USERS")
          if [[ "$PRIVATE_USERS" = pick || ( "$PRIVATE_USERS" =~ ^[[:digit:]]+$ && "$PRIVATE_USERS" -gt 0 ) ]]; then
              # root also owns the store in the container.
              NIX_BIND_OPT=":idmap"
          fi
      fi

      if ${given (addresses ++ [ "LOCAL_MAC_ADDRESS" ])}; then
          extraFlags+=("--network-veth")
      fi

      IFS=, read -ra ports <<< "''${HOST_PORT-}"
      for port in "''${ports[@]}"; do
          extraFlags+=("--port=$port")
      done

      if [[ -n "''${HOST_BRIDGE-}" ]]; then
          extraFlags+=("--network-bridge=$HOST_BRIDGE")
      fi
      if [[ -n "''${NETWORK_NAMESPACE_PATH-}" ]]; then
          extraFlags+=("--network-namespace-path=$NETWORK_NAMESPACE_PATH")
      fi
      extraFlags+=(${escapeShellArgs (map (n: "--network-veth-extra=${n}") (lib.attrNames cfg.extraVeths))})
      for interface in ''${INTERFACES-}; do
          extraFlags+=("--network-interface=$interface")
      done
      for interface in ''${MACVLANS-}; do
          extraFlags+=("--network-macvlan=$interface")
      done
      ${optionalString (pkgs.stdenv.hostPlatform.system == "x86_64-linux") ''

        if [[ "$(< "''${SYSTEM_PATH:-/nix/var/nix/profiles/per-container/$INSTANCE/system}/system")" = i686-linux ]]; then
            extraFlags+=("--personality=x86")
        fi
      ''}
      export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1

      # shellcheck disable=SC2086
      exec ${config.systemd.package}/bin/systemd-nspawn \
          ${concatStringsSep " \\\n    " flags}
    '';

  postStart =
    cfg:
    let
      # The declared value, or for imperative containers that of the conf file.
      add =
        command: variable: value:
        if value != null then
          "${command} add ${value} dev \"$ifaceHost\""
        else
          "if [[ -n \"\${${variable}-}\" ]]; then ${command} add \"\${${variable}}\" dev \"$ifaceHost\"; fi";
    in
    ''
      if ${given addresses}; then
          if [[ -z "''${HOST_BRIDGE-}" ]]; then
              ifaceHost=ve-$INSTANCE
              ip link set dev "$ifaceHost" up
              ${add "ip addr" "HOST_ADDRESS" cfg.hostAddress}
              ${add "ip -6 addr" "HOST_ADDRESS6" cfg.hostAddress6}
              ${add "ip route" "LOCAL_ADDRESS" cfg.localAddress}
              ${add "ip -6 route" "LOCAL_ADDRESS6" cfg.localAddress6}
          fi
      fi
    ''
    + concatStringsSep "\n" (
      mapAttrsToList (
        n: v:
        if v.hostBridge != null then
          "ip link set dev ${n} master ${v.hostBridge} up\n"
        else
          linkUp n v.hostAddress v.hostAddress6 v.localAddress v.localAddress6
      ) cfg.extraVeths
    );

  # --- units ------------------------------------------------------------------

  unit =
    cfg: mounts:
    let
      root = if cfg.ephemeral then "/run/nixos-containers/%i" else "${stateDir}/%i";
    in
    {
      description = "Container '%i'";
      unitConfig.RequiresMountsFor = mounts;
      path = [ pkgs.iproute2 config.nix.package ];
      enableStrictShellChecks = true;
      environment = { inherit root; INSTANCE = "%i"; };
      preStart = preStart cfg;
      script = start cfg;
      postStart = postStart cfg;
      restartIfChanged = false;
      serviceConfig = {
        Type = "notify";
        Slice = "machine.slice";
        Delegate = true;
        SyslogIdentifier = "container %i";
        EnvironmentFile = "-${confDir}/%i.conf";
        RuntimeDirectory = optional cfg.ephemeral "${confName}/%i";
        ExecReload = pkgs.writeScript "reload-container" ''
          #!${pkgs.runtimeShell} -e
          ${tool}/bin/nixos-container run "$INSTANCE" -- \
              bash --login -c "''${SYSTEM_PATH:-/nix/var/nix/profiles/system}/bin/switch-to-configuration test"
        '';
        # The exit status of systemd-nspawn when the container reboots.
        RestartForceExitStatus = "133";
        SuccessExitStatus = "133";
        Restart = "on-failure";
        TimeoutStartSec = cfg.timeoutStartSec;
        # systemd-nspawn passes the signal on itself.
        KillMode = "mixed";
        KillSignal = "TERM";
        DevicePolicy = "closed";
        DeviceAllow = map (d: "${d.node} ${d.modifier}") cfg.allowedDevices;
      };
    };

  tun = { node = "/dev/net/tun"; modifier = "rwm"; };
  mapped = cfg: cfg.privateUsers == "pick" || (builtins.isInt cfg.privateUsers && cfg.privateUsers > 0);
  withTun =
    cfg:
    if cfg.enableTun then
      {
        allowedDevices = cfg.allowedDevices ++ [ tun ];
        additionalCapabilities = cfg.additionalCapabilities ++ [ "CAP_NET_ADMIN" ];
      }
    else
      optionalAttrs (cfg.privateNetwork && mapped cfg) { allowedDevices = cfg.allowedDevices ++ [ tun ]; };

  declaredUnit =
    name: declared:
    let
      cfg = declared // withTun declared;
      mounts = optional (!cfg.ephemeral) "${stateDir}/%i" ++ map hostSide (attrValues cfg.bindMounts);
      devices = map (i: "sys-subsystem-net-devices-${utils.escapeSystemdPath i}.device") cfg.interfaces;
    in
    unit cfg mounts
    // optionalAttrs cfg.autoStart {
      wantedBy = [ "machines.target" ];
      wants = [ "network.target" ] ++ devices;
      after = [ "network.target" ] ++ devices;
      restartTriggers = [
        cfg.path
        config.environment.etc."${confName}/${name}.conf".source
      ];
      inherit (cfg) restartIfChanged;
    };

  # --- settings ---------------------------------------------------------------

  hostSide = m: if m.hostPath == null then m.mountPoint else m.hostPath;
  bindFlag =
    m: " --bind${optionalString m.isReadOnly "-ro"}=${optionalString (m.hostPath != null) "${m.hostPath}:"}${m.mountPoint}";
  forward = p: "${p.protocol}:${toString p.hostPort}:${toString (if p.containerPort == null then p.hostPort else p.containerPort)}";

  settings =
    cfg:
    let
      line = cond: text: optional cond text;
      set = name: value: line (value != null) "${name}=${toString value}";
    in
    concatMapStrings (l: "${l}\n") (
      (if cfg.flake == null then [ "SYSTEM_PATH=${cfg.path}" ] else [ "FLAKE=${cfg.flake}" ])
      ++ [ "COPY_RESOLV_CONF=${if cfg.copyResolvConf then "1" else "0"}" ]
      ++ lib.optionals cfg.privateNetwork (
        [ "PRIVATE_NETWORK=1" ]
        ++ set "HOST_BRIDGE" cfg.hostBridge
        ++ line (cfg.forwardPorts != [ ]) "HOST_PORT=${concatMapStringsSep "," forward cfg.forwardPorts}"
        ++ set "HOST_ADDRESS" cfg.hostAddress
        ++ set "HOST_ADDRESS6" cfg.hostAddress6
        ++ set "LOCAL_ADDRESS" cfg.localAddress
        ++ set "LOCAL_ADDRESS6" cfg.localAddress6
        ++ set "LOCAL_MAC_ADDRESS" cfg.localMacAddress
      )
      ++ set "NETWORK_NAMESPACE_PATH" cfg.networkNamespace
      ++ [
        "PRIVATE_USERS=${toString cfg.privateUsers}"
        "INTERFACES=\"${toString cfg.interfaces}\""
        "MACVLANS=\"${toString cfg.macvlans}\""
      ]
      ++ line cfg.autoStart "AUTO_START=1"
      ++ [
        "EXTRA_NSPAWN_FLAGS=\"${concatMapStrings bindFlag (attrValues cfg.bindMounts)}${
          optionalString (cfg.extraFlags != [ ]) " ${concatStringsSep " " cfg.extraFlags}"
        }\""
      ]
    );

  containers = config.containers;
in
{
  options = {
    boot.isContainer = mkOption {
      type = types.bool;
      default = config.boot.isNspawnContainer;
      description = "Whether this system runs in a container.";
    };
    boot.isNspawnContainer = opt types.bool false "Whether this system runs in a container of systemd-nspawn.";
    boot.enableContainers = mkOption {
      type = types.bool;
      default = config.containers != { };
      defaultText = literalExpression "config.containers != { }";
      description = "Whether containers are enabled.";
    };
    containers = opt (types.attrsOf (types.submodule containerOptions)) { } "The containers of this host.";
  };

  config = mkMerge [
    {
      warnings = optional (!config.boot.enableContainers && containers != { })
        "containers.<name> is used, but boot.enableContainers is false. Set boot.enableContainers to true to use them.";
      # Plain strings, as in NixOS.
      assertions = mkMerge (
        mapAttrsToList (
          name: cfg:
          optional (options.nix.daemon.enable.value && !options.nix.enable.value)
            "containers.${name} cannot have the socket of a daemon without Nix."
          ++ optional (cfg.networkNamespace != null && (cfg.privateNetwork || cfg.interfaces != [ ]))
            "containers.${name}.networkNamespace cannot be used together with containers.${name}.privateNetwork or containers.${name}.interfaces."
        ) containers
      );
    }

    (mkIf config.boot.enableContainers {
      warnings = optional (config.virtualisation.containers.enable && lib.versionOlder config.system.stateVersion "22.05")
        "boot.enableContainers and virtualisation.containers use the same places on a system.stateVersion before 22.05.";

      systemd.targets.multi-user.wants = [ "machines.target" ];
      systemd.services =
        { "container@" = unit blank "${stateDir}/%i"; }
        // lib.mapAttrs' (name: cfg: lib.nameValuePair "container@${name}" (declaredUnit name cfg)) containers;

      environment.etc = lib.mapAttrs' (name: cfg: lib.nameValuePair "${confName}/${name}.conf" { text = settings cfg; }) containers;

      networking.extraHosts = lib.concatStrings (
        mapAttrsToList (
          name: cfg: optionalString (cfg.localAddress != null) "${lib.head (lib.splitString "/" cfg.localAddress)} ${name}.containers\n"
        ) containers
      );
      networking.dhcpcd.denyInterfaces = [ "ve-*" "vb-*" ];
      services.udev.extraRules = optionalString config.networking.networkmanager.enable ''
        # The units of the containers configure these interfaces.
        ENV{INTERFACE}=="v[eb]-*", ENV{NM_UNMANAGED}="1"
      '';
      environment.systemPackages = [ tool ];
      boot.kernelModules = [ "bridge" "macvlan" "tap" "tun" ];
    })
  ];

  meta.buildDocsInSandbox = false;
}
