/* SPDX-License-Identifier: MIT */
/* What is chosen, what comes of it, and of random sets of heads. */
#include "study/ablation.h"
#include "base/memory.h"
#include "decompose/compare.h"
#include "study/effects_items.h"
#include "study/random_heads.h"

#include <string.h>

typedef struct work {
    const cs_evaluation *ev;
    const cs_ablation_wish *wish;
    cs_ablation *a;
    cs_components set;
    size_t chosen_heads;
    uint8_t *before, *after; /* [N] answers */
    uint32_t *predicted;     /* [N] */
} work;

clipspan_status cs_ablation_new(cs_ablation **out, const clipspan_evaluation_info *facts,
                                size_t random_sets, clipspan_error *err)
{
    cs_ablation *a = cs_alloc_zero(1, sizeof *a, "an ablation", err);
    clipspan_status status;
    *out = NULL;
    if (!a) return CLIPSPAN_E_NOMEM;
    a->info.evaluation = &a->facts.info;
    CS_TRY_DONE(cs_facts_copy(&a->facts, facts, err));
    a->per_class = cs_alloc_zero(facts->classes, sizeof *a->per_class, "classes", err);
    a->per_group = cs_alloc_zero(facts->groups, sizeof *a->per_group, "groups", err);
    a->sets = cs_alloc_zero(random_sets, sizeof *a->sets, "random sets", err);
    if (!a->per_class || !a->per_group || !a->sets) status = CLIPSPAN_E_NOMEM;
    if (a->sets) a->info.random_sets = random_sets;
done:
    if (status != CLIPSPAN_OK) cs_ablation_free(&a);
    *out = a;
    return status;
}

void cs_ablation_free(cs_ablation **ablation)
{
    cs_ablation *a = ablation ? *ablation : NULL;
    if (!a) return;
    for (size_t i = 0; a->sets && i < a->info.random_sets; i++)
        cs_free(a->sets[i].heads);
    cs_free(a->sets);
    cs_free(a->per_class);
    cs_free(a->per_group);
    cs_free(a->changes);
    cs_facts_fini(&a->facts);
    cs_free(a);
    *ablation = NULL;
}

static clipspan_status add_mlps(cs_components *set, clipspan_error *err)
{
    for (int l = -1; l < set->L; l++)
        CS_TRY(cs_components_add(
            set, (clipspan_change){.component = CLIPSPAN_COMPONENT_MLP, .layer = l}, err));
    return CLIPSPAN_OK;
}

static clipspan_status add_layers(cs_components *set, int before, clipspan_error *err)
{
    for (int l = 0; l < before; l++)
        for (int h = 0; h < set->H; h++)
            CS_TRY(cs_components_add(set, (clipspan_change){.layer = l, .head = h}, err));
    return CLIPSPAN_OK;
}

/* Changes and heads of the role first, then all MLPs and early layers. */
static clipspan_status choose(work *w, clipspan_error *err)
{
    const cs_ablation_wish *wish = w->wish;
    const cs_shape s = cs_effects_shape(w->ev->effects);
    cs_components *set = &w->set;
    if (wish->before < 0 || wish->before > (int)s.L)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "before is %d; 0 to %zu layers were expected",
                       wish->before, s.L);
    CS_TRY(cs_components_init(set, (int)s.L, (int)s.H, err));
    for (size_t i = 0; i < wish->change_count; i++)
        CS_TRY(cs_components_add(set, wish->changes[i], err));
    for (size_t i = 0; i < wish->role_count; i++)
        CS_TRY(cs_components_add(
            set,
            (clipspan_change){.layer = wish->role_heads[i].layer, .head = wish->role_heads[i].head},
            err));
    w->a->info.chosen = set->count;
    if (wish->mlps) CS_TRY(add_mlps(set, err));
    CS_TRY(add_layers(set, wish->before, err));
    for (size_t i = 0; i < w->a->info.chosen; i++)
        w->chosen_heads += set->changes[i].component == CLIPSPAN_COMPONENT_HEAD;
    if (set->count) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "nothing to ablate: name components, a role, all MLPs or early layers");
}

static clipspan_status predict(uint8_t *answers, work *w, const cs_components *set,
                               clipspan_error *err)
{
    const clipspan_edit edit = {set->changes, set->count};
    CS_TRY(cs_effects_run_changes(w->predicted, NULL, NULL, w->ev->effects, w->ev->means, &edit, 1,
                                  NULL, err));
    cs_evaluation_answers(answers, w->ev, w->predicted);
    return CLIPSPAN_OK;
}

static clipspan_status compare(cs_comparison *overall, cs_comparison *worst, work *w, int resamples,
                               clipspan_error *err)
{
    const size_t groups = w->ev->facts.info.groups;
    return cs_compare(overall, w->a->per_group, groups ? worst : NULL, w->before, w->after,
                      w->ev->groups, w->ev->N, groups, resamples, w->wish->seed, err);
}

/* One random set: as many heads as were chosen or asked for, none of those that are ablated with
 * the early layers anyway, with the same MLPs and early layers around it. */
