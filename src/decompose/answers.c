/* SPDX-License-Identifier: MIT */
/* Answers of all heads at once: a trial costs two products, from which every head's sums follow. */
#include "decompose/answers.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "decompose/rotation_null.h"
#include "tensor/dot.h"
#include "tensor/eigen.h"
#include "tensor/product.h"

#include <math.h>
#include <string.h>

#define LANE 8    /* columns of a head are a multiple */
#define TIE  1e-6 /* of the head's variance: rounding of float32 sums */

struct cs_answers {
    const cs_role_wish *wish;
    const cs_simd *simd;
    const float *texts;
    size_t T, P, n, k, heads, groups, width, room, taken, most; /* most: texts of a category */
    float *own;             /* [k, P] directions of the embedding's variance */
    float *x;               /* [n, width] factors of all heads side by side */
    size_t *first, *last;   /* [heads] columns */
    double *total;          /* [heads] variance of all directions */
    cs_matrix *pool, *rows; /* texts: P -> T; coordinates of the images: k -> n */
};

/* What one thread works with. */
typedef struct lane {
    cs_product *read, *project;
    double *frame, *work;                /* [k, P], [P] */
    float *turned, *wide, *tall, *reads; /* [k, P], [k, T], [T, k], [T, n] */
    float *sums;                         /* [T, width] */
    float *best;                         /* [n] */
    size_t *answer, *list, *start;       /* [n], [T], [groups + 1] */
    double *count, *weight;              /* [T], [n] */
    double *shares;                      /* [heads, groups] */
} lane;

typedef enum trial_kind { TURNED, DEALT, CONTROL, RESAMPLED } trial_kind;

typedef struct job {
    cs_answers *a;
    lane *lanes;
    const float *reads; /* [T, n] of the pool as it is */
    const cs_answer *answers;
    double *lead; /* [trials, heads] of a null; the share for controls; 1 for a category that leads
                     again */
    trial_kind kind;
    clipspan_error *errors;
} job;

/* Adds x^T x, x : [n, width], to the upper triangle of cov : [width, width]. */
static void add_products(double *cov, const double *x, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < width; j++)
            for (size_t l = j; l < width; l++)
                cov[j * width + l] += x[i * width + j] * x[i * width + l];
}

/* x = from - its mean over rows : [n, width]. mean : [width], zeros before. */
static void centre(double *x, double *mean, const float *from, size_t n, size_t width)
{
    for (size_t i = 0; i < n * width; i++)
        mean[i % width] += (double)from[i] / (double)n;
    for (size_t i = 0; i < n * width; i++)
        x[i] = (double)from[i] - mean[i % width];
}

/* ---- Images ---- */

static clipspan_status take_images(cs_answers *a, const float *m, clipspan_error *err)
{
    const size_t n = a->n, P = a->P;
    double *x = cs_alloc_zero(n * P + 2 * P * P + 2 * P, sizeof *x, "answers", err), *mean, *cov;
    double *vectors, *values, total = 0.0, held = 0.0;
    float *z = NULL;
    clipspan_status status = x ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (!x) return status;
    mean = x + n * P;
    values = mean + P;
    cov = values + P;
    vectors = cov + P * P;
    centre(x, mean, m, n, P);
    add_products(cov, x, n, P);
    CS_TRY_DONE(cs_eigen_symmetric(values, vectors, cov, P, err));
    for (size_t p = 0; p < P; p++)
        total += fmax(values[p], 0.0);
    while (a->k < P && (a->k == 0 || held < CS_ANSWER_SPECTRUM * total))
        held += fmax(values[a->k++], 0.0);
    a->own = cs_alloc_aligned(a->k, P * sizeof *a->own, "answers", err);
    z = cs_alloc_aligned(n, a->k * sizeof *z, "answers", err);
    if (!a->own || !z) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    for (size_t i = 0; i < a->k * P; i++)
        a->own[i] = (float)vectors[i];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < a->k; j++)
            z[i * a->k + j] = (float)cs_dot(x + i * P, vectors + j * P, P);
    CS_TRY_DONE(cs_matrix_new(&a->rows, z, NULL, n, a->k, 1, CLIPSPAN_F32, err));
