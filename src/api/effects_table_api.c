/* SPDX-License-Identifier: MIT */
/* clipspan_effects_table: argument checks around study/effects_table.h, and TEXTSPAN of the heads
 * that become texts. */
#include "api/evaluation_api.h"
#include "api/option_structs.h"
#include "api/span_api.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "study/effects_table.h"
#include "study/study_json.h"

#include <clipspan/run.h>

struct clipspan_effects_table {
    cs_effects_table *table;
};

#define LAST  4  /* layers whose heads become texts */
#define TEXTS 60 /* a head */

static clipspan_status take_options(clipspan_effects_table_options *to,
                                    const clipspan_effects_table_options *options, int L,
                                    clipspan_error *err)
{
    CS_TRY(CS_OPTIONS(to, options, clipspan_effects_table_options, err));
    if (to->threads < 0 || to->threads > CS_MAX_THREADS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "threads is %d; 0 to %d was expected", to->threads,
                       CS_MAX_THREADS);
    if (!to->layers) {
        to->layers = L < LAST ? L : LAST;
        to->first_layer = L - to->layers;
    }
    if (!to->texts_per_head) to->texts_per_head = TEXTS;
    if (to->first_layer < 0 || to->layers < 0 || to->first_layer > L - to->layers)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%d layers from %d on were asked for; the model has layers 0 to %d",
                       to->layers, to->first_layer, L - 1);
    if (to->texts_per_head < 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "texts_per_head is %d; 0 or more was expected",
                       to->texts_per_head);
    return CLIPSPAN_OK;
}

/* TEXTSPAN of the heads of those layers, by the run whose means stand for components. */
static clipspan_status make_spans(clipspan_span **spans, size_t count,
                                  const clipspan_evaluation *ev,
                                  const clipspan_effects_table_options *o, int H,
                                  const cs_progress_part *part, clipspan_error *err)
{
    clipspan_span_options options = CLIPSPAN_SPAN_OPTIONS_INIT;
    cs_progress_part own = *part;
    clipspan_status status;
    clipspan_head *heads = cs_alloc(count, sizeof *heads, "heads", err);
    if (!heads) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        heads[i] = (clipspan_head){o->first_layer + (int)i / H, (int)i % H};
    options.basis_texts = o->texts_per_head;
    options.resamples = -1;
    options.threads = o->threads;
    status = clipspan_span_new_run(spans, ev->means_run ? ev->means_run : ev->run, heads, count,
                                   o->pool, &options, cs_progress_of(&own), err);
    cs_free(heads);
    return status;
}

/* Rows of heads replaced by texts. */
static clipspan_status add_texts(cs_effects_table *table, const clipspan_evaluation *ev,
                                 const clipspan_effects_table_options *o, int H,
                                 cs_progress_part *part, clipspan_error *err)
{
    const size_t count = (size_t)o->layers * (size_t)H;
    clipspan_span **spans = cs_alloc_zero(count, sizeof *spans, "heads", err);
    cs_head_texts *heads = cs_alloc(count, sizeof *heads, "heads", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (spans && heads) status = make_spans(spans, count, ev, o, H, part, err);
    part->before += count;
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++)
        heads[i] = cs_head_texts_of(spans[i]);
    if (status == CLIPSPAN_OK)
        status = cs_effects_table_texts(table, &ev->evaluation, heads, count, o->texts_per_head,
                                        part, err);
    table->info.first_layer = o->first_layer;
    table->info.layers = o->layers;
    if (status == CLIPSPAN_OK)
        status = cs_facts_keep(&table->info.pool, &table->facts, o->pool_name, err);
    for (size_t i = 0; spans && i < count; i++)
        clipspan_span_free(&spans[i]);
    cs_free(spans);
    cs_free(heads);
    return status;
}

static clipspan_status make(cs_effects_table **out, const clipspan_evaluation *ev,
                            const clipspan_effects_table_options *o,
                            const clipspan_progress *progress, clipspan_error *err)
{
    const cs_shape s = cs_effects_shape(ev->evaluation.effects);
    const size_t rows = cs_effects_table_size(s, o->sequence_only);
    cs_progress_part part = {.whole = progress, .total = rows};
    if (o->pool) part.total += (size_t)o->layers * s.H + cs_effects_table_steps(o->texts_per_head);
    CS_TRY(cs_effects_table_new(out, &ev->evaluation.facts.info, err));
    CS_TRY(cs_effects_table_run(*out, &ev->evaluation, o->sequence_only, &part, err));
    part.before = rows;
    return o->pool ? add_texts(*out, ev, o, (int)s.H, &part, err) : CLIPSPAN_OK;
}

/* The table's handle, which takes it; on failure it is given back. */
static clipspan_status wrap(clipspan_effects_table **out, cs_effects_table *table,
                            clipspan_error *err)
{
    *out = cs_alloc_zero(1, sizeof **out, "effects", err);
    if (*out)
        (*out)->table = table;
    else
        cs_effects_table_free(&table);
    return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status clipspan_effects_table_new(clipspan_effects_table **out,
                                           const clipspan_evaluation *evaluation,
                                           const clipspan_effects_table_options *options,
                                           const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_effects_table_options o;
    cs_effects_table *table = NULL;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !evaluation)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_effects_table_new: an argument is NULL");
    CS_TRY(take_options(&o, options, (int)cs_effects_shape(evaluation->evaluation.effects).L, err));
    status = make(&table, evaluation, &o, progress, err);
    if (status == CLIPSPAN_OK) return wrap(out, table, err);
    cs_effects_table_free(&table);
    return status;
}

void clipspan_effects_table_free(clipspan_effects_table **table)
{
    if (!table || !*table) return;
    cs_effects_table_free(&(*table)->table);
    cs_free(*table);
    *table = NULL;
}

const clipspan_effects_table_info *
clipspan_effects_table_get_info(const clipspan_effects_table *table)
{
    return table ? &table->table->info : NULL;
}

const clipspan_effect *clipspan_effects_table_get_row(const clipspan_effects_table *table,
                                                      size_t index)
{
    return table && index < table->table->info.rows ? &table->table->rows[index] : NULL;
}

clipspan_status clipspan_effects_table_keep(const clipspan_effects_table *table,
                                            const clipspan_run *run, const clipspan_run *other,
                                            clipspan_error *err)
{
    cs_clear(err);
    if (!table || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_effects_table_keep: an argument is NULL");
    return cs_effects_table_keep(table->table, run->run, other ? other->run : NULL, err);
}

clipspan_status clipspan_effects_table_open(clipspan_effects_table **out, const clipspan_run *run,
                                            clipspan_error *err)
{
    cs_effects_table *table;
    int stale;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_effects_table_open: an argument is NULL");
    CS_TRY(cs_effects_table_read(&table, &stale, run->run, err));
    if (table) return wrap(out, table, err);
    return cs_study_missing(run->run, "effects", stale, err);
}

void clipspan_effects_table_write_json(const clipspan_effects_table *table,
                                       void (*put)(void *to, const char *text, size_t size),
                                       void *to)
{
    if (table && put) cs_effects_table_json(table->table, put, to);
}
