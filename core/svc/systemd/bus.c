/* SPDX-License-Identifier: MIT */
#include "svc/systemd/bus.h"

#include <stdarg.h>
#include <string.h>

#include "svc/process/interrupt.h"
#include "util/err.h"
#include "util/escape.h"
#include "util/strv.h"

/* The bus may be one inside a container, which chooses the text. */
#define TEXT_MAX 500

int bus_fill(sd_bus *bus, struct pollfd *p, uint64_t *deadline)
{
        uint64_t until = UINT64_MAX;
        int r, events;
        bool due;

        /* sd_bus_process() returns 0 even if it has called the callback of a call that timed out. */
        due = sd_bus_get_timeout(bus, &until) >= 0 && until <= clock_usec();
        r = sd_bus_process(bus, NULL);
        if (r || due)
                return r < 0 ? r : 1;
        events = sd_bus_get_events(bus);
        if (events < 0)
                return events;
        r = sd_bus_get_timeout(bus, &until);
        if (r < 0)
                return r;
        *p = (struct pollfd){ .fd = sd_bus_get_fd(bus), .events = events };
        if (p->fd < 0)
                return p->fd;
        if (until < *deadline)
                *deadline = until;
        return 0;
}

int bus_poll(sd_bus *bus, uint64_t deadline)
{
        struct pollfd fds[] = { { 0 }, { .fd = interrupt_fd(), .events = POLLIN } };
        int r = bus_fill(bus, &fds[0], &deadline);

        if (r)
                return r;
        if (poll(fds, ARRAY_SIZE(fds), clock_timeout_ms(deadline)) < 0)
                return errno == EINTR ? 0 : -errno;
        return fds[1].revents ? BUS_SIGNAL : 0;
}

int bus_wait_ready(sd_bus *bus, uint64_t until)
{
        for (;;) {
                int r = sd_bus_is_ready(bus);

                if (r)
                        return r;
                if (interrupt_check(NULL) < 0)
                        return -ECANCELED;
                if (clock_usec() >= until)
                        return -ETIMEDOUT;
                r = bus_poll(bus, until);
                if (r < 0)
                        return r;
        }
}

const char *bus_sender(sd_bus *bus, const char *name)
{
        return sd_bus_is_bus_client(bus) > 0 ? name : NULL;
}

/* ---- calls -------------------------------------------------------------- */

static int on_reply(sd_bus_message *m, void *data, sd_bus_error *e)
{
        (void)e;
        *(sd_bus_message **)data = sd_bus_message_ref(m);
        return 0;
}

static int call(sd_bus *bus, sd_bus_message *m, uint64_t timeout, sd_bus_error *e, sd_bus_message **ret)
{
        _cleanup_bus_slot_ sd_bus_slot *slot = NULL;
        _cleanup_bus_message_ sd_bus_message *reply = NULL;
        const sd_bus_error *failure;
        int r;

        /* An error that is still set would make the call fail. */
        sd_bus_error_free(e);
        r = sd_bus_call_async(bus, &slot, m, on_reply, &reply, timeout);
        while (r >= 0 && !reply) {
                r = interrupt_check(NULL);
                if (r >= 0)
                        r = bus_poll(bus, UINT64_MAX);
        }
        if (r < 0 && !reply)
                return r;
        failure = sd_bus_message_get_error(reply);
        if (failure && sd_bus_is_open(bus) <= 0)
                return -ECONNRESET;
        if (failure) {
                r = bus_error_errno(-EIO, failure);
                sd_bus_error_copy(e, failure);
                return r;
        }
        if (ret)
                *ret = TAKE_PTR(reply);
        return 0;
}

static bool repeatable(const char *method)
{
        return str_after(method, "Get") || str_after(method, "List") || !strcmp(method, "Reload");
}

int bus_call_method(sd_bus *bus, const char *dest, const char *path, const char *iface, const char *method,
                    uint64_t timeout, sd_bus_error *e, sd_bus_message **ret, const char *types, ...)
{
        uint64_t until = clock_usec() + BUS_RECONNECT;
        _cleanup_bus_error_ sd_bus_error own = SD_BUS_ERROR_NULL;

        if (!e)
                e = &own;
        for (;;) {
                _cleanup_bus_message_ sd_bus_message *m = NULL;
                int r = sd_bus_message_new_method_call(bus, &m, dest, path, iface, method);

                if (r >= 0 && types) {
                        va_list ap;

                        va_start(ap, types);
                        r = sd_bus_message_appendv(m, types, ap);
                        va_end(ap);
                }
                if (r >= 0)
                        r = call(bus, m, timeout, e, ret);
                if (r >= 0 || !repeatable(method) || !bus_error_reconnects(e, dest) || clock_usec() >= until)
                        return r;
                r = interrupt_pause(BUS_RECONNECT_EVERY, NULL);
                if (r < 0)
                        return r;
        }
}

