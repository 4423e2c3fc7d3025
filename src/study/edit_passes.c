/* SPDX-License-Identifier: MIT */
/* Passes over images: the network as it is, with sets of heads mean-ablated in memory, and as it
 * was written; distances from the direct-effect prediction, and right answers. Images that could
 * not be read enter nothing: no distance, no answer, no label. */
#include "base/memory.h"
#include "base/owned.h"
#include "base/progress_part.h"
#include "study/edit_check.h"

#include <clipspan/encode.h>
#include <clipspan/model.h>
#include <clipspan/run.h>
#include <math.h>
#include <string.h>

#define BATCH    CS_EDIT_BATCH
#define OFF_MOST 1e-5 /* of the numbers of unit embeddings in float32 */

typedef struct passes {
    cs_edit_check *e;
    const clipspan_progress *progress;
    clipspan_encoder *encoder, *written; /* of the model; of the edited one, or NULL */
    clipspan_model *model;               /* the edited one */
    clipspan_decomposition *parts;
    clipspan_error errors[CLIPSPAN_DECOMPOSITION_MOST];
    float *components;     /* [L, H, P] of one image */
    float *predicted;      /* [sets, BATCH, P] */
    float *real, *ablated; /* [BATCH, P] */
    float *scores;         /* [BATCH, classes] */
    int32_t *first;        /* [images] answers of the unedited network */
    float *z;              /* [count, K] of a set */
    double *sum;           /* [P] */
    double *distances;     /* [sets, images] of those that could be read, in turn */
    size_t P, K, H, classes, start, total, used; /* images [start, start + total) of the list */
} passes;

static clipspan_status open_encoder(clipspan_encoder **out, clipspan_model *model,
                                    const cs_edit_check *e, int threads, clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    options.precision = e->facts->precision;
    options.threads = threads;
    options.image = &e->image;
    return clipspan_encoder_new(out, model, &options, err);
}

static clipspan_status open_written(passes *j, const char *path, clipspan_error *err)
{
    CS_TRY(clipspan_model_open(&j->model, path, NULL, err));
    CS_TRY(open_encoder(&j->written, j->model, j->e, j->e->threads, err));
    j->e->info.bytes_after = clipspan_model_get_info(j->model)->bytes;
    j->e->info.parameters_after = clipspan_model_get_info(j->model)->image->parameters;
    return CLIPSPAN_OK;
}

static clipspan_status init_passes(passes *j, const char *written, int accuracy,
                                   clipspan_error *err)
{
    cs_edit_check *e = j->e;
    const size_t L = (size_t)e->facts->layers, sets = e->info.sets;
    j->P = (size_t)e->facts->embed_width;
    j->K = (size_t)e->facts->head_width;
    j->H = (size_t)e->facts->heads;
    j->classes = accuracy && e->bank ? clipspan_bank_get_count(e->bank) : 0;
    CS_TRY(open_encoder(&j->encoder, e->model, e, e->threads, err));
    CS_TRY(clipspan_decomposition_new(&j->parts, j->encoder, NULL, err));
    if (written) CS_TRY(open_written(j, written, err));
    j->components = cs_alloc(L * j->H, j->P * sizeof *j->components, "components", err);
    j->predicted = cs_alloc(sets * BATCH, j->P * sizeof *j->predicted, "predictions", err);
    j->real = cs_alloc(BATCH, j->P * sizeof *j->real, "embeddings", err);
    j->ablated = cs_alloc(BATCH, j->P * sizeof *j->ablated, "embeddings", err);
    j->scores = cs_alloc(BATCH, j->classes * sizeof *j->scores, "scores", err);
    j->first = cs_alloc(j->total, sizeof *j->first, "answers", err);
    j->sum = cs_alloc(j->P, sizeof *j->sum, "an embedding", err);
    j->z = cs_alloc(e->count, j->K * sizeof *j->z, "means", err);
    j->distances = cs_alloc(sets, j->total * sizeof *j->distances, "distances", err);
    cs_free(e->stays);
    e->stays = j->classes ? cs_alloc_zero(sets, j->total, "predictions that stay", err) : NULL;
    e->stride = j->total;
    if (!j->components || !j->predicted || !j->real || !j->ablated || !j->scores || !j->first ||
        !j->z || !j->sum || !j->distances || (j->classes && !e->stays))
        return CLIPSPAN_E_NOMEM;
    return CLIPSPAN_OK;
}

