/* SPDX-License-Identifier: MIT */
#pragma once
#include "util/cleanup.h"
#include <extra-container/plugin.h>
#include <jansson.h>
#include <stdbool.h>
/* struct ec_table of plugin.h: see struct ec_table_api. */
int table_create(const struct ec_array *columns, bool json, struct ec_table **ret, struct ec_err *err);
int table_add_row(struct ec_table *t, struct ec_err *err);
int table_set_str(struct ec_table *t, const char *key, const char *value, struct ec_err *err);
int table_set_int(struct ec_table *t, const char *key, int64_t value, struct ec_err *err);
int table_print(struct ec_table *t, struct ec_err *err);
void table_free(struct ec_table *t);
DEFINE_CLEANUP(struct ec_table, table_free)
