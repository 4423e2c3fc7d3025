/* SPDX-License-Identifier: MIT */
/* Lists of images, and runs: the statistics and coefficients of a list of images. Conventions:
 * clipspan.h. */
#ifndef CLIPSPAN_RUN_H
#define CLIPSPAN_RUN_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Inputs: lists of images ---- */

typedef struct clipspan_inputs clipspan_inputs;

typedef struct clipspan_inputs_options {
    size_t struct_size;
    const char *root; /* relative paths of a CSV or list start here; NULL: the CSV's folder, the
                         current folder */
    const char *path_column; /* NULL: "path", "image" or "file" */
    const char *labels; /* "folder": the name of the folder an image lies in; else a CSV column;
                           NULL: no labels */
    const char *groups; /* CSV columns joined by commas, their product is the group; NULL: no
                           groups */
    const char *const *where; /* [where_count] "COLUMN=VALUE": of a CSV only the rows in which all
                                 of these hold */
    size_t where_count;
    const char *columns; /* further CSV columns to keep by name, joined by commas; "*": all but that
                            of the paths; NULL: none */
} clipspan_inputs_options;
#define CLIPSPAN_INPUTS_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(clipspan_inputs_options), NULL, NULL, NULL, NULL, NULL, 0, NULL                     \
    }

/* Lists images. A source is an image file, a folder (all images below it, sorted by path,
 * hidden ones left out), a .csv or .tsv file with a header, "-" (paths on standard input, one a
 * line) or "-0" (the same, NUL-separated). Images are not opened. Folders that are links are not
 * entered twice; a folder inside that cannot be read stays in the list under its own name, so that
 * it is counted as skipped. Duplicates are kept. Errors: NOT_FOUND, IO, FORMAT (with the line),
 * ARGUMENT (unknown column, with the ones there are), LIMIT, NOMEM; an empty list is a NOT_FOUND
 * error. */
CLIPSPAN_API clipspan_status clipspan_inputs_open(clipspan_inputs **out, const char *const *sources,
                                                  size_t count,
                                                  const clipspan_inputs_options *options,
                                                  clipspan_error *err);
CLIPSPAN_API void clipspan_inputs_close(clipspan_inputs **inputs);

/* What was listed, in the order of the sources. All of it lives as long as the inputs; an index is
 * below the count. */
CLIPSPAN_API size_t clipspan_inputs_get_count(const clipspan_inputs *inputs);
CLIPSPAN_API const char *const *
clipspan_inputs_get_paths(const clipspan_inputs *inputs); /* [count] */
CLIPSPAN_API const char *clipspan_inputs_get_label(const clipspan_inputs *inputs,
                                                   size_t index); /* "" without */
CLIPSPAN_API const char *clipspan_inputs_get_group(const clipspan_inputs *inputs,
                                                   size_t index); /* "" without */
CLIPSPAN_API size_t
clipspan_inputs_get_duplicates(const clipspan_inputs *inputs); /* paths named before */
/* Files of folders that are left out for their kind: GIF, BMP, TIFF, HEIC, AVIF and others that
 * hold images and cannot be read. */
CLIPSPAN_API size_t clipspan_inputs_get_left_out(const clipspan_inputs *inputs);
/* Folders that network drives keep beside images, with thumbnails or deleted files (@eaDir,
 * #recycle …), and that are not entered unless they are named. */
CLIPSPAN_API size_t clipspan_inputs_get_thumbnails(const clipspan_inputs *inputs);

/* Further columns that were kept: how many, the name of one (NULL beyond the last), and what an
 * image has there ("" where its source lacks the column). */
CLIPSPAN_API size_t clipspan_inputs_get_columns(const clipspan_inputs *inputs);
CLIPSPAN_API const char *clipspan_inputs_get_column(const clipspan_inputs *inputs, size_t column);
CLIPSPAN_API const char *clipspan_inputs_get_value(const clipspan_inputs *inputs, size_t index,
                                                   size_t column);

/* ---- Runs: statistics and coefficients of a list of images ---- */

