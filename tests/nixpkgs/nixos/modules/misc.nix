# Options about the system as a whole, and options without an effect in this
# small system.
{ config, lib, options, pkgs, ... }:
let
  inherit (lib) mkOption types;
  bool = default: mkOption { type = types.bool; inherit default; };
  string = default: mkOption { type = types.str; inherit default; };

  # Definitions of the same priority are not merged, even if they are equal; for some keys the highest number wins.
  sysctlValue = lib.mkOptionType {
    name = "sysctl option value";
    check = v: v == null || lib.isBool v || lib.isString v || lib.isInt v;
    merge = lib.mergeOneOption;
  };
  highest = mkOption {
    type = types.nullOr types.ints.unsigned // {
      merge = _: defs: let values = map (d: d.value) defs; in if lib.elem null values then null else lib.foldl' lib.max 0 values;
    };
    default = null;
  };
  sysctl = lib.filterAttrs (_: v: v != null) config.boot.kernel.sysctl;
in
{
  options = {
    meta = mkOption { type = types.attrsOf types.raw; internal = true; default = { }; };

    documentation = {
      enable = bool true;
      man.enable = bool true;
      info.enable = bool true;
      doc.enable = bool true;
      dev.enable = bool false;
      nixos.enable = bool true;
    };
    nix = {
      enable = bool true;
      daemon.enable = bool config.nix.enable;
      package = mkOption { type = types.package; default = pkgs.nix; };
      settings = mkOption { type = types.attrsOf types.anything; default = { }; };
      nixPath = mkOption { type = types.listOf types.str; default = [ ]; };
      extraOptions = mkOption { type = types.lines; default = ""; };
    };
    i18n.defaultLocale = string "C.UTF-8";
    time.timeZone = mkOption { type = types.nullOr types.str; default = null; };
    boot = {
      kernelPackages = mkOption { type = types.raw; default = pkgs.linuxPackages; };
      kernelModules = mkOption { type = types.listOf types.str; default = [ ]; };
      kernel.sysctl = mkOption {
        type = types.submodule {
          freeformType = types.attrsOf sysctlValue;
          options = lib.genAttrs [ "net.core.rmem_max" "net.core.wmem_max" "fs.inotify.max_user_instances" "fs.inotify.max_user_watches" ] (_: highest);
        };
        default = { };
      };
      tmp.cleanOnBoot = bool false;
    };
    virtualisation.containers.enable = bool false;
    services.udev = {
      enable = bool (!config.boot.isContainer);
      extraRules = mkOption { type = types.lines; default = ""; };
    };
    services.journald.extraConfig = mkOption { type = types.lines; default = ""; };
    security.sudo.enable = bool true;
    security.pam.services = mkOption { type = types.attrsOf types.anything; default = { }; };
    programs.command-not-found.enable = bool true;

    system = {
      stateVersion = string lib.trivial.release;
      name = mkOption { type = types.str; default = if config.networking.hostName == "" then "unnamed" else config.networking.hostName; };
      nixos = {
        release = mkOption { type = types.str; readOnly = true; default = lib.trivial.release; };
        version = string lib.version;
        label = string config.system.nixos.version;
        codeName = mkOption { type = types.str; readOnly = true; default = lib.trivial.codeName; };
      };
      configurationRevision = mkOption { type = types.nullOr types.str; default = null; };
      extraDependencies = mkOption { type = types.listOf types.package; default = [ ]; };
    };
  };

  config = {
    warnings = lib.optional (options.system.stateVersion.highestPrio == 1500)
      "system.stateVersion is not set, defaulting to ${config.system.stateVersion}.";

    environment.etc = {
      "sysctl.d/60-nixos.conf" = lib.mkIf (sysctl != { }) {
        text = lib.concatStrings (
          lib.mapAttrsToList (
            name: value: "${name}=${if value == false then "0" else toString value}\n"
          ) sysctl
        );
      };
      "systemd/journald.conf" = lib.mkIf (config.services.journald.extraConfig != "") {
        text = "[Journal]\n${config.services.journald.extraConfig}";
      };
      "nix/nix.conf" = lib.mkIf (config.nix.settings != { } || config.nix.extraOptions != "") {
        text =
          lib.generators.toKeyValue {
            mkKeyValue = k: v: "${k} = ${if builtins.isList v then toString v else lib.generators.mkValueStringDefault { } v}";
          } config.nix.settings
          + config.nix.extraOptions;
      };
    };
    environment.variables.NIX_REMOTE = lib.mkIf config.boot.isContainer "daemon";

    # A drop-in for the distribution's unit, which restarts it when the file changes.
    systemd.services.systemd-sysctl = lib.mkIf (sysctl != { }) {
      restartTriggers = [ config.environment.etc."sysctl.d/60-nixos.conf".source ];
    };
  };
}
