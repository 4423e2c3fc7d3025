/* SPDX-License-Identifier: MIT */
/* Random sets tried, some at a time, and where the chosen set stands among them. */
#include "study/random_sets.h"
#include "base/memory.h"
#include "decompose/compare.h"
#include "study/components.h"
#include "study/effects_items.h"

#include <stdlib.h>
#include <string.h>

#define AT_ONCE ((size_t)64)                 /* sets */
#define ROOM    ((size_t)16 << 20)           /* predictions at once */
#define LOTS    UINT64_C(0x6c6f74732d746965) /* so that lots differ from draws */

const char *cs_matching_words(clipspan_matching matching)
{
    static const char *const words[] = {"as many heads of each layer",
                                        "as many heads with the same total effect within 10 %",
                                        "as many heads"};
    return words[matching];
}

const char *cs_matching_name(clipspan_matching matching)
{
    static const char *const names[] = {"layers", "effect", "number"};
    return names[matching];
}

/* ---- Figures ---- */

static int compare_reals(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The chosen set and every other draw a number; of equal ones the larger number does better. */
static uint64_t count_as_good(const double *values, size_t count, double chosen, uint64_t seed)
{
    cs_random lots = {seed ^ LOTS};
    const uint64_t own = cs_random_next(&lots);
    uint64_t as_good = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t lot = cs_random_next(&lots);
        as_good += values[i] > chosen || (values[i] == chosen && lot > own);
    }
    return as_good;
}

clipspan_status cs_random_figure_make(clipspan_random_figure *out, const double *values,
                                      size_t count, double chosen, uint64_t seed,
                                      clipspan_error *err)
{
    const size_t skip = (size_t)(0.025 * (double)count);
    double *sorted = cs_alloc(count, sizeof *sorted, "random sets", err);
    memset(out, 0, sizeof *out);
    if (!sorted) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = values[i];
        out->mean += values[i] / (double)count;
    }
    qsort(sorted, count, sizeof *sorted, compare_reals);
    out->low = sorted[skip];
    out->high = sorted[count - 1 - skip];
    out->as_good = count_as_good(values, count, chosen, seed);
    out->p = (double)(1 + out->as_good) / (double)(1 + count);
    cs_free(sorted);
    return CLIPSPAN_OK;
}

/* ---- Room ---- */

clipspan_status cs_random_sets_new(cs_random_sets *out, size_t sets, size_t heads_of_set,
                                   int groups, int best, clipspan_error *err)
{
    memset(out, 0, sizeof *out);
    out->info.sets = sets;
    out->info.heads_of_set = heads_of_set;
    out->accuracy = cs_alloc(sets, sizeof *out->accuracy, "random sets", err);
    out->worst = cs_alloc(sets, sizeof *out->worst, "random sets", err);
    out->best_heads = cs_alloc_zero(heads_of_set, sizeof *out->best_heads, "random sets", err);
    if (!out->accuracy || !out->worst || !out->best_heads) return CLIPSPAN_E_NOMEM;
    out->best_worst.group = out->best_worst.group_after = -1;
    out->info.accuracy = out->accuracy;
    out->info.overall = &out->overall;
    if (groups) out->info.worst = out->worst;
    if (groups) out->info.worst_group = &out->worst_group;
    if (best) out->info.best_heads = out->best_heads;
    if (best) out->info.best_overall = &out->best_overall.shown;
    if (best && groups) out->info.best_worst = &out->best_worst.shown;
    return CLIPSPAN_OK;
}

void cs_random_sets_fini(cs_random_sets *sets)
{
    cs_free(sets->heads);
    cs_free(sets->best_heads);
    cs_free(sets->accuracy);
    cs_free(sets->worst);
    memset(sets, 0, sizeof *sets);
}

/* ---- Trying ---- */

typedef struct trial {
    cs_random_sets *to;
    const cs_evaluation *ev;
    const cs_random_wish *wish;
    size_t at_once;
    cs_components *changed;   /* [at_once] */
    uint32_t *predicted;      /* [at_once, N] */
    uint8_t *before, *after;  /* [N] answers */
    cs_comparison *per_group; /* [groups] */
} trial;

static clipspan_status take_room(trial *t, clipspan_error *err)
{
    const size_t N = t->ev->N, groups = t->ev->facts.info.groups;
    t->at_once = N > 0 && ROOM / N < AT_ONCE ? ROOM / N + 1 : AT_ONCE;
    t->changed = cs_alloc_zero(t->at_once, sizeof *t->changed, "random sets", err);
    t->predicted = cs_alloc(t->at_once, N * sizeof *t->predicted, "predictions", err);
    t->before = cs_alloc(N, 1, "answers", err);
    t->after = cs_alloc(N, 1, "answers", err);
    t->per_group = cs_alloc_zero(groups, sizeof *t->per_group, "groups", err);
    if (!t->changed || !t->predicted || !t->before || !t->after || !t->per_group)
        return CLIPSPAN_E_NOMEM;
    cs_evaluation_answers(t->before, t->ev, t->ev->predicted);
    return CLIPSPAN_OK;
}

static void free_room(trial *t)
{
    cs_free(t->changed);
    cs_free(t->predicted);
    cs_free(t->before);
    cs_free(t->after);
    cs_free(t->per_group);
}

