/* SPDX-License-Identifier: MIT */
/* A policy: a container is installed only if its unit limits its memory with MemoryMax=. */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <extra-container/plugin.h>

#define WHITESPACE " \t\r\n"

struct policy {
        const struct ec_host *host;
        uint64_t minimum, maximum; /* in bytes */
};

/* ---- sizes ---------------------------------------------------------------- */

/* Sizes as systemd writes them: "512M", "1073741824", "50%" (of the memory of this host) or "infinity". */
static int parse_size(const char *text, uint64_t *ret)
{
        static const char units[] = "KMGTPE";
        const char *unit;
        char *end;
        uint64_t n;

        if (!strcmp(text, "infinity")) {
                *ret = UINT64_MAX;
                return 0;
        }
        if (!isdigit((unsigned char)*text)) /* strtoull() accepts signs and blanks */
                return -EINVAL;
        errno = 0;
        n = strtoull(text, &end, 10);
        if (errno)
                return -errno;
        if (!strcmp(end, "%")) {
                uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

                if (n > 100)
                        return -ERANGE;
                *ret = memory / 100 * n;
                return 0;
        }
        unit = *end ? strchr(units, *end) : NULL;
        for (const char *u = units; unit && u <= unit; u++)
                if (__builtin_mul_overflow(n, UINT64_C(1024), &n))
                        return -ERANGE;
        if (*end && end[unit || *end == 'B'])
                return -EINVAL;
        *ret = n;
        return 0;
}

/* ---- the unit -------------------------------------------------------------- */

/* Does a backslash at the end continue this line in the next one? Two of them are a backslash. */
static int continues(const char *s, size_t len)
{
        size_t n = 0;

        while (n < len && s[len - 1 - n] == '\\')
                n++;
        return n % 2;
}

/* The next line as systemd sees it: continued lines are one line, and comments among them are skipped.
 * 1, 0 at the end of the file, or -ENOMEM. */
static int next_line(FILE *f, char **line)
{
        char *part = NULL;
        size_t size = 0, used = 0;
        int r = 0, more = 1;

        while (more && r >= 0 && getline(&part, &size, f) >= 0) {
                const char *s = part + strspn(part, WHITESPACE);
                size_t len = strcspn(s, "\r\n");
                char *p;

                if (*s == '#' || *s == ';')
                        continue;
                p = realloc(*line, used + len + 1);
                if (!p) {
                        r = -ENOMEM;
                        break;
                }
                *line = p;
                memcpy(p + used, s, len);
                used += len;
                p[used] = 0;
                more = continues(s, len);
                if (more)
                        p[used - 1] = ' ';
                r = 1;
        }
        free(part);
        return r;
}

/* If the line is KEY=VALUE, the value, without the blanks around it. */
static char *value_of(char *line, const char *key)
{
        char *value, *end;

        if (strncmp(line, key, strlen(key)))
                return NULL;
        value = line + strlen(key);
        value += strspn(value, WHITESPACE);
        if (*value++ != '=')
                return NULL;
        value += strspn(value, WHITESPACE);
        for (end = value + strlen(value); end > value && strchr(WHITESPACE, end[-1]); end--)
                end[-1] = 0;
        return value;
}

/* Only the last MemoryMax= of the unit's [Service] section counts; *ret is NULL if there is none, or if it is empty,
 * which means "no limit". */
static int read_limit(const char *path, char **ret)
{
        FILE *f = fopen(path, "re");
        char *line = NULL;
        int service = 0, r;

        *ret = NULL;
        if (!f)
                return -errno;
        while ((r = next_line(f, &line)) > 0) {
                char *value = service ? value_of(line, "MemoryMax") : NULL;

                if (*line == '[')
                        service = !strncmp(line, "[Service]", strlen("[Service]"));
                if (!value)
                        continue;
                free(*ret);
                *ret = *value ? strdup(value) : NULL;
                if (*value && !*ret) {
                        r = -ENOMEM;
                        break;
                }
        }
        if (r >= 0 && ferror(f))
                r = -EIO;
        free(line);
        fclose(f);
        return r;
}

