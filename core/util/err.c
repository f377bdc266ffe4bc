/* SPDX-License-Identifier: MIT */
#include "util/err.h"

#include <stdio.h>
#include <stdlib.h>

static int put(struct ec_err *err, int code, bool usage, char *msg)
{
        free(err->msg);
        *err = (struct ec_err){ .code = code, .usage = usage, .msg = msg };
        return code;
}

int err_setv(struct ec_err *err, int code, const char *fmt, va_list ap)
{
        char *msg = NULL;
        int saved = errno;

        /* A caller that forwards a zero or positive code still means failure. */
        if (code > 0)
                code = -code;
        else if (!code)
                code = -EIO;
        if (!err)
                return code;
        /* The old message may be an argument of the new one: format first. */
        if (vasprintf(&msg, fmt, ap) < 0) {
                msg = NULL;
                code = -ENOMEM;
        }
        errno = saved;
        return put(err, code, false, msg);
}

int err_set(struct ec_err *err, int code, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        code = err_setv(err, code, fmt, ap);
        va_end(ap);
        return code;
}

int err_usage(struct ec_err *err, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = err_setv(err, -EINVAL, fmt, ap);
        va_end(ap);
        if (err && r == -EINVAL)
                err->usage = true;
        return r;
}

int err_prefix(struct ec_err *err, const char *fmt, ...)
{
        char *prefix, *msg;
        va_list ap;
        int r;

        if (!err)
                return -EIO;
        if (!err->code)
                err_set(err, -EIO, "it failed without saying why");
        va_start(ap, fmt);
        r = vasprintf(&prefix, fmt, ap);
        va_end(ap);
        if (r < 0)
                return err->code; /* the bare message is better than none */
        r = asprintf(&msg, "%s: %s", prefix, err_msg(err));
        free(prefix);
        if (r < 0)
                return err->code;
        return put(err, err->code, err->usage, msg);
}

int err_oom(struct ec_err *err)
{
        return err ? put(err, -ENOMEM, false, NULL) : -ENOMEM;
}

const char *err_msg(const struct ec_err *err)
{
        if (!err || !err->code)
                return "";
        return err->msg ? err->msg : "out of memory";
}

void err_move(struct ec_err *to, struct ec_err *from)
{
        if (to == from)
                return;
        if (to)
                put(to, from->code, from->usage, from->msg);
        else
                free(from->msg);
        *from = (struct ec_err){ 0 };
}

void err_done(struct ec_err *err)
{
        if (err)
                put(err, 0, false, NULL);
}
