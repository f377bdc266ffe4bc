/* SPDX-License-Identifier: MIT
 *
 * Compiles only if no member of a released minor version has moved or shrunk.
 */
#include <assert.h>

#include <extra-container/plugin.h>

#define AT(type, member, offset) \
        static_assert(offsetof(struct type, member) == (offset), #type "." #member " has moved");
#define SIZE(type, size)   static_assert(sizeof(struct type) >= (size), "struct " #type " has shrunk");
#define VALUE(name, value) static_assert((name) == (value), #name " has another value");

#if defined(__LP64__)
#include "layout-1.0.inc"
#endif
static_assert(EC_ABI_MAJOR == 1, "another major has layouts of its own");