done:
    cs_free(x);
    cs_free(z);
    return status;
}

clipspan_status cs_answers_new(cs_answers **out, const cs_role_wish *wish, const float *texts,
                               size_t T, size_t P, const float *embeddings, size_t n, size_t heads,
                               const cs_simd *simd, clipspan_error *err)
{
    cs_answers *a = cs_alloc_zero(1, sizeof *a, "answers", err);
    clipspan_status status = CLIPSPAN_OK;
    *out = a;
    if (!a) return CLIPSPAN_E_NOMEM;
    a->wish = wish;
    a->simd = simd;
    a->texts = texts;
    a->T = T;
    a->P = P;
    a->n = n;
    a->heads = heads;
    a->groups = wish->categories->count;
    for (size_t g = 0; g < a->groups; g++) {
        size_t size = 0;
        for (size_t t = 0; t < T; t++)
            size += wish->categories->of[t] == (int32_t)g;
        if (size > a->most) a->most = size;
    }
    a->first = cs_alloc_zero(2 * heads + 1, sizeof *a->first, "answers", err);
    a->total = cs_alloc_zero(heads, sizeof *a->total, "answers", err);
    if (!a->first || !a->total) status = CLIPSPAN_E_NOMEM;
    a->last = a->first ? a->first + heads : NULL;
    if (status == CLIPSPAN_OK)
        status = cs_matrix_new(&a->pool, texts, NULL, T, P, 1, CLIPSPAN_F32, err);
    if (status == CLIPSPAN_OK) status = take_images(a, embeddings, err);
    if (status != CLIPSPAN_OK) cs_answers_free(out);
    return status;
}

void cs_answers_free(cs_answers **answers)
{
    cs_answers *a = *answers;
    if (!a) return;
    cs_matrix_free(&a->pool);
    cs_matrix_free(&a->rows);
    cs_free(a->own);
    cs_free(a->x);
    cs_free(a->first);
    cs_free(a->total);
    cs_free(a);
    *answers = NULL;
}

/* ---- Heads ---- */

/* Columns for r more factors; head by head, [n] of each. */
static clipspan_status widen(cs_answers *a, size_t r, clipspan_error *err)
{
    const size_t wanted = (r + LANE - 1) / LANE * LANE;
    CS_TRY(cs_grow(&a->x, &a->room, (a->width + wanted) * a->n, sizeof *a->x, "answers", err));
    memset(a->x + a->width * a->n, 0, wanted * a->n * sizeof *a->x);
    a->first[a->taken] = a->width;
    a->width += wanted;
    a->last[a->taken] = a->width;
    return CLIPSPAN_OK;
}

/* Coordinates of c - mean c along the eigenvectors of its covariance: with A A^T = V^T L V those
 * of y V^T L^1/2, turned to principal axes. */
clipspan_status cs_answers_take(cs_answers *a, const float *y, const float *map, size_t C,
                                clipspan_error *err)
{
    const size_t n = a->n;
    double *s = cs_alloc_zero(n * C * 2 + 3 * C * C + 2 * C, sizeof *s, "answers", err);
    double *u, *gram, *v, *cov, *values, *mean, held = 0.0;
    size_t r = 0;
    clipspan_status status = s ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (!s) return status;
    u = s + n * C;
    gram = u + n * C;
    v = gram + C * C;
    cov = v + C * C;
    values = cov + C * C;
    mean = values + C;
    for (size_t i = 0; i < C; i++)
        for (size_t j = 0; j < C; j++)
            for (size_t p = 0; p < a->P; p++)
                gram[i * C + j] += (double)map[i * a->P + p] * (double)map[j * a->P + p];
    CS_TRY_DONE(cs_eigen_symmetric(values, v, gram, C, err));
    centre(s, mean, y, n, C);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < C; j++)
            u[i * C + j] = sqrt(fmax(values[j], 0.0)) * cs_dot(s + i * C, v + j * C, C);
    add_products(cov, u, n, C);
    CS_TRY_DONE(cs_eigen_symmetric(values, v, cov, C, err));
    for (size_t j = 0; j < C; j++)
        a->total[a->taken] += fmax(values[j], 0.0);
    while (r < C && a->total[a->taken] > 0.0 &&
           (r == 0 || held < CS_ENRICHED_PART * a->total[a->taken]))
        held += fmax(values[r++], 0.0);
    CS_TRY_DONE(widen(a, r, err));
    for (size_t j = 0; j < r; j++)
        for (size_t i = 0; i < n; i++)
            a->x[(a->first[a->taken] + j) * n + i] =
                (float)(cs_dot(u + i * C, v + j * C, C) / sqrt(a->total[a->taken]));
    a->taken++;
