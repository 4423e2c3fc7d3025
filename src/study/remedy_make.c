/* SPDX-License-Identifier: MIT */
/* Remedies tried on the evaluated images, each against nothing, and random sets of heads that are
 * changed the same way. */
#include "base/memory.h"
#include "base/progress_part.h"
#include "decompose/compare.h"
#include "study/effects_items.h"
#include "study/remedy.h"

#include <math.h>
#include <string.h>

static clipspan_status compare(cs_comparison *overall, cs_comparison *worst, cs_remedy_work *j,
                               const uint32_t *predicted, int resamples, clipspan_error *err)
{
    const cs_evaluation *ev = j->ev;
    const size_t groups = ev->facts.info.groups;
    cs_evaluation_answers(j->after, ev, predicted);
    return cs_compare(overall, j->per_group, groups ? worst : NULL, j->before, j->after, ev->groups,
                      ev->N, groups, resamples, j->wish->seed, err);
}

static clipspan_status predict(cs_remedy_work *j, const clipspan_change *changes, size_t count,
                               clipspan_error *err)
{
    const clipspan_edit edit = {changes, count};
    return cs_effects_run_changes(j->predicted, NULL, NULL, j->ev->effects, j->ev->means, &edit, 1,
                                  NULL, err);
}

static clipspan_status try_remedy(cs_remedy_work *j, cs_remedy_pair *p, clipspan_remedy_role role,
                                  const clipspan_candidate *c, clipspan_error *err)
{
    cs_remedy_row *to = cs_remedy_add_row(p, role);
    const size_t count = cs_shortcut_changes(j->changes, j->shortcut, c->remedy, (size_t)c->heads);
    to->row.kind = c->remedy;
    to->row.heads = (size_t)c->heads;
    to->row.correlation = c->correlation;
    CS_TRY(predict(j, j->changes, count, err));
    CS_TRY(compare(&to->overall, &to->worst, j, j->predicted, j->wish->resamples, err));
    memcpy(to->groups, j->per_group, j->ev->facts.info.groups * sizeof *to->groups);
    if (role == CLIPSPAN_TRIED_CHOSEN) memcpy(p->predicted, j->predicted, j->N * sizeof(uint32_t));
    return CLIPSPAN_OK;
}

/* Of the candidates of one kind that with the smallest correlation. */
static const clipspan_candidate *find_least(const cs_remedy_pair *p, clipspan_remedy_kind kind)
{
    const clipspan_candidate *c = p->candidates, *found = NULL;
    for (size_t i = 0; i < p->pair.candidates; i++)
        if (c[i].remedy == kind && c[i].eligible &&
            (!found || c[i].correlation < found->correlation))
            found = &c[i];
    return found;
}

/* The eligible candidate that turns out best where the answers are known: by worst group, or
 * accuracy. */
static clipspan_status find_best(clipspan_candidate *best, cs_remedy_work *j,
                                 const cs_remedy_pair *p, clipspan_error *err)
{
    const clipspan_candidate *c = p->candidates;
    clipspan_edit edits[CS_REMEDY_EDITS];
    double top = -1.0;
    for (size_t first = 0; first < p->pair.candidates; first += CS_REMEDY_EDITS) {
        const size_t left = p->pair.candidates - first,
                     some = left < CS_REMEDY_EDITS ? left : CS_REMEDY_EDITS;
        for (size_t i = 0; i < some; i++) {
            clipspan_change *to = j->changes + i * j->LH;
            edits[i].changes = to;
            edits[i].count = cs_shortcut_changes(to, j->shortcut, c[first + i].remedy,
                                                 (size_t)c[first + i].heads);
        }
        CS_TRY(cs_effects_run_changes(j->predicted, NULL, NULL, j->ev->effects, j->ev->means, edits,
                                      some, NULL, err));
        for (size_t i = 0; i < some; i++) {
            cs_comparison overall, worst = {.group = -1};
            double value;
            CS_TRY(compare(&overall, &worst, j, j->predicted + i * j->N, 0, err));
            value = j->ev->facts.info.groups ? worst.after.share : overall.after.share;
            if (!c[first + i].eligible || !(value > top)) continue;
            top = value;
            *best = c[first + i];
        }
    }
    return CLIPSPAN_OK;
}

