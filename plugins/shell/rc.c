/* SPDX-License-Identifier: MIT */
/*
 * How the user's own shell is started for a session, so that the session's
 * commands come first on PATH and its name is in the prompt, whatever the user's
 * own startup files do.
 */
#include "shell.h"

#include <string.h>
#include <sys/stat.h>

/* @DIR@ is the session's own directory, with its commands in bin. It needs no quoting: its
 * name has no characters that are special to a shell. */

static const char rc_bash[] =
        "[ ! -r ~/.bashrc ] || . ~/.bashrc\n"
        "case $PATH: in @DIR@/bin:*) ;; *) PATH=@DIR@/bin:$PATH ;; esac\n"
        /* After everything else that sets the prompt each time. */
        "__extra_container_prompt() {\n"
        "        case $PS1 in \"[$EXTRA_CONTAINER_PROMPT] \"*) ;; *) PS1=\"[$EXTRA_CONTAINER_PROMPT] $PS1\" ;; esac\n"
        "}\n"
        "if [ -n \"${EXTRA_CONTAINER_PROMPT-}\" ]; then\n"
        "        __extra_container_prompt\n"
        "        case $(declare -p PROMPT_COMMAND 2>/dev/null) in\n"
        "        'declare -a'*) PROMPT_COMMAND+=(__extra_container_prompt) ;;\n"
        "        *) PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\\n'}__extra_container_prompt ;;\n"
        "        esac\n"
        "fi\n";

/* zsh reads all of its files from ZDOTDIR. The user's own value is restored while the user's files are read. */
static const char rc_zshenv[] =
        "if (( ${+EXTRA_CONTAINER_ZDOTDIR} )); then ZDOTDIR=$EXTRA_CONTAINER_ZDOTDIR; else unset ZDOTDIR; fi\n"
        "[[ ! -r ${ZDOTDIR-$HOME}/.zshenv ]] || . ${ZDOTDIR-$HOME}/.zshenv\n"
        "if (( ${+ZDOTDIR} )); then EXTRA_CONTAINER_ZDOTDIR=$ZDOTDIR; else unset EXTRA_CONTAINER_ZDOTDIR; fi\n"
        "ZDOTDIR=@DIR@/zsh\n";
static const char rc_zsh[] =
        "if (( ${+EXTRA_CONTAINER_ZDOTDIR} )); then export ZDOTDIR=$EXTRA_CONTAINER_ZDOTDIR; else unset ZDOTDIR; fi\n"
        "unset EXTRA_CONTAINER_ZDOTDIR\n"
        "[[ ! -r ${ZDOTDIR-$HOME}/.zshrc ]] || . ${ZDOTDIR-$HOME}/.zshrc\n"
        "[[ $PATH: == @DIR@/bin:* ]] || PATH=@DIR@/bin:$PATH\n"
        "__extra_container_prompt() {\n"
        "        [[ $PROMPT == \"[$EXTRA_CONTAINER_PROMPT] \"* ]] || PROMPT=\"[$EXTRA_CONTAINER_PROMPT] $PROMPT\"\n"
        "}\n"
        "[[ -z ${EXTRA_CONTAINER_PROMPT-} ]] || precmd_functions+=(__extra_container_prompt)\n";

static const char rc_fish[] = "test \"$PATH[1]\" = @DIR@/bin; or set -gx PATH @DIR@/bin $PATH\n"
                              "function __extra_container_status; return $argv[1]; end\n"
                              "if test -n \"$EXTRA_CONTAINER_PROMPT\"; and functions -q fish_prompt\n"
                              "        functions -c fish_prompt __extra_container_prompt\n"
                              "        function fish_prompt\n"
                              "                set -l last $status\n"
                              "                printf '[%s] ' $EXTRA_CONTAINER_PROMPT\n"
                              "                __extra_container_status $last\n"
                              "                __extra_container_prompt\n"
                              "        end\n"
                              "end\n";

/* POSIX: an interactive shell reads $ENV. */
static const char rc_posix[] =
        "case $PATH: in @DIR@/bin:*) ;; *) PATH=@DIR@/bin:$PATH ;; esac\n"
        "if [ -n \"${EXTRA_CONTAINER_PROMPT-}\" ]; then\n"
        "        case $PS1 in \"[$EXTRA_CONTAINER_PROMPT] \"*) ;; *) PS1=\"[$EXTRA_CONTAINER_PROMPT] $PS1\" ;; esac\n"
        "fi\n";

