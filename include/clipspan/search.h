/* SPDX-License-Identifier: MIT */
/* The nearest images of a run, by contributions of heads. Conventions: clipspan.h. */
#ifndef CLIPSPAN_SEARCH_H
#define CLIPSPAN_SEARCH_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Search: the nearest images of a run, by contributions of heads ---- */

typedef enum clipspan_compare {
    CLIPSPAN_COMPARE_COSINE = 0,  /* centred, divided by both lengths: -1 to 1 */
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

/* The coefficients of some heads of all used images of a merged run, in memory: 4 (K + 3) bytes per
 * head and image. Every query is answered exactly, without approximation. Immutable, shared freely
 * between threads. */
typedef struct clipspan_search clipspan_search;

/* Errors: NOT_FOUND (not merged, or the run kept no coefficients), ARGUMENT (no such head), FORMAT,
 * IO, NOMEM, INTERRUPTED; progress counts chunks. */
CLIPSPAN_API clipspan_status clipspan_search_new(clipspan_search **out, const clipspan_run *run,
                                                 const clipspan_search_options *options,
                                                 const clipspan_progress *progress,
                                                 clipspan_error *err);
CLIPSPAN_API void clipspan_search_free(clipspan_search **search);
CLIPSPAN_API size_t clipspan_search_get_count(const clipspan_search *search); /* images */
/* Their indices in the run, rising: [count]. */
CLIPSPAN_API const uint64_t *clipspan_search_get_run_indices(const clipspan_search *search);

/* Where relative paths of the run's list start; "" without any. Lives as long as the search. */
CLIPSPAN_API const char *clipspan_search_get_folder(const clipspan_search *search);

/* How near every image is to a query, by the options' comparison over the heads.
 *   scores : [count]   query : [head_count, P] the heads' contributions to another image
 *   (clipspan_decomposition_run_contributions) or to a region of one
 *   (clipspan_decomposition_run_tokens, added up), or a text's unit vector for each, then is_text
 *   is 1 and it is not centred; [P] without heads
 * Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_search_run(double *scores, const clipspan_search *search,
                                                 const float *query, int is_text,
                                                 clipspan_error *err);

/* What each head contributes to the score of image `row`, 0 to count - 1.   contributions :
 * [head_count], which add up to it. Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_search_run_contributions(double *contributions,
                                                               const clipspan_search *search,
                                                               size_t row, const float *query,
                                                               int is_text, clipspan_error *err);

/* ---- Queries: several things looked for at once, by several groups of heads ---- */

/* What to look for in a run, combined from heads, images and texts:
 *
 *     score[n] = sum over groups g and items i of  weight_g weight_i s_g(i, n)
 *
 * with s_g the score of clipspan_search_run by the heads of group g: so an image can be near in
 * colour and far in position, like one image and unlike another. Coefficients read for one search
 * are kept for the next. The run must outlive it. Used by one thread at a time. */
typedef struct clipspan_query clipspan_query;

typedef enum clipspan_query_kind {
    CLIPSPAN_QUERY_FILE = 0,   /* an image file, or a region of one */
    CLIPSPAN_QUERY_STORED = 1, /* an image of the run: needs neither its file nor the model */
    CLIPSPAN_QUERY_TEXT = 2,
    CLIPSPAN_QUERY_VECTOR = 3 /* a unit vector of the joint image-text embedding space, compared as
                                 a text's */
} clipspan_query_kind;

typedef struct clipspan_query_options {
    size_t struct_size;
    clipspan_compare compare;
    int threads;           /* 0: clipspan_default_threads() */
    clipspan_model *model; /* the run's (clipspan_run_open_model), which must outlive the
                                        query; NULL: files and texts are refused */
    const clipspan_texts
        *templates; /* that texts are put into, must outlive the query; NULL: "{}" */
} clipspan_query_options;
#define CLIPSPAN_QUERY_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_query_options), CLIPSPAN_COMPARE_COSINE, 0, NULL, NULL                     \
    }

/* options may be NULL. Errors: NOT_FOUND (the run is not merged or kept no coefficients), ARGUMENT
 * (a model of another shape than the run's), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_query_new(clipspan_query **out, const clipspan_run *run,
                                                const clipspan_query_options *options,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_query_free(clipspan_query **query);

/* Groups of heads that are compared together. Without any the whole embedding is compared, or all
 * heads where a region is looked for.
 *   heads : [count], copied; NULL, 0: the whole embedding   name: as readers see it
 *   weight: -1e6 to 1e6, 1 for an only one
 *   add_role: heads of the atlas that carry the role; the atlas is not needed afterwards
 * Errors: ARGUMENT (no such head or role, with those there are), LIMIT (64 groups), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_query_add_heads(clipspan_query *query, const char *name,
                                                      const clipspan_head *heads, size_t count,
                                                      double weight, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_query_add_role(clipspan_query *query,
                                                     const clipspan_atlas *atlas, const char *role,
                                                     double weight, clipspan_error *err);

/* Adds an item to look for; a negative weight subtracts it.
 *   add_image   an image file, or, where there is none of that name, an image of the run by its
 *               path, the end of its path, or "#17" for index 17 in the run's list
 *   region : [4]  left, top, width, height in pixels of the file (turned as the run turned its
 *               files): patches whose centres lie in it; NULL: all of it
 *   add_stored  an image of the run by its index in the list
 *   add_vector  vector : [P], copied
 * Files are read by clipspan_hits_new, in the run's precision and with its options of images.
 * Errors: NOT_FOUND, ARGUMENT (several images are called so; it was skipped; a region of an image
 * of the run), LIMIT (4,096 items), IO, FORMAT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_query_add_image(clipspan_query *query, const char *name,
                                                      const double *region, double weight,
                                                      clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_query_add_stored(clipspan_query *query, uint64_t index,
                                                       double weight, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_query_add_text(clipspan_query *query, const char *text,
                                                     double weight, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_query_add_vector(clipspan_query *query, const char *name,
                                                       const float *vector, double weight,
                                                       clipspan_error *err);

/* Removes all items, and keeps the groups and the coefficients read for them. */
CLIPSPAN_API void clipspan_query_clear(clipspan_query *query);

