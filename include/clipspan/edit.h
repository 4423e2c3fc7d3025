/* SPDX-License-Identifier: MIT */
/* Edited checkpoints: heads mean-ablated in the weights or removed, the network's
 * embeddings and accuracy then, beside what direct effects predict, and which heads to prune.
 * Conventions: clipspan.h. */
#ifndef CLIPSPAN_EDIT_H
#define CLIPSPAN_EDIT_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Edited checkpoints ---- */

/* What moves with a reading of a cue q, taken out of a head or of the embedding, in the weights.
 * With G the map from what a head adds to the residual stream to the embedding before it is made a
 * unit vector, and G+ the inverse of its centred form,
 *
 *     head         W_O^h - W_O^h G q g^T G+        b_O + constant g^T G+
 *     embedding    Proj - Proj q g^T + constant (what ln_post has the same for every image) g^T
 *
 * so that its contribution becomes c - (c . q) g and a constant. In a head the scale of ln_post is
 * taken at its mean over the statistics, and later layers read the change; in the embedding the
 * change is exact without a constant (a text projected out), and with one but for the length of the
 * embedding, which is taken at its mean. */
typedef struct clipspan_weight_change {
    clipspan_component component; /* HEAD or EMBEDDING */
    int layer, head;
    const float *cue, *gain; /* [P] q; g with q . g = 1 */
    double mean;             /* of the reading c . q, which the prediction puts back */
    double constant;         /* the same in the weights: 0 where nothing is put back */
} clipspan_weight_change;

typedef struct clipspan_write_options {
    size_t struct_size;
    int remove; /* 0: the layout stays, a head's slice of the output projection is zero. 1: heads
                   leave the tensors, and the configuration gains heads_per_layer, the numbers of
                   the heads that each layer has left; clipspan reads that, and is faster for it */
    int replace;
    const char *means; /* where z comes from, for the record in the folder; NULL: nothing is said */
    const clipspan_weight_change *changes; /* [change_count] besides; heads may then be none */
    size_t change_count;
} clipspan_write_options;
#define CLIPSPAN_WRITE_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_write_options), 0, 0, NULL, NULL, 0                                        \
    }

/* Writes the checkpoint of a model with some heads of its image encoder mean-ablated: for every
 * token they add to the residual stream what z gives (docs/math.md, (10)),
 *
 *     W_O^h = 0        b_O + sum over the layer's heads of  z W_O^h
 *
 * in the layout it came from: every other tensor keeps its bytes and type; configuration,
 * preprocessing and tokenizer are copied, and the configuration says what was known of the model by
 * its name or by options, so that open_clip and transformers load the folder (with `remove`,
 * clipspan alone does). A changed b_O is float32, or float64 where it was, so that it is
 * not rounded to half precision. The folder appears whole or not at all, with clipspan_edit.json in
 * it, which says what was done; only a folder with that file is ever replaced.
 *   heads : [count], none twice   z : [count, K]
 * options may be NULL. progress counts bytes. Errors: EXISTS, WRITE, ARGUMENT (no heads, no such
 * head, one twice, one that was removed before, with `remove` all of a layer), IO, FORMAT, NOMEM,
 * INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_model_write(const char *folder, const clipspan_model *model,
                                                  const clipspan_head *heads, const float *z,
                                                  size_t count,
                                                  const clipspan_write_options *options,
                                                  const clipspan_progress *progress,
                                                  clipspan_error *err);

/* The checks of clipspan_model_write without writing: arguments, and whether the folder may be
 * made. */
CLIPSPAN_API clipspan_status clipspan_model_check_write(const char *folder,
                                                        const clipspan_model *model,
                                                        const clipspan_head *heads, size_t count,
                                                        const clipspan_write_options *options,
                                                        clipspan_error *err);

/* ---- The network, beside the direct-effect prediction ---- */

/* Later layers read what earlier heads write, so a network in which heads are mean-ablated is not
 * what their direct effects predict. With m the unit embedding of an image, c_h the contribution of
 * head h to it, mean c_h its mean over the run and S a set of heads:
 *
 *     prediction  p = u / |u|,  u = m + sum over h in S of (mean c_h - c_h)
 *     network     r = unit embedding of a pass in which the heads of S mix z_h, their means
 *     distance    |r - p|            moved    |r - m|
 *
 * over images that could be read. Images that could not be read are counted apart and enter
 * nothing. Images are decoded as those of the run were (orientation by EXIF or not). */
