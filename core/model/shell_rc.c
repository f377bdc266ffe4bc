/* SPDX-License-Identifier: MIT */
#include "model/shell_rc.h"

#include <string.h>
#include <sys/stat.h>

#include "svc/process/proc.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

/* In all of them @BIN@ is the directory of the session's commands: of a private
 * directory whose name has no character that a shell could take for its own. */

static const char rc_bash[] =
        "[ ! -r ~/.bashrc ] || . ~/.bashrc\n"
        "case $PATH: in @BIN@:*) ;; *) PATH=@BIN@:$PATH ;; esac\n"
        /* At the end of what makes the prompt anew each time. */
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

/* zsh looks for all of its files in ZDOTDIR: the user's is put in its place while his are read. */
static const char rc_zshenv[] =
        "if (( ${+EXTRA_CONTAINER_ZDOTDIR} )); then ZDOTDIR=$EXTRA_CONTAINER_ZDOTDIR; else unset ZDOTDIR; fi\n"
        "[[ ! -r ${ZDOTDIR-$HOME}/.zshenv ]] || . ${ZDOTDIR-$HOME}/.zshenv\n"
        "if (( ${+ZDOTDIR} )); then EXTRA_CONTAINER_ZDOTDIR=$ZDOTDIR; else unset EXTRA_CONTAINER_ZDOTDIR; fi\n"
        "ZDOTDIR=@DIR@/zsh\n";
static const char rc_zsh[] =
        "if (( ${+EXTRA_CONTAINER_ZDOTDIR} )); then export ZDOTDIR=$EXTRA_CONTAINER_ZDOTDIR; else unset ZDOTDIR; fi\n"
        "unset EXTRA_CONTAINER_ZDOTDIR\n"
        "[[ ! -r ${ZDOTDIR-$HOME}/.zshrc ]] || . ${ZDOTDIR-$HOME}/.zshrc\n"
        "[[ $PATH: == @BIN@:* ]] || PATH=@BIN@:$PATH\n"
        "__extra_container_prompt() {\n"
        "        [[ $PROMPT == \"[$EXTRA_CONTAINER_PROMPT] \"* ]] || PROMPT=\"[$EXTRA_CONTAINER_PROMPT] $PROMPT\"\n"
        "}\n"
        "[[ -z ${EXTRA_CONTAINER_PROMPT-} ]] || precmd_functions+=(__extra_container_prompt)\n";

static const char rc_fish[] = "test \"$PATH[1]\" = @BIN@; or set -gx PATH @BIN@ $PATH\n"
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

/* What POSIX says of an interactive shell: it reads $ENV. */
static const char rc_posix[] =
        "case $PATH: in @BIN@:*) ;; *) PATH=@BIN@:$PATH ;; esac\n"
        "if [ -n \"${EXTRA_CONTAINER_PROMPT-}\" ]; then\n"
        "        case $PS1 in \"[$EXTRA_CONTAINER_PROMPT] \"*) ;; *) PS1=\"[$EXTRA_CONTAINER_PROMPT] $PS1\" ;; esac\n"
        "fi\n";

/* Replaces @DIR@ and @BIN@. */
static char *fill(const char *text, const char *dir)
{
        _cleanup_free_ char *out = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&out, &len);

        if (!f)
                return NULL;
        for (const char *at; (at = strchr(text, '@'));) {
                bool bin = !strncmp(at, "@BIN@", 5);

                fprintf(f, "%.*s", (int)(at - text), text);
                text = at + 1;
                if (bin || !strncmp(at, "@DIR@", 5)) {
                        fprintf(f, "%s%s", dir, bin ? "/bin" : "");
                        text = at + 5;
                } else {
                        fputc('@', f);
                }
        }
        fputs(text, f);
        return fclose(f) ? NULL : TAKE_PTR(out);
}

