/* SPDX-License-Identifier: MIT */
/* Fuzzes what is taken from the user's environment: what programs get, and what root's run gets through sudo. The input
 * is assignments, and words of a command after an empty line. */
#include "fuzz.h"

#include "cli/elevate.c"
#include "svc/process/env.c"

/* Loaders, C libraries and shells would do something else because of it. */
static void check_environment(const char *name, const char *value)
{
        const char *const delta[] = { "PATH=/fuzz", NULL };
        char **env = fuzz_alloc(proc_environment(delta));
        size_t paths = 0;

        for (char **e = env; *e; e++) {
                must(strchr(*e, '=') > *e);
                must(!str_after(*e, "LD_") && !str_after(*e, "BASH_ENV=") && !str_after(*e, "IFS="));
                if (str_after(*e, "PATH=")) {
                        must(!strcmp(*e, "PATH=/fuzz"));
                        paths++;
                }
        }
        must(paths == 1);
        /* One that is set is there once. */
        if (*name && !strchr(name, '=')) {
                char *entry = fuzz_alloc(str_printf("%s=%s", name, value));
                size_t found = 0;

                must(env_set(&env, entry) == 0);
                for (char **e = env; *e; e++)
                        if (!strncmp(*e, entry, strlen(name) + 1)) {
                                must(!strcmp(*e, entry));
                                found++;
                        }
                must(found == 1);
                free(entry);
        }
        strv_free(env);
}

/* env(1) takes assignments, then the program; the words after it are unchanged. */
static void check_sudo(char **words)
{
        struct ec_err err = { 0 };
        char **v = NULL, **w;

        must(elevate_argv("/sudo", "/env", "/program", words, &v, &err) == 0);
        must(!strcmp(v[0], "/sudo") && !strcmp(v[2], "--") && !strcmp(v[3], "/env"));
        for (w = v + 4; strcmp(*w, "/program"); w++)
                must(is_kept(*w) || !strcmp(*w, ELEVATED_VARIABLE "=1"));
        must(!strcmp(w[-1], ELEVATED_VARIABLE "=1"));
        must(strv_len(STRV_CONST(w + 1)) == strv_len(STRV_CONST(words)));
        for (size_t i = 0; words[i]; i++)
                must(!strcmp(w[i + 1], words[i]));
        strv_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char **old = environ, **env = fuzz_alloc(strv_copy(NULL)), **words = fuzz_alloc(strv_copy(NULL));
        bool rest = false;

        for (char *line; (line = fuzz_line(&data, &size));) {
                rest = rest || !*line;
                must(strv_push_take(rest ? &words : &env, line) == 0);
        }
        environ = env;
        check_environment(*words && words[1] ? words[1] : "A", "x=y");
        check_sudo(words);
        environ = old;
        strv_free(words);
        strv_free(env);
        return 0;
}