/* A run is a folder with the results of one model's forward passes over a list of images: the list
 * itself, exact statistics of every head, and, unless coefficients are not kept, K + 3 numbers per
 * image and head from which every contribution follows (docs/run-format.md). It is planned, scanned
 * (in one go or in shards, on any machines that see the folder), and merged. Reading it never needs
 * the images again, except for their pixels.
 *
 * While a process writes, the folder is locked: shared by shards, exclusively by everything else.
 * Where the file system has no locks, shards go on without; anything else is a WRITE error unless
 * CLIPSPAN_NO_LOCK=1 is set in the environment.
 *
 * The same model, precision, CPU level and list give the same bytes of all arrays and the same rows
 * of the index, whatever the threads, shards, interruptions and order of arrival. */
typedef struct clipspan_run clipspan_run;

typedef struct clipspan_plan_options {
    size_t struct_size;
    clipspan_coefficients coefficients;  /* default: float32 */
    clipspan_precision precision;        /* default: float32 */
    const clipspan_image_options *image; /* NULL: defaults; max_pixels 0: resolved here, so that
                                                all shards agree */
    int replace;                         /* discard a run that already exists */
    /* Whose coefficients are kept: layers from first_layer on, layer_count of them; 0: all that
     * follow. With fewer than all layers the contributions of MLPs and of class-token
     * self-attention are not kept. Statistics are of all layers whatever is kept. */
    int first_layer, layer_count;
} clipspan_plan_options;
#define CLIPSPAN_PLAN_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_plan_options), CLIPSPAN_COEFFICIENTS_F32, CLIPSPAN_F32, NULL, 0, 0, 0      \
    }

/* Makes the folder `path` and its index: fixes the order of the images, the chunks, and what the
 * model is (SHA-256 of its weights, configuration, preprocessing). Images are not opened; only the
 * sizes of their files are read. When the same plan already exists nothing changes, and *found,
 * which may be NULL, is 1; when another process is making a plan, it is waited for. progress counts
 * bytes of weights. Errors: EXISTS (another plan, with the
 * first difference and both values; or a folder that is not empty and not a run), WRITE, IO,
 * INTERRUPTED, NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_run_plan(int *found, const char *path, clipspan_model *model,
                                               const clipspan_inputs *inputs,
                                               const clipspan_plan_options *options,
                                               const clipspan_progress *progress,
                                               clipspan_error *err);

/* Adds images to a merged run: a segment with an order of its own behind those that are there, to
 * be scanned and merged like the first; its options are those of the run. Statistics are then those
 * of both lists; its images' run and list indices follow those of the images before. Results of
 * later commands that were kept are removed. Errors: EXISTS (the run has the same list), NOT_FOUND
 * (not merged), FORMAT (another model, with both values), LIMIT, WRITE, IO, INTERRUPTED, NOMEM,
 * ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_run_extend(const char *path, clipspan_model *model,
                                                 const clipspan_inputs *inputs,
                                                 const clipspan_progress *progress,
                                                 clipspan_error *err);

typedef struct clipspan_scan_options {
    size_t struct_size;
    int threads;            /* 0: clipspan_default_threads() */
    uint64_t shard, shards; /* process only shard `shard`, from 1, of `shards`; 0, 0: everything */
    int verify_sum;         /* for every image, whether its contributions add up to its embedding */
    const char *root;       /* where relative paths start; NULL: where they did when planned */
    int images_anywhere;    /* 1: what a run of someone else lists is opened, wherever it is */
    int retries; /* how often an image that is away for a moment (CLIPSPAN_DETAIL_AWAY) is tried
                    again, after waits of 0.5, 2, 8, 32, 60, 60 … seconds, before the scan ends with
                    its error; 0: 3; -1: never */
    int retry_skipped; /* try again the images that were skipped: their sizes are taken anew, and
                          their chunks are done again. Not for a shard */
} clipspan_scan_options;
#define CLIPSPAN_SCAN_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_scan_options), 0, 0, 0, 0, NULL, 0, 0, 0                                   \
    }

