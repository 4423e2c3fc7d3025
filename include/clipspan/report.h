/* SPDX-License-Identifier: MIT */
/* HTML pages, and files for other programs. Conventions: clipspan.h. */
#ifndef CLIPSPAN_REPORT_H
#define CLIPSPAN_REPORT_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Reports ---- */

typedef struct clipspan_report_options {
    size_t struct_size;
    const char *root; /* where relative paths of images start now; NULL: where they did when the
                         run was planned */
    int no_images;    /* 1: file names only, no image data in the page */
    int replace;
    int threads;      /* 0: clipspan_default_threads() */
    const char *note; /* what a reader has to know before the findings, plain text; NULL: nothing */
    const clipspan_run
        *run; /* whose kept studies are shown too (clipspan_effects_table_keep, …); NULL: none */
    int images_anywhere; /* 1: what a run of someone else lists is opened, wherever it is */
    int paths; /* 1: absolute paths of images, model and run; 0: none, a page may be passed on */
} clipspan_report_options;
#define CLIPSPAN_REPORT_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(clipspan_report_options), NULL, 0, 0, 0, NULL, NULL, 0, 0                           \
    }

/* Writes an atlas as one HTML page: what was run and found, the head grid, direct effect by layer,
 * every head's basis texts, stability and verdict, and the images at the top and bottom of first
 * basis texts as thumbnails of 64 pixels (the name alone where an image is gone); with a run also
 * what heads do for a classification, ablations and shortcuts, as it keeps them. The page is
 * self-contained and works without scripts. The same atlas and images give the same bytes with the
 * same libjpeg. progress counts images. options and progress may be NULL. Errors: EXISTS, WRITE,
 * INTERRUPTED, NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_report_write(const char *path, const clipspan_atlas *atlas,
                                                   const clipspan_report_options *options,
                                                   const clipspan_progress *progress,
                                                   clipspan_error *err);

/* ---- Pages about explanations ---- */

typedef struct clipspan_explain_options {
    size_t struct_size;
    const clipspan_atlas *atlas; /* of a run of the same model, for roles and texts, or NULL */
    const char *model, *image;   /* their names as readers see them */
    int top;                     /* heads whose maps are drawn for a text, 1 to 64; 0: 5 */
    int replace;
} clipspan_explain_options;
#define CLIPSPAN_EXPLAIN_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(clipspan_explain_options), NULL, NULL, NULL, 0, 0                                   \
    }

/* Writes an explanation as one HTML page: what was found, the map over the image, layers by heads,
 * MLPs, the strongest heads and patches, for every text; every map of every head to be looked at,
 * as 16-bit numbers. The page loads nothing; scripts only choose and draw. view: the image that was
 * explained. options may be NULL. Errors: EXISTS, WRITE, NOMEM, ARGUMENT (an atlas of a model with
 * other heads). */
CLIPSPAN_API clipspan_status clipspan_explanation_write(const char *path,
                                                        const clipspan_explanation *explanation,
                                                        const clipspan_view *view,
                                                        const clipspan_explain_options *options,
                                                        clipspan_error *err);

/* ---- Exports ---- */

typedef struct clipspan_export_options {
    size_t struct_size;
    const char *dataset, *model; /* in the files' names; NULL: last components of the paths of the
                                    run and of its model */
    int threads;
    int replace;
} clipspan_export_options;
#define CLIPSPAN_EXPORT_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(clipspan_export_options), NULL, NULL, 0, 0                                          \
    }

/* The arrays of the published program, float32, one row per used image, in the order of the list:
 *     FOLDER/DATASET_attn_MODEL.npy      [B, L, H, P]   heads, tokens summed
 *     FOLDER/DATASET_mlp_MODEL.npy       [B, L + 1, P]  MLP contributions
 *     FOLDER/DATASET_cls_attn_MODEL.npy  [B, L, P]      the class-token self-attention
 * Memory: 32 images' rows, and the output maps. progress counts images. options may be NULL.
 * Errors: NOT_FOUND (not merged, or no coefficients kept), EXISTS unless `replace`, WRITE, FORMAT,
 * IO, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_run_export(const char *folder, const clipspan_run *run,
                                                 const clipspan_export_options *options,
                                                 const clipspan_progress *progress,
                                                 clipspan_error *err);

/* The published program's list of basis texts, for the atlas's layers: a dashed line, "Layer l,
 * Head h", a dashed line, then one text per line; at the end the number of texts. (Its line with an
 * accuracy is left out: that needs labels.) path NULL: in `folder`, which may be NULL otherwise, as
 * DATASET_completeness_POOL_top_BASIS_TEXTS_heads_MODEL.txt. Errors: EXISTS unless `replace`,
 * WRITE, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_atlas_export(const char *path, const char *folder,
                                                   const clipspan_atlas *atlas,
                                                   const clipspan_export_options *options,
                                                   clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
