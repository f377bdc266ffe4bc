# SPDX-License-Identifier: MIT
# The settings of extra-container.ini as options. They come from the tables of the program and of the plugins in this
# tree, which `make settings` writes to paths.json, start.json and plugins/NAME/settings.json. A plugin's nixos.nix can
# narrow the types of its settings.
{ lib }:

let
  inherit (builtins) attrNames filter fromJSON mapAttrs match pathExists readDir readFile;
  inherit (lib) mkOption types;

  plugins = ../plugins;
  names = filter (n: pathExists (plugins + "/${n}/settings.json")) (attrNames (readDir plugins));

  ## Types: what the parser of the INI accepts

  word = regex: description: types.strMatching regex // { inherit description; };

  # Blanks around a value and a ';' after a blank are not part of it.
  part = "[^[:cntrl:][:blank:];][^[:cntrl:][:blank:]]*";
  isValue = s: match "(${part}([[:blank:]]+${part})*)?" s != null;
  value = types.addCheck types.str isValue // {
    description = "string of one line, without blanks at its ends, and without a ';' after a blank";
  };

  # As text, so that files next to the configuration are not copied; a store path keeps its context.
  path = types.coercedTo types.path toString (word "/([^[:cntrl:];]*[^[:cntrl:][:blank:];])?" "absolute path");

  # A list of them, which the INI separates by `separator`.
  listOfPaths = separator: types.listOf (types.addCheck path (p: !lib.hasInfix separator (toString p)) // {
    description = "absolute path without '${separator}'";
  });

  duration =
    let
      unit = "(ms|s|min|h|d)";
      text = word "[0-9]+|([0-9]+ *${unit} *)*[0-9]+ *${unit}" "duration";
    in
    types.either types.ints.unsigned text // {
      description = "number of seconds, or duration like \"10s\", \"500ms\" or \"1min 30s\"";
    };

  # By the names that plugin.h gives them.
  typeOf = {
    inherit duration path;
    bool = types.bool;
    int = types.int;
    list = types.listOf (word "[^[:cntrl:][:blank:];,]+" "word without blanks and commas");
    string = value;
  };

  toggle = types.enum [ "required" "on" "auto" "off" ];

  ## Options

  setting = type: description: mkOption {
    type = types.nullOr type;
    default = null;
    inherit description;
  };

  # narrower: types of some of the keys.
  section = file: narrower:
    let
      table = fromJSON (readFile file);
      unknown = filter (key: !(table.settings ? ${key})) (attrNames narrower);
      describe = s: "${s.help}." + lib.optionalString (s ? default) " The default is `${s.default}`.";
    in
    if unknown != [ ] then throw "extra-container: ${toString file} has no setting '${lib.head unknown}'"
    else mkOption {
      type = types.submodule {
        options = mapAttrs (key: s: setting (narrower.${key} or typeOf.${s.type}) (describe s)) table.settings;
      };
      default = { };
      description = "${table.summary}.";
    };

  pluginSection = name:
    let
      narrower = plugins + "/${name}/nixos.nix";
    in
    section (plugins + "/${name}/settings.json")
      (if pathExists narrower then import narrower { inherit lib word; } else { });
in
{
  # The options of all sections that are known here.
  options = lib.genAttrs names pluginSection // {
    plugins = mkOption {
      type = types.submodule {
        freeformType = types.attrsOf (types.nullOr toggle);
        options.search-path = setting (listOfPaths ":") ''
          More directories with plugins, which only root may change. Plugins that are packages belong in
          {option}`programs.extra-container.plugins`.
        '';
      };
      default = { };
      example = { ssh = "off"; gc = "required"; };
      description = ''
        Which plugins are used: with `required`, startup fails if the plugin is missing or rejected; with `on`, a
        warning is printed; with `auto`, the default, the plugin is used if it is there; with `off`, it is not loaded.
      '';
    };
    paths = section ./paths.json {
      legacy = types.enum [ "auto" "yes" "no" ];
      units-also = listOfPaths " ";
    };
    start = section ./start.json { };
  };

  # What the settings of other plugins can be.
  other = types.nullOr (types.oneOf [ types.bool types.int value ]);

  # A value as the INI has it.
  text = section: v:
    if v == true then "yes"
    else if v == false then "no"
    else if builtins.isList v then lib.concatStringsSep (if section == "plugins" then ":" else " ") (map toString v)
    else toString v;
}