/* What a scan did. Counts are of the chunks that this call worked on. */
typedef struct clipspan_scan_result {
    uint64_t chunks;        /* of the shard */
    uint64_t chunks_before; /* of them, done by earlier calls */
    uint64_t images, used, skipped;
    double residual; /* with verify_sum: the largest difference of a sum of contributions from its
                     embedding */
    size_t memory; /* bytes that passes, coefficients and statistics took, the encoder's weights not
                        counted */
    uint64_t retried; /* attempts to read an image again */
    uint64_t again;   /* images that were skipped before and are tried again (retry_skipped) */
} clipspan_scan_result;

/* Runs the images of a planned run, or of a shard of it, that are not done yet. Each chunk of 32 is
 * on disk as soon as it is done; a call that was stopped or killed is resumed by the next one. An
 * image that cannot be used is skipped with its reason; changed files (of another size than
 * planned) are too. One that cannot be read at this moment is not skipped: it is tried again, and
 * then ends the call with IO or NOMEM and CLIPSPAN_DETAIL_AWAY, with what was done kept. progress
 * counts images; when it asks to stop, the chunks in progress are finished first. Errors: FORMAT
 * (another model, CPU level or library than planned, with both values; damaged files of the run),
 * INTERRUPTED (can be called again), NUMBERS (verify_sum: more than 1e-5, or 4e-3 with f16
 * coefficients), WRITE (nothing that was done is lost), IO, NOMEM, ARGUMENT, and those of
 * clipspan_encoder_new. */
CLIPSPAN_API clipspan_status clipspan_run_scan(clipspan_scan_result *out, const char *path,
                                               clipspan_model *model,
                                               const clipspan_scan_options *options,
                                               const clipspan_progress *progress,
                                               clipspan_error *err);

/* How far one shard of a planned run is. */
#define CLIPSPAN_SKIP_REASONS 7
typedef struct clipspan_shard_progress {
    uint64_t chunks, chunks_done;
    uint64_t images;                         /* of all its chunks */
    uint64_t used;                           /* of the chunks that are done */
    uint64_t skipped[CLIPSPAN_SKIP_REASONS]; /* of them too, by reason */
} clipspan_shard_progress;

/* "missing", "unreadable", "changed", "unsupported", "damaged", "too large", "not finite"; NULL
 * beyond them. */
CLIPSPAN_API const char *clipspan_skip_reason(int reason);

/* What is done of shards first … first + count - 1, from 1, of `shards` (1 to 1,000,000), whoever
 * did it, from the run's files; before, during and after the scan, no lock is taken.
 *   out : [count]
 * A chunk that a damaged file holds is not done. progress, which may be NULL, counts shards.
 * Errors: ARGUMENT, NOT_FOUND (a run in memory), FORMAT, IO, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_run_read_progress(clipspan_shard_progress *out,
                                                        uint64_t first, uint64_t count,
                                                        uint64_t shards, const clipspan_run *run,
                                                        const clipspan_progress *progress,
                                                        clipspan_error *err);

/* Merges all shards: statistics of the whole and of its blocks, and the status of every image.
 * Merging again changes nothing. progress counts chunks. Errors: NOT_FOUND (chunks that are not
 * done, listed), FORMAT (a chunk of another run, damaged chunks, or no image that could be used,
 * with the first reason), WRITE, INTERRUPTED, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_merge(const char *path, const clipspan_progress *progress,
                                                clipspan_error *err);

typedef struct clipspan_run_info {
    const char *path;
    int format;                                       /* version of docs/run-format.md */
    int merged;                                       /* 0: still to be scanned or merged */
    const char *version;                              /* of the library that planned it */
    const char *model_name, *model_path, *model_hash; /* as opened; found; SHA-256 of the weights */
    const char *cpu_level, *product;
    clipspan_precision precision;
    clipspan_coefficients coefficients;
    int layers, heads, head_width, embed_width; /* L, H, K, P of the image encoder */
    int tokens, input_height, input_width, patch_size;
    uint64_t images, chunks, blocks;
    uint64_t duplicates;    /* images whose path was named before */
    uint64_t used, skipped; /* known once merged */
    int has_labels, has_groups;
    const char *folder;  /* where relative paths of its images start; "" when there are none */
    int exif_orient;     /* how its image files were read (clipspan_image_options): whoever */
    uint64_t max_pixels; /* opens one of them again has to read it in the same way */
    int first_layer, last_layer; /* whose coefficients were kept; -1 when none were */
    uint64_t segments;           /* lists that were planned one after the other */
    const char *modality;        /* "image": whose representations these are */
    const char *readout;         /* "class token": what the embedding is read from */
    int readout_rows;            /* rows of the residual stream that it takes: 1 */
    int own; /* 1: planned by this user, with the key that lies in the user's folder, so that its
                list of images is believed; 0: a run of someone else, or of another machine, whose
                images are opened with a root or with images_anywhere alone */
} clipspan_run_info;

