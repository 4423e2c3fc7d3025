/* SPDX-License-Identifier: MIT */
/* Explanations of single images: contrasts, findings, the joint figure. Conventions:
 * clipspan.h. */
#ifndef CLIPSPAN_EXPLAIN_H
#define CLIPSPAN_EXPLAIN_H

#include <clipspan/atlas.h>
#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Maps of several texts against each other ---- */

typedef enum clipspan_map_contrast {
    CLIPSPAN_MAP_CONTRAST_NONE = 0,
    CLIPSPAN_MAP_CONTRAST_MEAN = 1,      /* minus the mean over all texts, as published */
    CLIPSPAN_MAP_CONTRAST_RUNNER_UP = 2, /* minus the highest of the other texts, patch by patch */
    CLIPSPAN_MAP_CONTRAST_PAIRS = 3      /* every text minus every later one: T (T - 1) / 2 maps */
} clipspan_map_contrast;

/* The number of maps from T texts: T, or one per pair. 0 for a contrast of a single text. */
CLIPSPAN_API size_t clipspan_map_contrast_get_rows(clipspan_map_contrast contrast, size_t T);

/* The texts of map `row`: for a pair, *second is subtracted from *first; else both are `row`. */
CLIPSPAN_API void clipspan_map_contrast_get_pair(size_t *first, size_t *second,
                                                 clipspan_map_contrast contrast, size_t T,
                                                 size_t row);

/* out : [rows, n]   maps : [T, n], rows `stride` numbers apart (to leave the class token out,
 * start after it and keep the stride N). Errors: ARGUMENT (fewer than two texts, but for NONE). */
CLIPSPAN_API clipspan_status clipspan_map_contrast_run(float *out, const float *maps, size_t T,
                                                       size_t n, size_t stride,
                                                       clipspan_map_contrast contrast,
                                                       clipspan_error *err);

/* "each text minus the mean of all" and so on. */
CLIPSPAN_API const char *clipspan_map_contrast_get_words(clipspan_map_contrast contrast);

/* ---- Findings: what stands out in an explanation ---- */

typedef struct clipspan_finding_head {
    clipspan_head head;
    double part;
    const char *role;                 /* of the atlas, or what it leans to; NULL: neither */
    int leaning;                      /* 1: it leans to it, which is no role */
    const clipspan_atlas_head *known; /* what the atlas has on it; NULL: nothing */
} clipspan_finding_head;

/* The heads of one role together. */
typedef struct clipspan_finding_role {
    const char *role; /* NULL: the heads that neither have a role nor lean to one */
    int leaning;
    size_t heads;
    double part;
} clipspan_finding_role;

typedef struct clipspan_finding_patch {
    int row, column;
    double part;
} clipspan_finding_patch;

/* Of one text. Parts are contributions to its value, which has the explanation's contrast. */
typedef struct clipspan_finding {
    size_t text, rank; /* index of the text; its rank by similarity, 0: the highest */
    const char *name;
    double similarity, value;
    size_t other;  /* the runner-up of the first text, the first of any other; the text itself when
                      it is the only one */
    double margin; /* similarity less that of `other` */
    double attention, mlps, input; /* all layers; all layers; what enters the first */
    int layer[2];         /* the two whose attention is largest in size, the lower first; with
                             fewer than three layers there is nothing to say, and both are -1 */
    double layer_part[2]; /* theirs */
    int concentrated;     /* 1: both have the sign of all attention, and are at least half of it */
    size_t heads, roles, patches;
    const clipspan_finding_head *head;     /* [heads] the largest in size first */
    const clipspan_finding_role *role;     /* [roles] of all heads, the largest in size first; none
                                            without an atlas */
    const clipspan_finding_patch *patch;   /* [patches] the largest in size first */
    double above, below;                   /* sums over patches that raise the value, and that
                                              lower it */
    double class_token;                    /* what heads read from the class token itself */
    const clipspan_finding_patch *highest; /* of all patches; NULL without any */
    const clipspan_finding_head *every;    /* [layers, heads] all of them */
} clipspan_finding;

/* Immutable, shared freely between threads; lives as long as the explanation and the atlas. */
typedef struct clipspan_findings clipspan_findings;

