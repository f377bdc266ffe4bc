/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_err;
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"
/* The only check of container names: 0, or -EINVAL with the name in the message. */
int container_name_check(const char *name, struct ec_err *err);
/* Can an installed container have this name? Other programs allow more names than we do. */
bool container_name_possible(const char *name);
bool variable_name_valid(const char *name); /* of the environment */
bool plugin_name_valid(const char *name);
char *container_unit_of_name(const char *name); /* "container@NAME.service", in a new string */
/* The other way; NULL: not such a unit. */
char *container_name_of_unit(const char *unit);
/* Adds the names of the containers that have units in a directory. */
int container_names_in(const char *dir, char ***names);