/* Opens a run for reading. It may be shared between threads. Errors: NOT_FOUND, FORMAT,
 * UNSUPPORTED (another version of the format), IO, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_open(clipspan_run **out, const char *path,
                                               clipspan_error *err);
CLIPSPAN_API void clipspan_run_close(clipspan_run **run);

/* A run without a folder: one model's results for B images, as arrays in the order of their list. L
 * layers, H heads of width K, C = K + 3, P wide embeddings; numbers as docs/run-format.md has them.
 * The arrays are borrowed and must outlive the run; texts are copied, a NULL list is one of "". */
typedef struct clipspan_run_arrays {
    size_t struct_size;
    int layers, heads, head_width, embed_width; /* L, H, K, P */
    int tokens;                                 /* of an image, 0: not known */
    size_t images;                              /* B */
    const float *z;                             /* [L, H, B, K] */
    const double *scale;                        /* [B, 3]: 1/(sigma rho), -mu/(sigma rho), 1/rho */
    const float *embeddings;                    /* [B, P] unit vectors */
    const float *mlp;                           /* [L + 1, B, P]: what enters, then the MLPs */
    const float *class_attention;               /* [L, B, P]: class-token self-attention */
    const float *output_maps;                   /* [L, H, C, P]: A of every head */
    const char *const *paths, *const *labels, *const *groups; /* [B], or NULL */
    const char *model, *model_hash; /* its name, and the SHA-256 by which a run knows it; or NULL */
} clipspan_run_arrays;
#define CLIPSPAN_RUN_ARRAYS_INIT                                                                   \
    {                                                                                              \
        sizeof(clipspan_run_arrays), 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL,   \
            NULL, NULL, NULL, NULL                                                                 \
    }

/* Every call that reads a run takes it. Its order, chunks and blocks are those of a scan of the
 * same list; statistics of it and its blocks are computed here. Results are kept in memory as long
 * as it lives, while one thread writes them. It has no model to open and no pixels. Errors:
 * ARGUMENT (a shape that no model has, a missing array), NUMBERS (not finite; names array and
 * number), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_new_arrays(clipspan_run **out,
                                                     const clipspan_run_arrays *arrays,
                                                     clipspan_error *err);

/* Facts; the pointer lives as long as the run. */
CLIPSPAN_API const clipspan_run_info *clipspan_run_get_info(const clipspan_run *run);

/* Opens the model of a run, from where it was or from `name`, and checks that it is the same: its
 * weights are read once for their SHA-256. progress counts bytes. Errors: FORMAT (another model,
 * with both values), those of clipspan_model_open, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_run_open_model(clipspan_model **out, const clipspan_run *run,
                                                     const char *name,
                                                     const clipspan_progress *progress,
                                                     clipspan_error *err);

/* An image of a run. Texts live until the callback that gets them returns. */
typedef struct clipspan_run_image {
    uint64_t run_index;  /* in the run's order: chunk = run_index / 32 */
    uint64_t list_index; /* in the list */
    const char *path, *label, *group;
    int64_t bytes;        /* when planned; -1 when it could not be looked at */
    int64_t duplicate_of; /* list_index of the first image with that path, or -1 */
    const char *status;   /* "ok"; "missing", "unreadable", "changed", "unsupported", "damaged",
                           "too large", "not finite"; "planned" before the merge */
    const char *error;    /* why it was skipped, or "" */
    const char *columns;  /* further columns of its list as a JSON object, or "" */
} clipspan_run_image;

