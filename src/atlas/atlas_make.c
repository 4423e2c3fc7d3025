/* SPDX-License-Identifier: MIT */
/* An atlas from a run: a group of heads at a time with both pools, then poles, then numbers for the
 * texts and pictures that came up. */
#include "atlas/atlas_make.h"
#include "base/memory.h"
#include "decompose/roles.h"
#include "run/head_group.h"
#include "run/text_bank.h"
#include "tensor/moments.h"

#include <stdlib.h>
#include <string.h>

typedef struct make_job {
    cs_atlas *atlas;
    const cs_run *run;
    const cs_atlas_pool *pool;
    const cs_atlas_wish *wish;
    cs_shape shape;
    cs_span_pool *texts, *null_texts;
    cs_categories *categories;
    clipspan_head *heads; /* [info.heads] */
    cs_head_group group;
    double *stats, *work;
    size_t picks;      /* of all heads so far */
    size_t first_pole; /* head */
    double *readers;   /* [heads from first_pole on, C + 1] */
} make_job;

/* Progress of one group as progress of all. */
typedef struct part_progress {
    const clipspan_progress *whole;
    size_t before, total;
} part_progress;

static int step_part(void *user, size_t done, size_t total)
{
    const part_progress *p = user;
    (void)total;
    return p->whole->step(p->whole->user, p->before + done, p->total);
}

static clipspan_strength strength_of(cs_term_strength s)
{
    clipspan_strength strength = {s.share, s.variance};
    return strength;
}

/* ---- Layers ---- */

static clipspan_status take_layers(make_job *j, clipspan_error *err)
{
    cs_atlas *a = j->atlas;
    const cs_shape s = j->shape;
    double count;
    CS_TRY(cs_run_statistics(j->stats, j->run, err));
    for (size_t l = 0; l < s.L; l++) {
        const double *stats = j->stats;
        a->layers[l].attention =
            strength_of(cs_head_stats_term_strength(stats, s, CS_TERM_ATTENTION, l));
        a->layers[l].class_part =
            strength_of(cs_head_stats_term_strength(stats, s, CS_TERM_CLASS_PART, l));
        a->layers[l].mlp = strength_of(cs_head_stats_term_strength(stats, s, CS_TERM_MLP, l + 1));
    }
    a->info.input = strength_of(cs_head_stats_term_strength(j->stats, s, CS_TERM_MLP, 0));
    count = cs_head_stats_count(j->stats);
    if (count > 1.0)
        a->info.embedding_variance = cs_head_stats_embedding(j->stats, s)[s.P] / (count - 1.0);
    return CLIPSPAN_OK;
}

/* ---- Heads ---- */

/* Cumulated share of the null pool's first k + 1 picks. */
static double cumulated(const cs_span *span, size_t k)
{
    double sum = 0.0;
    for (size_t i = 0; i <= k && i < span->picks; i++)
        sum += span->pick[i].share;
    return sum;
}

static void take_reader(make_job *j, size_t at, const cs_span *span, const double *moments)
{
    double *reader = j->readers + (at - j->first_pole) * (j->shape.C + 1), offset = 0.0;
    const double *mean = cs_moments_mean(moments);
    if (span->picks == 0) return;
    for (size_t c = 0; c < j->shape.C; c++) {
        reader[c] = span->readers[c];
        offset += mean[c] * reader[c];
    }
    reader[j->shape.C] = offset;
}

