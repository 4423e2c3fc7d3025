/* SPDX-License-Identifier: MIT */
/* "Did you mean …": the nearest of a list of names. */
#ifndef CLIPSPAN_SRC_BASE_NEAREST_H
#define CLIPSPAN_SRC_BASE_NEAREST_H

#include <stddef.h>

/* The name among `names` that is fewest edits (insert, delete, change, swap of neighbours; case
 * ignored) from `word`, or NULL when even that one is further than a third of the word's length
 * plus one. Names are at most 63 bytes long. */
const char *cs_nearest(const char *word, const char *const *names, size_t count);

#endif
