/* SPDX-License-Identifier: MIT */
/* Fuzzes the readers of public keys, of which those of hosts are read inside a container. */
#include "../fuzz.h"

#include "../../../plugins/ssh/host_keys.c"
#include "../../../plugins/ssh/key.c"

/* In session.c, which is not needed. */
char *ssh_marker(const struct ec_host *h, const struct ec_container *c)
{
        (void)h;
        (void)c;
        return NULL;
}

/* A key cannot begin another line, nor bring options for authorized_keys or a marker for known_hosts. */
static void check_line(const char *line, size_t words, size_t size)
{
        size_t blanks = 0;

        for (const char *s = line; *s; s++) {
                must(*s > ' ' || *s == ' ' || (*s == '\n' && !s[1]));
                blanks += *s == ' ';
        }
        must(blanks == words - 1 && strlen(line) <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = fuzz_text(data, size), *key = key_parse_public(text), *line = host_key_line("web", text);
        char **paths = fuzz_alloc(host_key_paths(text));

        if (key) {
                check_line(key, 2, size);
                must(str_after(key, "ssh-ed25519 ") && strlen(key) == strlen("ssh-ed25519 ") + BASE64_LENGTH);
        }
        if (line) {
                check_line(line, 3, size + strlen("web \n"));
                must(str_after(line, "web ") && str_ends(line, "\n"));
        }
        must(*paths && strv_len(STRV_CONST(paths)) <= KEYS_MAX);
        for (char **p = paths; *p; p++)
                must(str_ends(*p, ".pub") && !strchr(*p, '\n'));
        strv_free(paths);
        free(line);
        free(key);
        free(text);
        return 0;
}
