/* SPDX-License-Identifier: MIT */
#include "cli/hints.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/name.h"
#include "util/strv.h"

/* In place of the words: any definition. */
#define DEFINITION "DEFINITION"

/* The first one counts whose command, if it has one, is there. */
static const struct {
        const char *words, *command, *text;
} hints[] = {
        { "start", NULL, "to start a container, use 'systemctl start container@NAME'" },
        { "halt poweroff down", "stop", "to stop a container, use 'extra-container stop NAME'" },
        { "stop terminate kill halt poweroff down", NULL, "to stop a container, use 'systemctl stop container@NAME'" },
        { "ps top", "status", "to see what runs, use 'extra-container status'" },
        { "show info inspect describe", "status", "for details of a container, use 'extra-container status NAME'" },
        { "status", NULL, "to see the status of a container, use 'systemctl status container@NAME'" },
        { "log logs journal", NULL,
          "to read the log of a container, use 'journalctl -M NAME'; if it is stopped, use 'journalctl -u "
          "container@NAME'" },
        { "attach console", "root-login",
          "to open a root shell in a container, use 'extra-container root-login NAME'" },
        { "login root-login enter attach console", "shell-exec",
          "to open a root shell in a container, use 'extra-container shell-exec NAME'" },
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
        { "ssh cssh", "shell",
          "to connect to a container by SSH, use cssh in a session: 'extra-container shell DEFINITION --ssh', with -n "
          "if the container is installed" },
        { "version", NULL, "to see the version, use 'extra-container --version'" },
        { DEFINITION, "create", "to install and start containers, use 'extra-container create --start DEFINITION'" },
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

static bool is_definition(const char *word)
{
        return word && (str_ends(word, ".nix") || strpbrk(word, "/#"));
}

/* Commands in hints that do not become root by themselves. */
static bool needs_root(const char *command)
{
        static const char *const commands[] = { "systemctl st", "journalctl", "machinectl shell" };

        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                if (str_after(command, commands[i]))
                        return !str_after(command, "systemctl status") && geteuid() != 0;
        return false;
}

/* Fills in what the user has typed. */
static char *fill(const char *text, const char *name, const char *definition)
{
        _cleanup_free_ char *out = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&out, &len);

        if (!f)
                return NULL;
        while (*text) {
                const char *rest;

                if (name && (rest = str_after(text, "NAME")))
                        fputs(name, f);
                else if (definition && (rest = str_after(text, DEFINITION)))
                        fputs(definition, f);
                else if ((rest = str_after(text, "use '")))
                        fputs(needs_root(rest) ? "use 'sudo " : "use '", f);
                else
                        fputc(*text, f);
                text = rest ? rest : text + 1;
        }
        return fclose(f) ? NULL : TAKE_PTR(out);
}

char *hint_of_command(const struct plugins *l, const char *word, const char *next)
{
        bool defines = is_definition(word);
        const char *definition = defines ? word : is_definition(next) ? next : NULL;
        const char *name = next && !definition && *next != '-' && container_name_possible(next) ? next : NULL;
        struct command_ref ref;

        for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
                if (has_word(hints[i].words, defines ? DEFINITION : word) &&
                    (!hints[i].command || command_find(l, hints[i].command, &ref)))
                        return fill(hints[i].text, name, definition);
        return NULL;
}