/* Replaces @DIR@. */
static char *fill(const char *text, const char *dir)
{
        _cleanup_free_ char *out = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&out, &len);

        if (!f)
                return NULL;
        for (const char *at; (at = strstr(text, "@DIR@")); text = at + strlen("@DIR@"))
                fprintf(f, "%.*s%s", (int)(at - text), text, dir);
        fputs(text, f);
        return fclose(f) ? NULL : TAKE_PTR(out);
}

static int write_file(const struct ec_host *h, const char *dir, const char *name, const char *text, char **ret_path,
                      struct ec_err *err)
{
        _cleanup_free_ char *path = fs_join(dir, name), *filled = fill(text, dir);
        int r;

        if (!path || !filled)
                return no_memory(h, err);
        r = fs_write_atomic(path, filled, strlen(filled), 0600);
        if (r < 0)
                return h->err->set(err, r, "cannot write %s: %s", path, strerror(-r));
        if (ret_path)
                *ret_path = TAKE_PTR(path);
        return 0;
}

/* A shell that reads one file of ours. */
struct startup {
        const char *shells[9];
        const char *file, *text;
        const char *option; /* takes the path of the file after `before`; NULL: a variable does */
        const char *before;
};
static const struct startup startups[] = {
        { { "bash" }, "bashrc", rc_bash, "--rcfile", "" },
        { { "fish" }, "config.fish", rc_fish, "--init-command", "source " },
        { { "sh", "dash", "ash", "ksh", "mksh", "ksh93", "oksh", "yash" }, "shrc", rc_posix, NULL, "ENV=" },
};

static int for_shell(const struct ec_host *h, const char *dir, const struct startup *s, char ***argv, char ***env,
                     struct ec_err *err)
{
        _cleanup_free_ char *path = NULL;
        int r = write_file(h, dir, s->file, s->text, &path, err);

        if (r < 0)
                return r;
        if ((s->option && strv_push(argv, s->option) < 0) ||
            strv_pushf(s->option ? argv : env, "%s%s", s->before, path) < 0)
                return no_memory(h, err);
        return 0;
}

static int for_zsh(const struct ec_host *h, const char *dir, char ***env, struct ec_err *err)
{
        _cleanup_free_ char *zsh = fs_join(dir, "zsh");
        const char *old = getenv("ZDOTDIR");
        int r;

        if (!zsh)
                return no_memory(h, err);
        if (mkdir(zsh, 0700) < 0)
                return h->err->set(err, -errno, "cannot create %s: %s", zsh, strerror(errno));
        r = write_file(h, dir, "zsh/.zshenv", rc_zshenv, NULL, err);
        if (r >= 0)
                r = write_file(h, dir, "zsh/.zshrc", rc_zsh, NULL, err);
        if (r >= 0 && (strv_pushf(env, "ZDOTDIR=%s", zsh) < 0 ||
                       strv_pushf(env, old ? "EXTRA_CONTAINER_ZDOTDIR=%s" : "EXTRA_CONTAINER_ZDOTDIR", old) < 0))
                r = no_memory(h, err);
        return r;
}

static bool is_program(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* In PATH, without its relative entries. */
static bool find_program(const char *name)
{
        const char *path = getenv("PATH");
        _cleanup_strv_ char **dirs = strv_split(path ? path : "/usr/bin:/bin", ":");

        if (strchr(name, '/'))
                return is_program(name);
        for (char **d = dirs; d && *d; d++) {
                _cleanup_free_ char *full = **d == '/' ? fs_join(*d, name) : NULL;

                if (full && is_program(full))
                        return true;
        }
        return false;
}

/* Ignores shells of accounts without a login, like nologin. */
static const char *choose(const char *shell)
{
        static const char *const none[] = { "nologin", "false", "true", "sync", NULL };

        if (shell && *shell && !strv_contains(none, basename(shell)) && find_program(shell))
                return shell;
        return find_program("bash") ? "bash" : "sh";
}

int rc_prepare(const struct ec_host *h, const char *shell, const char *dir, char ***ret_argv, char ***env,
               struct ec_err *err)
{
        _cleanup_strv_ char **argv = NULL;
        const char *base;
        int r = 0;

        shell = choose(shell);
        base = basename(shell);
        if (strv_push(&argv, shell) < 0)
                return no_memory(h, err);
        if (!strcmp(base, "zsh"))
                r = for_zsh(h, dir, env, err);
        for (size_t i = 0; i < ARRAY_SIZE(startups); i++)
                if (strv_contains(startups[i].shells, base))
                        r = for_shell(h, dir, &startups[i], &argv, env, err);
        if (r >= 0)
                *ret_argv = TAKE_PTR(argv);
        return r;
}
