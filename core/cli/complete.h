/* SPDX-License-Identifier: MIT */
#pragma once
struct app;
struct ec_err;
/* Prints what a shell may offer for the last of the words after the program's name: "WORD\tTEXT", one per line, or
 * ":files" or ":dirs" for what the shell completes itself. Apart from a leading "-", the beginning of the last word
 * does not matter: the shell filters. */
int complete_words(struct app *a, const char *const *words, struct ec_err *err);
