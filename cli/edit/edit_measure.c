/* SPDX-License-Identifier: MIT */
/* What the network really says when heads are mean-ablated, beside what their direct effects
 * predict. */
#include "base/memory.h"
#include "cli/edit/edit_work.h"
#include "cli/in/images.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH    ((size_t)CLIPSPAN_DECOMPOSITION_MOST)
#define OFF_MOST 1e-5 /* of the numbers of unit embeddings in float32 */

typedef struct job {
    cli_edit_job *e;
    clipspan_encoder *encoder, *written; /* of the model; of the edited one, or NULL */
    clipspan_model *model;               /* the edited one */
    clipspan_decomposition *parts;
    clipspan_error errors[CLIPSPAN_DECOMPOSITION_MOST];
    float *components;    /* [L, H, P] of one image */
    float *predicted;     /* [sets, BATCH, P] */
    float *real, *silent; /* [BATCH, P] */
    float *scores;        /* [BATCH, classes] */
    int32_t *first;       /* [images] answers of the unedited network */
    clipspan_head *heads; /* of a set */
    float *z;
    size_t P, K, classes, done, compare; /* compare: images to compare with the first set */
} job;

static clipspan_status open_written(job *j, const char *path, clipspan_error *err)
{
    cli_session *s = j->e->session;
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    CS_TRY(clipspan_model_open(&j->model, path, NULL, err));
    options.precision = j->e->info->precision;
    options.threads = cli_threads(s);
    CS_TRY(clipspan_encoder_new(&j->written, j->model, &options, err));
    j->e->bytes[1] = clipspan_model_get_info(j->model)->bytes;
    j->e->parameters[1] = clipspan_model_get_info(j->model)->image->parameters;
    cli_stage(s, "the written checkpoint opened and packed");
    return CLIPSPAN_OK;
}

static clipspan_status start(job *j, const char *written, clipspan_error *err)
{
    cli_edit_job *e = j->e;
    const size_t LH = (size_t)e->info->layers * (size_t)e->info->heads;
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_image_options image = CLIPSPAN_IMAGE_OPTIONS_INIT;
    options.precision = e->info->precision;
    options.threads = cli_threads(e->session);
    image.exif_orient = e->x->images.exif_orient;
    options.image = &image;
    j->P = (size_t)e->info->embed_width;
    j->K = (size_t)e->info->head_width;
    j->classes = e->bank ? clipspan_bank_get_count(e->bank) : 0;
    j->compare = written ? BATCH : 0;
    e->bytes[0] = clipspan_model_get_info(e->model)->bytes;
    e->parameters[0] = clipspan_model_get_info(e->model)->image->parameters;
    CS_TRY(clipspan_encoder_new(&j->encoder, e->model, &options, err));
    CS_TRY(clipspan_decomposition_new(&j->parts, j->encoder, NULL, err));
    cli_stage(e->session, "image encoder read and packed");
    if (written) CS_TRY(open_written(j, written, err));
    j->components = cs_alloc(LH, j->P * sizeof *j->components, "components", err);
    j->predicted = cs_alloc(e->set_count * BATCH, j->P * sizeof *j->predicted, "predictions", err);
    j->real = cs_alloc(BATCH, j->P * sizeof *j->real, "embeddings", err);
    j->silent = cs_alloc(BATCH, j->P * sizeof *j->silent, "embeddings", err);
    j->scores = cs_alloc(BATCH, j->classes * sizeof *j->scores, "scores", err);
    j->first = cs_alloc(e->images.count, sizeof *j->first, "answers", err);
    j->heads = cs_alloc(e->count, sizeof *j->heads, "heads", err);
    j->z = cs_alloc(e->count, j->K * sizeof *j->z, "means", err);
    if (!j->components || !j->predicted || !j->real || !j->silent || !j->scores || !j->first ||
        !j->heads || !j->z)
        return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < e->set_count; i++) {
        e->sets[i].distances =
            cs_alloc_zero(e->images.count, sizeof *e->sets[i].distances, "distances", err);
        if (!e->sets[i].distances) return CLIPSPAN_E_NOMEM;
    }
    return CLIPSPAN_OK;
}

