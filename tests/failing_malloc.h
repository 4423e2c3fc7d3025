/* SPDX-License-Identifier: MIT */
/* An allocator that fails when it is told to. The linker turns the calls of a test program and of
 * the static library to the functions here (--wrap); what other libraries allocate themselves is
 * not touched. */
#ifndef CLIPSPAN_TESTS_FAILING_MALLOC_H
#define CLIPSPAN_TESTS_FAILING_MALLOC_H

#include <clipspan/base.h>
#include <stdatomic.h>

extern atomic_int failing_armed;  /* count calls */
extern atomic_long failing_calls; /* so far */
extern atomic_long failing_call;  /* the call that fails, from 1; 0: none */

/* Calls live once to count its allocations, at least `least`, then once for each of them, which
 * fails: it must end in NOMEM with a sentence, or do without that memory. What a call of live needs
 * to be there (packed weights) has to be before. */
void failing_malloc_each(clipspan_status (*live)(clipspan_error *err), long least);

#endif
