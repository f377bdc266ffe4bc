/* SPDX-License-Identifier: MIT */
/* Fuzzes the search for messages in the bytes of a container's bus: it comes to the same result however they arrive. */
#include "fuzz.h"

#include "svc/machine/frames.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct frames whole = { 0 }, parts = { 0 };
        bool good = frames_accept(&whole, data, size), same = true;

        for (size_t i = 0; i < size && same; i++)
                same = frames_accept(&parts, data + i, 1);
        must(good == same);
        if (good)
                must(whole.left == parts.left && whole.have == parts.have && whole.phase == parts.phase);
        must(whole.have < sizeof(whole.line) && (!good || whole.left <= FRAME_MAX));
        return 0;
}
