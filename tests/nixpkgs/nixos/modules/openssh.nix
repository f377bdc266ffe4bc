# The SSH server.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.openssh;
  bool = default: mkOption { type = types.bool; inherit default; };

  value = v: if v == true then "yes" else if v == false then "no" else toString v;
  settings = lib.filterAttrs (_: v: v != null) cfg.settings;
  configFile = pkgs.writeText "sshd_config" ''
    AuthorizedKeysFile ${toString cfg.authorizedKeysFiles}
    ${lib.concatMapStrings (k: "HostKey ${k.path}\n") cfg.hostKeys}${
      lib.concatStrings (
        lib.mapAttrsToList (k: v: lib.concatMapStrings (x: "${k} ${value x}\n") (lib.toList v)) settings
      )
    }${lib.optionalString (!cfg.startWhenNeeded) (lib.concatMapStrings (p: "Port ${toString p}\n") cfg.ports)}${
      lib.optionalString (cfg.allowSFTP) "Subsystem sftp internal-sftp\n"
    }${cfg.extraConfig}
  '';
  sshd = "/usr/sbin/sshd -D -f /etc/ssh/sshd_config";
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "services" "openssh" "permitRootLogin" ] [ "services" "openssh" "settings" "PermitRootLogin" ])
    (lib.mkRenamedOptionModule [ "services" "openssh" "passwordAuthentication" ] [ "services" "openssh" "settings" "PasswordAuthentication" ])
  ];

  options.services.openssh = {
    enable = bool false;
    package = mkOption { type = types.package; default = pkgs.openssh; };
    startWhenNeeded = bool config.boot.isContainer;
    ports = mkOption { type = types.listOf types.port; default = [ 22 ]; };
    openFirewall = bool true;
    allowSFTP = bool true;
    authorizedKeysFiles = mkOption { type = types.listOf types.str; default = [ ]; };
    authorizedKeysInHomedir = bool true;
    hostKeys = mkOption {
      type = types.listOf types.attrs;
      default = [ { type = "ed25519"; path = "/etc/ssh/ssh_host_ed25519_key"; } ];
    };
    listenAddresses = mkOption {
      type = types.listOf (types.submodule {
        options.addr = mkOption { type = types.nullOr types.str; default = null; };
        options.port = mkOption { type = types.nullOr types.int; default = null; };
      });
      default = [ ];
    };
    settings = mkOption {
      default = { };
      type = types.submodule {
        freeformType = types.attrsOf (types.nullOr (types.oneOf [ types.bool types.int types.str (types.listOf types.str) ]));
        options = {
          PermitRootLogin = mkOption {
            type = types.enum [ "yes" "without-password" "prohibit-password" "forced-commands-only" "no" ];
            default = "prohibit-password";
          };
          PasswordAuthentication = bool true;
          KbdInteractiveAuthentication = bool true;
          UsePAM = bool false;
          UseDns = bool false;
          X11Forwarding = bool false;
          LogLevel = mkOption { type = types.str; default = "INFO"; };
        };
      };
    };
    extraConfig = mkOption { type = types.lines; default = ""; };
  };

  config = lib.mkIf cfg.enable {
    users.users.sshd = { isSystemUser = true; group = "sshd"; uid = 2; };
    users.groups.sshd.gid = 2;

    services.openssh.authorizedKeysFiles =
      lib.optional cfg.authorizedKeysInHomedir "%h/.ssh/authorized_keys" ++ [ "/etc/ssh/authorized_keys.d/%u" ];
    environment.etc."ssh/sshd_config".source = configFile;
    networking.firewall.allowedTCPPorts = lib.optionals cfg.openFirewall cfg.ports;

    systemd.services =
      {
        sshd-keygen = {
          description = "SSH Host Keys Generation";
          wantedBy = [ "multi-user.target" ];
          unitConfig.ConditionPathExists = map (k: "|!${k.path}") cfg.hostKeys;
          serviceConfig = { Type = "oneshot"; RemainAfterExit = true; };
          script = lib.concatMapStrings (k: ''
            if ! [ -s "${k.path}" ]; then
                rm -f "${k.path}"
                mkdir -p "${dirOf k.path}"
                ssh-keygen -q -t ${k.type} -f "${k.path}" -N "" ${lib.optionalString (k ? bits) "-b ${toString k.bits}"}
            fi
          '') cfg.hostKeys;
        };
      }
      // (
        let
          common = {
            wants = [ "sshd-keygen.service" ];
            after = [ "network.target" "sshd-keygen.service" ];
            stopIfChanged = false;
          };
        in
        if cfg.startWhenNeeded then
          {
            "sshd@" = common // {
              description = "SSH per-connection Daemon";
              serviceConfig = {
                ExecStart = "-${sshd} -i";
                StandardInput = "socket";
                StandardError = "journal";
                KillMode = "process";
              };
            };
          }
        else
          {
            sshd = common // {
              description = "SSH Daemon";
              wantedBy = [ "multi-user.target" ];
              restartTriggers = [ configFile ];
              serviceConfig = {
                ExecStart = sshd;
                Restart = "always";
                KillMode = "process";
              };
            };
          }
      );

    systemd.sockets = lib.mkIf cfg.startWhenNeeded {
      sshd = {
        description = "SSH Socket";
        wantedBy = [ "sockets.target" ];
        listenStreams = if cfg.listenAddresses != [ ] then
          lib.concatMap (l: let address = if l.addr == null then "" else "${l.addr}:"; in
            if l.port != null then [ "${address}${toString l.port}" ] else map (p: "${address}${toString p}") cfg.ports) cfg.listenAddresses
        else map toString cfg.ports;
        socketConfig = { Accept = true; TriggerLimitIntervalSec = 0; };
      };
    };
  };
}