typedef struct clipspan_edit_check clipspan_edit_check;

/* Heads that are mean-ablated together. */
typedef struct clipspan_head_set {
    const char *name;           /* copied */
    const clipspan_head *heads; /* [count], at least one but with changes, none twice */
    size_t count;
} clipspan_head_set;

typedef struct clipspan_edit_check_options {
    size_t struct_size;
    const clipspan_bank *bank; /* classes, of which accuracies are; outlives the check; NULL: none.
                                  Labels are matched with its keys, or names where there is none */
    const clipspan_inputs *inputs; /* images, in their order. NULL: the used images of the run */
    const char *root; /* where relative paths of the run's images start; NULL: where they did when
                         it was planned */
    size_t images;    /* at most, a sample of more; 0: 256 */
    int threads;      /* 0: clipspan_default_threads() */
    const char *role, *pool; /* the role that the heads were named by, and the text pool of its
                                atlas, for readers; they outlive the check; NULL: none */
    const clipspan_weight_change *changes; /* [change_count] in place of the mean-ablation of the
                         one set, which then says what is changed and may be without heads; outlive
                         the check. The network is the written one */
    size_t change_count;
    int images_anywhere; /* 1: what a run of someone else lists is opened, wherever it is */
} clipspan_edit_check_options;
#define CLIPSPAN_EDIT_CHECK_OPTIONS_INIT                                                           \
    {                                                                                              \
        sizeof(clipspan_edit_check_options), NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, 0, 0        \
    }

typedef struct clipspan_edit_check_info {
    const char *model, *run; /* name as opened; folder */
    int exif_orient;         /* as the run was scanned */
    int of_run;              /* 1: images of the run */
    size_t sets;
    /* known after clipspan_edit_check_run: */
    size_t asked, used, unreadable; /* images of the list; measured; left out: asked = used +
                                       unreadable */
    size_t reason_count;            /* why images were left out: the first 20 */
    const char *const *reasons;
    size_t labelled;              /* used images with a label. 0: shares are of predictions kept */
    const clipspan_share *before; /* right answers of the unedited network; NULL without classes */
    size_t compared;              /* images on which the written network was compared, 32 at most */
    double off; /* the largest difference of its numbers from those of a pass in memory in which the
                   first set is mean-ablated; -1: not compared */
    uint64_t bytes_before, bytes_after;           /* of weight files; after: 0 without a written */
    uint64_t parameters_before, parameters_after; /* of the image encoder */
    /* known after clipspan_edit_check_run_time: seconds of one core for an image's pass, or 0 */
    double seconds_before, seconds_after;
    const char *role, *pool; /* as the options say; NULL */
} clipspan_edit_check_info;

/* One set. Shares: of images with a label, or of used images where none has one (predictions that
 * stay); NULL without classes. */
typedef struct clipspan_edit_check_row {
    const char *name;
    const clipspan_head *heads; /* [count] */
    size_t count;
    int last_layer; /* all of them are in the last layer */
    double distance_mean, distance_median, distance_largest, moved_mean; /* 0 to 2 */
    const clipspan_share *predicted, *network;
} clipspan_edit_check_row;

/* Reads what heads mix and contribute on average, and lists images; runs none. model: of the run
 * (clipspan_run_open_model); model and run outlive the check. progress counts chunks of the run.
 * Errors: ARGUMENT (no set, an empty one, no such head, one twice, a label that no class has, a
 * bank of another width), NOT_FOUND (not merged, coefficients not kept), FORMAT (a model of other
 * weights than the run's), IO, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_edit_check_new(
    clipspan_edit_check **out, clipspan_model *model, const clipspan_run *run,
    const clipspan_head_set *sets, size_t set_count, const clipspan_edit_check_options *options,
    const clipspan_progress *progress, clipspan_error *err);
CLIPSPAN_API void clipspan_edit_check_free(clipspan_edit_check **check);

/* clipspan_model_write with the first set and its means. options->means NULL: the run's folder.
 * Errors: those. */
CLIPSPAN_API clipspan_status clipspan_edit_check_write(clipspan_edit_check *check,
                                                       const char *folder,
                                                       const clipspan_write_options *options,
                                                       const clipspan_progress *progress,
                                                       clipspan_error *err);

