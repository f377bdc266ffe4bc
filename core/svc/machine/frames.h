/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds the messages in the bytes that a bus sends. sd-bus takes up to 128 MiB for one. */
#define FRAME_MAX (1 << 20)

struct frames {
        uint8_t head[16]; /* of a message */
        size_t have;      /* bytes of it */
        uint64_t left;    /* bytes of the message after it */
        size_t line;      /* bytes of a line, with which a connection begins */
};
/* false: a message or a line is too long. */
bool frames_accept(struct frames *f, const void *data, size_t n);