/* ---- Hits: what a query found ---- */

typedef struct clipspan_query_group {
    const char *name; /* a role, "heads", "embedding" */
    const char *pool; /* whose roles; NULL: no role */
    double weight;
    const clipspan_head *heads; /* [head_count]; NULL: the whole embedding */
    size_t head_count;
} clipspan_query_group;

typedef struct clipspan_query_item {
    clipspan_query_kind kind;
    const char *name;
    double weight;
    int is_text; /* a text or vector, which is not centred */
    int has_region;
    double region[4];          /* left, top, width, height in pixels */
    uint64_t run_index, index; /* of an image of the run: in the run's order, in the list */
} clipspan_query_item;

/* What one head contributes to a hit's score. */
typedef struct clipspan_hit_contribution {
    size_t group; /* a number of the query's groups */
    clipspan_head head;
    double contribution;
} clipspan_hit_contribution;

typedef struct clipspan_hits_row {
    double score;
    uint64_t run_index, index; /* in the run's order, in the list */
    int64_t duplicate_of;      /* index of the first image of that path, or -1 */
    const char *path, *label, *group;
    const char *file;                               /* to read it from */
    const clipspan_hit_contribution *contributions; /* [contribution_count] the highest first; none
                                       by whole embeddings */
    size_t contribution_count;
    const char *why; /* the first three in words: "L11.H3 0.41, L10.H0 0.12" */
} clipspan_hits_row;

typedef struct clipspan_hits_info {
    const char *run;   /* path */
    const char *query; /* in words */
    clipspan_compare compare;
    uint64_t images; /* compared */
    size_t hits, groups, items;
    size_t contributions; /* of a hit at most */
} clipspan_hits_info;

typedef struct clipspan_hits_options {
    size_t struct_size;
    size_t top;        /* hits at most; 0: 10 */
    int contributions; /* heads named for a hit; 0: 3, -1: all, which add up to its score */
    int no_duplicates; /* 1: of images whose paths are the same the first alone */
    int others_only;   /* 1: images of the run that are looked for are left out */
    const char *root; /* where relative paths start now; NULL: where they did when it was planned */
    int images_anywhere; /* 1: files that a run of someone else lists are named for pages too */
} clipspan_hits_options;
#define CLIPSPAN_HITS_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_hits_options), 0, 0, 0, 0, NULL, 0                                         \
    }

/* Immutable, shared freely between threads; needs neither query nor run any more. */
typedef struct clipspan_hits clipspan_hits;

/* Runs a query. Of equal scores the image that is earlier in the run comes first. progress counts
 * chunks of coefficients, of groups that no earlier call read. options may be NULL. Errors:
 * ARGUMENT (nothing to look for, a text without tokens, a region without a patch), UNSUPPORTED (no
 * text encoder), NOMEM, INTERRUPTED, those of reading the run and of clipspan_pixels_read. */
CLIPSPAN_API clipspan_status clipspan_hits_new(clipspan_hits **out, clipspan_query *query,
                                               const clipspan_hits_options *options,
                                               const clipspan_progress *progress,
                                               clipspan_error *err);
CLIPSPAN_API void clipspan_hits_free(clipspan_hits **hits);

/* info; rows : [info.hits], the highest score first; groups : [info.groups]; items : [info.items].
 * They live as long as the hits. Numbers out of range give NULL. */
CLIPSPAN_API const clipspan_hits_info *clipspan_hits_get_info(const clipspan_hits *hits);
CLIPSPAN_API const clipspan_hits_row *clipspan_hits_get_row(const clipspan_hits *hits,
                                                            size_t number);
CLIPSPAN_API const clipspan_query_group *clipspan_hits_get_group(const clipspan_hits *hits,
                                                                 size_t number);
CLIPSPAN_API const clipspan_query_item *clipspan_hits_get_item(const clipspan_hits *hits,
                                                               size_t number);

/* A contact sheet as one self-contained HTML file; images are read as the run read them, and those
 * that cannot be read any more are named only. Errors: EXISTS unless `replace`, WRITE, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_hits_write(const char *path, const clipspan_hits *hits,
                                                 int replace, clipspan_error *err);

/* The document of `clipspan search --json` (docs/json.md), in pieces; flat: 1 for lines of path,
 * tab, value instead, 2 for those of a spreadsheet (--spreadsheet). Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_hits_write_json(const clipspan_hits *hits, int flat,
                                                      void (*put)(void *to, const char *text,
                                                                  size_t size),
                                                      void *to, clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