static clipspan_status try_remedies(cs_remedy_work *j, cs_remedy_pair *p, clipspan_error *err)
{
    const clipspan_candidate *c = p->candidates, *ablate = find_least(p, CLIPSPAN_REMEDY_ABLATE),
                             *surgery = find_least(p, CLIPSPAN_REMEDY_SURGERY);
    clipspan_candidate all = {CLIPSPAN_REMEDY_SURGERY, (int)p->pair.heads, (double)NAN, 0},
                       best = c[0];
    for (size_t i = 0; i < p->pair.candidates; i++)
        if (c[i].remedy == CLIPSPAN_REMEDY_SURGERY && c[i].heads == (int)p->pair.heads) all = c[i];
    CS_TRY(try_remedy(j, p, CLIPSPAN_TRIED_NOTHING, &c[0], err));
    CS_TRY(try_remedy(j, p, CLIPSPAN_TRIED_CHOSEN, &c[p->pair.chosen], err));
    if (ablate) CS_TRY(try_remedy(j, p, CLIPSPAN_TRIED_ABLATION, ablate, err));
    if (surgery) CS_TRY(try_remedy(j, p, CLIPSPAN_TRIED_SURGERY, surgery, err));
    CS_TRY(try_remedy(j, p, CLIPSPAN_TRIED_ALL_HEADS, &all, err));
    CS_TRY(try_remedy(j, p, CLIPSPAN_TRIED_PROJECT, find_least(p, CLIPSPAN_REMEDY_PROJECT), err));
    CS_TRY(try_remedy(j, p, CLIPSPAN_TRIED_REGRESS, find_least(p, CLIPSPAN_REMEDY_REGRESS), err));
    if (j->ev->facts.info.agreement) return CLIPSPAN_OK;
    CS_TRY(find_best(&best, j, p, err));
    return try_remedy(j, p, CLIPSPAN_TRIED_HINDSIGHT, &best, err);
}

