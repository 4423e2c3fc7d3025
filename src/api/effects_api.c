/* SPDX-License-Identifier: MIT */
/* clipspan_effects: argument checks around run/effects.h. */
#include "api/effects_api.h"
#include "api/span_api.h"
#include "base/memory.h"
#include "base/memory_budget.h"
#include "base/parallel.h"
#include "study/effects_items.h"

#include <clipspan/run.h>
#include <math.h>
#include <string.h>

/* At most a quarter of memory, 4 GB where that is not known. */
static uint64_t default_memory(void)
{
    const uint64_t total = cs_memory_total();
    return total ? total / 4 : UINT64_C(4) << 30;
}

static clipspan_status check_cues(const clipspan_effects_options *o, size_t P, clipspan_error *err)
{
    for (size_t i = 0; i < o->cue_count; i++) {
        double length = 0.0;
        for (size_t p = 0; p < P; p++)
            length += (double)o->cues[i * P + p] * (double)o->cues[i * P + p];
        if (!isfinite(length) || !(length > 0.0))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "cue %zu is no direction: its length is %g; its two sides say the same",
                           i, sqrt(length));
    }
    return CLIPSPAN_OK;
}

static clipspan_status take_options(clipspan_effects_options *to,
                                    const clipspan_effects_options *options, clipspan_error *err)
{
    CS_TRY(CS_OPTIONS(to, options, clipspan_effects_options, err));
    if (to->threads < 0 || to->threads > CS_MAX_THREADS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "threads is %d; 0 to %d was expected", to->threads,
                       CS_MAX_THREADS);
    if (to->cue_count > 0 && !to->cues)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "cue_count is %zu, but cues is NULL",
                       to->cue_count);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_effects_new(clipspan_effects **out, const clipspan_run *run,
                                     const clipspan_bank *bank,
                                     const clipspan_effects_options *options,
                                     const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_effects_options o;
    cs_effects_wish wish;
    clipspan_effects *e;
    clipspan_status status;
    size_t P;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_effects_new: an argument is NULL");
    CS_TRY(take_options(&o, options, err));
    P = cs_run_shape(run->run).P;
    if (clipspan_bank_get_width(bank) != P)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the classes' vectors have %zu numbers, but those of model %s have %zu; "
                       "they are of another model",
                       clipspan_bank_get_width(bank), cs_run_info(run->run)->model_name, P);
    if (clipspan_bank_get_count(bank) < 2)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "two classes at least are needed; there is %zu",
                       clipspan_bank_get_count(bank));
    CS_TRY(check_cues(&o, P, err));
    e = cs_alloc_zero(1, sizeof *e, "effects", err);
    if (!e) return CLIPSPAN_E_NOMEM;
    wish.classes = clipspan_bank_get_vectors(bank);
    wish.class_count = clipspan_bank_get_count(bank);
    wish.cues = o.cues;
    wish.cue_count = o.cue_count;
    wish.like = o.like ? o.like->effects : NULL;
    wish.threads = o.threads ? o.threads : cs_threads_default();
    wish.memory = o.memory ? o.memory : default_memory();
    status = cs_effects_new(&e->effects, run->run, &wish, progress, err);
    if (status == CLIPSPAN_OK)
        *out = e;
    else
        cs_free(e);
    return status;
}

void clipspan_effects_free(clipspan_effects **effects)
{
    if (!effects || !*effects) return;
    cs_effects_free(&(*effects)->effects);
    cs_free(*effects);
    *effects = NULL;
}

size_t clipspan_effects_get_images(const clipspan_effects *effects)
{
    return effects ? cs_effects_rows(effects->effects) : 0;
}

const uint64_t *clipspan_effects_get_run_indices(const clipspan_effects *effects)
{
    return effects ? cs_effects_run_indices(effects->effects) : NULL;
}

