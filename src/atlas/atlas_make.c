/* SPDX-License-Identifier: MIT */
/* An atlas from a run: a group of heads at a time with both pools, then top and bottom images, then
 * numbers for the texts and images that came up. */
#include "atlas/atlas_make.h"
#include "base/memory.h"
#include "decompose/role_test.h"
#include "run/head_group.h"
#include "run/text_bank.h"
#include "tensor/moments.h"

#include <clipspan/run.h>
#include <stdlib.h>
#include <string.h>

typedef struct make_job {
    cs_atlas *atlas;
    const cs_run *run;
    const cs_atlas_pool *pool;
    const cs_atlas_wish *wish;
    cs_shape shape;
    cs_span_pool *texts, *control_texts;
    cs_categories *categories;
    const float **controls; /* [control_pools] */
    cs_role_wish roles;
    clipspan_head *heads; /* [info.heads] */
    cs_head_group group;
    double *stats, *work;
    size_t basis_texts;   /* of all heads so far */
    size_t first_extreme; /* head */
    double *readers;      /* [heads from first_extreme on, C + 1] */
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

static clipspan_variance_share variance_share_of(cs_variance_share s)
{
    clipspan_variance_share strength = {s.share, s.variance};
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
        a->layer_parts[l].attention =
            variance_share_of(cs_head_stats_variance_share(stats, s, CS_COMPONENT_ATTENTION, l));
        a->layer_parts[l].class_self_attention = variance_share_of(
            cs_head_stats_variance_share(stats, s, CS_COMPONENT_CLASS_SELF_ATTENTION, l));
        a->layer_parts[l].mlp =
            variance_share_of(cs_head_stats_variance_share(stats, s, CS_COMPONENT_MLP, l + 1));
    }
    a->input = variance_share_of(cs_head_stats_variance_share(j->stats, s, CS_COMPONENT_MLP, 0));
    count = cs_head_stats_count(j->stats);
    if (count > 1.0)
        a->info.embedding_variance = cs_head_stats_embedding(j->stats, s)[s.P] / (count - 1.0);
    return CLIPSPAN_OK;
}

/* ---- Heads ---- */

/* Cumulated share of the control pool's first k + 1 basis texts. */
static double cumulated(const cs_span *span, size_t k)
{
    double sum = 0.0;
    for (size_t i = 0; i <= k && i < span->basis_texts; i++)
        sum += span->basis_text[i].share;
    return sum;
}

static void take_reader(make_job *j, size_t at, const cs_span *span, const double *moments)
{
    double *reader = j->readers + (at - j->first_extreme) * (j->shape.C + 1), offset = 0.0;
    const double *mean = cs_moments_mean(moments);
    if (span->basis_texts == 0) return;
    for (size_t c = 0; c < j->shape.C; c++) {
        reader[c] = span->readers[c];
        offset += mean[c] * reader[c];
    }
    reader[j->shape.C] = offset;
}

static void take_basis_text(cs_atlas *a, size_t at, const cs_span *span, size_t k)
{
    a->basis_parts[at] = span->basis_text[k];
    a->others[at] = span->others[k];
    a->basis_parts[at].runner_up = a->others[at].runner_up;
    a->basis_parts[at].near_duplicate = a->others[at].near_duplicate;
}

static void take_head(make_job *j, size_t at, const cs_span_head *known, const cs_span *span,
                      const cs_span *control_span)
{
    clipspan_atlas_head *head = &j->atlas->heads[at];
    cs_atlas_head *parts = &j->atlas->head_parts[at];
    clipspan_atlas_basis_text *basis_texts = j->atlas->basis_texts + j->basis_texts;
    const clipspan_head which = j->heads[at];
    double sum = 0.0;
    head->head = which;
    parts->variance_share = variance_share_of(cs_head_stats_head_variance_share(
        j->stats, j->shape, (size_t)which.layer, (size_t)which.head, known->output_map, j->work));
    head->variance = span->total;
    head->rank = (int)span->rank;
    head->basis_texts = (int)span->basis_texts;
    head->basis_text = basis_texts;
    for (size_t k = 0; k < span->basis_texts; k++) {
        take_basis_text(j->atlas, j->basis_texts + k, span, k);
        basis_texts[k].cumulated = sum += span->basis_text[k].share;
        basis_texts[k].control_cumulated = cumulated(control_span, k);
    }
    j->basis_texts += span->basis_texts;
    if (at >= j->first_extreme) take_reader(j, at, span, known->moments);
    parts->role = span->role;
    parts->role.control_named = 0.0;
    for (int k = 0; k < parts->role.entering; k++)
        if ((size_t)k < control_span->basis_texts)
            parts->role.control_named += control_span->basis_text[k].share;
}

