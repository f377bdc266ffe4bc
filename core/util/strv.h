/* SPDX-License-Identifier: MIT */
#pragma once
#include "cleanup.h"
#include <stdbool.h>
#include <stddef.h>

/* NULL-terminated vectors of owned strings; a NULL vector is an empty one. */
size_t strv_len(const char *const *v);
int strv_push(char ***v, const char *s); /* copies; -ENOMEM */
int strv_push_take(char ***v, char *s);  /* owns s, also on failure; s NULL: -ENOMEM */
int strv_pushf(char ***v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int strv_extend(char ***v, const char *const *w);
char **strv_copy(const char *const *v);
bool strv_contains(const char *const *v, const char *s);
void strv_sort(char **v);                                 /* bytewise */
void strv_sort_unique(char **v);                          /* also removes duplicates */
char **strv_split(const char *s, const char *separators); /* no empty parts */
char *strv_join(const char *const *v, const char *separator);
void strv_free(char **v);
DEFINE_CLEANUP(char *, strv_free)
#define _cleanup_strv_ _cleanup_(cleanup_strv_free)
#define STRV_CONST(v)  ((const char *const *)(v))

char *str_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* NULL: no memory */
const char *str_after(const char *s, const char *prefix); /* what follows prefix; NULL: s does not begin with it */
bool str_ends(const char *s, const char *suffix);
/* The candidate that word is probably a misspelling of, or NULL. */
const char *str_nearest(const char *word, const char *const *candidates);