static void fini_passes(passes *j)
{
    clipspan_decomposition_free(&j->parts);
    clipspan_encoder_free(&j->encoder);
    clipspan_encoder_free(&j->written);
    clipspan_model_close(&j->model);
    cs_free(j->components);
    cs_free(j->predicted);
    cs_free(j->real);
    cs_free(j->ablated);
    cs_free(j->scores);
    cs_free(j->first);
    cs_free(j->z);
    cs_free(j->sum);
    cs_free(j->distances);
}

/* sum less what the changes of weights take from the embedding or from heads' contributions. */
static void take_changes(double *sum, const passes *j, const float *embedding)
{
    const cs_edit_check *e = j->e;
    for (size_t i = 0; i < e->change_count; i++) {
        const clipspan_weight_change *c = &e->changes[i];
        const float *from = embedding;
        double reading = -c->mean;
        if (c->component == CLIPSPAN_COMPONENT_HEAD)
            from = j->components + ((size_t)c->layer * j->H + (size_t)c->head) * j->P;
        for (size_t p = 0; p < j->P; p++)
            reading += (double)from[p] * (double)c->cue[p];
        for (size_t p = 0; p < j->P; p++)
            sum[p] -= reading * (double)c->gain[p];
    }
}

static void make_unit(float *out, const double *sum, size_t P)
{
    double squares = 0.0;
    for (size_t p = 0; p < P; p++)
        squares += sum[p] * sum[p];
    for (size_t p = 0; p < P; p++)
        out[p] = (float)(squares > 0.0 ? sum[p] / sqrt(squares) : sum[p]);
}

/* out = embedding after the changes of weights, a unit vector. */
static void predict_changed(float *out, const passes *j, const float *embedding)
{
    for (size_t p = 0; p < j->P; p++)
        j->sum[p] = (double)embedding[p];
    take_changes(j->sum, j, embedding);
    make_unit(out, j->sum, j->P);
}

/* out = embedding with the set's components mean-ablated, a unit vector. */
static void predict(float *out, const passes *j, const float *embedding,
                    const clipspan_edit_check_row *set)
{
    const cs_edit_check *e = j->e;
    double squares = 0.0;
    if (e->change_count) {
        predict_changed(out, j, embedding);
        return;
    }
    for (size_t p = 0; p < j->P; p++) {
        double sum = (double)embedding[p];
        for (size_t i = 0; i < set->count; i++) {
            const size_t at = (size_t)set->heads[i].layer * j->H + (size_t)set->heads[i].head;
            sum += (double)e->means[e->slot[at] * j->P + p] - (double)j->components[at * j->P + p];
        }
        out[p] = (float)sum;
        squares += sum * sum;
    }
    for (size_t p = 0; p < j->P && squares > 0.0; p++)
        out[p] = (float)((double)out[p] / sqrt(squares));
}

static double distance(const float *a, const float *b, size_t P)
{
    double squares = 0.0;
    for (size_t p = 0; p < P; p++)
        squares += ((double)a[p] - (double)b[p]) * ((double)a[p] - (double)b[p]);
    return sqrt(squares);
}

/* Class with the largest score of each row. */
static clipspan_status classify(int32_t *answers, passes *j, const float *embeddings, size_t count,
                                clipspan_error *err)
{
    CS_TRY(clipspan_bank_run_scores(j->scores, j->e->bank, embeddings, count, err));
    for (size_t i = 0; i < count; i++) {
        const float *row = j->scores + i * j->classes;
        answers[i] = 0;
        for (size_t c = 1; c < j->classes; c++)
            if (row[c] > row[answers[i]]) answers[i] = (int32_t)c;
    }
    return CLIPSPAN_OK;
}

/* Adds right answers: of labels, or, when there is none at all, the same as before. Of images that
 * could be read alone. */