static clipspan_status run_group(make_job *j, size_t first, size_t some,
                                 const clipspan_progress *progress, clipspan_error *err)
{
    const cs_atlas_wish *w = j->wish;
    const cs_span_options
        real =
            {(size_t)w->basis_texts, (size_t)w->rank, w->resamples, w->seed, w->threads, &j->roles},
        null = {(size_t)w->basis_texts, (size_t)w->rank, 0, w->seed, w->threads, NULL};
    cs_span *spans[CS_HEAD_GROUP] = {NULL}, *controls[CS_HEAD_GROUP] = {NULL};
    clipspan_status status;
    size_t i;
    CS_TRY_DONE(cs_head_group_read(&j->group, j->heads + first, some, err));
    CS_TRY_DONE(cs_span_run(controls, j->control_texts, j->group.known, some, j->shape.C, &null,
                            NULL, err));
    CS_TRY_DONE(
        cs_span_run(spans, j->texts, j->group.known, some, j->shape.C, &real, progress, err));
    for (i = 0; i < some && status == CLIPSPAN_OK; i++)
        take_head(j, first + i, &j->group.known[i], spans[i], controls[i]);
done:
    for (i = 0; i < CS_HEAD_GROUP; i++) {
        cs_span_free(&spans[i]);
        cs_span_free(&controls[i]);
    }
    return status;
}

static clipspan_status keep_name(const char **name, cs_atlas *atlas, clipspan_error *err)
{
    if (!*name) return CLIPSPAN_OK;
    *name = cs_atlas_keep(atlas, *name, err);
    return *name ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* Outcomes, which hang on all heads, and names of the atlas's own. */
static clipspan_status take_roles(make_job *j, clipspan_error *err)
{
    const size_t count = j->atlas->info.heads;
    const clipspan_run_info *run = cs_run_info(j->run);
    clipspan_role *roles = cs_alloc(count, sizeof *roles, "roles", err);
    cs_role_answer *answers = NULL;
    clipspan_status status = CLIPSPAN_OK;
    if (!roles) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        roles[i] = j->atlas->head_parts[i].role;
        if (cs_head_stats_count(j->stats) < (double)(CLIPSPAN_ROLE_IMAGES + run->duplicates))
            roles[i].outcome = CLIPSPAN_OUTCOME_TOO_FEW_IMAGES;
    }
    CS_TRY_DONE(cs_atlas_ask(&answers, roles, j->heads, count, j->run, &j->roles, j->pool->vectors,
                             j->pool->texts->count, j->wish->threads, err));
    status = cs_roles_judge(roles, answers, count, j->wish->fdr, err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        clipspan_role *role = &j->atlas->head_parts[i].role;
        *role = roles[i];
        CS_TRY_DONE(keep_name(&role->category[0], j->atlas, err));
        CS_TRY_DONE(keep_name(&role->category[1], j->atlas, err));
        CS_TRY_DONE(keep_name(&role->first_category, j->atlas, err));
    }
done:
    cs_free(roles);
    cs_free(answers);
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
    return take_roles(j, err);
}

/* ---- Texts and images that came up ---- */

/* Calls `each` for every text number of the basis texts: to mark it, or to give it its new
 * number. */