done:
    cs_free(s);
    return status;
}

/* Columns head by head become rows image by image. */
static clipspan_status turn_round(cs_answers *a, clipspan_error *err)
{
    float *x = cs_alloc_aligned(a->n, a->width * sizeof *x, "answers", err);
    if (!x) return CLIPSPAN_E_NOMEM;
    for (size_t c = 0; c < a->width; c++)
        for (size_t i = 0; i < a->n; i++)
            x[i * a->width + c] = a->x[c * a->n + i];
    cs_free(a->x);
    a->x = x;
    a->room = 0;
    return CLIPSPAN_OK;
}

/* ---- One trial ---- */

/* Readings of texts, [T, n], with the embedding's directions in `frame`. */
static clipspan_status read_texts(float *reads, lane *w, const cs_answers *a, const float *frame,
                                  const cs_matrix *pool, clipspan_error *err)
{
    CS_TRY(cs_product_run(w->project, w->wide, frame, 0, pool, err));
    for (size_t j = 0; j < a->k; j++)
        for (size_t t = 0; t < a->T; t++)
            w->tall[t * a->k + j] = w->wide[j * a->T + t];
    return cs_product_run(w->read, reads, w->tall, 0, a->rows, err);
}

/* Texts by category, in order. */
static void list_texts(lane *w, const cs_answers *a, const int32_t *of)
{
    size_t at = 0;
    for (size_t g = 0; g < a->groups; g++) {
        w->start[g] = at;
        for (size_t t = 0; t < a->T; t++)
            if (of[t] == (int32_t)g) w->list[at++] = t;
    }
    w->start[a->groups] = at;
}

static void answer(lane *w, const cs_answers *a, const float *reads, size_t g)
{
    const size_t *list = w->list + w->start[g];
    const size_t texts = w->start[g + 1] - w->start[g], n = a->n;
    memset(w->answer, 0, n * sizeof *w->answer);
    memcpy(w->best, reads + list[0] * n, n * sizeof *w->best);
    for (size_t t = 1; t < texts; t++) {
        const float *v = reads + list[t] * n;
        for (size_t i = 0; i < n; i++)
            if (v[i] > w->best[i]) {
                w->best[i] = v[i];
                w->answer[i] = t;
            }
    }
}

/* Sums over the images of each answer; returns how many answers occur. */
static size_t add_up(lane *w, const cs_answers *a, size_t texts, const double *weight)
{
    size_t found = 0;
    memset(w->sums, 0, texts * a->width * sizeof *w->sums);
    memset(w->count, 0, texts * sizeof *w->count);
    for (size_t i = 0; i < a->n; i++) {
        const float *x = a->x + i * a->width;
        float *sum = w->sums + w->answer[i] * a->width;
        const float by = weight ? (float)weight[i] : 1.0f;
        if (by == 0.0f) continue;
        found += w->count[w->answer[i]] == 0.0;
        w->count[w->answer[i]] += (double)by;
        for (size_t c = 0; c < a->width; c++)
            sum[c] += by * x[c];
    }
    return found;
}

