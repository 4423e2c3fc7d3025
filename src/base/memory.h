/* SPDX-License-Identifier: MIT */
/* Sizes that cannot overflow, allocations that say what they were for, and an arena that is planned
 * before it is taken. */
#ifndef CLIPSPAN_SRC_BASE_MEMORY_H
#define CLIPSPAN_SRC_BASE_MEMORY_H

#include "base/error.h"

#define CS_ALIGN 64 /* bytes: a cache line and an AVX-512 vector */

/* *out = a * b, or 0 and a return of 0 when the product does not fit a size_t; 1 on success. */
int cs_size_mul(size_t *out, size_t a, size_t b);

/* count * size bytes, zeroed or not, or NULL with err filled ("… bytes for WHAT"); never returns
 * NULL for count 0. Give back with cs_free. cs_alloc_aligned: on a CS_ALIGN boundary, give back
 * with cs_free too. */
void *cs_alloc(size_t count, size_t size, const char *what, clipspan_error *err);
void *cs_alloc_zero(size_t count, size_t size, const char *what, clipspan_error *err);
void *cs_alloc_aligned(size_t count, size_t size, const char *what, clipspan_error *err);
void cs_free(void *memory);

/* Grows *memory (an array of `size`-byte items with room for *room) so that it holds `need` items,
 * at least doubling. On failure nothing changes. */
clipspan_status cs_grow(void *memory, size_t *room, size_t need, size_t size, const char *what,
                        clipspan_error *err);

/* A copy of `length` bytes of text and a NUL. */
char *cs_strndup(const char *text, size_t length, clipspan_error *err);
char *cs_strdup(const char *text, clipspan_error *err);

/* An arena is laid out twice with the same calls: first with base NULL, which only adds up sizes,
 * then with a block of `used` bytes. Every piece starts on a CS_ALIGN boundary.
 *
 *     cs_arena a = {0};
 *     plan(&a); cs_arena_take(&a, "workspace", err); plan(&a); … cs_arena_fini(&a);
 */
typedef struct cs_arena {
    unsigned char *base;
    size_t used, size;
    int overflow;
} cs_arena;

/* The next count * size bytes: NULL in measure mode. */
void *cs_arena_carve(cs_arena *arena, size_t count, size_t size);
/* Ends measure mode: takes the block (zeroed) and starts at its beginning. */
clipspan_status cs_arena_take(cs_arena *arena, const char *what, clipspan_error *err);
void cs_arena_fini(cs_arena *arena);

#endif