/* Calls `each` for the images of run indices [first, first + count) in order; a result other than 0
 * ends the call, which then returns INTERRUPTED or that result (see clipspan_progress). Errors:
 * ARGUMENT beyond the last, FORMAT, IO. */
CLIPSPAN_API clipspan_status clipspan_run_read_images(
    const clipspan_run *run, uint64_t first, uint64_t count,
    int (*each)(void *user, const clipspan_run_image *image), void *user, clipspan_error *err);

/* Statistics of one head's coefficients y (docs/math.md, (4)), C = K + 3 numbers per image, over
 * all used images or over block `block` (-1: all).
 *   count : one, images   mean : [C]
 *   covariance : [C, C], divided by count - 1 (zeros for fewer than two images)
 * Any may be NULL. Errors: NOT_FOUND before the merge, ARGUMENT, FORMAT, IO, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_read_head(double *count, double *mean, double *covariance,
                                                    const clipspan_run *run, int64_t block,
                                                    int layer, int head, clipspan_error *err);

/* The output map A of one head (docs/math.md, (5)): contribution = y A.   rows : [K + 3, P]
 * Errors: as above. */
CLIPSPAN_API clipspan_status clipspan_run_read_output_map(float *rows, const clipspan_run *run,
                                                          int layer, int head, clipspan_error *err);

/* Coefficients of one head for the used images of one chunk, in order of run_index.
 *   y : [32, K + 3] and run_indices : [32], caller's; *count of them are filled. Either may be
 *   NULL.
 * Errors: NOT_FOUND (coefficients were not kept, or the chunk is not scanned), ARGUMENT, FORMAT,
 * IO. */
CLIPSPAN_API clipspan_status clipspan_run_read_coefficients(double *y, uint64_t *run_indices,
                                                            size_t *count, const clipspan_run *run,
                                                            uint64_t chunk, int layer, int head,
                                                            clipspan_error *err);

/* Means over the used images of z, the heads' attention-weighted sums of values for the class token
 * (docs/math.md, (1)), from coefficients: the first K of an image over the next one, 1/(sigma rho),
 * which is their scale. (The means of coefficients in the statistics weight images by that scale.)
 *   z : [count, K]   heads : [count]
 * progress counts chunks; may be NULL. Errors: NOT_FOUND (not merged, coefficients not kept),
 * ARGUMENT, FORMAT, IO, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_run_read_mixed(float *z, const clipspan_run *run,
                                                     const clipspan_head *heads, size_t count,
                                                     const clipspan_progress *progress,
                                                     clipspan_error *err);

/* P-wide vectors that a run keeps. */
typedef enum clipspan_vectors {
    CLIPSPAN_VECTORS_EMBEDDING = 0,           /* index 0: the unit embedding */
    CLIPSPAN_VECTORS_MLP = 1,                 /* index 0: the class token as it enters the first
                                                 layer, l + 1: the MLP of layer l; contributions */
    CLIPSPAN_VECTORS_CLASS_SELF_ATTENTION = 2 /* index l: class-token self-attention of layer l */
} clipspan_vectors;

/* Vectors of the used images of one chunk, in order of run_index.
 *   vectors : [32, P] and run_indices : [32], caller's; *count of them are filled. Either may be
 *   NULL.
 * Errors: NOT_FOUND (contributions were not kept, or the chunk is not scanned), ARGUMENT, FORMAT,
 * IO, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_read_vectors(float *vectors, uint64_t *run_indices,
                                                       size_t *count, const clipspan_run *run,
                                                       uint64_t chunk, clipspan_vectors kind,
                                                       int index, clipspan_error *err);

typedef struct clipspan_span_options clipspan_span_options; /* span.h */

/* TEXTSPAN of heads of a merged run, as clipspan_span_new; stability is that of the run's blocks,
 * and those of the options must be none. Reads a few heads at a time. Errors: those, and of reading
 * the run. */
CLIPSPAN_API clipspan_status clipspan_span_new_run(clipspan_span **out, const clipspan_run *run,
                                                   const clipspan_head *heads, size_t count,
                                                   const clipspan_bank *bank,
                                                   const clipspan_span_options *options,
                                                   const clipspan_progress *progress,
                                                   clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