static clipspan_status run_set(cs_random_set *to, work *w, cs_random_heads *draw,
                               cs_components *set, clipspan_error *err)
{
    const cs_ablation *a = w->a;
    to->heads = cs_alloc(a->info.random_heads, sizeof *to->heads, "heads", err);
    if (!to->heads) return CLIPSPAN_E_NOMEM;
    to->set.heads = to->heads;
    to->set.count = cs_random_heads_next(to->heads, draw, a->info.random_heads);
    CS_TRY(cs_components_init(set, w->set.L, w->set.H, err));
    for (size_t i = 0; i < to->set.count; i++)
        CS_TRY(cs_components_add(
            set, (clipspan_change){.layer = to->heads[i].layer, .head = to->heads[i].head}, err));
    for (size_t i = 0; i < w->set.count; i++)
        if (i >= a->info.chosen || w->set.changes[i].component != CLIPSPAN_COMPONENT_HEAD)
            CS_TRY(cs_components_add(set, w->set.changes[i], err));
    CS_TRY(predict(w->after, w, set, err));
    to->worst.group = -1;
    CS_TRY(compare(&to->overall, &to->worst, w, 0, err));
    to->set.overall = cs_comparison_show(&to->overall);
    to->set.worst = to->worst.group >= 0 ? cs_comparison_show(&to->worst) : NULL;
    return CLIPSPAN_OK;
}

static clipspan_status run_sets(work *w, const cs_progress_part *part, clipspan_error *err)
{
    const cs_run *run = cs_effects_run_of(w->ev->effects);
    cs_random_heads draw = {0};
    clipspan_status status = CLIPSPAN_OK;
    if (w->a->info.random_sets)
        status = cs_random_heads_init(&draw, run, w->wish->before, w->wish->seed, err);
    for (size_t t = 0; t < w->a->info.random_sets && status == CLIPSPAN_OK; t++) {
        cs_components set = {0};
        status = run_set(&w->a->sets[t], w, &draw, &set, err);
        cs_components_fini(&set);
        if (status == CLIPSPAN_OK) status = cs_progress_tell(part, t + 1, err);
    }
    cs_random_heads_fini(&draw);
    return status;
}

void cs_ablation_finish(cs_ablation *a)
{
    cs_comparison_show(&a->overall);
    cs_comparison_show(&a->worst);
    for (size_t i = 0; i < a->facts.info.classes; i++)
        cs_comparison_show(&a->per_class[i]);
    for (size_t i = 0; i < a->facts.info.groups; i++)
        cs_comparison_show(&a->per_group[i]);
    a->info.best_random = 0;
    for (size_t t = 1; t < a->info.random_sets; t++) {
        const clipspan_random_set *x = &a->sets[t].set, *y = &a->sets[a->info.best_random].set;
        const double one = x->worst ? x->worst->after->share : x->overall->after->share;
        const double other = y->worst ? y->worst->after->share : y->overall->after->share;
        if (one > other) a->info.best_random = t;
    }
}

/* The chosen set itself, with intervals, by class and by group. */
static clipspan_status run_chosen(work *w, clipspan_error *err)
{
    const cs_evaluation *ev = w->ev;
    cs_ablation *a = w->a;
    const int resamples = w->wish->resamples;
    CS_TRY(predict(w->after, w, &w->set, err));
    for (size_t i = 0; i < ev->N; i++)
        a->info.changed += w->predicted[i] != ev->predicted[i];
    CS_TRY(cs_compare(&a->overall, a->per_class, NULL, w->before, w->after, ev->labels, ev->N,
                      ev->facts.info.classes, resamples, w->wish->seed, err));
    a->worst.group = -1;
    CS_TRY(compare(&a->overall, &a->worst, w, resamples, err));
    a->has_worst = a->worst.group >= 0;
    return CLIPSPAN_OK;
}

static clipspan_status take_room(work *w, clipspan_error *err)
{
    const size_t N = w->ev->N;
    w->before = cs_alloc(N, 1, "answers", err);
    w->after = cs_alloc(N, 1, "answers", err);
    w->predicted = cs_alloc(N, sizeof *w->predicted, "predictions", err);
    return w->before && w->after && w->predicted ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status say_asked(work *w, clipspan_error *err)
{
    clipspan_ablation_info *info = &w->a->info;
    const cs_ablation_wish *wish = w->wish;
    const size_t all = (size_t)w->set.L * (size_t)w->set.H;
    info->random_heads = wish->random_heads ? wish->random_heads : w->chosen_heads;
    if (info->random_heads > all) info->random_heads = all;
    if (info->random_heads == 0) info->random_sets = 0;
    info->resamples = wish->resamples;
    info->seed = wish->seed;
    info->surgery = wish->surgery;
    CS_TRY(cs_facts_keep(&info->role, &w->a->facts, wish->role, err));
    CS_TRY(cs_facts_keep(&info->pool, &w->a->facts, wish->pool, err));
    w->a->changes = cs_alloc(w->set.count, sizeof *w->a->changes, "components", err);
    if (!w->a->changes) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < w->set.count; i++)
        w->a->changes[i] = w->set.changes[i];
    info->changes = w->set.count;
    return CLIPSPAN_OK;
}

clipspan_status cs_ablation_make(cs_ablation **out, const cs_evaluation *ev,
                                 const cs_ablation_wish *wish, const cs_progress_part *part,
                                 clipspan_error *err)
{
    work w = {.ev = ev, .wish = wish};
    clipspan_status status;
    *out = NULL;
    CS_TRY(cs_ablation_new(&w.a, &ev->facts.info, wish->random_sets, err));
    CS_TRY_DONE(choose(&w, err));
    CS_TRY_DONE(say_asked(&w, err));
    CS_TRY_DONE(take_room(&w, err));
    cs_evaluation_answers(w.before, ev, ev->predicted);
    CS_TRY_DONE(run_sets(&w, part, err));
    CS_TRY_DONE(run_chosen(&w, err));
    cs_ablation_finish(w.a);
    *out = w.a;
    w.a = NULL;
done:
    cs_ablation_free(&w.a);
    cs_components_fini(&w.set);
    cs_free(w.before);
    cs_free(w.after);
    cs_free(w.predicted);
    return status;
}
