/* SPDX-License-Identifier: MIT */
/* Errors are values: raised once where they are detected, propagated untouched. */
#ifndef CLIPSPAN_SRC_BASE_ERROR_H
#define CLIPSPAN_SRC_BASE_ERROR_H

#include <clipspan/base.h>

#if defined(__GNUC__)
#    define CS_PRINTF(text, args) __attribute__((format(printf, text, args)))
#else
#    define CS_PRINTF(text, args)
#endif

/* Fills err (may be NULL) with code and the formatted sentence and returns code. Text that does not
 * fit ends in "…" at a character boundary. What a file name or tensor name may bring in is escaped
 * (base/escape.h): "\n", "\u001b", "\u202e", "\xff". The arguments must not point into
 * err->message. */
clipspan_status cs_fail(clipspan_error *err, clipspan_status code, const char *format, ...)
    CS_PRINTF(3, 4);

/* The same with `path` and ": " in front; a path of more than 400 bytes keeps its first 100 and
 * last 290. */
clipspan_status cs_fail_at(clipspan_error *err, clipspan_status code, const char *path,
                           const char *format, ...) CS_PRINTF(4, 5);

/* Out of memory while making `what`: "out of memory: 12345 bytes for packed weights". */
clipspan_status cs_fail_memory(clipspan_error *err, size_t bytes, const char *what);

/* After a callback whose result was not 0: that result where it is an error code (-1 is none: many
 * callbacks stop with it), else INTERRUPTED with the sentence. */
clipspan_status cs_stopped(clipspan_error *err, int result, const char *format, ...)
    CS_PRINTF(3, 4);

/* Adds a detail to an error that was just made and returns its code:
 *     return cs_detail(err, CLIPSPAN_DETAIL_OTHER_RUN, cs_fail_at(err, …)); */
clipspan_status cs_detail(clipspan_error *err, clipspan_detail detail, clipspan_status code);

/* Sets err to success. */
void cs_clear(clipspan_error *err);

/* Leaves the function with the status of a call that failed. */
#define CS_TRY(call)                                                                               \
    do {                                                                                           \
        clipspan_status cs_try_status = (call);                                                    \
        if (cs_try_status != CLIPSPAN_OK) return cs_try_status;                                    \
    } while (0)

/* The same where memory or files must be given back at the label `done`, with `clipspan_status
 * status` in scope. */
#define CS_TRY_DONE(call)                                                                          \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != CLIPSPAN_OK) goto done;                                                      \
    } while (0)

#endif
