/* SPDX-License-Identifier: MIT */
/*
 * The reference part of the page for plugin authors, made of plugin.h: every struct, macro and group of constants is a
 * section, with its comment as text and its members, functions and values as a list. What it cannot read in the header
 * is an error, so that nothing is missing from the page.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "man.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define HEADER_MAX  (1 << 20)
#define DESCRIPTION "core/include/extra-container/plugin.h"

struct reader {
        const char *at;       /* the next character of the header */
        char service[64];     /* "proc" in struct ec_proc_api, else "" */
        char heading[128];    /* the last one below the title, or "" */
        bool fresh;           /* nothing came after it */
        bool members, marked; /* a list of members is open; one of marked paragraphs is */
};

/* ---- comments ------------------------------------------------------------ */

/* The text of the comment at *s, line by line, without what frames it; *s is then after it. */
static char *comment_text(const char **s)
{
        const char *end = strstr(*s, "*/");
        char *text = end ? malloc((size_t)(end - *s) + 1) : NULL, *to = text;

        if (!text)
                return NULL;
        for (const char *p = *s + 2; p < end;) {
                size_t len;

                p += strspn(p, " ");
                if (p < end && *p == '*')
                        p += 1 + (p[1] == ' ');
                len = strcspn(p, "\n");
                if (p + len > end)
                        len = p < end ? (size_t)(end - p) : 0;
                memcpy(to, p, len);
                to += len;
                *to++ = '\n';
                p += len + 1;
        }
        if (to > text)
                to--;
        *to = 0;
        *s = end + 2;
        return text;
}

static void end_marked(struct reader *r)
{
        if (r->marked)
                printf(".El\n");
        r->marked = false;
}

static void end_lists(struct reader *r)
{
        end_marked(r);
        if (r->members)
                printf(".El\n");
        r->members = false;
}

/* The length of the marker of a list item, "- text" or "1. text"; 0: it is not an item. */
static size_t marker(const char *s)
{
        size_t digits = strspn(s, "0123456789");

        if (!strncmp(s, "- ", 2))
                return 2;
        return digits && !strncmp(s + digits, ". ", 2) ? digits + 2 : 0;
}

static void put_paragraph(struct reader *r, const char *s, size_t len)
{
        size_t skip = marker(s);

        if (!len)
                return;
        if (!skip) {
                end_marked(r);
                if (!r->fresh)
                        printf(".Pp\n");
        } else {
                if (!r->marked)
                        printf(".Bl -%s -compact\n", *s == '-' ? "dash" : "enum");
                r->marked = true;
                printf(".It\n");
        }
        r->fresh = false;
        put_text(s + skip, len - skip, false);
}

static void put_prose(struct reader *r, const char *text)
{
        const char *start = text;

        for (const char *line = text; *line;) {
                size_t len = strcspn(line, "\n");

                line += strspn(line, " ") < len ? strspn(line, " ") : 0;
                len = strcspn(line, "\n");
                if (!len || (marker(line) && line > start)) {
                        put_paragraph(r, start, (size_t)(line - start));
                        start = line + !len;
                }
                line += len + (line[len] == '\n');
        }
        put_paragraph(r, start, strlen(start));
        end_marked(r);
}

/* ---- what a comment is about ----------------------------------------------- */

static void start_members(struct reader *r)
{
        end_marked(r);
        if (!r->members)
                printf(".Bl -tag -width Ds\n");
        r->members = true;
        r->fresh = false;
}

/* Also the parameters of a parameter that is a function: lines are only broken between what has a macro of its own. */
static void put_args(const char *s, size_t len)
{
        const char *end = s + len;

        while (s < end) {
                size_t n = strcspn(s, ",");

                n = s + n > end ? (size_t)(end - s) : n;
                printf(".Fa \"%.*s%s\"\n", (int)n, s, n && s[n - 1] == ')' ? "\\&" : ""); /* it is not punctuation */
                s += n + 1;
                s += strspn(s, " ");
        }
}

/* Of "int (*run)(void *self);" the result, the name and the parameters. */
static int put_function(const struct reader *r, const char *declaration)
{
        const char *name = strstr(declaration, "(*"), *end = name ? strchr(name, ')') : NULL, *close;
        int depth = 0;

        if (!end || end[1] != '(')
                return -EINVAL;
        for (close = end + 1; *close; close++) {
                depth += (*close == '(') - (*close == ')');
                if (!depth)
                        break;
        }
        printf(".It Xo\n.Ft \"%.*s\"\n.Fo %s%s%.*s\n", (int)(name - declaration - (name[-1] == ' ')), declaration,
               r->service, *r->service ? "->" : "", (int)(end - name - 2), name + 2);
        put_args(end + 2, (size_t)(close - end - 2));
        printf(".Fc\n.Xc\n");
        return *close ? 0 : -EINVAL;
}

