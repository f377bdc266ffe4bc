/* SPDX-License-Identifier: MIT
 *
 * Plugins that the loader must accept or reject. Each is built with -DZOO_<name>
 * -DID=<name>; the makefile reads the names from the #if lines below.
 * tests/loader/loader.c has the expectations.
 */
#include <extra-container/plugin.h>

#define PLUGIN(...) EC_PLUGIN(__VA_ARGS__) /* expands ID first */
#define USUAL       .version = "1", .summary = "A plugin of the zoo"

/* Structs of a later minor version. */
struct plugin_next {
        struct ec_plugin now;
        void *extra;
};
struct option_next {
        struct ec_option now;
        const char *extra;
};
struct command_next {
        struct ec_command now;
        void *extra;
};
struct hooks_next {
        struct ec_hooks now;
        void *extra;
};
#define DESCRIPTOR(type, id) DESCRIPTOR_(type, id)
#define DESCRIPTOR_(type, id)                          \
        extern EC_EXPORT const type ec_plugin_v1_##id; \
        const type ec_plugin_v1_##id
#define HEAD      .abi_major = 1, .abi_minor = 7, .name = NAME(ID), USUAL
#define NAME(id)  NAME_(id)
#define NAME_(id) #id

static inline int run(void *self, struct ec_op *op, struct ec_err *err)
{
        (void)self, (void)op, (void)err;
        return 0;
}

#if defined(ZOO_good)
static const struct ec_option own[] = { { .name = "fast", .help = "Be fast", .short_name = 'f' } };
static const struct ec_command commands[] = {
        { .name = "zoo",
          .alias = "menagerie",
          .summary = "Show animals",
          .options = EC_ARRAY(own),
          .scopes = EC_SCOPE_START,
          .run = run },
};
static const struct ec_option options[] = { { .name = "zoo-option", .help = "Tame them", .scopes = EC_SCOPE_BUILD } };
static const struct ec_setting settings[] = { { "cage", "bool", "true", "Lock it" } };
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands), .options = EC_ARRAY(options), .settings = EC_ARRAY(settings));

#elif defined(ZOO_minimal)
PLUGIN(ID, USUAL);

#elif defined(ZOO_nosymbol)
EC_EXPORT int nothing_to_see_here;

#elif defined(ZOO_wrongsymbol)
EC_PLUGIN(somebody_else, USUAL);

#elif defined(ZOO_othername)
DESCRIPTOR(struct ec_plugin, ID) = { .size = sizeof(struct ec_plugin), .abi_major = 1, .name = "impostor", USUAL };

#elif defined(ZOO_noname)
DESCRIPTOR(struct ec_plugin, ID) = { .size = sizeof(struct ec_plugin), .abi_major = 1, USUAL };

#elif defined(ZOO_major2)
EC_EXPORT const struct ec_plugin ec_plugin_v2_major2 = { .size = sizeof(struct ec_plugin),
                                                         .abi_major = 2,
                                                         .name = "major2",
                                                         USUAL };

#elif defined(ZOO_majorfield)
DESCRIPTOR(struct ec_plugin,
           ID) = { .size = sizeof(struct ec_plugin), .abi_major = 3, .abi_minor = 1, .name = "majorfield", USUAL };

#elif defined(ZOO_function)
EC_EXPORT int ec_plugin_v1_function(void);
int ec_plugin_v1_function(void)
{
        return 0;
}

#elif defined(ZOO_short_size)
DESCRIPTOR(struct ec_plugin, ID) = { .size = 24, .abi_major = 1, .name = "short_size", USUAL };

#elif defined(ZOO_long_size)
DESCRIPTOR(struct ec_plugin,
           ID) = { .size = sizeof(struct ec_plugin) + 4096, .abi_major = 1, .name = "long_size", USUAL };

#elif defined(ZOO_noversion)
PLUGIN(ID, .summary = "x");

#elif defined(ZOO_nosummary)
PLUGIN(ID, .version = "1");

/* ---- later minor versions ---- */
#elif defined(ZOO_newer_unused)
static const struct option_next options[] = {
        { .now = { .name = "first-next", .help = "x", .scopes = EC_SCOPE_BUILD } },
        { .now = { .name = "second-next", .help = "x", .scopes = EC_SCOPE_BUILD } },
};
static const struct command_next commands[] = {
        { .now = { .name = "next-one", .summary = "x", .run = run } },
        { .now = { .name = "next-two", .summary = "x", .run = run } },
};
static const struct hooks_next hooks = { .now = { .size = sizeof(hooks) } };
DESCRIPTOR(struct plugin_next, ID) = {
        .now = { .size = sizeof(struct plugin_next),
                 HEAD,
                 .options = EC_ARRAY(options),
                 .commands = EC_ARRAY(commands),
                 .hooks = &hooks.now },
};

#elif defined(ZOO_newer_plugin)
DESCRIPTOR(struct plugin_next, ID) = { .now = { .size = sizeof(struct plugin_next), HEAD }, .extra = (void *)run };