int bus_call_names(sd_bus *bus, const char *method, const char *const *names, sd_bus_error *e)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, method);

        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **)names);
        return r < 0 ? r : call(bus, m, BUS_TIMEOUT, e, NULL);
}

int bus_tell_manager(sd_bus *bus, const char *method, const char *types, ...)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, method);
        va_list ap;

        va_start(ap, types);
        if (r >= 0)
                r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, 0);
        return r < 0 ? r : sd_bus_send(bus, m, NULL);
}

int bus_get(sd_bus *bus, const char *dest, const char *path, const char *iface, const char *prop,
            const char *const *types, sd_bus_error *e, sd_bus_message **ret)
{
        _cleanup_bus_message_ sd_bus_message *reply = NULL;
        const char *contents;
        char type;
        int r = bus_call_method(bus, dest, path, "org.freedesktop.DBus.Properties", "Get", BUS_TIMEOUT, e, &reply, "ss",
                                iface, prop);

        if (r < 0)
                return r;
        r = sd_bus_message_peek_type(reply, &type, &contents);
        if (r < 0)
                return r;
        if (type != 'v')
                return -EBADMSG;
        if (!strv_contains(types, contents))
                return sd_bus_error_setf(e, "org.freedesktop.DBus.Error.InvalidArgs", "property %s is of type '%s'",
                                         prop, contents);
        r = sd_bus_message_enter_container(reply, 'v', contents);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(reply);
        return 0;
}

/* ---- errors ------------------------------------------------------------- */

bool bus_error_reconnects(const sd_bus_error *e, const char *dest)
{
        if (!e || !e->name)
                return false;
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY))
                return e->message && strstr(e->message, "disconnected");
        return !strcmp(dest, BUS_SYSTEMD) && (sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                                              sd_bus_error_has_name(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
                                              str_after(e->name, "org.freedesktop.DBus.Error.Spawn."));
}

int bus_error_errno(int r, const sd_bus_error *e)
{
        static const struct {
                const char *name;
                int code;
        } names[] = {
                { BUS_NO_SUCH_UNIT, -ENOENT },
                { BUS_NO_SUCH_MACHINE, -ENOENT },
                { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", -EACCES },
                { "org.freedesktop.DBus.Error.UnknownObject", -ENOENT },
        };
        int k;

        if (!e || !e->name)
                return r < 0 ? r : -EIO;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (!strcmp(e->name, names[i].name))
                        return names[i].code;
        k = sd_bus_error_get_errno(e);
        return k > 0 ? -k : -EIO;
}

char *bus_error_text(int r, const sd_bus_error *e)
{
        _cleanup_free_ char *s = NULL;
        bool cut;
        size_t n;

        if (!e || !e->name)
                return strdup(r == -ECONNRESET ? "the connection to the system bus was lost" : strerror(-r));
        if (sd_bus_error_has_name(e, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"))
                return strdup("permission denied");
        if (!e->message || !*e->message)
                return strdup(e->name);
        s = strndup(e->message, TEXT_MAX);
        if (!s)
                return NULL;
        n = strlen(s);
        cut = e->message[n];
        if (!cut && s[n - 1] == '.')
                s[n - 1] = 0;
        for (char *p = s; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        *p = ' ';
        if (!cut)
                return TAKE_PTR(s);
        /* A character may have been cut in two. */
        escape_clean(s, TEXT_MAX);
        return str_printf("%s...", s);
}

int bus_err(struct ec_err *err, int r, const sd_bus_error *e, const char *fmt, ...)
{
        _cleanup_free_ char *what = NULL, *text = NULL;
        va_list ap;

        if (r == -ECANCELED && interrupt_check(err) < 0)
                return r;
        if (r == -ENOMEM)
                return err_oom(err);
        va_start(ap, fmt);
        if (vasprintf(&what, fmt, ap) < 0)
                what = NULL;
        va_end(ap);
        text = bus_error_text(r, e);
        if (!what || !text)
                return err_oom(err);
        return err_set(err, bus_error_errno(r, e), "%s: %s", what, text);
}
