/* SPDX-License-Identifier: MIT */
/* clipspan_effects: argument checks around run/effects.h. */
#include "api/effects_api.h"
#include "api/span_api.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "study/effects_items.h"

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
    *to = (clipspan_effects_options)CLIPSPAN_EFFECTS_OPTIONS_INIT;
    if (options) {
        CS_CHECK_SIZE(options, clipspan_effects_options, err);
        *to = *options;
    }
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

size_t clipspan_effects_get_pictures(const clipspan_effects *effects)
{
    return effects ? cs_effects_rows(effects->effects) : 0;
}

const uint64_t *clipspan_effects_get_places(const clipspan_effects *effects)
{
    return effects ? cs_effects_places(effects->effects) : NULL;
}

static clipspan_status check_labels(const int32_t *labels, const cs_effects *e, clipspan_error *err)
{
    for (size_t i = 0; labels && i < cs_effects_rows(e); i++)
        if (labels[i] < -1 || labels[i] >= (int32_t)cs_effects_classes(e))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "label %ld of picture %zu: expected -1 to %zu",
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

/* v : [C, classes] = sum over the first picks of reader_k (direction_k . w_c). */
static void span_reader(double *v, const clipspan_span *span, const cs_effects *e, int picks)
{
    const cs_shape s = cs_effects_shape(e);
    const size_t classes = cs_effects_classes(e);
    const float *directions = clipspan_span_get_directions(span), *w = cs_effects_vectors(e);
    const double *readers = clipspan_span_get_readers(span);
    const int count = span->info.picks < picks ? span->info.picks : picks;
    memset(v, 0, s.C * classes * sizeof *v);
    for (int k = 0; k < count; k++)
        for (size_t c = 0; c < classes; c++) {
            double along = 0.0;
            for (size_t p = 0; p < s.P; p++)
                along += (double)directions[(size_t)k * s.P + p] * (double)w[c * s.P + p];
            for (size_t i = 0; i < s.C; i++)
                v[i * classes + c] += readers[(size_t)k * s.C + i] * along;
        }
}

static clipspan_status check_spans(size_t *heads, uint8_t *seen, const clipspan_span *const *spans,
                                   size_t count, const cs_effects *e, clipspan_error *err)
{
    const cs_shape s = cs_effects_shape(e);
    for (size_t i = 0; i < count; i++) {
        const clipspan_span_info *info = clipspan_span_get_info(spans[i]);
        if (!info || (size_t)info->embed_width != s.P || (size_t)info->head_width != s.K ||
            info->head.layer >= (int)s.L || info->head.head >= (int)s.H)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "span %zu is NULL or of another model", i);
        heads[i] = (size_t)info->head.layer * s.H + (size_t)info->head.head;
        if (seen[heads[i]]++)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "there are two spans of head L%d.H%d",
                           info->head.layer, info->head.head);
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_effects_run_spans(uint32_t *predicted, double *margins,
                                           clipspan_effects *effects,
                                           const clipspan_effects *source,
                                           const clipspan_span *const *spans, size_t count,
                                           int picks, const int32_t *labels, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_effects *s = NULL;
    uint8_t *seen;
    double *readers;
    size_t *heads, size, i;
    cs_clear(err);
    if (!effects || (count > 0 && !spans) || picks < 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_effects_run_spans: an argument is NULL, or picks is negative");
    CS_TRY(cs_effects_source(&s, effects->effects, source ? source->effects : NULL, err));
    CS_TRY(check_labels(labels, effects->effects, err));
    size = cs_effects_shape(s).C * cs_effects_classes(s);
    seen = cs_alloc_zero(cs_effects_terms(s), 1, "spans", err);
    heads = cs_alloc(count, sizeof *heads, "spans", err);
    readers = cs_alloc(count, size * sizeof *readers, "spans", err);
    if (!seen || !heads || !readers) goto done;
    CS_TRY_DONE(check_spans(heads, seen, spans, count, s, err));
    for (i = 0; i < count; i++)
        span_reader(readers + i * size, spans[i], s, picks);
    status = cs_effects_run_replaced(predicted, margins, effects->effects, s, heads, count, readers,
                                     labels, err);
done:
    cs_free(seen);
    cs_free(heads);
    cs_free(readers);
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
