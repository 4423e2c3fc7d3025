/* SPDX-License-Identifier: MIT */
/* The nearest pictures of a run, by what heads wrote. Conventions: clipspan.h. */
#ifndef CLIPSPAN_SEARCH_H
#define CLIPSPAN_SEARCH_H

#include <clipspan/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Search: the nearest pictures of a run, by what heads wrote ---- */

typedef enum clipspan_compare {
    CLIPSPAN_COMPARE_COSINE = 0,  /* centred, over both lengths: -1 to 1 */
    CLIPSPAN_COMPARE_CENTRED = 1, /* products of what differs from the mean over the run */
    CLIPSPAN_COMPARE_PLAIN = 2    /* products, as published */
} clipspan_compare;

typedef struct clipspan_search_options {
    size_t struct_size;
    const clipspan_head *heads; /* [head_count] whose contributions are compared; NULL: the whole
                                   unit embedding is */
    size_t head_count;
    clipspan_compare compare;
    int threads; /* 0: clipspan_default_threads() */
} clipspan_search_options;
#define CLIPSPAN_SEARCH_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(clipspan_search_options), NULL, 0, CLIPSPAN_COMPARE_COSINE, 0                       \
    }

/* The codes of some heads of all used pictures of a merged run, in memory: 4 (K + 3) bytes a head
 * and picture. Every question is answered exactly, none of it approximated. Immutable, shared
 * freely between threads. */
typedef struct clipspan_search clipspan_search;

/* Errors: NOT_FOUND (not merged, or the run kept no codes), ARGUMENT (no such head), FORMAT, IO,
 * NOMEM, INTERRUPTED; progress counts chunks. */
CLIPSPAN_API clipspan_status clipspan_search_new(clipspan_search **out, const clipspan_run *run,
                                                 const clipspan_search_options *options,
                                                 const clipspan_progress *progress,
                                                 clipspan_error *err);
CLIPSPAN_API void clipspan_search_free(clipspan_search **search);
CLIPSPAN_API size_t clipspan_search_get_count(const clipspan_search *search); /* pictures */
/* Their places in the run, rising: [count]. */
CLIPSPAN_API const uint64_t *clipspan_search_get_places(const clipspan_search *search);

/* Where relative paths of the run's list start; "" without any. Lives as long as the search. */
CLIPSPAN_API const char *clipspan_search_get_folder(const clipspan_search *search);

/* How near every picture is to a query.
 *   scores : [count]   query : [head_count, P] what each of the heads wrote for another picture
 *   (clipspan_parts_run_terms), for a part of one (clipspan_parts_run_tokens, added up), or a
 *   text's unit vector for each, then is_text is 1 and it is not centred; [P] without heads
 * Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_search_run(double *scores, const clipspan_search *search,
                                                 const float *query, int is_text,
                                                 clipspan_error *err);

/* What each head gives to the score of picture `row`, 0 to count - 1: parts : [head_count] add up
 * to it. Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_search_run_parts(double *parts, const clipspan_search *search,
                                                       size_t row, const float *query, int is_text,
                                                       clipspan_error *err);

/* One picture on a contact sheet. */
typedef struct clipspan_hit {
    double score;
    const char *file;               /* to read it from */
    const char *path, *label, *why; /* shown */
} clipspan_hit;

/* A contact sheet as one self-contained HTML file: hits : [count], the best first; those that
 * cannot be read any more are named only. Errors: EXISTS unless `replace`, WRITE, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_search_write(const char *path, const char *title,
                                                   const char *about, const clipspan_hit *hits,
                                                   size_t count, int replace, clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