static clipspan_status take_head(make_job *j, size_t at, const cs_span_head *known,
                                 const cs_span *span, const cs_span *null_span, clipspan_error *err)
{
    clipspan_atlas_head *head = &j->atlas->heads[at];
    clipspan_atlas_pick *picks = j->atlas->picks + j->picks;
    const clipspan_head which = j->heads[at];
    double sum = 0.0;
    head->head = which;
    head->strength = strength_of(cs_head_stats_head_strength(
        j->stats, j->shape, (size_t)which.layer, (size_t)which.head, known->basis, j->work));
    head->variance = span->total;
    head->rank = (int)span->rank;
    head->picks = (int)span->picks;
    head->pick = picks;
    for (size_t k = 0; k < span->picks; k++) {
        picks[k].pick = span->pick[k];
        picks[k].cumulated = sum += span->pick[k].share;
        picks[k].null_cumulated = cumulated(null_span, k);
    }
    j->picks += span->picks;
    if (at >= j->first_pole) take_reader(j, at, span, known->moments);
    CS_TRY(
        cs_role_run(&head->role, span, null_span, j->categories, j->shape.K, j->wish->seed, err));
    for (int i = 0; i < 2; i++) {
        if (!head->role.category[i]) continue;
        head->role.category[i] = cs_atlas_keep(j->atlas, head->role.category[i], err);
        if (!head->role.category[i]) return CLIPSPAN_E_NOMEM;
    }
    return CLIPSPAN_OK;
}

static clipspan_status run_group(make_job *j, size_t first, size_t some,
                                 const clipspan_progress *progress, clipspan_error *err)
{
    const cs_atlas_wish *w = j->wish;
    const cs_span_options real = {(size_t)w->picks, (size_t)w->rank, w->resamples, w->seed,
                                  w->threads},
                          null = {(size_t)w->picks, (size_t)w->rank, 0, w->seed, w->threads};
    cs_span *spans[CS_HEAD_GROUP] = {NULL}, *nulls[CS_HEAD_GROUP] = {NULL};
    clipspan_status status;
    size_t i;
    CS_TRY_DONE(cs_head_group_read(&j->group, j->heads + first, some, err));
    CS_TRY_DONE(
        cs_span_run(nulls, j->null_texts, j->group.known, some, j->shape.C, &null, NULL, err));
    CS_TRY_DONE(
        cs_span_run(spans, j->texts, j->group.known, some, j->shape.C, &real, progress, err));
    for (i = 0; i < some && status == CLIPSPAN_OK; i++)
        status = take_head(j, first + i, &j->group.known[i], spans[i], nulls[i], err);
done:
    for (i = 0; i < CS_HEAD_GROUP; i++) {
        cs_span_free(&spans[i]);
        cs_span_free(&nulls[i]);
    }
    return status;
}

static clipspan_status take_heads(make_job *j, const clipspan_progress *progress,
                                  clipspan_error *err)
{
    const size_t count = j->atlas->info.heads;
    for (size_t first = 0; first < count; first += CS_HEAD_GROUP) {
        part_progress part = {progress, first, count};
        clipspan_progress inner = {step_part, &part};
        CS_TRY(run_group(j, first, count - first < CS_HEAD_GROUP ? count - first : CS_HEAD_GROUP,
                         progress && progress->step ? &inner : NULL, err));
    }
    return CLIPSPAN_OK;
}

/* ---- Texts and pictures that came up ---- */

/* Calls `each` for every text number of the picks: to mark it, or to give it its new number. */
static void each_text(cs_atlas *a, size_t picks, void (*each)(size_t *text, size_t *numbers),
                      size_t *numbers)
{
    for (size_t i = 0; i < picks; i++) {
        clipspan_pick *pick = &a->picks[i].pick;
        each(&pick->text, numbers);
        for (int r = 0; r < pick->rivals; r++)
            each(&pick->rival[r].text, numbers);
        for (int s = 0; s < pick->synonyms; s++)
            each(&pick->synonym[s].text, numbers);
    }
}

static void mark(size_t *text, size_t *numbers)
{
    numbers[*text] = 1;
}

static void renumber(size_t *text, size_t *numbers)
{
    *text = numbers[*text];
}

