/* SPDX-License-Identifier: MIT */
#pragma once
#include "cli/command.h"
#include "plugin/loader.h"

/* What a template is filled in from. */
struct page {
        struct plugins plugins;
        struct command_ref *commands; /* the last one has no command */
        const char *source;           /* the top of the sources */
        const char *arg;              /* the word after a part's name, or NULL */
        struct ec_err *err;
};

/* The words of a text, escaped for roff, each sentence on a line of its own; sentence: it gets a full stop. */
void put_text(const char *s, size_t len, bool sentence);

/* A section of the INI that is the program's own. */
struct core_section {
        const char *name, *summary;
        const struct ec_array *settings;
};
const struct core_section *core_section(struct page *p); /* that p->arg names; NULL: none, p->err is set */

int part_header(struct page *p); /* header.c */
/* Parts that are not roff: see parts[] in man.c. */
int part_ini_toggles(struct page *p);
int part_ini_section(struct page *p);
int part_ini_settings(struct page *p);
int part_json(struct page *p);
int part_words(struct page *p);
int part_keys(struct page *p);