/* Up to its ';', in one line. */
static char *read_declaration(const char **s)
{
        size_t len = strcspn(*s, ";"), n = 0;
        char *text = (*s)[len] ? malloc(len + 1) : NULL;

        if (!text)
                return NULL;
        for (size_t i = 0; i < len; i++)
                if (!isspace((unsigned char)(*s)[i]))
                        text[n++] = (*s)[i];
                else if (n && text[n - 1] != ' ')
                        text[n++] = ' ';
        text[n] = 0;
        *s += len + 1;
        return text;
}

/* Prints the comment on an item; comments at the end of a line are not sentences. */
static void put_about(struct reader *r, const char *text)
{
        r->fresh = true;
        if (text && strstr(text, "\n - "))
                put_prose(r, text);
        else if (text)
                put_text(text, strlen(text), isupper((unsigned char)*text));
        r->fresh = false;
}

/* The comment in the rest of the line, if there is one. */
static char *trailing_comment(const char **s)
{
        *s += strspn(*s, " ");
        return strncmp(*s, "/*", 2) ? NULL : comment_text(s);
}

static int put_member(struct reader *r, const char *before)
{
        _cleanup_free_ char *declaration = read_declaration(&r->at), *after = NULL;
        int k = 0;

        if (!declaration)
                return -EINVAL;
        after = trailing_comment(&r->at);
        if (*r->service && !strcmp(declaration, "uint32_t size, reserved"))
                return 0; /* the same in every table of services */
        start_members(r);
        if (strstr(declaration, "(*"))
                k = put_function(r, declaration);
        else
                printf(".It Vt \"%s\"\n", declaration);
        put_about(r, before);
        put_about(r, after);
        return k;
}

/* ---- the parts of the header ------------------------------------------------- */

static void skip_line(struct reader *r)
{
        r->at += strcspn(r->at, "\n");
        r->at += *r->at == '\n';
}

static void put_heading(struct reader *r, const char *format, ...)
{
        char heading[sizeof(r->heading)];
        va_list ap;

        va_start(ap, format);
        vsnprintf(heading, sizeof(heading), format, ap);
        va_end(ap);
        if (!strcmp(heading, r->heading))
                return;
        end_lists(r);
        printf(".Ss %s\n", heading);
        strcpy(r->heading, heading);
        r->fresh = true;
}

static void put_struct_heading(struct reader *r, const char *name)
{
        size_t len = strcspn(name, " "), api = strlen("_api");

        if (len > api + 3 && !strncmp(name + len - api, "_api", api))
                put_heading(r, "host->%.*s (struct %.*s)", (int)(len - api - 3), name + 3, (int)len, name);
        else
                put_heading(r, "struct %.*s", (int)len, name);
}

/* EC_ARG_NONE and EC_ARG_ONE are "EC_ARG_*". */
static void put_constants_heading(struct reader *r, const char *name)
{
        size_t len = strlen("EC_") + strcspn(name + strlen("EC_"), "_ ");

        put_heading(r, "%.*s_*", (int)len, name);
}

/* A comment belongs to what comes after it. */
static void put_heading_after_comment(struct reader *r)
{
        const char *end = strstr(r->at, "*/"), *next = end ? end + 2 : "", *name, *value;

        next += strspn(next, " \n");
        name = next + strcspn(next, " ");
        name += strspn(name, " ");
        value = name + strcspn(name, " (\n");
        if (!strncmp(next, "struct ", 7) && next[strcspn(next, ";{")] == '{')
                put_struct_heading(r, name);
        else if (!strncmp(next, "#define ", 8) && *value == '(')
                put_heading(r, "%.*s", (int)(value - name), name);
        else if (!strncmp(next, "#define ", 8))
                put_constants_heading(r, name);
}

static int put_struct(struct reader *r)
{
        const char *name = r->at + strlen("struct ");
        size_t len = strcspn(name, " "), api = strlen("_api");
        int k = 0;

        put_struct_heading(r, name);
        *r->service = 0;
        if (len > api + 3 && !strncmp(name + len - api, "_api", api))
                snprintf(r->service, sizeof(r->service), "%.*s", (int)(len - api - 3), name + 3);
        skip_line(r);
        while (k >= 0) {
                _cleanup_free_ char *before = NULL;

                r->at += strspn(r->at, " \n");
                if (!strncmp(r->at, "};", 2))
                        break;
                if (!strncmp(r->at, "/*", 2)) {
                        before = comment_text(&r->at);
                        r->at += strspn(r->at, " \n");
                }
                k = put_member(r, before);
        }
        skip_line(r);
        end_lists(r);
        return k;
}

