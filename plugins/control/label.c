/* SPDX-License-Identifier: MIT */
/* The version of the system of a container. */
#include "label.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define STORE     "/nix/store/"
#define PROFILES  "/nix/var/nix/profiles/per-container/"
#define FILE_NAME "nixos-version"
#define LABEL_MAX 256

static int in_store(const char *path)
{
        const char *name = str_after(path, STORE);

        return name && *name && *name != '.' && !strchr(name, '/');
}

/* The profile of a container of nixos-container is PROFILES "NAME/system", a link to "system-1-link", which is one to a
 * system in the store. Root in the container can put anything in their place. */
static int follow_profile(const char *path, char **ret)
{
        const char *name = str_after(path, PROFILES), *file = name ? strrchr(name, '/') : NULL;
        _cleanup_free_ char *dir = file && strchr(name, '/') == file ? strndup(path, (size_t)(file - path)) : NULL;
        _cleanup_free_ char *link = NULL, *target = NULL;
        _cleanup_close_ int fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        int r;

        if (fd < 0)
                return dir ? -errno : -EXDEV;
        r = fs_readlinkat(fd, file + 1, &link);
        if (r >= 0 && !in_store(link)) {
                r = strchr(link, '/') ? -EXDEV : fs_readlinkat(fd, link, &target);
                free(link);
                link = TAKE_PTR(target);
        }
        if (r < 0)
                return r;
        if (!in_store(link))
                return -EXDEV;
        *ret = TAKE_PTR(link);
        return 0;
}

/* The container may have added what is in the store. */
static int read_plain(const char *system, char **ret)
{
        _cleanup_close_ int dir = open(system, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        _cleanup_close_ int fd = dir < 0 ? -errno : fs_open_regular(dir, FILE_NAME, O_RDONLY | O_NOFOLLOW, 0);

        return fd < 0 ? fd : fs_read_fd(fd, LABEL_MAX, ret, NULL);
}

int label_read(const struct ec_host *h, const struct ec_container *c, char **ret)
{
        const char *system = h->containers->conf_get(c, "SYSTEM_PATH");
        _cleanup_free_ char *path = NULL, *text = NULL;
        int r = system ? 0 : -ENOENT;

        if (r >= 0 && in_store(system)) {
                path = fs_join(system, FILE_NAME);
                r = path ? fs_read(path, LABEL_MAX, &text, NULL) : -ENOMEM;
        } else if (r >= 0) {
                r = follow_profile(system, &path);
                r = r < 0 ? r : read_plain(path, &text);
        }
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        text[strcspn(text, "\r\n")] = 0;
        *ret = TAKE_PTR(text);
        return 0;
}
