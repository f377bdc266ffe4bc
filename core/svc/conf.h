/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
#include "util/cleanup.h"
/* INI files: /etc/extra-container.ini, then /etc/extra-container.d/NAME.ini in
 * name order; later files override. Broken lines, over-long lines and a key
 * given twice in one file are errors with file and line. Values keep their
 * place, so that unknown keys can be named once all tables are known. */
struct conf;
int conf_load(struct conf **ret, const char *file /* NULL: the default ones */, struct ec_err *err);
void conf_free(struct conf *c);
DEFINE_CLEANUP(struct conf, conf_free)
const char *conf_get(const struct conf *c, const char *section, const char *key); /* NULL: not set */
/* Declares what may stand in a section; checks the type of what does. The
 * default comes from conf_get_default(). */
int conf_declare(struct conf *c, const char *section, const struct ec_array *settings, struct ec_err *err);
const char *conf_value(const struct conf *c, const char *section, const char *key); /* set, else declared default, else NULL */
bool conf_bool(const struct conf *c, const char *section, const char *key);
uint64_t conf_ms(const struct conf *c, const char *section, const char *key);
/* Keys of a section in file order: fn(data, key, value); for [plugins]. */
void conf_foreach(const struct conf *c, const char *section, void (*fn)(void *data, const char *key, const char *value), void *data);
/* Accepts a whole section without a table: of a plugin that is off or absent. */
void conf_ignore(struct conf *c, const char *section);
/* One warning per unknown section or key, with file and line. Call last. */
void conf_warn_unknown(const struct conf *c);
