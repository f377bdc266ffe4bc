/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Follows the bytes that a bus sends to sd-bus, which takes up to 128 MiB for one message. */
#define FRAME_MAX (1 << 20)

enum frames_phase { FRAMES_FIRST, FRAMES_OK, FRAMES_AGREE, FRAMES_MESSAGES };
struct frames {
        enum frames_phase phase;
        char line[48]; /* of the authentication */
        uint8_t head[16];
        size_t have;   /* bytes of either */
        uint64_t left; /* bytes of the message after its head */
};
/* false: a message is too long, or it is not what sd-bus expects: it takes any line in the place of some, so that the
 * two could disagree about where messages begin. */
bool frames_accept(struct frames *f, const void *data, size_t n);
