/* SPDX-License-Identifier: MIT */
/* Arrays whose last byte lies against a page that may not be touched, so that one byte read or
 * written too far ends the test; bytes before the array hold a pattern that fence_free checks. */
#ifndef CLIPSPAN_TESTS_FENCE_H
#define CLIPSPAN_TESTS_FENCE_H

#include <stddef.h>

/* count items of `size` bytes. They begin wherever that puts them: no alignment beyond the
 * size's. */
void *fence_new(size_t count, size_t size);
/* Gives the array back; the test fails when bytes before it have changed. */
void fence_free(void *array);

#endif
