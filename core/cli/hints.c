/* SPDX-License-Identifier: MIT */
#include "cli/hints.h"

#include <stdbool.h>
#include <string.h>

#include "util/strv.h"

/* The first one counts whose command, if it has one, is there. */
static const struct {
        const char *words, *command, *text;
} hints[] = {
        { "start", NULL, "to start a container, use 'systemctl start container@NAME'" },
        { "stop terminate kill halt poweroff down", NULL, "to stop a container, use 'systemctl stop container@NAME'" },
        { "status", NULL, "to see the status of a container, use 'systemctl status container@NAME'" },
        { "log logs journal", NULL, "to read the log of a container, use 'journalctl -M NAME'" },
        { "login root-login enter attach console", NULL,
          "to open a root shell in a container, use 'machinectl shell NAME'" },
        { "run exec", "shell-exec", "to run a command in a container, use 'extra-container shell-exec NAME COMMAND'" },
        { "run exec", NULL, "to run a command in a container, use 'machinectl shell NAME COMMAND'" },
        { "enable disable", NULL, "set autoStart in the definition to start a container at boot" },
        { "ls ps", "list", "to list the containers, use 'extra-container list'" },
        { "show info inspect", "list", "for details of the containers, use 'extra-container list --json'" },
        { "rm remove delete", "destroy", "to remove a container, use 'extra-container destroy NAME'" },
        { "reboot reload", "restart", "to restart a container, use 'extra-container restart NAME'" },
        { "update upgrade switch", "create",
          "to apply a changed definition, use 'extra-container create --update-changed DEFINITION'" },
        { "install up deploy apply", "create",
          "to install and start containers, use 'extra-container create --start DEFINITION'" },
        { "ip", "show-ip", "to see the address of a container, use 'extra-container show-ip NAME'" },
};

static bool has_word(const char *words, const char *word)
{
        size_t len = strlen(word);

        for (const char *s = words; *s; s += strspn(s, " ")) {
                size_t n = strcspn(s, " ");

                if (n == len && !memcmp(s, word, len))
                        return true;
                s += n;
        }
        return false;
}

const char *hint_of_command(const struct plugins *l, const char *word)
{
        struct command_ref ref;

        for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
                if (has_word(hints[i].words, word) && (!hints[i].command || command_find(l, hints[i].command, &ref)))
                        return hints[i].text;
        return NULL;
}
