/* SPDX-License-Identifier: MIT */
/* What the chosen remedy does besides: to the images of the statistics, without labels, and to
 * other classifications of the evaluated ones. */
#include "base/memory.h"
#include "base/memory_budget.h"
#include "decompose/compare.h"
#include "study/effects_items.h"
#include "study/remedy.h"

#include <clipspan/encode.h>
#include <string.h>

/* ---- Without labels ---- */

static void count_forecast(cs_remedy_pair *p, const uint32_t *predicted, const double *margins,
                           const cs_effects *e)
{
    const size_t N = cs_effects_rows(e), Q = cs_effects_columns(e), q = cs_effects_classes(e);
    const double *sums = cs_effects_sums(e), mean = cs_effects_mean(e, CS_EDIT_WHOLE)[q];
    for (size_t i = 0; i < N; i++) {
        const int other = predicted[i] != p->a;
        clipspan_remedy_forecast *to;
        if (other && predicted[i] != p->b && !p->pair.against_rest) continue;
        to = &p->forecast[2 * other + (sums[i * Q + q] > mean)];
        to->images++;
        to->kept += predicted[N + i] == predicted[i];
        to->margin_before += margins[i];
        to->margin_after += margins[N + i];
    }
    for (size_t k = 0; k < CS_REMEDY_FORECAST; k++) {
        if (!p->forecast[k].images) continue;
        p->forecast[k].margin_before /= (double)p->forecast[k].images;
        p->forecast[k].margin_after /= (double)p->forecast[k].images;
    }
}

static size_t chosen_changes(cs_remedy_work *j, const cs_remedy_pair *p)
{
    const clipspan_candidate *c = &p->candidates[p->pair.chosen];
    return cs_shortcut_changes(j->changes, j->shortcut, c->remedy, (size_t)c->heads);
}

clipspan_status cs_remedy_forecast(cs_remedy_work *work, cs_remedy_pair *p, clipspan_error *err)
{
    cs_effects *e = work->ev->means;
    const size_t N = cs_effects_rows(e);
    const clipspan_edit edits[2] = {{NULL, 0}, {work->changes, chosen_changes(work, p)}};
    uint32_t *predicted = cs_alloc(2 * N, sizeof *predicted, "predictions", err);
    double *margins = cs_alloc(2 * N, sizeof *margins, "margins", err);
    int32_t *labels = cs_alloc(N, sizeof *labels, "predictions", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (!predicted || !margins || !labels) goto done;
    CS_TRY_DONE(cs_effects_run_changes(predicted, NULL, NULL, e, NULL, edits, 1, NULL, err));
    for (size_t i = 0; i < N; i++)
        labels[i] = (int32_t)predicted[i];
    CS_TRY_DONE(cs_effects_run_changes(predicted, margins, NULL, e, NULL, edits, 2, labels, err));
    count_forecast(p, predicted, margins, e);
done:
    cs_free(predicted);
    cs_free(margins);
    cs_free(labels);
    return status;
}

/* ---- Other classifications ---- */

/* Effects on the side's classes of the run that `like` is of, with its cues. */
static clipspan_status open_effects(cs_effects **out, cs_effects *like,
                                    const clipspan_remedy_side_options *side, clipspan_error *err)
{
    const size_t classes = cs_effects_classes(like), P = cs_effects_shape(like).P;
    const uint64_t total = cs_memory_total();
    const cs_effects_wish wish = {
        clipspan_bank_get_vectors(side->bank),
        cs_effects_vectors(like) + classes * P,
        clipspan_bank_get_count(side->bank),
        cs_effects_columns(like) - classes,
        like,
        cs_effects_threads(like),
        total ? total / 4 : UINT64_C(4) << 30,
    };
    return cs_effects_new(out, cs_effects_run_of(like), &wish, NULL, err);
}

/* predicted : [2, N] before and after. */
static clipspan_status compare_side(cs_comparison *overall, const cs_remedy_work *j,
                                    const int32_t *labels, clipspan_error *err)
{
    for (size_t i = 0; i < 2 * j->N; i++) {
        const int32_t label = labels[i % j->N];
        uint8_t *to = i < j->N ? &j->before[i] : &j->after[i - j->N];
        *to = label < 0 ? CLIPSPAN_NO_ANSWER : j->predicted[i] == (uint32_t)label;
    }
    return cs_compare(overall, NULL, NULL, j->before, j->after, NULL, j->N, 0, j->wish->resamples,
                      j->wish->seed, err);
}

clipspan_status cs_remedy_side_effect(cs_remedy_work *work, cs_remedy_pair *p, size_t index,
                                      clipspan_error *err)
{
    const clipspan_remedy_side_options *side = &work->wish->sides[index];
    const clipspan_edit edits[2] = {{NULL, 0}, {work->changes, chosen_changes(work, p)}};
    cs_remedy_side *to = &p->sides[index];
    cs_effects *effects = NULL, *means = NULL;
    clipspan_status status;
    uint64_t kept = 0;
    CS_TRY_DONE(cs_facts_keep(&to->side.name, &work->remedy->facts, side->name, err));
    CS_TRY_DONE(cs_facts_keep(&to->side.words, &work->remedy->facts, side->words, err));
    CS_TRY_DONE(open_effects(&effects, work->ev->effects, side, err));
    if (work->ev->means != work->ev->effects)
        CS_TRY_DONE(open_effects(&means, work->ev->means, side, err));
    CS_TRY_DONE(
        cs_effects_run_changes(work->predicted, NULL, NULL, effects, means, edits, 2, NULL, err));
    for (size_t i = 0; i < work->N; i++)
        kept += work->predicted[i] == work->predicted[work->N + i];
    to->side.images = work->N;
    to->side.kept = (double)kept / (double)work->N;
    if (side->labels) {
        CS_TRY_DONE(compare_side(&to->overall, work, side->labels, err));
        to->side.overall = cs_comparison_show(&to->overall);
        cs_evaluation_answers(work->before, work->ev, work->ev->predicted);
    }
done:
    cs_effects_free(&effects);
    cs_effects_free(&means);
    return status;
}
