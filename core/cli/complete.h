/* SPDX-License-Identifier: MIT */
#pragma once
struct app;
struct ec_err;
/* What a shell may put for the last of the words behind the program's name: one
 * "WORD\tTEXT" a line, or ":files" or ":dirs" where the shell knows better. What
 * is offered does not depend on what the last word begins with, but for "-":
 * matching is the shell's. */
int complete_words(struct app *a, const char *const *words, struct ec_err *err);