static void each_text(cs_atlas *a, size_t basis_texts, void (*each)(size_t *text, size_t *numbers),
                      size_t *numbers)
{
    for (size_t i = 0; i < basis_texts; i++) {
        clipspan_basis_text *basis_text = &a->basis_parts[i];
        each(&basis_text->text, numbers);
        for (int r = 0; r < basis_text->runners_up; r++)
            each(&a->others[i].runner_up[r].text, numbers);
        for (int s = 0; s < basis_text->near_duplicates; s++)
            each(&a->others[i].near_duplicate[s].text, numbers);
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
    each_text(a, j->basis_texts, mark, numbers);
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
    if (status == CLIPSPAN_OK) each_text(a, j->basis_texts, renumber, numbers);
    cs_free(numbers);
    return status;
}

static int by_place(const void *x, const void *y)
{
    const uint64_t a = ((const clipspan_atlas_image *)x)->run_index,
                   b = ((const clipspan_atlas_image *)y)->run_index;
    return (a > b) - (a < b);
}

static void add_places(cs_atlas *a, const clipspan_atlas_extreme *extremes, int count)
{
    for (int i = 0; i < count; i++)
        a->images[a->info.images++].run_index = extremes[i].image;
}

static void number_places(const cs_atlas *a, clipspan_atlas_extreme *extremes, int count)
{
    for (int i = 0; i < count; i++) {
        const clipspan_atlas_image key = {.run_index = extremes[i].image};
        const clipspan_atlas_image *found =
            bsearch(&key, a->images, a->info.images, sizeof key, by_place);
        extremes[i].image = (size_t)(found - a->images);
    }
}

static clipspan_status take_images(make_job *j, clipspan_error *err)
{
    cs_atlas *a = j->atlas;
    size_t extremes = 2 * CLIPSPAN_EXTREMES * (a->info.heads - j->first_extreme), kept = 0, i;
    a->images = cs_alloc_zero(extremes, sizeof *a->images, "images of an atlas", err);
    if (!a->images) return CLIPSPAN_E_NOMEM;
    for (i = j->first_extreme; i < a->info.heads; i++) {
        add_places(a, a->heads[i].top, a->heads[i].top_count);
        add_places(a, a->heads[i].bottom, a->heads[i].bottom_count);
    }
    qsort(a->images, a->info.images, sizeof *a->images, by_place);
    for (i = 0; i < a->info.images; i++)
        if (i == 0 || a->images[i].run_index != a->images[kept - 1].run_index)
            a->images[kept++] = a->images[i];
    a->info.images = kept;
    for (i = j->first_extreme; i < a->info.heads; i++) {
        number_places(a, a->head_parts[i].top, a->heads[i].top_count);
        number_places(a, a->head_parts[i].bottom, a->heads[i].bottom_count);
    }
    return cs_atlas_take_images(a, j->run, err);
}

/* ---- All of it ---- */

static clipspan_status take_wish(make_job *j, const cs_atlas_controls *control_pool,
                                 clipspan_error *err)
{
    clipspan_atlas_info *info = &j->atlas->info;
    const cs_atlas_wish *w = j->wish;
    char hash[65];
    cs_text_bank_hash(hash, j->pool->texts);
    info->pool = cs_atlas_keep(j->atlas, w->name, err);
    info->pool_hash = cs_atlas_keep(j->atlas, hash, err);
    info->control_hash = cs_atlas_keep(j->atlas, control_pool->hash, err);
    if (!info->pool || !info->pool_hash || !info->control_hash) return CLIPSPAN_E_NOMEM;
    info->pool_texts = j->pool->texts->count;
    info->control_texts = control_pool->count;
    info->pool_categories = j->categories->count;
    info->first_layer = w->first_layer;
    info->last_layer = w->last_layer;
    info->basis_texts = w->basis_texts;
    info->rank = w->rank;
    info->resamples = w->resamples;
    info->seed = w->seed;
    info->fdr = w->fdr;
    info->rotations = w->rotations;
    info->control_pools = (int)control_pool->pools;
    info->heads = (size_t)(w->last_layer - w->first_layer + 1) * j->shape.H;
    return CLIPSPAN_OK;
}

/* What roles are tested with. A pool of other size is no control of categories, only of the
 * whole. */
static clipspan_status prepare_roles(make_job *j, const cs_atlas_controls *c, const cs_simd *simd,
                                     clipspan_error *err)
{
    const size_t pools = c->count == j->pool->texts->count ? c->pools : 0;
    j->controls = cs_alloc(pools, sizeof *j->controls, "control pools", err);
    if (!j->controls) return CLIPSPAN_E_NOMEM;
    for (size_t p = 0; p < pools; p++)
        j->controls[p] = c->vectors + p * c->count * j->shape.P;
    j->roles.categories = j->categories;
    j->roles.controls = j->controls;
    j->roles.control_pools = pools;
    j->roles.rotations = (size_t)j->wish->rotations;
    j->roles.C = j->shape.C;
    j->roles.seed = j->wish->seed;
    return cs_role_wish_draw(&j->roles, simd, err);
}

static clipspan_status take_memory(make_job *j, clipspan_error *err)
{
    cs_atlas *a = j->atlas;
    const size_t heads = a->info.heads;
    CS_TRY(cs_atlas_take_heads(a, heads, heads * (size_t)j->wish->basis_texts, err));
    j->heads = cs_alloc(heads, sizeof *j->heads, "heads", err);
    j->stats = cs_alloc(cs_head_stats_size(j->shape), sizeof *j->stats, "statistics", err);
    j->work = cs_alloc(j->shape.P, sizeof *j->work, "statistics", err);
    if (!j->heads || !j->stats || !j->work) return CLIPSPAN_E_NOMEM;
    j->first_extreme = heads;
    for (size_t i = heads; i-- > 0;) {
        j->heads[i].layer = j->wish->first_layer + (int)(i / j->shape.H);
        j->heads[i].head = (int)(i % j->shape.H);
        if ((size_t)j->heads[i].layer + CS_EXTREME_LAYERS >= j->shape.L) j->first_extreme = i;
    }
    j->readers = cs_alloc_zero(heads - j->first_extreme, (j->shape.C + 1) * sizeof *j->readers,
                               "directions", err);
    return j->readers ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static void job_fini(make_job *j)
{
    cs_atlas_free(&j->atlas);
    cs_span_pool_free(&j->texts);
    cs_span_pool_free(&j->control_texts);
    cs_role_wish_fini(&j->roles);
    cs_free(j->controls);
    cs_categories_free(&j->categories);
    cs_head_group_fini(&j->group);
    cs_free(j->heads);
    cs_free(j->stats);
    cs_free(j->work);
    cs_free(j->readers);
}

clipspan_status cs_atlas_make(cs_atlas **out, const cs_run *run, const cs_atlas_pool *pool,
                              const cs_atlas_controls *control_pool, const cs_atlas_wish *wish,
                              const clipspan_progress *progress, clipspan_error *err)
{
    make_job j = {.run = run, .pool = pool, .wish = wish, .shape = cs_run_shape(run)};
    const cs_simd *simd = cs_simd_best();
    clipspan_status status;
    *out = NULL;
    CS_TRY(cs_run_need_merged(run, err));
    CS_TRY_DONE(cs_atlas_new(&j.atlas, run, err));
    CS_TRY_DONE(cs_categories_new(&j.categories, pool->texts->keys, pool->texts->count, err));
    CS_TRY_DONE(take_wish(&j, control_pool, err));
    CS_TRY_DONE(take_memory(&j, err));
    CS_TRY_DONE(
        cs_span_pool_new(&j.texts, pool->vectors, pool->texts->count, j.shape.P, simd, err));
    CS_TRY_DONE(cs_span_pool_new(&j.control_texts, control_pool->vectors, control_pool->count,
                                 j.shape.P, simd, err));
    CS_TRY_DONE(prepare_roles(&j, control_pool, simd, err));
    CS_TRY_DONE(cs_head_group_init(&j.group, run, j.atlas->info.heads, wish->resamples > 0, err));
    CS_TRY_DONE(take_layers(&j, err));
    CS_TRY_DONE(take_heads(&j, progress, err));
    CS_TRY_DONE(cs_atlas_find_extremes(j.atlas, run, j.first_extreme, j.readers, err));
    CS_TRY_DONE(take_texts(&j, err));
    CS_TRY_DONE(take_images(&j, err));
    cs_atlas_sum_up(j.atlas);
    *out = j.atlas;
    j.atlas = NULL;
done:
    job_fini(&j);
    return status;
}