/* A constant with its comment or value, or a macro with its parameters. */
static int put_define(struct reader *r)
{
        const char *name = r->at + strlen("#define "), *value = name + strcspn(name, " (\n"), *end;
        const size_t len = (size_t)(value - name);
        _cleanup_free_ char *text = NULL;

        if (*value != '(')
                put_constants_heading(r, name);
        start_members(r);
        end = value + strcspn(value, "\n");
        while (*end && end[-1] == '\\')
                end += 1 + strcspn(end + 1, "\n");
        if (*value == '(') {
                printf(".It Xo\n.Fo %.*s\n", (int)len, name);
                put_args(value + 1, strcspn(value + 1, ")"));
                printf(".Fc\n.Xc\n");
                r->at = end;
                return 0;
        }
        printf(".It Dv %.*s\n", (int)len, name);
        value += strspn(value, " ");
        for (r->at = value; r->at < end && strncmp(r->at, "/*", 2);)
                r->at++;
        if (r->at < end)
                text = comment_text(&r->at);
        else if (isdigit((unsigned char)*value)) /* other values are of no use to a reader */
                text = strndup(value, (size_t)(end - value));
        put_about(r, text);
        return 0;
}

/* A struct that is only declared, with its comment. */
static int put_opaque(struct reader *r)
{
        _cleanup_free_ char *declaration = read_declaration(&r->at), *text = trailing_comment(&r->at);

        if (!declaration)
                return -EINVAL;
        put_heading(r, "Opaque structs");
        start_members(r);
        printf(".It Vt %s\n", declaration);
        put_about(r, text);
        return 0;
}

static int put_comment(struct reader *r)
{
        _cleanup_free_ char *text = NULL;

        put_heading_after_comment(r);
        end_lists(r);
        text = comment_text(&r->at);
        if (!text)
                return -EINVAL;
        put_prose(r, text);
        return 0;
}

static void put_title(struct reader *r)
{
        const char *s = r->at + strlen("/* ---- ");

        end_lists(r);
        printf(".Sh ");
        for (; !strchr("\n", *s) && strncmp(s, " --", 3); s++)
                putchar(toupper((unsigned char)*s));
        putchar('\n');
        skip_line(r);
        *r->heading = 0;
        r->fresh = true;
}

static bool at(const struct reader *r, const char *what)
{
        return !strncmp(r->at, what, strlen(what));
}

/* Macros that only the header itself uses. */
static bool at_internal(const struct reader *r)
{
        return at(r, "#define EC_EXPORT ") || at(r, "#define EC_PRINTF(") || at(r, "#define EC_EXTERN_C ");
}

static int put_next(struct reader *r)
{
        if (at(r, "/* ---- "))
                put_title(r);
        else if (at(r, "\n") || at(r, "/* SPDX") || at(r, "#include") || at(r, "#ifndef EXTRA") ||
                 at(r, "#define EXTRA") || at(r, "#endif") || at_internal(r))
                skip_line(r);
        else if (at(r, "/*"))
                return put_comment(r);
        else if (at(r, "#ifdef __cplusplus"))
                do /* the other half, if there is one, is C */
                        skip_line(r);
                while (*r->at && !at(r, "#else") && !at(r, "#endif"));
        else if (at(r, "#else"))
                skip_line(r);
        else if (at(r, "#define "))
                return put_define(r);
        else if (at(r, "struct "))
                return r->at[strcspn(r->at, ";{")] == '{' ? put_struct(r) : put_opaque(r);
        else
                return -EINVAL;
        return 0;
}

int part_header(struct page *p)
{
        _cleanup_free_ char *path = str_printf("%s/" DESCRIPTION, p->source), *text = NULL;
        struct reader reader = { .fresh = true };
        int r = path ? fs_read(path, HEADER_MAX, &text, NULL) : -ENOMEM;

        if (r < 0)
                return err_set(p->err, r, "cannot read '%s': %s", path ?: "", strerror(-r));
        for (reader.at = text; *reader.at;) {
                const char *from = reader.at;

                r = put_next(&reader);
                if (r < 0)
                        return err_set(p->err, r, "%s: no part of the manual page can be made of: %.*s", path,
                                       (int)strcspn(from, "\n"), from);
        }
        end_lists(&reader);
        return 0;
}
