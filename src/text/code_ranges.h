/* SPDX-License-Identifier: MIT */
/* Sorted ranges of code points, as generated tables have them. */
#ifndef CLIPSPAN_SRC_TEXT_CODE_RANGES_H
#define CLIPSPAN_SRC_TEXT_CODE_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct range {
    uint32_t first, last;
};

/* Binary search. */
static inline int in_ranges(const struct range *ranges, size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code >= ranges[low].first;
}

#define IN(table, code) in_ranges((table), sizeof(table) / sizeof *(table), (code))

#endif