/* Sets of heads, changed as the chosen remedy changes its own. */
static clipspan_status try_randoms(cs_remedy_work *j, cs_remedy_pair *p, clipspan_error *err)
{
    const clipspan_candidate *c = &p->candidates[p->pair.chosen];
    const cs_remedy_row *chosen = &p->rows[CLIPSPAN_TRIED_CHOSEN];
    const int all = c->heads == 0 || (size_t)c->heads == j->LH;
    cs_random_wish wish = {
        .count = (size_t)c->heads,
        .some = (size_t)c->heads,
        .sets = all ? 0 : j->wish->random_sets,
        .published = j->wish->published,
        .seed = j->wish->seed,
        .overall = &chosen->overall,
        .worst = chosen->worst.group >= 0 ? &chosen->worst : NULL,
    };
    clipspan_head *heads = cs_alloc((size_t)c->heads, sizeof *heads, "heads", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (heads) {
        for (int i = 0; i < c->heads; i++)
            heads[i] = p->heads[i].head;
        wish.chosen = heads;
        if (c->remedy == CLIPSPAN_REMEDY_SURGERY) wish.change.kind = CLIPSPAN_CHANGE_CUE;
        status = cs_random_sets_make(&p->random, j->ev, &wish, NULL, err);
    }
    cs_free(heads);
    return status;
}

/* ---- Pairs ---- */

static clipspan_status take_shortcut(cs_remedy_work *j, cs_remedy_pair *p, clipspan_error *err)
{
    const cs_shortcut *s = j->shortcut;
    clipspan_decision decision = s->info.decision;
    if (j->wish->cue && j->wish->cue->names_class) { /* in words, whatever its direction */
        decision.verdict = CLIPSPAN_VERDICT_CLASS;
        decision.chosen = 0;
    }
    p->pair.heads = s->info.heads;
    p->pair.ranked = s->info.ranked;
    p->pair.variance = s->info.variance;
    p->pair.explained = s->info.explained;
    p->pair.counteracted = s->info.counteracted;
    p->pair.candidates = s->info.candidates;
    p->pair.sides = j->wish->side_count;
    CS_TRY(cs_remedy_pair_room(j->remedy, p, err));
    p->predicted = cs_alloc(j->N, sizeof *p->predicted, "predictions", err);
    if (!p->predicted) return CLIPSPAN_E_NOMEM;
    memcpy(p->heads, s->heads, p->pair.heads * sizeof *p->heads);
    memcpy(p->candidates, s->candidates, p->pair.candidates * sizeof *p->candidates);
    return cs_remedy_decide(j->remedy, p, &decision, err);
}

static clipspan_status run_pair(cs_remedy_work *j, cs_remedy_pair *p, clipspan_error *err)
{
    clipspan_status status;
    CS_TRY(cs_shortcut_new(&j->shortcut, j->ev->means, p->a, p->b, 0, err));
    CS_TRY_DONE(take_shortcut(j, p, err));
    CS_TRY_DONE(try_remedies(j, p, err));
    CS_TRY_DONE(try_randoms(j, p, err));
    CS_TRY_DONE(cs_remedy_weights(j, p, err));
    CS_TRY_DONE(cs_remedy_forecast(j, p, err));
    for (size_t i = 0; i < p->pair.sides; i++)
        CS_TRY_DONE(cs_remedy_side_effect(j, p, i, err));
    cs_remedy_finish_pair(p, j->ev->facts.info.groups);
done:
    cs_shortcut_free(&j->shortcut);
    return status;
}

/* Two classes make a pair; of more, each also stands against the rest. */
static size_t count_pairs(size_t classes)
{
    return classes < 2 ? 0 : classes * (classes - 1) / 2 + (classes > 2 ? classes : 0);
}

static void name_pairs(cs_remedy_pair *pairs, size_t classes)
{
    for (size_t a = 0; a < classes; a++)
        for (size_t b = a + 1; b < classes; b++, pairs++) {
            pairs->a = a;
            pairs->b = b;
        }
    for (size_t a = 0; a < classes && classes > 2; a++, pairs++) {
        pairs->a = a;
        pairs->b = CLIPSPAN_THE_REST;
    }
}

static clipspan_status run_pairs(cs_remedy_work *j, const clipspan_progress *progress,
                                 clipspan_error *err)
{
    const size_t pairs = j->remedy->info.pairs;
    name_pairs(j->remedy->pairs, j->ev->facts.info.classes);
    for (size_t i = 0; i < pairs; i++) {
        CS_TRY(run_pair(j, &j->remedy->pairs[i], err));
        CS_TRY(cs_progress_step(progress, i + 1, pairs, "trying remedies was stopped", err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status take_room(cs_remedy_work *j, clipspan_error *err)
{
    const size_t groups = j->ev->facts.info.groups;
    j->changes = cs_alloc(CS_REMEDY_EDITS * j->LH, sizeof *j->changes, "edits", err);
    j->predicted = cs_alloc(CS_REMEDY_EDITS, j->N * sizeof *j->predicted, "predictions", err);
    j->before = cs_alloc(j->N, 1, "answers", err);
    j->after = cs_alloc(j->N, 1, "answers", err);
    j->per_group = cs_alloc_zero(groups, sizeof *j->per_group, "groups", err);
    if (!j->changes || !j->predicted || !j->before || !j->after || !j->per_group)
        return CLIPSPAN_E_NOMEM;
    cs_evaluation_answers(j->before, j->ev, j->ev->predicted);
    return CLIPSPAN_OK;
}

clipspan_status cs_remedy_make(cs_remedy **out, const cs_evaluation *ev, const cs_remedy_wish *wish,
                               const clipspan_progress *progress, clipspan_error *err)
{
    const size_t classes = ev->facts.info.classes;
    const cs_shape shape = cs_effects_shape(ev->effects);
    cs_remedy_work j = {.ev = ev, .wish = wish, .LH = shape.L * shape.H, .N = ev->N};
    clipspan_status status;
    *out = NULL;
    if (classes < 2 || classes > CS_REMEDY_CLASSES)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%zu classes make %zu pairs; give the 2 to %d that are in doubt", classes,
                       classes * (classes - (classes > 0)) / 2, CS_REMEDY_CLASSES);
    CS_TRY_DONE(cs_remedy_new(&j.remedy, &ev->facts.info, count_pairs(classes), err));
    j.remedy->info.resamples = wish->resamples;
    j.remedy->info.seed = wish->seed;
    if (wish->cue) CS_TRY_DONE(cs_remedy_cue(j.remedy, wish->cue, wish->found, err));
    CS_TRY_DONE(take_room(&j, err));
    CS_TRY_DONE(run_pairs(&j, progress, err));
    *out = j.remedy;
    j.remedy = NULL;
done:
    cs_remedy_free(&j.remedy);
    cs_free(j.changes);
    cs_free(j.predicted);
    cs_free(j.before);
    cs_free(j.after);
    cs_free(j.per_group);
    return status;
}