/* Share of head h between the answers that were added up. weighted: the mean is not 0 then. */
static double share_of(const lane *w, const cs_answers *a, size_t h, size_t texts, size_t found,
                       int weighted)
{
    double between = 0.0, mean = 0.0, n = (double)a->n;
    for (size_t t = 0; t < texts; t++) {
        const float *sum = w->sums + t * a->width;
        double square = 0.0;
        if (w->count[t] == 0.0) continue;
        for (size_t c = a->first[h]; c < a->last[h]; c++)
            square += (double)sum[c] * (double)sum[c];
        between += square / w->count[t];
    }
    for (size_t c = a->first[h]; weighted && c < a->last[h]; c++) {
        double sum = 0.0;
        for (size_t t = 0; t < texts; t++)
            sum += (double)w->sums[t * a->width + c];
        mean += sum * sum / n;
    }
    return found < 2 || (double)found >= n
               ? 0.0
               : 1.0 - (1.0 - (between - mean)) * (n - 1.0) / (n - (double)found);
}

static void score(double *shares, lane *w, const cs_answers *a, const float *reads,
                  const int32_t *of, const double *weight)
{
    list_texts(w, a, of);
    for (size_t g = 0; g < a->groups; g++) {
        const size_t texts = w->start[g + 1] - w->start[g];
        size_t found = 0;
        if (texts > 1) {
            answer(w, a, reads, g);
            found = add_up(w, a, texts, weight);
        }
        for (size_t h = 0; h < a->heads; h++)
            shares[h * a->groups + g] =
                texts > 1 ? share_of(w, a, h, texts, found, weight != NULL) : 0.0;
    }
}

/* The largest and the next; returns the lead, 0 without a category. */
static double lead_of(size_t best[2], const double *shares, size_t groups)
{
    best[0] = best[1] = groups;
    for (int i = 0; i < 2; i++)
        for (size_t g = 0; g < groups; g++)
            if ((i == 0 || g != best[0]) && (best[i] == groups || shares[g] > shares[best[i]]))
                best[i] = g;
    if (best[0] == groups) return 0.0;
    return shares[best[0]] - (best[1] < groups ? shares[best[1]] : 0.0);
}

static clipspan_status run_turned(lane *w, const cs_answers *a, size_t trial, clipspan_error *err)
{
    cs_random mixed = {a->wish->seed ^ (0x7475726e6564u + trial)}, random;
    random.state = cs_random_next(&mixed);
    cs_rotation_rows(w->frame, w->work, a->k, a->P, &random, a->simd);
    for (size_t i = 0; i < a->k * a->P; i++)
        w->turned[i] = (float)w->frame[i];
    CS_TRY(read_texts(w->reads, w, a, w->turned, a->pool, err));
    score(w->shares, w, a, w->reads, a->wish->categories->of, NULL);
    return CLIPSPAN_OK;
}

static clipspan_status run_control(lane *w, const cs_answers *a, size_t trial, clipspan_error *err)
{
    cs_matrix *pool = NULL;
    clipspan_status status =
        cs_matrix_new(&pool, a->wish->controls[trial], NULL, a->T, a->P, 1, CLIPSPAN_F32, err);
    if (status == CLIPSPAN_OK) status = read_texts(w->reads, w, a, a->own, pool, err);
    if (status == CLIPSPAN_OK) score(w->shares, w, a, w->reads, a->wish->categories->of, NULL);
    cs_matrix_free(&pool);
    return status;
}

static void run_resampled(lane *w, const cs_answers *a, const float *reads, size_t trial)
{
    cs_random mixed = {a->wish->seed ^ (0x616761696eu + trial)}, random;
    random.state = cs_random_next(&mixed);
    memset(w->weight, 0, a->n * sizeof *w->weight);
    for (size_t i = 0; i < a->n; i++)
        w->weight[cs_random_below(&random, a->n)] += 1.0;
    score(w->shares, w, a, reads, a->wish->categories->of, w->weight);
}