/* Every image through the network as it is and with each set mean-ablated. written: a checkpoint
 * that clipspan_edit_check_write wrote, which then speaks for the first set and is compared with
 * it on up to 32 images; or NULL. progress counts images. Errors: FORMAT (no image could be read,
 * with the first reason), NUMBERS (float32: the written network is off by more than 1e-5), those of
 * encoders, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_edit_check_run(clipspan_edit_check *check,
                                                     const char *written,
                                                     const clipspan_progress *progress,
                                                     clipspan_error *err);

/* Times an image's pass through both networks on one core, in turns for about two seconds: the
 * least of each, in seconds. Errors: those of encoders. */
CLIPSPAN_API clipspan_status clipspan_edit_check_run_time(clipspan_edit_check *check,
                                                          const char *written, clipspan_error *err);

CLIPSPAN_API const clipspan_edit_check_info *
clipspan_edit_check_get_info(const clipspan_edit_check *check);
CLIPSPAN_API const clipspan_edit_check_row *
clipspan_edit_check_get_rows(const clipspan_edit_check *check); /* [sets] */

/* All of it as one JSON document, clipspan.edit.v1, in pieces to `put`. output: the folder that was
 * written. flat: 1 for lines of path and value, 2 for those of a
 * spreadsheet (--spreadsheet). */
CLIPSPAN_API clipspan_status clipspan_edit_check_write_json(
    const clipspan_edit_check *check, const char *output, int flat,
    void (*put)(void *to, const char *text, size_t size), void *to, clipspan_error *err);

/* ---- Pruning ---- */

/* Which heads a model can do without, at several fractions of them. By network: in rounds of a
 * quarter of the heads that are to go; in each, every head that is left is mean-ablated together
 * with those that went before, and those whose going moves the output least go (what a head does
 * depends on who else is there). Heads beyond the asked fraction stand in the last round's order.
 * By direct effect: heads in order of tr Var(c_h) / tr Var(m), smallest first, from statistics
 * alone; it predicts badly, for early heads act through later ones. By path: in the same rounds,
 * but a pass and a sweep an image (paths.h) say of all heads at once what mean-ablating each would
 * change: the margin of the predicted class over the next, in absolute value, on average; without
 * classes the embedding, along four random directions. float32 runs only.
 *
 * Images are shuffled, always in the same way. NETWORK and PATH rank on the first of them and
 * measure on the rest. What is measured is cut in two halves: the first gives a forecast of the
 * predictions that stay, the second checks it. With k of the n images of the first half keeping
 * theirs, the bound for the m images of the second is the smallest x with P(X <= x) > 0.025, where
 * X of x + k kept predictions fall among the m (hypergeometric; Thatcher 1964). Forecast and check
 * are of the same heads and the same network, so the network lies below the bound in at most 2.5 %
 * of cases, whatever its true share is. With DIRECT the forecast is what direct effects say of the
 * first half, and nothing keeps the network above it. */
typedef struct clipspan_prune clipspan_prune;

typedef enum clipspan_prune_order {
    CLIPSPAN_PRUNE_NETWORK = 0,
    CLIPSPAN_PRUNE_DIRECT = 1,
    CLIPSPAN_PRUNE_CHOSEN = 2, /* the heads that options name */
    CLIPSPAN_PRUNE_PATH = 3
} clipspan_prune_order;

typedef struct clipspan_prune_options {
    size_t struct_size;
    clipspan_prune_order order;
    double fraction;            /* 0 to 1 of what `of_parameters` says; not with CHOSEN */
    int of_parameters;          /* 0: of the heads that the model has; 1: of the parameters of its
                                   image encoder, which cannot be more than its heads have */
    const clipspan_head *heads; /* [count] with CHOSEN */
    size_t count;
    int keep_layout; /* 1: heads stay in the tensors, with zeros. 0: heads are removed, and a layer
                        always keeps one */
    size_t ranked; /* images that NETWORK and PATH rank on, a quarter of all at most; 0: what makes
                        4,096 passes, 8 to 64; PATH: 64 */
    const clipspan_edit_check_options *check; /* NULL: its defaults */
} clipspan_prune_options;
#define CLIPSPAN_PRUNE_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_prune_options), CLIPSPAN_PRUNE_NETWORK, 0.0, 0, NULL, 0, 0, 0, NULL        \
    }

