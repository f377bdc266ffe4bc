# Files in /etc, environment variables and the programs on every user's PATH.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.environment;

  etcFile = types.submodule (
    { name, config, options, ... }:
    {
      options = {
        enable = mkOption { type = types.bool; default = true; };
        target = mkOption { type = types.str; default = name; };
        text = mkOption { type = types.nullOr types.lines; default = null; };
        source = mkOption { type = types.path; };
        mode = mkOption { type = types.str; default = "symlink"; };
        user = mkOption { type = types.str; default = "+${toString config.uid}"; };
        group = mkOption { type = types.str; default = "+${toString config.gid}"; };
        uid = mkOption { type = types.int; default = 0; };
        gid = mkOption { type = types.int; default = 0; };
        # Stored in the system itself, for files that differ between systems.
        inline = mkOption { type = types.bool; internal = true; default = false; };
      };
      config.source = lib.mkIf (config.text != null) (
        lib.mkDerivedConfig options.text (text: pkgs.writeText "etc-${baseNameOf name}" text)
      );
    }
  );

  files = lib.filter (f: f.enable) (lib.attrValues cfg.etc);
  place =
    f:
    let
      target = lib.escapeShellArg f.target;
    in
    (
      if f.inline && f.text != null then
        "printf %s ${lib.escapeShellArg f.text} > ${target}\n"
      else if lib.hasInfix "*" "${f.source}" then
        "for file in ${f.source}; do ln -s \"$file\" ${target}/; done\n"
      else
        "link ${lib.escapeShellArg "${f.source}"} ${target}\n"
    )
    + lib.optionalString (f.mode != "symlink" && f.mode != "direct-symlink") (
      "echo ${lib.escapeShellArg "${f.mode} ${f.user} ${f.group}"} > ${lib.escapeShellArg "${f.target}.mode"}\n"
    );
  folders = lib.unique (
    lib.concatMap (f: if lib.hasInfix "/" f.target then [ (dirOf f.target) ] else [ ]) files
  );

  export = name: value: "export ${name}=${
    let text = if builtins.isList value then lib.concatMapStringsSep ":" toString value else toString value;
    in "\"${lib.replaceStrings [ "\\" "\"" "`" ] [ "\\\\" "\\\"" "\\`" ] text}\""
  }\n";
  variables = mkOption {
    type = types.attrsOf (types.nullOr (types.oneOf [ (types.listOf (types.oneOf [ types.int types.str types.path ])) types.int types.str types.path ]));
    default = { };
  };
in
{
  options = {
    environment = {
      etc = mkOption { type = types.attrsOf etcFile; default = { }; };
      variables = variables;
      sessionVariables = variables;
      systemPackages = mkOption { type = types.listOf types.package; default = [ ]; };
      defaultPackages = mkOption { type = types.listOf types.package; default = [ ]; };
      shellInit = mkOption { type = types.lines; default = ""; };
      loginShellInit = mkOption { type = types.lines; default = ""; };
      interactiveShellInit = mkOption { type = types.lines; default = ""; };
      shellAliases = mkOption { type = types.attrsOf (types.nullOr types.str); default = { }; };
      shells = mkOption { type = types.listOf (types.either types.package types.path); default = [ ]; };
      pathsToLink = mkOption { type = types.listOf types.str; default = [ ]; };
    };
    system.build = mkOption {
      type = types.lazyAttrsOf types.unspecified;
      internal = true;
      default = { };
      description = "What a system is built of.";
    };
    system.path = mkOption { type = types.package; internal = true; };
    # The shell lines that create a system's etc directory.
    system.etcCommands = mkOption { type = types.lines; internal = true; readOnly = true; };
  };

  config = {
    environment.variables = cfg.sessionVariables;
    environment.etc = {
      profile.text = ''
        # For login shells.
        export PATH=/run/wrappers/bin:/run/current-system/sw/bin:/run/current-system/sw/sbin
        ${lib.concatStrings (lib.mapAttrsToList export (lib.filterAttrs (_: v: v != null) cfg.variables))}
        ${cfg.shellInit}
        ${cfg.loginShellInit}
        if [ -n "''${PS1-}" ]; then
            PS1='[\u@\h:\w]\$ '
            [ ! -e /etc/bashrc ] || . /etc/bashrc
        fi
      '';
      bashrc.text = ''
        # For interactive shells.
        ${lib.concatStrings (lib.mapAttrsToList (n: v: lib.optionalString (v != null) "alias -- ${n}=${lib.escapeShellArg v}\n") cfg.shellAliases)}
        ${cfg.interactiveShellInit}
      '';
      os-release.text = ''
        ID=nixos
        NAME=NixOS
        PRETTY_NAME="NixOS ${config.system.nixos.release} (stand-in)"
        VERSION_ID="${config.system.nixos.release}"
        BUILD_ID="${config.system.nixos.version}"
      '';
      "nsswitch.conf".text = ''
        passwd: files
        group: files
        shadow: files
        hosts: files dns
      '';
      "login.defs".text = ''
        ENV_PATH PATH=/run/wrappers/bin:/run/current-system/sw/bin:/run/current-system/sw/sbin
        ENV_SUPATH PATH=/run/wrappers/bin:/run/current-system/sw/bin:/run/current-system/sw/sbin
      '';
      # For all services; the callers are already root.
      "pam.d/other".text = ''
        auth required pam_permit.so
        account required pam_permit.so
        password required pam_permit.so
        session required pam_permit.so
      '';
    };

    system.path =
      let
        packages = lib.unique (map toString (cfg.systemPackages ++ cfg.defaultPackages));
      in
      if lib.subtractLists [ "${pkgs.base}" ] packages == [ ] then
        pkgs.base
      else
        pkgs.buildEnv {
          name = "system-path";
          paths = packages ++ [ pkgs.base ];
          pathsToLink = [ "/bin" "/sbin" "/share" ];
        };
    system.etcCommands = ''
      mkdir -p "$out/etc"
      cd "$out/etc"
      link() {
          ln -sT "$1" "$2"
      }
      ${lib.optionalString (folders != [ ]) "mkdir -p ${lib.escapeShellArgs folders}"}
      ${lib.concatMapStrings place files}
      cd "$out"
    '';
    system.build.etc = pkgs.runCommand "etc" { } ''
      ${config.system.etcCommands}
      mkdir -p $out/etc/systemd
      ln -s ${config.system.build.units} $out/etc/systemd/system
    '';
    environment.pathsToLink = [ "/bin" ];
  };
}
