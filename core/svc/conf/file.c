/* SPDX-License-Identifier: MIT */
#include "svc/conf/file.h"

#include <ini.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/strv.h"
#include "util/utf8.h"

#define SECTION_MAX 49 /* libinih truncates longer names silently */

struct parser {
        const char *file, *text;
        size_t len;
        unsigned line; /* the last one that was read */
        conf_file_fn fn;
        void *data;
        struct ec_err *err;
        int r;
        unsigned failed_line;
};

static int fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct parser *p, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        p->r = err_setv(p->err, -EINVAL, fmt, ap);
        va_end(ap);
        p->failed_line = p->line;
        return err_prefix(p->err, "%s:%u", p->file, p->line);
}

static bool blank(char c)
{
        return c == ' ' || c == '\t';
}

static bool name_char(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* libinih accepts malformed section lines, so check them first. */
static int check_section(struct parser *p, const char *s, size_t len)
{
        const char *end = memchr(s, ']', len), *rest;
        size_t n;

        if (!end)
                return fail(p, "a section without its closing ']'");
        n = end - s - 1;
        if (!n)
                return fail(p, "a section without a name");
        if (n > SECTION_MAX)
                return fail(p, "the section's name is longer than %d characters", SECTION_MAX);
        for (size_t i = 1; i <= n; i++)
                if (!name_char(s[i]))
                        return fail(p, "a section's name may contain only letters, digits, '-' and '_'");
        for (rest = end + 1; rest < s + len && blank(*rest); rest++)
                ;
        if (rest < s + len && *rest != ';' && *rest != '#')
                return fail(p, "text after the section's ']'");
        return 0;
}

static int check_line(struct parser *p, const char *s, size_t len)
{
        for (size_t left = len, n; left; left -= n) {
                const char *at = s + len - left;
                uint32_t c;

                n = utf8_decode(at, left, &c);
                if (!n)
                        return fail(p, "not UTF-8");
                if (utf8_control(c) && c != '\t')
                        return fail(p, c ? "a control character" : "a NUL byte");
        }
        return *s == '[' && len ? check_section(p, s, len) : 0;
}

/* Like fgets(), for libinih, but rejects a line that does not fit instead of splitting it. */
static char *next_line(char *buf, int size, void *data)
{
        struct parser *p = data;
        const char *s = p->text, *nl;
        size_t n;

        if (!p->len || p->r)
                return NULL;
        nl = memchr(s, '\n', p->len);
        n = nl ? (size_t)(nl - s) : p->len;
        p->text += n + (nl ? 1 : 0);
        p->len -= n + (nl ? 1 : 0);
        p->line++;
        if (p->line == 1 && n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) {
                s += 3;
                n -= 3;
        }
        if (n && s[n - 1] == '\r')
                n--;
        /* libinih would append an indented line to the value before it. */
        while (n && blank(*s)) {
                s++;
                n--;
        }
        while (n && blank(s[n - 1]))
                n--;
        if (n && check_line(p, s, n) < 0)
                return NULL;
        /* Comments may have any length. */
        if (n && (*s == ';' || *s == '#'))
                n = 0;
        if (n + 2 > (size_t)size) {
                fail(p, "the line is longer than %d bytes", size - 2);
                return NULL;
        }
        memcpy(buf, s, n);
        memcpy(buf + n, "\n", 2);
        return buf;
}

static int on_value(void *data, const char *section, const char *key, const char *value)
{
        struct parser *p = data;
        int r;

        if (p->r)
                return 0;
        if (!*section)
                fail(p, "'%s' comes before the first [section]", key);
        else if (!*key)
                fail(p, "a value without a key");
        if (p->r)
                return 0;
        r = p->fn(p->data, section, key, value, p->line, p->err);
        if (r < 0) {
                p->r = r;
                p->failed_line = p->line;
        }
        return r >= 0;
}

int conf_file_parse(const char *file, const char *text, size_t len, conf_file_fn fn, void *data, struct ec_err *err)
{
        struct parser p = { .file = file, .text = text, .len = len, .fn = fn, .data = data, .err = err };
        int r = ini_parse_stream(next_line, &p, on_value, &p);

        if (r < 0)
                return err_oom(err);
        if (r > 0 && (!p.r || (unsigned)r < p.failed_line))
                return err_set(err, -EINVAL, "%s:%d: neither '[section]' nor 'key = value'", file, r);
        return p.r;
}

bool conf_parse_bool(const char *s, bool *ret)
{
        static const char *const words[] = { "no", "yes", "off", "on", "false", "true", "0", "1" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (strcasecmp(s, words[i]) != 0)
                        continue;
                *ret = i & 1;
                return true;
        }
        return false;
}

bool conf_parse_ms(const char *s, uint64_t *ret)
{
        static const struct {
                const char *name;
                uint64_t ms;
        } units[] = {
                { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 },
        };
        uint64_t sum = 0;
        bool any = false;

        for (s += strspn(s, " \t"); *s; s += strspn(s, " \t")) {
                uint64_t v = 0, ms = 0;
                size_t n;

                if (*s < '0' || *s > '9')
                        return false;
                for (; *s >= '0' && *s <= '9'; s++)
                        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v))
                                return false;
                s += strspn(s, " \t");
                n = strspn(s, "abcdefghijklmnopqrstuvwxyz");
                for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                        if (n && strlen(units[i].name) == n && !strncmp(s, units[i].name, n))
                                ms = units[i].ms;
                /* A bare number is seconds, but not within a sum. */
                if (!n && !*s && !any)
                        ms = 1000;
                if (!ms || __builtin_mul_overflow(v, ms, &v) || __builtin_add_overflow(sum, v, &sum))
                        return false;
                s += n;
                any = true;
        }
        if (any)
                *ret = sum;
        return any;
}
