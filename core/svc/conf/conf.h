/* SPDX-License-Identifier: MIT */
#pragma once
#include "util/cleanup.h"
#include <extra-container/plugin.h>
#include <stdbool.h>
/* INI files: /etc/extra-container.ini, then /etc/extra-container.d/NAME.ini in name order; later files override. Broken
 * lines, over-long lines and a key that is given twice in one file are errors with file and line. Each value remembers
 * its file and line, for the warnings about unknown keys once all tables are declared.
 *
 *   # a comment line; so is one that begins with ';'
 *   [section]             letters, digits, '-' and '_'
 *   key = value           or "key: value"; blanks around both are dropped
 *   key = value  ; text   a ';' after a blank begins a comment
 *
 * UTF-8. A line has at most 198 bytes (libinih's limit). Quotes are part of the value. Lines cannot be continued.
 * bool: yes, no, on, off, true, false, 1, 0. duration: "10s", "500ms", "2min", "1h", "1d", sums of them ("1min 30s"),
 * or a number of seconds. path: absolute, or empty. int: decimal. list: words.
 * Root only reads files that no other user can write to (see fs_trusted()). */
struct conf;
int conf_load(struct conf **ret, const char *file /* NULL: the default files */, struct ec_err *err);
/* The default files, in a directory other than EC_SYSCONF_DIR. */
int conf_load_dir(struct conf **ret, const char *dir, struct ec_err *err);
int conf_new(struct conf **ret, struct ec_err *err); /* nothing is set */
void conf_free(struct conf *c);
DEFINE_CLEANUP(struct conf, conf_free)
const char *conf_get(const struct conf *c, const char *section, const char *key); /* NULL: not set */
bool conf_type_known(const char *type);                                           /* NULL is not */
/* What a value of this type must be, for messages; NULL: this value is valid. */
const char *conf_mismatch(const char *type, const char *value);
/* Declares keys of a section, in addition to those declared before, and checks the type of those that are set. The
 * table is copied. */
int conf_declare(struct conf *c, const char *section, const struct ec_array *settings, struct ec_err *err);
const char *conf_value(const struct conf *c, const char *section,
                       const char *key);                                    /* set, else declared default, else NULL */
bool conf_bool(const struct conf *c, const char *section, const char *key); /* false: neither set nor a default */
uint64_t conf_ms(const struct conf *c, const char *section, const char *key); /* 0: likewise */
/* Keys of a section in file order: fn(data, key, value); for [plugins]. */
void conf_foreach(const struct conf *c, const char *section, void (*fn)(void *data, const char *key, const char *value),
                  void *data);
/* "FILE:LINE" of a key that is set; NULL: it is not, or no memory. */
char *conf_where(const struct conf *c, const char *section, const char *key);
/* -EINVAL: "the value must be WHAT", with file and line. */
int conf_refuse(const struct conf *c, const char *section, const char *key, const char *what, struct ec_err *err);
/* Accepts a whole section without a table, for a plugin that is off or absent. */
void conf_ignore(struct conf *c, const char *section);
/* One warning per unknown section or key, with file and line. Call last. */
void conf_warn_unknown(const struct conf *c);