static int write_file(const char *dir, const char *name, const char *text, char **ret_path, struct ec_err *err)
{
        _cleanup_free_ char *path = fs_join(dir, name), *filled = fill(text, dir);
        int r;

        if (!path || !filled)
                return err_oom(err);
        r = fs_write_atomic(path, filled, strlen(filled), 0600);
        if (r < 0)
                return err_set(err, r, "cannot write %s: %s", path, strerror(-r));
        if (ret_path)
                *ret_path = TAKE_PTR(path);
        return 0;
}

static int push(char ***argv, const char *a, const char *b, struct ec_err *err)
{
        return strv_push(argv, a) < 0 || strv_push(argv, b) < 0 ? err_oom(err) : 0;
}

static int for_bash(const char *dir, char ***argv, struct ec_err *err)
{
        _cleanup_free_ char *path = NULL;
        int r = write_file(dir, "bashrc", rc_bash, &path, err);

        return r < 0 ? r : push(argv, "--rcfile", path, err);
}

static int for_fish(const char *dir, char ***argv, struct ec_err *err)
{
        _cleanup_free_ char *path = NULL, *command = NULL;
        int r = write_file(dir, "config.fish", rc_fish, &path, err);

        if (r < 0)
                return r;
        command = str_printf("source %s", path);
        return command ? push(argv, "--init-command", command, err) : err_oom(err);
}

static int for_zsh(const char *dir, char ***env, struct ec_err *err)
{
        _cleanup_free_ char *zsh = fs_join(dir, "zsh");
        const char *old = getenv("ZDOTDIR");
        int r;

        if (!zsh)
                return err_oom(err);
        if (mkdir(zsh, 0700) < 0)
                return err_set(err, -errno, "cannot make %s: %s", zsh, strerror(errno));
        r = write_file(dir, "zsh/.zshenv", rc_zshenv, NULL, err);
        if (r >= 0)
                r = write_file(dir, "zsh/.zshrc", rc_zsh, NULL, err);
        if (r >= 0 && (strv_pushf(env, "ZDOTDIR=%s", zsh) < 0 ||
                       strv_pushf(env, old ? "EXTRA_CONTAINER_ZDOTDIR=%s" : "EXTRA_CONTAINER_ZDOTDIR", old) < 0))
                r = err_oom(err);
        return r;
}

static int for_posix(const char *dir, char ***env, struct ec_err *err)
{
        _cleanup_free_ char *path = NULL;
        int r = write_file(dir, "shrc", rc_posix, &path, err);

        return r < 0 ? r : strv_pushf(env, "ENV=%s", path) < 0 ? err_oom(err) : 0;
}

static const char *base_of(const char *shell)
{
        const char *slash = strrchr(shell, '/');

        return slash ? slash + 1 : shell;
}

/* What accounts that nobody logs in to have for a shell is none to work with. */
static const char *choose(const char *shell)
{
        static const char *const none[] = { "nologin", "false", "true", "sync", NULL };

        if (shell && *shell && !strv_contains(none, base_of(shell)) && proc_find(shell, NULL))
                return shell;
        return proc_find("bash", NULL) ? "bash" : "sh";
}

int shell_rc_prepare(const char *shell, const char *dir, char ***ret_argv, char ***env, struct ec_err *err)
{
        static const char *const posix[] = { "sh", "dash", "ash", "ksh", "mksh", "ksh93", "oksh", "yash", NULL };
        _cleanup_strv_ char **argv = NULL;
        const char *base;
        int r = 0;

        shell = choose(shell);
        base = base_of(shell);
        if (strv_push(&argv, shell) < 0)
                return err_oom(err);
        if (!strcmp(base, "bash"))
                r = for_bash(dir, &argv, err);
        else if (!strcmp(base, "zsh"))
                r = for_zsh(dir, env, err);
        else if (!strcmp(base, "fish"))
                r = for_fish(dir, &argv, err);
        else if (strv_contains(posix, base))
                r = for_posix(dir, env, err);
        if (r >= 0)
                *ret_argv = TAKE_PTR(argv);
        return r;
}