static clipspan_status take_texts(make_job *j, clipspan_error *err)
{
    cs_atlas *a = j->atlas;
    const struct clipspan_texts *pool = j->pool->texts;
    size_t *numbers = cs_alloc_zero(pool->count, sizeof *numbers, "texts of an atlas", err);
    clipspan_status status = CLIPSPAN_OK;
    if (!numbers) return CLIPSPAN_E_NOMEM;
    each_text(a, j->picks, mark, numbers);
    a->texts = cs_alloc_zero(pool->count, sizeof *a->texts, "texts of an atlas", err);
    if (!a->texts) status = CLIPSPAN_E_NOMEM;
    for (size_t t = 0; t < pool->count && status == CLIPSPAN_OK; t++) {
        const char *key = pool->keys[t];
        clipspan_atlas_text *to;
        if (!numbers[t]) continue;
        to = &a->texts[a->info.texts];
        numbers[t] = a->info.texts++;
        to->text = cs_atlas_keep(a, pool->texts[t], err);
        to->category = cs_atlas_keep(a, *key == '!' ? key + 1 : key, err);
        if (!to->text || !to->category) status = CLIPSPAN_E_NOMEM;
    }
    if (status == CLIPSPAN_OK) each_text(a, j->picks, renumber, numbers);
    cs_free(numbers);
    return status;
}

static int by_place(const void *x, const void *y)
{
    const uint64_t a = ((const clipspan_atlas_picture *)x)->place,
                   b = ((const clipspan_atlas_picture *)y)->place;
    return (a > b) - (a < b);
}

static void add_places(cs_atlas *a, const clipspan_atlas_pole *poles, int count)
{
    for (int i = 0; i < count; i++)
        a->pictures[a->info.pictures++].place = poles[i].picture;
}

static void number_places(const cs_atlas *a, clipspan_atlas_pole *poles, int count)
{
    for (int i = 0; i < count; i++) {
        const clipspan_atlas_picture key = {.place = poles[i].picture};
        const clipspan_atlas_picture *found =
            bsearch(&key, a->pictures, a->info.pictures, sizeof key, by_place);
        poles[i].picture = (size_t)(found - a->pictures);
    }
}

static clipspan_status take_pictures(make_job *j, clipspan_error *err)
{
    cs_atlas *a = j->atlas;
    size_t poles = 2 * CLIPSPAN_POLES * (a->info.heads - j->first_pole), kept = 0, i;
    a->pictures = cs_alloc_zero(poles, sizeof *a->pictures, "pictures of an atlas", err);
    if (!a->pictures) return CLIPSPAN_E_NOMEM;
    for (i = j->first_pole; i < a->info.heads; i++) {
        add_places(a, a->heads[i].positive, a->heads[i].positives);
        add_places(a, a->heads[i].negative, a->heads[i].negatives);
    }
    qsort(a->pictures, a->info.pictures, sizeof *a->pictures, by_place);
    for (i = 0; i < a->info.pictures; i++)
        if (i == 0 || a->pictures[i].place != a->pictures[kept - 1].place)
            a->pictures[kept++] = a->pictures[i];
    a->info.pictures = kept;
    for (i = j->first_pole; i < a->info.heads; i++) {
        number_places(a, a->heads[i].positive, a->heads[i].positives);
        number_places(a, a->heads[i].negative, a->heads[i].negatives);
    }
    return cs_atlas_take_pictures(a, j->run, err);
}

/* ---- All of it ---- */

static clipspan_status take_wish(make_job *j, const cs_atlas_pool *null_pool, clipspan_error *err)
{
    clipspan_atlas_info *info = &j->atlas->info;
    const cs_atlas_wish *w = j->wish;
    char hash[65];
    cs_text_bank_hash(hash, j->pool->texts);
    info->pool = cs_atlas_keep(j->atlas, w->name, err);
    info->pool_hash = cs_atlas_keep(j->atlas, hash, err);
    cs_text_bank_hash(hash, null_pool->texts);
    info->null_hash = cs_atlas_keep(j->atlas, hash, err);
    if (!info->pool || !info->pool_hash || !info->null_hash) return CLIPSPAN_E_NOMEM;
    info->pool_texts = j->pool->texts->count;
    info->null_texts = null_pool->texts->count;
    info->pool_categories = j->categories->count;
    info->first_layer = w->first_layer;
    info->last_layer = w->last_layer;
    info->picks = w->picks;
    info->rank = w->rank;
    info->resamples = w->resamples;
    info->seed = w->seed;
    info->heads = (size_t)(w->last_layer - w->first_layer + 1) * j->shape.H;
    return CLIPSPAN_OK;
}

