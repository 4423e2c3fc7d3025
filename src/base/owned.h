/* SPDX-License-Identifier: MIT */
/* What a public struct shows as const, for the code that owns and fills it. */
#ifndef CLIPSPAN_BASE_OWNED_H
#define CLIPSPAN_BASE_OWNED_H

#include <string.h>

static inline void *cs_owned(const void *shown)
{
    void *own;
    memcpy(&own, &shown, sizeof own);
    return own;
}

#endif
