/* SPDX-License-Identifier: MIT */
/* Allocation with overflow checks and a reason, and the planned arena. */
#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

int cs_size_mul(size_t *out, size_t a, size_t b)
{
    if (a != 0 && b > SIZE_MAX / a) {
        *out = 0;
        return 0;
    }
    *out = a * b;
    return 1;
}

void *cs_alloc(size_t count, size_t size, const char *what, clipspan_error *err)
{
    size_t bytes;
    void *memory = NULL;
    if (!cs_size_mul(&bytes, count, size))
        bytes = SIZE_MAX;
    else
        memory = malloc(bytes ? bytes : 1);
    if (!memory) cs_fail_memory(err, bytes, what);
    return memory;
}

void *cs_alloc_zero(size_t count, size_t size, const char *what, clipspan_error *err)
{
    size_t bytes;
    void *memory = NULL;
    if (!cs_size_mul(&bytes, count, size))
        bytes = SIZE_MAX;
    else
        memory = calloc(bytes ? bytes : 1, 1);
    if (!memory) cs_fail_memory(err, bytes, what);
    return memory;
}

/* Large blocks start on a huge page and ask for huge pages: fewer page faults while weights are
 * packed, fewer address look-ups while they stream through the products. */
void *cs_alloc_aligned(size_t count, size_t size, const char *what, clipspan_error *err)
{
    size_t bytes;
    void *memory = NULL;
    if (!cs_size_mul(&bytes, count, size) || bytes > SIZE_MAX - HUGE_PAGE)
        bytes = SIZE_MAX;
    else {
        size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : CS_ALIGN;
        if (posix_memalign(&memory, align, bytes ? bytes : CS_ALIGN) != 0) memory = NULL;
#ifdef MADV_HUGEPAGE
        if (memory && align == HUGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    }
    if (!memory) cs_fail_memory(err, bytes, what);
    return memory;
}

void cs_free(void *memory)
{
    free(memory);
}

clipspan_status cs_grow(void *memory, size_t *room, size_t need, size_t size, const char *what,
                        clipspan_error *err)
{
    void *old, *grown;
    size_t wanted = *room, bytes;
    memcpy(&old, memory, sizeof old);
    if (need <= *room && old) return CLIPSPAN_OK;
    wanted = wanted < 16 ? 16 : wanted > SIZE_MAX / 2 ? need : 2 * wanted;
    if (wanted < need) wanted = need;
    if (!cs_size_mul(&bytes, wanted, size)) return cs_fail_memory(err, SIZE_MAX, what);
    grown = realloc(old, bytes ? bytes : 1);
    if (!grown) return cs_fail_memory(err, bytes, what);
    memcpy(memory, &grown, sizeof grown);
    *room = wanted;
    return CLIPSPAN_OK;
}

char *cs_strndup(const char *text, size_t length, clipspan_error *err)
{
    char *copy = cs_alloc(length + 1, 1, "text", err);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *cs_strdup(const char *text, clipspan_error *err)
{
    return cs_strndup(text, strlen(text), err);
}

void *cs_arena_carve(cs_arena *arena, size_t count, size_t size)
{
    size_t bytes, start = arena->used;
    if (!cs_size_mul(&bytes, count, size) || bytes > SIZE_MAX - CS_ALIGN - start) {
        arena->overflow = 1;
        return NULL;
    }
    bytes = (bytes + CS_ALIGN - 1) / CS_ALIGN * CS_ALIGN;
    arena->used = start + bytes;
    return arena->base && arena->used <= arena->size ? arena->base + start : NULL;
}

clipspan_status cs_arena_take(cs_arena *arena, const char *what, clipspan_error *err)
{
    if (arena->overflow) return cs_fail_memory(err, SIZE_MAX, what);
    arena->base = cs_alloc_aligned(arena->used, 1, what, err);
    if (!arena->base) return CLIPSPAN_E_NOMEM;
    memset(arena->base, 0, arena->used);
    arena->size = arena->used;
    arena->used = 0;
    return CLIPSPAN_OK;
}

void cs_arena_fini(cs_arena *arena)
{
    cs_free(arena->base);
    memset(arena, 0, sizeof *arena);
}
