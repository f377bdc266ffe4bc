/* SPDX-License-Identifier: MIT */
#include "svc/machine/code.h"

#include <signal.h>

#include "util/cleanup.h"
#include "util/err.h"

int code_of_container(int r)
{
        /* They say something about one file, process or terminal only. */
        static const int allowed[] = {
                -EIO,    -ENOENT,  -ENOTDIR, -EISDIR, -ELOOP,  -ENAMETOOLONG, -EACCES, -EPERM, -EROFS,      -EFBIG,
                -EINVAL, -ENOEXEC, -ETXTBSY, -ENODEV, -ENOTTY, -ENOSPC,       -ESTALE, -ENXIO, -EOPNOTSUPP,
        };

        for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
                if (r == allowed[i])
                        return r;
        return r < 0 ? -EIO : r;
}

int code_limit(struct ec_err *err, int r)
{
        r = code_of_container(r);
        if (err && err->code && err->msg)
                err->code = r;
        return r;
}

int code_exit_status(int32_t code, int32_t status)
{
        if (!code)
                return -ENOENT;
        if (code == CLD_EXITED)
                return status >= 0 && status <= 255 ? status : -EBADMSG;
        return (code == CLD_KILLED || code == CLD_DUMPED) && status > 0 && status <= SIGRTMAX ? 128 + status : -EBADMSG;
}
