/* SPDX-License-Identifier: MIT */
/* What is chosen, what comes of it, and of random sets of heads. */
#include "study/ablation.h"
#include "base/memory.h"
#include "decompose/compare.h"
#include "study/effects_items.h"

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
                                clipspan_error *err)
{
    cs_ablation *a = cs_alloc_zero(1, sizeof *a, "an ablation", err);
    clipspan_status status;
    *out = NULL;
    if (!a) return CLIPSPAN_E_NOMEM;
    a->info.evaluation = &a->facts.info;
    CS_TRY_DONE(cs_facts_copy(&a->facts, facts, err));
    a->per_class = cs_alloc_zero(facts->classes, sizeof *a->per_class, "classes", err);
    a->per_group = cs_alloc_zero(facts->groups, sizeof *a->per_group, "groups", err);
    if (!a->per_class || !a->per_group) status = CLIPSPAN_E_NOMEM;
done:
    if (status != CLIPSPAN_OK) cs_ablation_free(&a);
    *out = a;
    return status;
}

void cs_ablation_free(cs_ablation **ablation)
{
    cs_ablation *a = ablation ? *ablation : NULL;
    if (!a) return;
    cs_random_sets_fini(&a->random);
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

void cs_ablation_finish(cs_ablation *a)
{
    cs_comparison_show(&a->overall);
    cs_comparison_show(&a->worst);
    for (size_t i = 0; i < a->facts.info.classes; i++)
        cs_comparison_show(&a->per_class[i]);
    for (size_t i = 0; i < a->facts.info.groups; i++)
        cs_comparison_show(&a->per_group[i]);
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

/* Chosen heads that sets are matched with, and what else is changed, which stands around every set
 * too: chosen heads of the early layers are among that. */
static void split_chosen(clipspan_head *heads, size_t *count, clipspan_change *around,
                         size_t *around_count, const work *w)
{
    const clipspan_change *changes = w->set.changes;
    *count = *around_count = 0;
    for (size_t i = 0; i < w->set.count; i++)
        if (i < w->a->info.chosen && changes[i].component == CLIPSPAN_COMPONENT_HEAD &&
            changes[i].layer >= w->wish->before)
            heads[(*count)++] = (clipspan_head){changes[i].layer, changes[i].head};
        else
            around[(*around_count)++] = changes[i];
}

static clipspan_status run_sets(work *w, const cs_progress_part *part, clipspan_error *err)
{
    const cs_ablation_wish *wish = w->wish;
    cs_random_wish random = {
        .sets = w->chosen_heads ? wish->random_sets : 0,
        .published = wish->published,
        .some = wish->random_heads ? wish->random_heads : w->chosen_heads,
        .first_layer = wish->before,
        .seed = wish->seed,
        .overall = &w->a->overall,
        .worst = w->a->has_worst ? &w->a->worst : NULL,
    };
    clipspan_head *heads = cs_alloc(w->set.count, sizeof *heads, "heads", err);
    clipspan_change *around = cs_alloc(w->set.count, sizeof *around, "components", err);
    clipspan_status status = heads && around ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK) {
        split_chosen(heads, &random.count, around, &random.around_count, w);
        random.chosen = heads;
        random.around = around;
        status = cs_random_sets_make(&w->a->random, w->ev, &random, part, err);
    }
    cs_free(heads);
    cs_free(around);
    return status;
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
    CS_TRY(cs_ablation_new(&w.a, &ev->facts.info, err));
    CS_TRY_DONE(choose(&w, err));
    CS_TRY_DONE(say_asked(&w, err));
    CS_TRY_DONE(take_room(&w, err));
    cs_evaluation_answers(w.before, ev, ev->predicted);
    CS_TRY_DONE(run_chosen(&w, err));
    CS_TRY_DONE(run_sets(&w, part, err));
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
