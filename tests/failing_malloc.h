/* SPDX-License-Identifier: MIT */
/* An allocator that fails when it is told to. The linker turns the calls of a test program and of
 * the static library to the functions here (--wrap); what other libraries allocate themselves is
 * not touched. */
#ifndef CLIPSPAN_TESTS_FAILING_MALLOC_H
#define CLIPSPAN_TESTS_FAILING_MALLOC_H

#include <stdatomic.h>

extern atomic_int failing_armed;  /* count calls */
extern atomic_long failing_calls; /* so far */
extern atomic_long failing_call;  /* the call that fails, from 1; 0: none */

#endif