static void count_right(clipspan_share *share, const passes *j, const int32_t *answers,
                        size_t first, size_t count)
{
    const cs_edit_images *p = &j->e->images;
    for (size_t i = 0; i < count; i++) {
        const int32_t wanted =
            p->has_labels ? p->labels[j->start + first + i] : j->first[first + i];
        if (j->errors[i].code != CLIPSPAN_OK || wanted < 0) continue;
        share->images++;
        share->correct += answers[i] == wanted;
    }
}

static const char *const *paths_from(const passes *j, size_t first)
{
    return j->e->images.paths + j->start + first;
}

/* The unedited network: embeddings, answers, predictions of all sets. */
static clipspan_status run_before(passes *j, size_t first, size_t count, clipspan_error *err)
{
    cs_edit_check *e = j->e;
    CS_TRY(clipspan_decomposition_run_files(j->parts, j->errors, paths_from(j, first), count, err));
    if (j->classes) {
        CS_TRY(classify(j->first + first, j, clipspan_decomposition_get_embeddings(j->parts), count,
                        err));
        count_right(&e->before, j, j->first + first, first, count);
    }
    for (size_t i = 0; i < count; i++) {
        const float *embedding = clipspan_decomposition_get_embeddings(j->parts) + i * j->P;
        if (j->errors[i].code != CLIPSPAN_OK) {
            for (size_t k = 0; k < e->info.sets; k++)
                memset(j->predicted + (k * BATCH + i) * j->P, 0, j->P * sizeof *j->predicted);
            CS_TRY(cs_edit_figures_unreadable(e, &j->errors[i], err));
            continue;
        }
        e->info.labelled += e->images.labels[j->start + first + i] >= 0;
        CS_TRY(clipspan_decomposition_run_contributions(j->components, NULL, NULL, NULL, j->parts,
                                                        i, err));
        for (size_t k = 0; k < e->info.sets; k++)
            predict(j->predicted + (k * BATCH + i) * j->P, j, embedding, &e->rows[k]);
    }
    return CLIPSPAN_OK;
}

/* An image that could be read and now cannot was changed meanwhile. */
static clipspan_status check_again(const passes *j, const clipspan_error *errors, size_t count,
                                   clipspan_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (j->errors[i].code == CLIPSPAN_OK && errors[i].code != CLIPSPAN_OK)
            return cs_fail(err, errors[i].code, "%s", errors[i].message);
    return CLIPSPAN_OK;
}

static clipspan_status run_ablated(float *out, passes *j, const clipspan_edit_check_row *set,
                                   size_t first, size_t count, clipspan_error *err)
{
    clipspan_error errors[CLIPSPAN_DECOMPOSITION_MOST];
    cs_edit_check_mixed(j->z, j->e, set->heads, set->count);
    CS_TRY(clipspan_encoder_set_heads(j->encoder, set->heads, j->z, set->count, err));
    CS_TRY(clipspan_encoder_run_files(out, errors, j->encoder, paths_from(j, first), count, err));
    return check_again(j, errors, count, err);
}

/* The written network against the first set, mean-ablated in memory. */
static void compare(passes *j, size_t count)
{
    clipspan_edit_check_info *info = &j->e->info;
    for (size_t i = 0; i < count; i++) {
        if (j->errors[i].code != CLIPSPAN_OK) continue;
        info->compared++;
        for (size_t p = 0; p < j->P; p++) {
            const double off =
                fabs((double)j->real[i * j->P + p] - (double)j->ablated[i * j->P + p]);
            if (!(off <= info->off)) info->off = off;
        }
    }
}

static clipspan_status run_written(passes *j, size_t first, size_t count, clipspan_error *err)
{
    clipspan_error errors[CLIPSPAN_DECOMPOSITION_MOST];
    CS_TRY(
        clipspan_encoder_run_files(j->real, errors, j->written, paths_from(j, first), count, err));
    CS_TRY(check_again(j, errors, count, err));
    if (first >= BATCH || j->e->change_count) return CLIPSPAN_OK;
    CS_TRY(run_ablated(j->ablated, j, &j->e->rows[0], first, count, err));
    compare(j, count);
    return CLIPSPAN_OK;
}

