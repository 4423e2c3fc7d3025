/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "fence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define GUARD   64
#define MOST    256
#define PATTERN 0xa5

static struct fence {
    unsigned char *array, *pages;
    size_t length;
} fences[MOST];

void *fence_new(size_t count, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = count * size;
    const size_t body = (bytes + GUARD + page - 1) / page * page;
    struct fence *f = fences;
    while (f->array)
        f++;
    assert_true(f < fences + MOST);
    f->length = body + page;
    f->pages = mmap(NULL, f->length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true((void *)f->pages != MAP_FAILED);
    assert_int_equal(mprotect(f->pages + body, page, PROT_NONE), 0);
    memset(f->pages, PATTERN, body);
    f->array = f->pages + body - bytes;
    return f->array;
}

void fence_free(void *array)
{
    struct fence *f = fences;
    while (f->array != array)
        f++;
    for (size_t i = 1; i <= GUARD; i++)
        assert_int_equal(f->array[-(ptrdiff_t)i], PATTERN);
    munmap(f->pages, f->length);
    f->array = NULL;
}