static clipspan_status take_memory(make_job *j, clipspan_error *err)
{
    cs_atlas *a = j->atlas;
    const size_t heads = a->info.heads;
    a->heads = cs_alloc_zero(heads, sizeof *a->heads, "the heads of an atlas", err);
    a->picks = cs_alloc_zero(heads, (size_t)j->wish->picks * sizeof *a->picks,
                             "the picks of an atlas", err);
    j->heads = cs_alloc(heads, sizeof *j->heads, "heads", err);
    j->stats = cs_alloc(cs_head_stats_size(j->shape), sizeof *j->stats, "statistics", err);
    j->work = cs_alloc(j->shape.P, sizeof *j->work, "statistics", err);
    if (!a->heads || !a->picks || !j->heads || !j->stats || !j->work) return CLIPSPAN_E_NOMEM;
    j->first_pole = heads;
    for (size_t i = heads; i-- > 0;) {
        j->heads[i].layer = j->wish->first_layer + (int)(i / j->shape.H);
        j->heads[i].head = (int)(i % j->shape.H);
        if ((size_t)j->heads[i].layer + CS_POLE_LAYERS >= j->shape.L) j->first_pole = i;
    }
    j->readers = cs_alloc_zero(heads - j->first_pole, (j->shape.C + 1) * sizeof *j->readers,
                               "directions", err);
    return j->readers ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static void job_fini(make_job *j)
{
    cs_atlas_free(&j->atlas);
    cs_span_pool_free(&j->texts);
    cs_span_pool_free(&j->null_texts);
    cs_categories_free(&j->categories);
    cs_head_group_fini(&j->group);
    cs_free(j->heads);
    cs_free(j->stats);
    cs_free(j->work);
    cs_free(j->readers);
}

clipspan_status cs_atlas_make(cs_atlas **out, const cs_run *run, const cs_atlas_pool *pool,
                              const cs_atlas_pool *null_pool, const cs_atlas_wish *wish,
                              const clipspan_progress *progress, clipspan_error *err)
{
    make_job j = {.run = run, .pool = pool, .wish = wish, .shape = cs_run_shape(run)};
    const cs_simd *simd = cs_simd_best();
    clipspan_status status;
    *out = NULL;
    CS_TRY(cs_run_need_merged(run, err));
    CS_TRY_DONE(cs_atlas_new(&j.atlas, run, err));
    CS_TRY_DONE(cs_categories_new(&j.categories, pool->texts->keys, pool->texts->count, err));
    CS_TRY_DONE(take_wish(&j, null_pool, err));
    CS_TRY_DONE(take_memory(&j, err));
    CS_TRY_DONE(
        cs_span_pool_new(&j.texts, pool->vectors, pool->texts->count, j.shape.P, simd, err));
    CS_TRY_DONE(cs_span_pool_new(&j.null_texts, null_pool->vectors, null_pool->texts->count,
                                 j.shape.P, simd, err));
    CS_TRY_DONE(cs_head_group_init(&j.group, run, j.atlas->info.heads, wish->resamples > 0, err));
    CS_TRY_DONE(take_layers(&j, err));
    CS_TRY_DONE(take_heads(&j, progress, err));
    CS_TRY_DONE(cs_atlas_find_poles(j.atlas, run, j.first_pole, j.readers, err));
    CS_TRY_DONE(take_texts(&j, err));
    CS_TRY_DONE(take_pictures(&j, err));
    cs_atlas_sum_up(j.atlas);
    *out = j.atlas;
    j.atlas = NULL;
done:
    job_fini(&j);
    return status;
}