static void run_trial(void *context, size_t trial, int number)
{
    job *j = context;
    cs_answers *a = j->a;
    lane *w = &j->lanes[number];
    clipspan_error *err = &j->errors[trial];
    if (j->kind == TURNED && run_turned(w, a, trial, err) != CLIPSPAN_OK) return;
    if (j->kind == CONTROL && run_control(w, a, trial, err) != CLIPSPAN_OK) return;
    if (j->kind == DEALT) score(w->shares, w, a, j->reads, a->wish->dealt + trial * a->T, NULL);
    if (j->kind == RESAMPLED) run_resampled(w, a, j->reads, trial);
    for (size_t h = 0; h < a->heads; h++) {
        const double *shares = w->shares + h * a->groups;
        const size_t own = j->answers[h].category[0];
        size_t best[2];
        double lead = lead_of(best, shares, a->groups);
        if (j->kind == RESAMPLED) lead = best[0] == own;
        if (j->kind == CONTROL) lead = own < a->groups ? shares[own] : 0.0;
        j->lead[trial * a->heads + h] = lead;
    }
}

/* ---- All of it ---- */

static void lane_fini(lane *w)
{
    void *all[] = {w->frame, w->work,   w->turned, w->wide,  w->tall,  w->reads,  w->sums,
                   w->best,  w->answer, w->list,   w->start, w->count, w->weight, w->shares};
    cs_product_free(&w->read);
    cs_product_free(&w->project);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cs_free(all[i]);
}

static clipspan_status lane_init(lane *w, const cs_answers *a, clipspan_error *err)
{
    static const char what[] = "answers";
    const cs_product_plan project = {a->k, CS_STORE, 0, 1}, read = {a->T, CS_STORE, 0, 1};
    w->frame = cs_alloc(a->k, a->P * sizeof *w->frame, what, err);
    w->work = cs_alloc(a->P, sizeof *w->work, what, err);
    w->turned = cs_alloc_aligned(a->k, a->P * sizeof *w->turned, what, err);
    w->wide = cs_alloc_aligned(a->k, a->T * sizeof *w->wide, what, err);
    w->tall = cs_alloc_aligned(a->T, a->k * sizeof *w->tall, what, err);
    w->reads = cs_alloc_aligned(a->T, a->n * sizeof *w->reads, what, err);
    w->sums = cs_alloc_aligned(a->most + 1, a->width * sizeof *w->sums, what, err);
    w->best = cs_alloc(a->n, sizeof *w->best, what, err);
    w->answer = cs_alloc(a->n, sizeof *w->answer, what, err);
    w->list = cs_alloc(a->T, sizeof *w->list, what, err);
    w->start = cs_alloc(a->groups + 1, sizeof *w->start, what, err);
    w->count = cs_alloc(a->T, sizeof *w->count, what, err);
    w->weight = cs_alloc(a->n, sizeof *w->weight, what, err);
    w->shares = cs_alloc(a->heads, (a->groups + 1) * sizeof *w->shares, what, err);
    if (!w->frame || !w->work || !w->turned || !w->wide || !w->tall || !w->reads || !w->sums ||
        !w->best || !w->answer || !w->list || !w->start || !w->count || !w->weight || !w->shares)
        return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_product_new(&w->project, a->pool, project, a->simd, err));
    return cs_product_new(&w->read, a->rows, read, a->simd, err);
}

static clipspan_status run_trials(job *j, trial_kind kind, size_t trials, int threads,
                                  clipspan_error *err)
{
    j->kind = kind;
    cs_parallel_for(trials, threads, run_trial, j);
    for (size_t i = 0; i < trials; i++)
        if (j->errors[i].code != CLIPSPAN_OK) {
            if (err) *err = j->errors[i];
            return j->errors[i].code;
        }
    return CLIPSPAN_OK;
}

static double place(const job *j, size_t h, double own, size_t trials)
{
    size_t reached = 0;
    for (size_t t = 0; t < trials; t++)
        reached += j->lead[t * j->a->heads + h] >= own - TIE;
    return (1.0 + (double)reached) / (1.0 + (double)trials);
}