#elif defined(ZOO_newer_option)
static const struct option_next options[] = {
        { .now = { .name = "third-next", .help = "x", .scopes = EC_SCOPE_BUILD } },
        { .now = { .name = "fourth-next", .help = "x", .scopes = EC_SCOPE_BUILD }, .extra = "used" },
};
DESCRIPTOR(struct ec_plugin, ID) = { .size = sizeof(struct ec_plugin), HEAD, .options = EC_ARRAY(options) };

#elif defined(ZOO_newer_command)
static const struct command_next commands[] = { { .now = { .name = "next-three", .summary = "x", .run = run },
                                                  .extra = (void *)run } };
DESCRIPTOR(struct ec_plugin, ID) = { .size = sizeof(struct ec_plugin), HEAD, .commands = EC_ARRAY(commands) };

#elif defined(ZOO_newer_hooks)
static const struct hooks_next hooks = { .now = { .size = sizeof(hooks) }, .extra = (void *)run };
DESCRIPTOR(struct ec_plugin, ID) = { .size = sizeof(struct ec_plugin), HEAD, .hooks = &hooks.now };

#elif defined(ZOO_newer_flag)
static const struct ec_command commands[] = {
        { .name = "next-four", .summary = "x", .flags = UINT32_C(1) << 30, .run = run }
};
DESCRIPTOR(struct ec_plugin, ID) = { .size = sizeof(struct ec_plugin), HEAD, .commands = EC_ARRAY(commands) };

#elif defined(ZOO_needs_minor)
PLUGIN(ID, USUAL, .needs_minor = 7);

#elif defined(ZOO_needs_nothing)
PLUGIN(ID, USUAL, .needs_minor = EC_ABI_MINOR);

#elif defined(ZOO_provides_unknown)
PLUGIN(ID, USUAL, .provides = UINT32_C(1) << 30);

#elif defined(ZOO_reserved_used)
PLUGIN(ID, USUAL, .reserved = 1);

#elif defined(ZOO_hooks_reserved)
static const struct ec_hooks hooks = { .size = sizeof(hooks), .reserved = 1 };
PLUGIN(ID, USUAL, .hooks = &hooks);

/* ---- arrays ---- */
#elif defined(ZOO_array_null)
PLUGIN(ID, USUAL, .commands = { NULL, 2, sizeof(struct ec_command) });

#elif defined(ZOO_array_stride)
static const struct ec_setting settings[] = { { "a", "bool", "true", "x" } };
PLUGIN(ID, USUAL, .settings = { settings, 1, 4 });

#elif defined(ZOO_array_huge)
static const struct ec_setting settings[] = { { "a", "bool", "true", "x" } };
PLUGIN(ID, USUAL, .settings = { settings, 100000000, sizeof(struct ec_setting) });

#elif defined(ZOO_array_outside)
PLUGIN(ID, USUAL, .options = { (const void *)4096, 1, sizeof(struct ec_option) });

#elif defined(ZOO_array_long)
static const struct ec_setting settings[] = { { "a", "bool", "true", "x" } };
PLUGIN(ID, USUAL, .settings = { settings, 1000, sizeof(struct ec_setting) * 100 });

#elif defined(ZOO_hooks_size)
static const struct ec_hooks hooks = { .size = 12 };
PLUGIN(ID, USUAL, .hooks = &hooks);

/* ---- commands, options, settings ---- */
#elif defined(ZOO_command_noname)
static const struct ec_command commands[] = { { .summary = "x", .run = run } };
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_command_badname)
static const struct ec_command commands[] = { { .name = "-rf", .summary = "x", .run = run } };
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_command_nosummary)
static const struct ec_command commands[] = { { .name = "mute", .run = run } };
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_command_norun)
static const struct ec_command commands[] = { { .name = "lame", .summary = "x" } };
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_command_flag)
static const struct ec_command commands[] = {
        { .name = "flagged", .summary = "x", .flags = UINT32_C(1) << 30, .run = run }
};
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_command_twice)
static const struct ec_command commands[] = { { .name = "twin", .summary = "x", .run = run },
                                              { .name = "other", .alias = "twin", .summary = "x", .run = run } };
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_option_noname)
static const struct ec_option options[] = { { .help = "x", .scopes = EC_SCOPE_BUILD } };
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_option_badname)
static const struct ec_option options[] = { { .name = "a=b", .help = "x", .scopes = EC_SCOPE_BUILD } };
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_option_nohelp)
static const struct ec_option options[] = { { .name = "mystery", .scopes = EC_SCOPE_BUILD } };
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_option_noscope)
static const struct ec_option options[] = { { .name = "nowhere", .help = "x" } };
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_option_short)
static const struct ec_option options[] = {
        { .name = "greedy", .help = "x", .scopes = EC_SCOPE_BUILD, .short_name = 'g' }
};
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_option_kind)
static const struct ec_option options[] = {
        { .name = "odd", .metavar = "X", .help = "x", .scopes = EC_SCOPE_BUILD, .arg = 9 }
};
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_option_metavar)
static const struct ec_option options[] = {
        { .name = "nameless", .help = "x", .scopes = EC_SCOPE_BUILD, .arg = EC_ARG_ONE }
};
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_option_type)
static const struct ec_option options[] = {
        { .name = "typed", .metavar = "X", .help = "x", .scopes = EC_SCOPE_BUILD, .arg = EC_ARG_ONE, .type = "list" }
};
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_option_twice)
static const struct ec_option own[] = { { .name = "a", .help = "x", .short_name = 'x' },
                                        { .name = "b", .help = "x", .short_name = 'x' } };