static void fini(job *j)
{
    clipspan_decomposition_free(&j->parts);
    clipspan_encoder_free(&j->encoder);
    clipspan_encoder_free(&j->written);
    clipspan_model_close(&j->model);
    cs_free(j->components);
    cs_free(j->predicted);
    cs_free(j->real);
    cs_free(j->silent);
    cs_free(j->scores);
    cs_free(j->first);
    cs_free(j->heads);
    cs_free(j->z);
}

/* out = embedding with the set's components mean-ablated, a unit vector. */
static void predict(float *out, const job *j, const float *embedding, const cli_edit_set *set)
{
    const cli_edit_job *e = j->e;
    double squares = 0.0;
    size_t i, p;
    for (p = 0; p < j->P; p++) {
        double sum = (double)embedding[p];
        for (i = 0; i < set->count; i++) {
            const clipspan_head h = e->heads[set->members[i]];
            const size_t at = (size_t)h.layer * (size_t)e->info->heads + (size_t)h.head;
            sum +=
                (double)e->means[set->members[i] * j->P + p] - (double)j->components[at * j->P + p];
        }
        out[p] = (float)sum;
        squares += sum * sum;
    }
    for (p = 0; p < j->P && squares > 0.0; p++)
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
static clipspan_status classify(int32_t *answers, job *j, const float *embeddings, size_t count,
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

/* Right answers: of labels, or, when there is none at all, the same as before. */
static uint64_t count_right(const job *j, const int32_t *answers, size_t first, size_t count)
{
    const cli_edit_images *p = &j->e->images;
    uint64_t right = 0;
    for (size_t i = 0; i < count; i++) {
        const int32_t wanted = p->labelled ? p->labels[first + i] : j->first[first + i];
        right += j->errors[i].code == CLIPSPAN_OK && wanted >= 0 && answers[i] == wanted;
    }
    return right;
}

/* The unedited network: embeddings, answers, predictions of all sets. */
static clipspan_status run_before(job *j, size_t first, size_t count, clipspan_error *err)
{
    cli_edit_job *e = j->e;
    CS_TRY(
        clipspan_decomposition_run_files(j->parts, j->errors, e->images.paths + first, count, err));
    if (e->bank) {
        CS_TRY(classify(j->first + first, j, clipspan_decomposition_get_embeddings(j->parts), count,
                        err));
        e->before += count_right(j, j->first + first, first, count);
    }
    for (size_t i = 0; i < count; i++) {
        const float *embedding = clipspan_decomposition_get_embeddings(j->parts) + i * j->P;
        CS_TRY(clipspan_decomposition_run_contributions(j->components, NULL, NULL, NULL, j->parts,
                                                        i, err));
        for (size_t k = 0; k < e->set_count; k++)
            predict(j->predicted + (k * BATCH + i) * j->P, j, embedding, &e->sets[k]);
        if (j->errors[i].code == CLIPSPAN_OK) continue;
        if (e->images.skipped++ < 20) cli_note(e->session, "skipped: %s", j->errors[i].message);
    }
    return CLIPSPAN_OK;
}

static clipspan_status run_silent(float *out, job *j, const cli_edit_set *set, size_t first,
                                  size_t count, clipspan_error *err)
{
    clipspan_error errors[CLIPSPAN_DECOMPOSITION_MOST];
    for (size_t i = 0; i < set->count; i++) {
        j->heads[i] = j->e->heads[set->members[i]];
        memcpy(j->z + i * j->K, j->e->z + set->members[i] * j->K, j->K * sizeof *j->z);
    }
    CS_TRY(clipspan_encoder_set_heads(j->encoder, j->heads, j->z, set->count, err));
    return clipspan_encoder_run_files(out, errors, j->encoder, j->e->images.paths + first, count,
                                      err);
}

/* The written network against the first set's silence in memory. */
static void compare(job *j, size_t count)
{
    cli_edit_job *e = j->e;
    for (size_t i = 0; i < count; i++) {
        if (j->errors[i].code != CLIPSPAN_OK) continue;
        e->compared++;
        for (size_t p = 0; p < j->P; p++) {
            const double off =
                fabs((double)j->real[i * j->P + p] - (double)j->silent[i * j->P + p]);
            if (!(off <= e->off)) e->off = off;
        }
    }
}

static clipspan_status run_set(job *j, size_t k, size_t first, size_t count, clipspan_error *err)
{
    cli_edit_job *e = j->e;
    cli_edit_set *set = &e->sets[k];
    const float *before = clipspan_decomposition_get_embeddings(j->parts);
    const float *predicted = j->predicted + k * BATCH * j->P;
    int32_t answers[CLIPSPAN_DECOMPOSITION_MOST];
    clipspan_error errors[CLIPSPAN_DECOMPOSITION_MOST];
    if (k == 0 && j->written) {
        CS_TRY(clipspan_encoder_run_files(j->real, errors, j->written, e->images.paths + first,
                                          count, err));
        if (first < j->compare) {
            CS_TRY(run_silent(j->silent, j, set, first, count, err));
            compare(j, count);
        }
    } else {
        CS_TRY(run_silent(j->real, j, set, first, count, err));
    }
    for (size_t i = 0; i < count; i++) {
        if (j->errors[i].code != CLIPSPAN_OK) continue;
        set->distances[j->done + i] = distance(j->real + i * j->P, predicted + i * j->P, j->P);
        set->moved += distance(j->real + i * j->P, before + i * j->P, j->P);
    }
    if (!e->bank) return CLIPSPAN_OK;
    CS_TRY(classify(answers, j, predicted, count, err));
    set->predicted += count_right(j, answers, first, count);
    CS_TRY(classify(answers, j, j->real, count, err));
    set->real += count_right(j, answers, first, count);
    return CLIPSPAN_OK;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Skipped images left zeros, which come first when sorted. */
static void sum_up(cli_edit_job *e, cli_edit_set *set)
{
    const size_t used = e->images.asked - e->images.skipped;
    const double *from = set->distances + e->images.skipped;
    qsort(set->distances, e->images.asked, sizeof *set->distances, by_size);
    for (size_t i = 0; i < used; i++)
        set->mean += from[i] / (double)used;
    set->median = used % 2 ? from[used / 2] : 0.5 * (from[used / 2 - 1] + from[used / 2]);
    set->most = from[used - 1];
    set->moved /= (double)used;
}

static clipspan_status run_all(job *j, clipspan_error *err)
{
    cli_edit_job *e = j->e;
    const size_t count = e->images.count;
    size_t n;
    for (j->done = 0; j->done < count; j->done += n) {
        n = count - j->done < BATCH ? count - j->done : BATCH;
        CS_TRY(run_before(j, j->done, n, err));
        for (size_t k = 0; k < e->set_count; k++) {
            CS_TRY(run_set(j, k, j->done, n, err));
            CS_TRY(cli_keep_going(e->session, err));
        }
        cli_progress_step(e->session, j->done + n, count);
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_edit_measure(cli_edit_job *e, const char *written, clipspan_error *err)
{
    job *j = cs_alloc_zero(1, sizeof *j, "a measurement", err);
    clipspan_status status;
    if (!j) return CLIPSPAN_E_NOMEM;
    j->e = e;
    status = start(j, written, err);
    if (status == CLIPSPAN_OK) {
        cli_progress_begin(e->session, "images");
        status = run_all(j, err);
        cli_progress_end(e->session);
    }
    if (status == CLIPSPAN_OK && e->images.skipped == e->images.asked)
        status =
            cs_fail(err, CLIPSPAN_E_FORMAT, "none of the %zu images could be used; the first: %s",
                    e->images.asked, j->errors[0].message);
    if (status == CLIPSPAN_OK && e->info->precision == CLIPSPAN_F32 && e->off > OFF_MOST)
        status = cs_fail_at(err, CLIPSPAN_E_NUMBERS, written,
                            "its output differs by %.1e from a pass in which the same heads are "
                            "mean-ablated, and at most %.0e is rounding",
                            e->off, OFF_MOST);
    for (size_t k = 0; k < e->set_count && status == CLIPSPAN_OK; k++)
        sum_up(e, &e->sets[k]);
    e->session->skipped = e->images.skipped;
    cli_stage(e->session, "network and prediction compared");
    fini(j);
    cs_free(j);
    return status;
}
