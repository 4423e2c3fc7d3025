/* SPDX-License-Identifier: MIT */
/* malloc and its kin, counted. */
#define _POSIX_C_SOURCE 200809L
#include "failing_malloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

atomic_int failing_armed;
atomic_long failing_calls, failing_call;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_posix_memalign(void **out, size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_posix_memalign(void **out, size_t align, size_t size);

static int fails(void)
{
    return failing_armed && ++failing_calls == failing_call;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

int __wrap_posix_memalign(void **out, size_t align, size_t size)
{
    return fails() ? ENOMEM : __real_posix_memalign(out, align, size);
}

/* With allocation `call` failing; 0: none does. */
static clipspan_status live_with(clipspan_status (*live)(clipspan_error *err), long call,
                                 clipspan_error *err)
{
    clipspan_status status;
    failing_calls = 0;
    failing_call = call;
    failing_armed = 1;
    status = live(err);
    failing_armed = 0;
    return status;
}

void failing_malloc_each(clipspan_status (*live)(clipspan_error *err), long least)
{
    clipspan_error err;
    long most;
    if (live_with(live, 0, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    most = failing_calls;
    assert_true(most > least);
    for (long n = 1; n <= most; n++) {
        clipspan_status status;
        err = (clipspan_error){.code = CLIPSPAN_E_INTERNAL, .message = "never filled"};
        status = live_with(live, n, &err);
        if (status != CLIPSPAN_OK && status != CLIPSPAN_E_NOMEM)
            fail_msg("allocation %ld of %ld: status %s, %s", n, most, clipspan_status_name(status),
                     err.message);
        if (status != CLIPSPAN_OK) assert_non_null(strstr(err.message, "out of memory"));
    }
}
