/* SPDX-License-Identifier: MIT */
#include "svc/nix.h"

#include <dirent.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

/* Nix keeps a link to each root of ours. Its collector would drop the dangling
 * ones, but where nobody collects, they would pile up. */
void nix_forget_roots(const char *dir)
{
        const char *state = getenv("NIX_STATE_DIR");
        _cleanup_free_ char *autodir = fs_join(state && *state ? state : "/nix/var/nix", "gcroots/auto");
        _cleanup_closedir_ DIR *d = autodir ? opendir(autodir) : NULL;
        if (!d)
                return;
        for (struct dirent *e; (e = readdir(d));) {
                _cleanup_free_ char *target = NULL;
                if (e->d_type != DT_LNK && e->d_type != DT_UNKNOWN)
                        continue;
                if (fs_readlinkat(dirfd(d), e->d_name, &target) < 0)
                        continue;
                const char *rest = str_after(target, dir);
                if (rest && *rest == '/')
                        (void)unlinkat(dirfd(d), e->d_name, 0); /* as a user: the collector's business */
        }
}

static const char *store_dir(void)
{
        const char *s = getenv("NIX_STORE_DIR");
        return s && *s ? s : "/nix/store";
}

size_t nix_store_path_len(const char *path)
{
        const char *s = str_after(path, store_dir());
        if (!s || *s++ != '/')
                return 0;
        if (strspn(s, "0123456789abcdfghijklmnpqrsvwxyz") < 32 || s[32] != '-' || !s[33] || s[33] == '/')
                return 0;
        return (size_t)(strchrnul(s, '/') - path);
}

bool nix_is_store_path(const char *path)
{
        return nix_store_path_len(path) > 0;
}