static const struct ec_command commands[] = {
        { .name = "doubled", .summary = "x", .options = EC_ARRAY(own), .run = run }
};
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_option_itself)
static const struct ec_option options[] = { { .name = "self", .help = "x", .scopes = EC_SCOPE_BUILD } };
static const struct ec_option own[] = { { .name = "self", .help = "x" } };
static const struct ec_command commands[] = {
        { .name = "mirror", .summary = "x", .scopes = EC_SCOPE_BUILD, .options = EC_ARRAY(own), .run = run }
};
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands), .options = EC_ARRAY(options));

#elif defined(ZOO_setting_type)
static const struct ec_setting settings[] = { { "size", "furlongs", "1", "x" } };
PLUGIN(ID, USUAL, .settings = EC_ARRAY(settings));

#elif defined(ZOO_setting_twice)
static const struct ec_setting settings[] = { { "size", "int", "1", "x" }, { "size", "int", "2", "x" } };
PLUGIN(ID, USUAL, .settings = EC_ARRAY(settings));

#elif defined(ZOO_setting_default)
static const struct ec_setting settings[] = { { "size", "int", "1", "x" }, { "wait", "duration", "soon", "x" } };
PLUGIN(ID, USUAL, .settings = EC_ARRAY(settings));

/* ---- names of sections of the INI ---- */
#elif defined(ZOO_paths)
PLUGIN(ID, USUAL);

#elif defined(ZOO_plugins)
PLUGIN(ID, USUAL);

/* ---- clashes ---- */
#elif defined(ZOO_aaa_session)
static const struct ec_command commands[] = {
        { .name = "aaa", .summary = "x", .scopes = EC_SCOPE_SHELL, .run = run },
        { .name = "zoo", .summary = "x", .run = run },
};
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_session)
static const struct ec_command commands[] = {
        { .name = "session", .summary = "x", .scopes = EC_SCOPE_SHELL, .run = run },
};
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_clash_core_option)
static const struct ec_option options[] = { { .name = "show-trace", .help = "x", .scopes = EC_SCOPE_START } };
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_clash_core_own)
static const struct ec_option own[] = { { .name = "expr", .help = "x" } };
static const struct ec_command commands[] = {
        { .name = "express", .summary = "x", .scopes = EC_SCOPE_BUILD, .options = EC_ARRAY(own), .run = run }
};
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_own_like_core)
/* Not a clash, because this command does not build. */
static const struct ec_option own[] = { { .name = "attr", .help = "x", .short_name = 'h' } };
static const struct ec_command commands[] = {
        { .name = "attribute", .summary = "x", .options = EC_ARRAY(own), .run = run }
};
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_clash_core_command)
static const struct ec_command commands[] = { { .name = "plugins", .summary = "x", .run = run } };
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_zz_clash_command)
static const struct ec_command commands[] = { { .name = "another", .alias = "menagerie", .summary = "x", .run = run } };
PLUGIN(ID, USUAL, .commands = EC_ARRAY(commands));

#elif defined(ZOO_zz_clash_option)
static const struct ec_option options[] = { { .name = "zoo-option", .help = "x", .scopes = EC_SCOPE_DESTROY } };
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_zz_clash_own)
static const struct ec_option options[] = { { .name = "fast", .help = "x", .scopes = EC_SCOPE_START } };
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

#elif defined(ZOO_zz_no_clash)
/* Not a clash: the other "fast" belongs to a command that starts, this one is for commands that build. */
static const struct ec_option options[] = { { .name = "fast", .help = "x", .scopes = EC_SCOPE_BUILD } };
PLUGIN(ID, USUAL, .options = EC_ARRAY(options));

/* ---- objects ---- */
#elif defined(ZOO_undefined)
extern int there_is_no_such_symbol(void);
static int init(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        (void)host, (void)ret_self, (void)err;
        return there_is_no_such_symbol();
}
PLUGIN(ID, USUAL, .init = init);

#elif defined(ZOO_traced)
/* Records that it was opened; a plugin that is off must not be opened. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void opened(void)
{
        const char *path = getenv("ZOO_TRACE");
        int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;

        if (fd >= 0)
                close(fd);
}
PLUGIN(ID, USUAL);

#else
#error "no such animal"
#endif