/* ---- the policy -------------------------------------------------------------- */

/* -EPERM, with what to write into the definition. */
static int refuse(const struct policy *p, const struct ec_container *c, const char *why, struct ec_err *err)
{
        const struct ec_host *h = p->host;
        const char *maximum = h->conf->get(h, "maximum");

        return h->err->set(err, -EPERM,
                           "%s; write this in the definition, with a value of your choice: "
                           "systemd.services.\"container@%s\".serviceConfig.MemoryMax = \"%s\";",
                           why, h->containers->name(c), strcmp(maximum, "infinity") ? maximum : "1G");
}

static int check_limit(const struct policy *p, const struct ec_container *c, const char *text, struct ec_err *err)
{
        const struct ec_host *h = p->host;
        char why[256];
        uint64_t limit;

        if (!text)
                return refuse(p, c, "its unit has no memory limit", err);
        if (parse_size(text, &limit) < 0) {
                snprintf(why, sizeof(why), "MemoryMax=%s is not an integer with K, M, G, T or %%", text);
                return refuse(p, c, why, err);
        }
        if (limit == UINT64_MAX)
                return refuse(p, c, "MemoryMax=infinity is not a limit", err);
        if (limit > p->maximum) {
                snprintf(why, sizeof(why), "MemoryMax=%s is more than this host allows (%s)", text,
                         h->conf->get(h, "maximum"));
                return refuse(p, c, why, err);
        }
        if (limit < p->minimum) {
                snprintf(why, sizeof(why), "MemoryMax=%s is less than a container needs (%s)", text,
                         h->conf->get(h, "minimum"));
                return refuse(p, c, why, err);
        }
        h->log->log(h, 6, "container '%s' is limited to %s of memory", h->containers->name(c), text);
        return 0;
}

static int pre_install(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        const struct policy *p = self;
        const struct ec_host *h = p->host;
        const char *unit = h->containers->unit_target(c);
        char *text = NULL;
        int r;

        (void)op;
        /* If the limit cannot be read, the policy must refuse. */
        if (!unit)
                return h->err->set(err, -ENOENT, "its unit cannot be found");
        r = read_limit(unit, &text);
        if (r < 0)
                h->err->set(err, r, "cannot read %s: %s", unit, strerror(-r));
        else
                r = check_limit(p, c, text, err);
        free(text);
        return r;
}

/* ---- the plugin ---------------------------------------------------------------- */

static int read_setting(const struct ec_host *h, const char *key, uint64_t *ret, struct ec_err *err)
{
        const char *value = h->conf->get(h, key);

        if (parse_size(value, ret) >= 0)
                return 0;
        return h->err->set(err, -EINVAL, "[memory_limit] %s: '%s' is not an integer with K, M, G, T or %%, or infinity",
                           key, value);
}

static int init(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        struct policy *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return host->err->set(err, -ENOMEM, "out of memory");
        p->host = host;
        r = read_setting(host, "minimum", &p->minimum, err);
        if (r >= 0)
                r = read_setting(host, "maximum", &p->maximum, err);
        if (r < 0) {
                free(p); /* done() is not called after a failed init() */
                return r;
        }
        *ret_self = p;
        return 0;
}

static const struct ec_setting settings[] = {
        { "minimum", "string", "0", "The smallest limit that is accepted" },
        { "maximum", "string", "infinity", "The largest limit that is accepted" },
};

static const struct ec_hooks hooks = { .size = sizeof(hooks), .pre_install = pre_install };

EC_PLUGIN(memory_limit, .version = "1", .summary = "Accept only containers whose memory is limited",
          .settings = EC_ARRAY(settings), .hooks = &hooks, .init = init, .done = free);