static void describe(cs_answer *out, const double *shares, const cs_answers *a)
{
    for (size_t h = 0; h < a->heads; h++, shares += a->groups) {
        cs_answer *o = &out[h];
        *o = (cs_answer){.control = -1.0};
        lead_of(o->category, shares, a->groups);
        for (int i = 0; i < 2; i++)
            if (o->category[i] < a->groups) o->share[i] = shares[o->category[i]];
        for (size_t g = 0; g < a->groups; g++)
            o->mean_share += fmax(shares[g], 0.0) / (double)a->groups;
    }
}

/* Nulls, controls and resamples, one kind after the other. */
static clipspan_status run_kinds(job *j, cs_answer *out, int threads, clipspan_error *err)
{
    const cs_role_wish *wish = j->a->wish;
    const size_t heads = j->a->heads;
    CS_TRY(run_trials(j, TURNED, wish->rotations, threads, err));
    for (size_t h = 0; h < heads; h++)
        out[h].turned_p = place(j, h, out[h].share[0] - out[h].share[1], wish->rotations);
    CS_TRY(run_trials(j, DEALT, CS_RELABELLINGS, threads, err));
    for (size_t h = 0; h < heads; h++)
        out[h].dealt_p = place(j, h, out[h].share[0] - out[h].share[1], CS_RELABELLINGS);
    CS_TRY(run_trials(j, CONTROL, wish->control_pools, threads, err));
    for (size_t h = 0; h < heads && wish->control_pools; h++) {
        double sum = 0.0;
        for (size_t p = 0; p < wish->control_pools; p++) {
            sum += fmax(j->lead[p * heads + h], 0.0);
            out[h].above += j->lead[p * heads + h] >= out[h].share[0];
        }
        out[h].control = sum / (double)wish->control_pools;
    }
    CS_TRY(run_trials(j, RESAMPLED, CS_ANSWER_RESAMPLES, threads, err));
    for (size_t h = 0; h < heads; h++)
        for (size_t s = 0; s < CS_ANSWER_RESAMPLES; s++)
            out[h].returns += j->lead[s * heads + h] / CS_ANSWER_RESAMPLES;
    return CLIPSPAN_OK;
}

clipspan_status cs_answers_run(cs_answer *out, double *shares, cs_answers *a, int threads,
                               clipspan_error *err)
{
    const cs_role_wish *wish = a->wish;
    size_t most = wish->rotations > CS_RELABELLINGS ? wish->rotations : CS_RELABELLINGS;
    job j = {.a = a, .answers = out};
    float *reads = cs_alloc_aligned(a->T, a->n * sizeof *reads, "answers", err);
    clipspan_status status = CLIPSPAN_OK;
    if (wish->control_pools > most) most = wish->control_pools;
    j.lanes = cs_alloc_zero((size_t)threads, sizeof *j.lanes, "answers", err);
    j.lead = cs_alloc(most, a->heads * sizeof *j.lead, "answers", err);
    j.errors = cs_alloc_zero(most, sizeof *j.errors, "answers", err);
    if (!reads || !j.lanes || !j.lead || !j.errors) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    CS_TRY_DONE(turn_round(a, err));
    for (int i = 0; i < threads; i++)
        CS_TRY_DONE(lane_init(&j.lanes[i], a, err));
    CS_TRY_DONE(read_texts(reads, &j.lanes[0], a, a->own, a->pool, err));
    score(shares, &j.lanes[0], a, reads, wish->categories->of, NULL);
    describe(out, shares, a);
    j.reads = reads;
    CS_TRY_DONE(run_kinds(&j, out, threads, err));
done:
    for (int i = 0; j.lanes && i < threads; i++)
        lane_fini(&j.lanes[i]);
    cs_free(j.lanes);
    cs_free(j.lead);
    cs_free(j.errors);
    cs_free(reads);
    return status;
}
