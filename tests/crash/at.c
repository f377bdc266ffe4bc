/* SPDX-License-Identifier: MIT */
/* Runs a command, counts the system calls with which it changes something, and kills it before the N-th, or makes this
 * one fail. Its children are not traced.
 * Usage: at LOG N kill|ERRNO COMMAND...; N = 0: only writes each step to LOG */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct __ptrace_syscall_info info;

/* path: the number of the argument to log, or -1. */
static const struct call {
        long nr;
        const char *name;
        int path;
} calls[] = {
#define CALL(name, path)                \
        {                               \
                SYS_##name, #name, path \
        }
#ifdef __x86_64__
        CALL(open, 0),
        CALL(creat, 0),
        CALL(rename, 1),
        CALL(link, 1),
        CALL(symlink, 1),
        CALL(unlink, 0),
        CALL(mkdir, 0),
        CALL(rmdir, 0),
        CALL(chmod, 0),
        CALL(chown, 0),
        CALL(lchown, 0),
        CALL(fork, -1),
        CALL(vfork, -1),
#endif
        CALL(openat, 1),
        CALL(openat2, 1),
        CALL(write, -1),
        CALL(pwrite64, -1),
        CALL(writev, -1),
        CALL(ftruncate, -1),
        CALL(fsync, -1),
        CALL(renameat, 3),
        CALL(renameat2, 3),
        CALL(linkat, 3),
        CALL(symlinkat, 2),
        CALL(unlinkat, 1),
        CALL(mkdirat, 1),
        CALL(fchmod, -1),
        CALL(fchmodat, 1),
        CALL(fchown, -1),
        CALL(fchownat, 1),
        CALL(mount, 1),
        CALL(umount2, 0),
        CALL(setxattr, 0),
        CALL(lsetxattr, 0),
        CALL(fsetxattr, -1),
        CALL(ioctl, -1),
        CALL(clone, -1),
        CALL(clone3, -1),
        CALL(sendmsg, -1),
        CALL(sendto, -1),
        CALL(kill, -1),
        CALL(pidfd_send_signal, -1),
};

static void die(const char *what)
{
        perror(what);
        exit(125);
}

static int is_file(pid_t pid, int fd)
{
        char path[64];
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
        return stat(path, &st) >= 0 && S_ISREG(st.st_mode);
}

/* Does this call change something? */
static const struct call *find(pid_t pid, const info *i)
{
        const struct call *c = NULL;

        for (size_t n = 0; n < sizeof(calls) / sizeof(calls[0]) && !c; n++)
                if ((long)i->entry.nr == calls[n].nr)
                        c = &calls[n];
        if (!c)
                return NULL;
        if (!strncmp(c->name, "open", 4)) {
                unsigned long flags = i->entry.args[c->path + 1];

                if (c->nr == SYS_openat2) {
                        errno = 0;
                        flags = (unsigned long)ptrace(PTRACE_PEEKDATA, pid, (void *)flags, NULL);
                }
                return flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) ? c : NULL;
        }
        if (c->nr == SYS_write || c->nr == SYS_pwrite64 || c->nr == SYS_writev)
                return is_file(pid, (int)i->entry.args[0]) ? c : NULL;
        if (c->nr == SYS_ioctl)
                return i->entry.args[1] == FS_IOC_SETFLAGS ? c : NULL;
        return c;
}

static void show(FILE *log, pid_t pid, const info *i, const struct call *c)
{
        char text[256] = "";

        if (c->path >= 0) {
                struct iovec to = { text, sizeof(text) - 1 },
                             from = { (void *)(uintptr_t)i->entry.args[c->path], sizeof(text) - 1 };

                /* The string may be at the end of a page. */
                while (from.iov_len > 8 && process_vm_readv(pid, &to, 1, &from, 1, 0) < 0)
                        from.iov_len /= 2;
                text[from.iov_len] = 0;
        }
        fprintf(log, "%s%s%s\n", c->name, *text ? " " : "", text);
        fflush(log);
}

#ifdef __x86_64__
static void set_register(pid_t pid, size_t at, long value)
{
        if (ptrace(PTRACE_POKEUSER, pid, (void *)at, (void *)value) < 0)
                die("PTRACE_POKEUSER");
}
#define SKIP(pid)      set_register(pid, offsetof(struct user_regs_struct, orig_rax), -1)
#define RESULT(pid, r) set_register(pid, offsetof(struct user_regs_struct, rax), r)
#else
#define SKIP(pid)      die("errors need x86_64")
#define RESULT(pid, r) ((void)(r))
#endif

static int error_number(const char *name)
{
        static const struct {
                const char *name;
                int code;
        } errors[] = { { "kill", 0 },      { "ENOSPC", ENOSPC }, { "EIO", EIO },
                       { "EROFS", EROFS }, { "EINTR", EINTR },   { "EAGAIN", EAGAIN } };

        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
                if (!strcmp(errors[i].name, name))
                        return errors[i].code;
        die("unknown error");
        return 0;
}

/* The command's wait status. */
static int trace(pid_t pid, FILE *log, long at, int code)
{
        long n = 0;
        int status, hit = 0, sig = 0, killed = 0;

        for (;;) {
                info i;

                if (!killed && ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)sig) < 0)
                        die("PTRACE_SYSCALL");
                if (waitpid(pid, &status, 0) < 0)
                        die("waitpid");
                if (!WIFSTOPPED(status))
                        return status;
                sig = WSTOPSIG(status);
                if (sig != (SIGTRAP | 0x80)) {
                        sig = sig == SIGTRAP ? 0 : sig; /* after an exec */
                        continue;
                }
                sig = 0;
                if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(i), &i) < 0)
                        die("PTRACE_GET_SYSCALL_INFO");
                if (hit && i.op == PTRACE_SYSCALL_INFO_EXIT)
                        RESULT(pid, -code);
                hit = 0;
                if (i.op == PTRACE_SYSCALL_INFO_ENTRY) {
                        const struct call *c = find(pid, &i);

                        if (!c)
                                continue;
                        n++;
                        if (n == at || !at)
                                show(log, pid, &i, c);
                        if (n == at && !code)
                                killed = kill(pid, SIGKILL) >= 0;
                        if (n == at && code) {
                                SKIP(pid);
                                hit = 1;
                        }
                }
        }
}

int main(int argc, char **argv)
{
        FILE *log;
        pid_t pid;
        int status;

        if (argc < 5)
                return 125;
        log = fopen(argv[1], "we");
        if (!log)
                die(argv[1]);
        pid = fork();
        if (!pid) {
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                        die("PTRACE_TRACEME");
                raise(SIGSTOP);
                execvp(argv[4], argv + 4);
                die(argv[4]);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 ||
            ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) < 0)
                die("start");
        status = trace(pid, log, strtol(argv[2], NULL, 10), error_number(argv[3]));
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
