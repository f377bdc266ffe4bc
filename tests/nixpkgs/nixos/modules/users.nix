# Users and groups. Missing ids are assigned by name, so that the same
# configuration always gives the same file.
{ config, lib, pkgs, utils, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.users;

  bool = default: mkOption { type = types.bool; inherit default; };
  userType = types.submodule (
    { name, config, ... }:
    {
      options = {
        enable = bool true;
        name = mkOption { type = types.passwdEntry types.str; default = name; };
        description = mkOption { type = types.passwdEntry types.str; default = ""; };
        uid = mkOption { type = types.nullOr types.int; default = null; };
        isNormalUser = bool false;
        isSystemUser = bool false;
        group = mkOption { type = types.str; default = ""; };
        extraGroups = mkOption { type = types.listOf types.str; default = [ ]; };
        home = mkOption { type = types.passwdEntry types.path; default = "/var/empty"; };
        homeMode = mkOption { type = types.strMatching "[0-7]{1,5}"; default = "700"; };
        createHome = bool false;
        shell = mkOption { type = types.nullOr (types.either types.package (types.passwdEntry types.path)); default = null; };
        useDefaultShell = bool false;
        hashedPassword = mkOption { type = types.nullOr (types.passwdEntry types.str); default = null; };
        initialHashedPassword = mkOption { type = types.nullOr (types.passwdEntry types.str); default = null; };
        packages = mkOption { type = types.listOf types.package; default = [ ]; };
        openssh.authorizedKeys = {
          keys = mkOption { type = types.listOf types.singleLineStr; default = [ ]; };
          keyFiles = mkOption { type = types.listOf types.path; default = [ ]; };
        };
      };
      config = lib.mkIf config.isNormalUser {
        group = lib.mkDefault "users";
        createHome = lib.mkDefault true;
        home = lib.mkDefault "/home/${config.name}";
        useDefaultShell = lib.mkDefault true;
      };
    }
  );
  groupType = types.submodule (
    { name, ... }:
    {
      options = {
        name = mkOption { type = types.passwdEntry types.str; default = name; };
        gid = mkOption { type = types.nullOr types.int; default = null; };
        members = mkOption { type = types.listOf types.str; default = [ ]; };
      };
    }
  );

  users = lib.filter (u: u.enable) (lib.attrValues cfg.users);
  groups = lib.attrValues cfg.groups;

  # Assigns ids from `first` upwards to entries without one.
  number =
    attr: first: list:
    let
      taken = lib.filter (n: n != null) (map (x: x.${attr}) list);
      step =
        acc: x:
        let
          free = n: if lib.elem n taken then free (n + 1) else n;
          n = free acc.next;
        in
        if x.${attr} != null then
          acc // { ids = acc.ids // { ${x.name} = x.${attr}; }; }
        else
          { ids = acc.ids // { ${x.name} = n; }; next = n + 1; };
    in
    (lib.foldl' step { ids = { }; next = first; } list).ids;
  uids = number "uid" 400 (lib.filter (u: !u.isNormalUser) users) // number "uid" 1000 (lib.filter (u: u.isNormalUser) users);
  gids = number "gid" 400 groups;

  shellOf =
    u:
    if u.shell != null then utils.toShellPath u.shell
    else if u.useDefaultShell then utils.toShellPath cfg.defaultUserShell
    else "/run/current-system/sw/bin/nologin";
  membersOf = g: lib.unique (g.members ++ map (u: u.name) (lib.filter (u: lib.elem g.name u.extraGroups) users));
  passwordOf = u: if u.hashedPassword != null then u.hashedPassword else if u.initialHashedPassword != null then u.initialHashedPassword else "*";
  lines = f: list: lib.concatMapStrings (x: f x + "\n") list;
  groupOf = u: toString (gids.${u.group} or (throw "The group `${u.group}' of the user `${u.name}' is not declared in users.groups."));
in
{
  options.users = {
    mutableUsers = bool true;
    defaultUserShell = mkOption { type = types.either types.package types.path; default = "/run/current-system/sw/bin/bash"; };
    users = mkOption { type = types.attrsOf userType; default = { }; };
    groups = mkOption { type = types.attrsOf groupType; default = { }; };
    allowNoPasswordLogin = bool false;
  };

  config = {
    users.users = {
      root = {
        uid = 0;
        group = "root";
        home = lib.mkDefault "/root";
        description = "System administrator";
        useDefaultShell = lib.mkDefault true;
      };
      messagebus = { uid = 4; isSystemUser = true; group = "messagebus"; };
      nobody = { uid = 65534; isSystemUser = true; group = "nogroup"; };
    };
    users.groups = {
      root.gid = 0;
      wheel.gid = 1;
      tty.gid = 3;
      messagebus.gid = 4;
      utmp.gid = 29;
      systemd-journal.gid = 62;
      users.gid = 100;
      nogroup.gid = 65534;
    };

    assertions = lib.concatMap (u: [
      {
        assertion = u.name == "root" || u.isNormalUser != u.isSystemUser;
        message = "Exactly one of users.users.${u.name}.isSystemUser and users.users.${u.name}.isNormalUser must be set.";
      }
      {
        assertion = u.group != "";
        message = "users.users.${u.name}.group is unset.";
      }
    ]) users;

    environment.etc = lib.listToAttrs (
      lib.concatMap (
        u:
        let
          keys = u.openssh.authorizedKeys;
        in
        lib.optional (keys.keys != [ ] || keys.keyFiles != [ ]) {
          name = "ssh/authorized_keys.d/${u.name}";
          # Copied, because sshd rejects files in a directory that is writable by a group.
          value = {
            mode = "0444";
            inline = true;
            text = lib.concatMapStrings (k: k + "\n") (keys.keys ++ map lib.fileContents keys.keyFiles);
          };
        }
      ) users
    );
    environment.systemPackages = lib.concatMap (u: u.packages) users;

    system.build.users = pkgs.runCommand "users" { } ''
      mkdir $out
      printf %s ${lib.escapeShellArg (lines (u: "${u.name}:x:${toString uids.${u.name}}:${groupOf u}:${u.description}:${u.home}:${shellOf u}") users)} > $out/passwd
      printf %s ${lib.escapeShellArg (lines (g: "${g.name}:x:${toString gids.${g.name}}:${lib.concatStringsSep "," (membersOf g)}") groups)} > $out/group
      printf %s ${lib.escapeShellArg (lines (u: "${u.name}:${passwordOf u}:1::::::") users)} > $out/shadow
      printf %s ${lib.escapeShellArg (lines (u: "${u.name} ${groupOf u} ${u.homeMode} ${u.home}") (lib.filter (u: u.createHome) users))} > $out/homes
    '';
  };
}