static clipspan_status check_labels(const int32_t *labels, const cs_effects *e, clipspan_error *err)
{
    for (size_t i = 0; labels && i < cs_effects_rows(e); i++)
        if (labels[i] < -1 || labels[i] >= (int32_t)cs_effects_classes(e))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "label %ld of image %zu: expected -1 to %zu",
                           (long)labels[i], i, cs_effects_classes(e) - 1);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_effects_run(uint32_t *predicted, double *margins, double *scores,
                                     clipspan_effects *effects, const clipspan_effects *source,
                                     const clipspan_edit *edits, size_t count,
                                     const int32_t *labels, clipspan_error *err)
{
    cs_effects *means;
    cs_clear(err);
    if (!effects || (count > 0 && !edits))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_effects_run: an argument is NULL");
    CS_TRY(cs_effects_source(&means, effects->effects, source ? source->effects : NULL, err));
    CS_TRY(check_labels(labels, effects->effects, err));
    for (size_t i = 0; i < count; i++)
        if (edits[i].count > 0 && !edits[i].changes)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "edit %zu has %zu changes, but they are NULL",
                           i, edits[i].count);
    return cs_effects_run_changes(predicted, margins, scores, effects->effects, means, edits, count,
                                  labels, err);
}

static clipspan_status check_spans(const clipspan_span *const *spans, size_t count,
                                   const cs_effects *e, clipspan_error *err)
{
    const cs_shape s = cs_effects_shape(e);
    clipspan_status status = CLIPSPAN_OK;
    uint8_t *seen = cs_alloc_zero(cs_effects_components(e), 1, "spans", err);
    if (!seen) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        const clipspan_span_info *info = clipspan_span_get_info(spans[i]);
        if (!info || (size_t)info->embed_width != s.P || (size_t)info->head_width != s.K ||
            info->head.layer >= (int)s.L || info->head.head >= (int)s.H)
            status = cs_fail(err, CLIPSPAN_E_ARGUMENT, "span %zu is NULL or of another model", i);
        else if (seen[(size_t)info->head.layer * s.H + (size_t)info->head.head]++)
            status = cs_fail(err, CLIPSPAN_E_ARGUMENT, "there are two spans of head L%d.H%d",
                             info->head.layer, info->head.head);
    }
    cs_free(seen);
    return status;
}

cs_head_texts cs_head_texts_of(const clipspan_span *span)
{
    return (cs_head_texts){span->info.head, span->info.basis_texts,
                           clipspan_span_get_basis_texts(span), clipspan_span_get_directions(span),
                           clipspan_span_get_readers(span)};
}

clipspan_status clipspan_effects_run_spans(uint32_t *predicted, double *margins,
                                           clipspan_effects *effects,
                                           const clipspan_effects *source,
                                           const clipspan_span *const *spans, size_t count,
                                           int basis_texts, const int32_t *labels,
                                           clipspan_error *err)
{
    clipspan_status status;
    cs_head_texts *heads;
    cs_effects *s = NULL;
    cs_clear(err);
    if (!effects || (count > 0 && !spans) || basis_texts < 0)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "clipspan_effects_run_spans: an argument is NULL, or basis texts is negative");
    CS_TRY(cs_effects_source(&s, effects->effects, source ? source->effects : NULL, err));
    CS_TRY(check_labels(labels, effects->effects, err));
    CS_TRY(check_spans(spans, count, s, err));
    heads = cs_alloc(count, sizeof *heads, "spans", err);
    if (!heads) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        heads[i] = cs_head_texts_of(spans[i]);
    status = cs_effects_run_texts(predicted, margins, effects->effects, s, heads, count,
                                  basis_texts, labels, err);
    cs_free(heads);
    return status;
}

clipspan_status clipspan_effects_read_cue(double *out, double *mean,
                                          const clipspan_effects *effects, size_t cue,
                                          clipspan_error *err)
{
    const cs_effects *e = effects ? effects->effects : NULL;
    size_t Q, q;
    cs_clear(err);
    if (!e) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_effects_read_cue: effects is NULL");
    Q = cs_effects_columns(e);
    q = cs_effects_classes(e) + cue;
    if (cue >= Q - cs_effects_classes(e))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "cue %zu was asked for; there are %zu", cue,
                       Q - cs_effects_classes(e));
    for (size_t i = 0; out && i < cs_effects_rows(e); i++)
        out[i] = cs_effects_sums(e)[i * Q + q];
    if (mean) *mean = cs_effects_mean(e, CS_EDIT_WHOLE)[q];
    return CLIPSPAN_OK;
}