/* atlas: of a run of the same model, for roles, or NULL. top: heads and patches named, 1 to 64; 0:
 * 5. Errors: ARGUMENT (an atlas of a model with other heads), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_findings_new(clipspan_findings **out,
                                                   const clipspan_explanation *explanation,
                                                   const clipspan_atlas *atlas, int top,
                                                   clipspan_error *err);
CLIPSPAN_API void clipspan_findings_free(clipspan_findings **findings);
CLIPSPAN_API size_t clipspan_findings_get_count(const clipspan_findings *findings);
/* By rank: 0 is the text with the highest similarity. NULL beyond the last. */
CLIPSPAN_API const clipspan_finding *clipspan_findings_get(const clipspan_findings *findings,
                                                           size_t rank);

/* ---- The joint figure: heads by their own texts ---- */

/* Rows are heads; columns are those of a head's own basis texts that score highest in this image,
 * each mapped where the head reads it. With c the head's output for this image and m its mean over
 * a run, a text t scores (c - m) . t, and a token its contribution to c . t minus 1/N of m . t:
 * tokens add up to the score, and zero is the run's mean. Used by one thread at a time. */
typedef struct clipspan_joint clipspan_joint;

typedef struct clipspan_joint_options {
    size_t struct_size;
    const clipspan_head *heads; /* [head_count] rows, 64 at most; NULL: those with the largest part
                                   of the first text that have texts in the atlas */
    size_t head_count;
    size_t rows;    /* without heads; 0: 4 */
    size_t columns; /* 0: 4 */
} clipspan_joint_options;
#define CLIPSPAN_JOINT_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_joint_options), NULL, 0, 0, 0                                              \
    }

/* Chooses heads and their texts. The explanation and the atlas must outlive it. options may be
 * NULL. Errors: ARGUMENT (a head without texts in the atlas, or none with), LIMIT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_joint_new(clipspan_joint **out,
                                                const clipspan_explanation *explanation,
                                                const clipspan_atlas *atlas,
                                                const clipspan_joint_options *options,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_joint_free(clipspan_joint **joint);

/* What maps have to be made of: heads : [*count] for clipspan_maps_options with `each`; texts :
 * [*count], all heads' one after the other, for a bank (in the template "{}"). */
CLIPSPAN_API const clipspan_head *clipspan_joint_get_heads(const clipspan_joint *joint,
                                                           size_t *count);
CLIPSPAN_API const char *const *clipspan_joint_get_texts(const clipspan_joint *joint,
                                                         size_t *count);

/* Fills the rows: number `image` of the last run of maps made with `bank`, whose texts are those
 * of the joint; run: whose means are neutral. Errors: ARGUMENT (other maps, another bank), those of
 * clipspan_run_read_head, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_joint_run(clipspan_joint *joint, const clipspan_maps *maps,
                                                size_t image, const clipspan_bank *bank,
                                                const clipspan_run *run, clipspan_error *err);

typedef struct clipspan_joint_cell {
    const char *text;
    double score;     /* above the run's mean */
    const float *map; /* [tokens] the class token first; adds up to the score */
} clipspan_joint_cell;

typedef struct clipspan_joint_row {
    clipspan_head head;
    const char *role; /* or what it leans to; NULL: neither */
    int leaning;
    double part;  /* of the head, of the first text's value */
    double limit; /* the largest size of a patch in the row's maps, for its colours */
    size_t cells;
    const clipspan_joint_cell *cell; /* [cells] the highest score first */
} clipspan_joint_row;

/* NULL beyond the last, and before clipspan_joint_run. They live until its next call. */
CLIPSPAN_API const clipspan_joint_row *clipspan_joint_get_row(const clipspan_joint *joint,
                                                              size_t row);

/* ---- All of it as JSON ---- */

/* What a document says beside an explanation; any may be NULL or 0. */
typedef struct clipspan_explain_document {
    size_t struct_size;
    int dry_run;
    const char *model, *image, *run, *output;
    uint64_t bytes;              /* of the output */
    int roles;                   /* 1: heads would have roles; looked at without findings */
    const clipspan_paths *paths; /* effects through later layers: one image, a direction a text */
    int top;                     /* neurons of these for a text */
} clipspan_explain_document;
#define CLIPSPAN_EXPLAIN_DOCUMENT_INIT                                                             \
    {                                                                                              \
        sizeof(clipspan_explain_document), 0, NULL, NULL, NULL, NULL, 0, 0, NULL, 0                \
    }

/* The document clipspan.explain.v1 (docs/json.md), in pieces to `put`; flat: 1 for lines of path
 * and value, 2 for those of a spreadsheet (--spreadsheet). joint, document: NULL without. Errors:
 * ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_findings_write_json(
    const clipspan_findings *findings, const clipspan_joint *joint,
    const clipspan_explain_document *document, int flat,
    void (*put)(void *to, const char *text, size_t size), void *to, clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
