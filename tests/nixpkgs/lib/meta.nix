{ lib }:
rec {
  getExe =
    pkg:
    getExe' pkg (
      pkg.meta.mainProgram or (lib.warn "getExe: package ${pkg.name or "?"} has no meta.mainProgram; its name is taken" (lib.getName pkg))
    );
  getExe' =
    pkg: name:
    if lib.hasInfix "/" name then throw "getExe': ${name} is a path, not a program's name" else "${lib.getBin pkg}/bin/${name}";
  addMetaAttrs = attrs: drv: drv // { meta = (drv.meta or { }) // attrs; };
  setName = name: drv: drv // { inherit name; };
  hiPrio = drv: drv;
  lowPrio = drv: drv;
  setPrio = _: drv: drv;
  availableOn = platform: pkg: !(pkg ? meta.platforms) || builtins.elem platform.system pkg.meta.platforms;
}