static clipspan_status make_set(cs_components *set, const trial *t, const clipspan_head *heads,
                                clipspan_error *err)
{
    const cs_shape shape = cs_effects_shape(t->ev->effects);
    CS_TRY(cs_components_init(set, (int)shape.L, (int)shape.H, err));
    for (size_t i = 0; i < t->to->info.heads_of_set; i++) {
        clipspan_change change = t->wish->change;
        change.layer = heads[i].layer;
        change.head = heads[i].head;
        CS_TRY(cs_components_add(set, change, err));
    }
    for (size_t i = 0; i < t->wish->around_count; i++)
        CS_TRY(cs_components_add(set, t->wish->around[i], err));
    return CLIPSPAN_OK;
}

static double judged(const cs_random_sets *s)
{
    return s->info.worst ? s->best_worst.after.share : s->best_overall.after.share;
}

static clipspan_status compare_set(trial *t, size_t set, const uint32_t *predicted,
                                   clipspan_error *err)
{
    cs_random_sets *to = t->to;
    const size_t groups = t->ev->facts.info.groups;
    cs_comparison overall, worst = {.group = -1, .group_after = -1};
    cs_evaluation_answers(t->after, t->ev, predicted);
    CS_TRY(cs_compare(&overall, t->per_group, groups ? &worst : NULL, t->before, t->after,
                      t->ev->groups, t->ev->N, groups, 0, t->wish->seed, err));
    to->accuracy[set] = overall.after.share;
    to->worst[set] = worst.after.share;
    if (set > 0 && (to->info.worst ? worst : overall).after.share <= judged(to)) return CLIPSPAN_OK;
    to->best_overall = overall;
    to->best_worst = worst;
    cs_comparison_show(&to->best_overall);
    cs_comparison_show(&to->best_worst);
    memcpy(to->best_heads, to->heads + set * to->info.heads_of_set,
           to->info.heads_of_set * sizeof *to->heads);
    return CLIPSPAN_OK;
}

/* Sets [first, first + count). */
static clipspan_status try_some(trial *t, size_t first, size_t count, clipspan_error *err)
{
    clipspan_edit edits[AT_ONCE];
    clipspan_status status = CLIPSPAN_OK;
    size_t made = 0;
    for (; made < count && status == CLIPSPAN_OK; made++) {
        status = make_set(&t->changed[made], t,
                          t->to->heads + (first + made) * t->to->info.heads_of_set, err);
        edits[made] = (clipspan_edit){t->changed[made].changes, t->changed[made].count};
    }
    if (status == CLIPSPAN_OK)
        status = cs_effects_run_changes(t->predicted, NULL, NULL, t->ev->effects, t->ev->means,
                                        edits, count, NULL, err);
    for (size_t i = 0; i < made; i++)
        cs_components_fini(&t->changed[i]);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++)
        status = compare_set(t, first + i, t->predicted + i * t->ev->N, err);
    return status;
}

static clipspan_status try_all(trial *t, const cs_progress_part *part, clipspan_error *err)
{
    const size_t sets = t->to->info.sets;
    CS_TRY(take_room(t, err));
    for (size_t first = 0; first < sets; first += t->at_once) {
        const size_t some = sets - first < t->at_once ? sets - first : t->at_once;
        CS_TRY(try_some(t, first, some, err));
        if (part) CS_TRY(cs_progress_tell(part, first + some, err));
    }
    return CLIPSPAN_OK;
}

/* All sets before the first is tried, fewer where no more are found. */
static clipspan_status draw_sets(cs_random_sets *out, cs_random_heads *draw,
                                 const cs_random_wish *w, clipspan_error *err)
{
    size_t drawn = 0;
    if (w->published)
        cs_random_heads_match_number(draw, w->some);
    else
        cs_random_heads_match(draw, w->chosen, w->count);
    if (draw->some == 0) return CLIPSPAN_OK;
    CS_TRY(cs_random_sets_new(out, w->sets, draw->some, w->worst != NULL, w->published, err));
    out->info.matching = draw->matching;
    out->info.different = draw->different;
    out->heads = cs_alloc(w->sets, draw->some * sizeof *out->heads, "random sets", err);
    if (!out->heads) return CLIPSPAN_E_NOMEM;
    out->info.heads = out->heads;
    while (drawn < w->sets && cs_random_heads_next(out->heads + drawn * draw->some, draw))
        drawn++;
    out->info.sets = drawn;
    return CLIPSPAN_OK;
}

clipspan_status cs_random_sets_make(cs_random_sets *out, const cs_evaluation *ev,
                                    const cs_random_wish *w, const cs_progress_part *part,
                                    clipspan_error *err)
{
    trial t = {.to = out, .ev = ev, .wish = w};
    cs_random_heads draw = {0};
    clipspan_status status;
    if (w->sets == 0) return CLIPSPAN_OK;
    status =
        cs_random_heads_init(&draw, cs_effects_run_of(ev->effects), w->first_layer, w->seed, err);
    if (status == CLIPSPAN_OK) status = draw_sets(out, &draw, w, err);
    if (status == CLIPSPAN_OK && out->info.sets) {
        status = try_all(&t, part, err);
        if (status == CLIPSPAN_OK)
            status = cs_random_figure_make(&out->overall, out->accuracy, out->info.sets,
                                           w->overall->after.share, w->seed, err);
        if (status == CLIPSPAN_OK && w->worst)
            status = cs_random_figure_make(&out->worst_group, out->worst, out->info.sets,
                                           w->worst->after.share, w->seed, err);
    }
    free_room(&t);
    cs_random_heads_fini(&draw);
    return status;
}
