# SPDX-License-Identifier: MIT
# What messages call the type of a value.
v:
{
  bool = "a boolean";
  float = "a number";
  int = "a number";
  lambda = "a function";
  list = "a list";
  null = "null";
  path = "a path";
  set = "an attribute set";
  string = "a string";
}.${builtins.typeOf v} or "something else"