/* Marks the images of which the answer is that of the unedited network. */
static void mark_stays(passes *j, size_t k, const int32_t *answers, size_t first, size_t count,
                       unsigned flag)
{
    unsigned char *stays = j->e->stays + k * j->total + j->used;
    for (size_t i = 0; i < count; i++) {
        if (j->errors[i].code != CLIPSPAN_OK) continue;
        if (answers[i] == j->first[first + i]) *stays = (unsigned char)(*stays | flag);
        stays++;
    }
}

static clipspan_status run_set(passes *j, size_t k, size_t first, size_t count, clipspan_error *err)
{
    clipspan_edit_check_row *set = &j->e->rows[k];
    const float *before = clipspan_decomposition_get_embeddings(j->parts);
    const float *predicted = j->predicted + k * BATCH * j->P;
    int32_t answers[CLIPSPAN_DECOMPOSITION_MOST];
    size_t used = j->used;
    CS_TRY(k == 0 && j->written ? run_written(j, first, count, err)
                                : run_ablated(j->real, j, set, first, count, err));
    for (size_t i = 0; i < count; i++) {
        if (j->errors[i].code != CLIPSPAN_OK) continue;
        j->distances[k * j->total + used++] =
            distance(j->real + i * j->P, predicted + i * j->P, j->P);
        set->moved_mean += distance(j->real + i * j->P, before + i * j->P, j->P);
    }
    if (!j->classes) return CLIPSPAN_OK;
    CS_TRY(classify(answers, j, predicted, count, err));
    count_right(cs_owned(set->predicted), j, answers, first, count);
    mark_stays(j, k, answers, first, count, CS_EDIT_STAYS_DIRECT);
    CS_TRY(classify(answers, j, j->real, count, err));
    count_right(cs_owned(set->network), j, answers, first, count);
    mark_stays(j, k, answers, first, count, CS_EDIT_STAYS_NETWORK);
    return CLIPSPAN_OK;
}

static clipspan_status step(const passes *j, size_t done, clipspan_error *err)
{
    return cs_progress_step(j->progress, done, j->total, "measuring the network was stopped", err);
}

static clipspan_status run_all(passes *j, clipspan_error *err)
{
    const size_t total = j->total;
    size_t n;
    for (size_t done = 0; done < total; done += n) {
        const size_t left_out = j->e->info.unreadable;
        n = total - done < BATCH ? total - done : BATCH;
        CS_TRY(run_before(j, done, n, err));
        for (size_t k = 0; k < j->e->info.sets; k++) {
            CS_TRY(run_set(j, k, done, n, err));
            CS_TRY(step(j, done, err));
        }
        j->used += n - (j->e->info.unreadable - left_out);
        CS_TRY(step(j, done + n, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status conclude(passes *j, const char *written, clipspan_error *err)
{
    clipspan_edit_check_info *info = &j->e->info;
    info->asked = j->total;
    info->used = j->used;
    if (j->used == 0)
        return cs_fail(err, CLIPSPAN_E_FORMAT, "no image of %zu could be used; the first: %s",
                       j->total, info->reason_count ? info->reasons[0] : "there is none");
    if (j->e->facts->precision == CLIPSPAN_F32 && info->off > OFF_MOST)
        return cs_fail_at(err, CLIPSPAN_E_NUMBERS, written,
                          "its output differs by %.1e from a pass in which the same heads are "
                          "mean-ablated, and at most %.0e is rounding",
                          info->off, OFF_MOST);
    cs_edit_figures_finish(j->e, j->distances, j->total);
    return CLIPSPAN_OK;
}

clipspan_status cs_edit_check_run(cs_edit_check *e, const char *written, size_t first, size_t most,
                                  int accuracy, const clipspan_progress *progress,
                                  clipspan_error *err)
{
    passes *j = cs_alloc_zero(1, sizeof *j, "a measurement", err);
    clipspan_status status;
    if (!j) return CLIPSPAN_E_NOMEM;
    cs_edit_figures_clear(e);
    j->e = e;
    j->progress = progress;
    j->start = first;
    j->total = most < e->images.count - first ? most : e->images.count - first;
    status = init_passes(j, written, accuracy, err);
    if (status == CLIPSPAN_OK) status = run_all(j, err);
    if (status == CLIPSPAN_OK) status = conclude(j, written, err);
    fini_passes(j);
    cs_free(j);
    return status;
}
