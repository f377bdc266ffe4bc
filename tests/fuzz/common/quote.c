/* SPDX-License-Identifier: MIT */
/* Fuzzes the quoting of words for a shell. */
#include "../fuzz.h"

#include "../../../plugins/common/common.c"

/* Reads a word as a shell does; NULL: it is not one word. */
static char *shell_word(const char *s)
{
        char *word = fuzz_alloc(malloc(strlen(s) + 1)), *to = word;
        bool quoted = false;

        for (; *s; s++)
                if (*s == '\'')
                        quoted = !quoted;
                else if (quoted)
                        *to++ = *s;
                else {
                        must(*s == '\\' && s[1]);
                        *to++ = *++s;
                }
        must(!quoted);
        *to = 0;
        return word;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = fuzz_text(data, size), *quoted = fuzz_alloc(shell_quote(text)), *word = shell_word(quoted);

        must(!strcmp(word, text));
        must(*quoted); /* an empty word is one, too */
        free(word);
        free(quoted);
        free(text);
        return 0;
}