typedef struct clipspan_prune_info {
    clipspan_prune_order order;
    double fraction;
    int of_parameters, keep_layout;
    size_t heads;      /* that the model has */
    size_t chosen;     /* of the first set: those that go; with NETWORK before it has run, those
                          that the fraction is */
    size_t sets;       /* the chosen fraction first, then 5 to 75 % */
    size_t rounds;     /* of NETWORK and PATH, else 0 */
    size_t ranked;     /* images that they were measured on */
    double parameters; /* part of the image encoder's parameters that the chosen heads have, 0 to
                          1 */
} clipspan_prune_info;

/* A head in the order in which heads go. */
typedef struct clipspan_prune_row {
    clipspan_head head;
    size_t round;  /* the newest that tried it, from 0; 0 where there are none */
    double effect; /* DIRECT: variance ratio; NETWORK: mean distance that the output had moved by
                      when it went too; PATH: mean size of what its going would change;
                      CHOSEN: 0 */
} clipspan_prune_row;

/* Predictions that stay with a set's heads gone: of the images of the first half as they were
 * forecast, of those of the second as the network has them. */
typedef struct clipspan_prune_forecast {
    const clipspan_share *predicted; /* in the network; with DIRECT by direct effects */
    const clipspan_share *network;   /* with their 95 % intervals */
    double least;                    /* bound for network->share, 0 to 1 */
    int kept;                        /* network->share is at least that */
    const clipspan_share *direct;    /* by direct effects, of all images measured */
} clipspan_prune_forecast;

/* A round: `tried` heads, of which the first `gone` went before, `went` of the rest go. */
typedef struct clipspan_prune_round {
    size_t gone, tried, went;
    double least, most; /* of the heads' effects, over those tried */
} clipspan_prune_round;

/* Checks options; DIRECT and CHOSEN know their sets at once, NETWORK and PATH after
 * clipspan_prune_run.
 * Errors: ARGUMENT (a fraction outside 0 to 1 or of less than one head, no such head), those of
 * clipspan_edit_check_new but for images, which are not listed yet. */
CLIPSPAN_API clipspan_status clipspan_prune_new(clipspan_prune **out, clipspan_model *model,
                                                const clipspan_run *run,
                                                const clipspan_prune_options *options,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_prune_free(clipspan_prune **prune);

/* Means of heads, images, and the rounds of NETWORK and PATH; then clipspan_prune_get_check has
 * the sets,
 * to be written, run (on the images that ranking did not use), forecast and timed. progress counts
 * chunks, then images of every round. */
CLIPSPAN_API clipspan_status clipspan_prune_run(clipspan_prune *prune,
                                                const clipspan_progress *progress,
                                                clipspan_error *err);
CLIPSPAN_API clipspan_edit_check *clipspan_prune_get_check(clipspan_prune *prune); /* or NULL */

CLIPSPAN_API const clipspan_prune_info *clipspan_prune_get_info(const clipspan_prune *prune);
/* [info->heads], or [info->chosen] with CHOSEN; NULL before they are known. */
CLIPSPAN_API const clipspan_prune_row *clipspan_prune_get_rows(const clipspan_prune *prune);
CLIPSPAN_API const clipspan_prune_round *
clipspan_prune_get_rounds(const clipspan_prune *prune); /* [info->rounds] */
/* Sets, the chosen one first: [info->sets]. */
CLIPSPAN_API const clipspan_head_set *clipspan_prune_get_sets(const clipspan_prune *prune);

/* Forecasts from what the check measured; none without classes, or of one image. Errors: ARGUMENT
 * (the check has not run), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_prune_run_forecasts(clipspan_prune *prune,
                                                          clipspan_error *err);
/* Of all sets, the chosen one first: [info->sets], or NULL. */
CLIPSPAN_API const clipspan_prune_forecast *
clipspan_prune_get_forecasts(const clipspan_prune *prune);

/* As clipspan_edit_check_write_json: clipspan.prune.v1. */
CLIPSPAN_API clipspan_status clipspan_prune_write_json(
    const clipspan_prune *prune, const char *output, int flat,
    void (*put)(void *to, const char *text, size_t size), void *to, clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
