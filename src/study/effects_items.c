/* SPDX-License-Identifier: MIT */
/* Changes as a caller states them, checked and turned into additions to scores. */
#include "study/effects_items.h"
#include "base/memory.h"

#include <clipspan/run.h>
#include <math.h>
#include <string.h>

/* Items of one edit; constants that have to be made are kept until all edits are made. */
typedef struct item_maker {
    const cs_effects *effects;
    cs_effects *source;
    uint8_t *seen; /* [components + 1] */
    double **made; /* [changes of all edits] each for cs_free, made_count of them */
    size_t made_count;
} item_maker;

static clipspan_status find_head(size_t *component, const clipspan_change *c, const cs_shape *s,
                                 clipspan_error *err)
{
    if (c->layer < 0 || c->layer >= (int)s->L || c->head < 0 || c->head >= (int)s->H)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "head L%d.H%d was to be changed; the model has layers 0 to %zu with heads 0 to %zu",
            c->layer, c->head, s->L - 1, s->H - 1);
    *component = (size_t)c->layer * s->H + (size_t)c->head;
    return CLIPSPAN_OK;
}

static clipspan_status find_component(size_t *component, const clipspan_change *c,
                                      const cs_effects *e, clipspan_error *err)
{
    const cs_shape s = cs_effects_shape(e);
    const int first = c->component == CLIPSPAN_COMPONENT_MLP ? -1 : 0;
    *component = CS_EDIT_WHOLE;
    switch (c->component) {
    case CLIPSPAN_COMPONENT_EMBEDDING: return CLIPSPAN_OK;
    case CLIPSPAN_COMPONENT_HEAD: return find_head(component, c, &s, err);
    case CLIPSPAN_COMPONENT_MLP:
    case CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION:
        if (c->layer < first || c->layer >= (int)s.L)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "a component of layer %d was to be changed; there are %d to %zu",
                           c->layer, first, s.L - 1);
        *component = c->component == CLIPSPAN_COMPONENT_MLP
                         ? cs_effects_mlp_component(e, (size_t)(c->layer + 1))
                         : cs_effects_self_component(e, (size_t)c->layer);
        return CLIPSPAN_OK;
    }
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a change is of component kind %d; there are 0 to 3",
                   (int)c->component);
}

/* Constants of an image's own component; the row of its place. */
static clipspan_status swap_in(cs_edit_item *item, item_maker *m, uint64_t run_index,
                               clipspan_error *err)
{
    const cs_effects *e = m->effects;
    const uint64_t *run_indices = cs_effects_run_indices(e);
    size_t low = 0, high = cs_effects_rows(e);
    double *row;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (run_indices[middle] < run_index)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == cs_effects_rows(e) || run_indices[low] != run_index)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the image at place %llu was to be swapped in; the run has no such "
                       "image, or skipped it",
                       (unsigned long long)run_index);
    row = cs_alloc(cs_effects_columns(e), sizeof *row, "an image's component", err);
    if (!row) return CLIPSPAN_E_NOMEM;
    m->made[m->made_count++] = row;
    item->own = -1.0;
    item->constant = row;
    return cs_effects_read_row(row, e, item->component, low, err);
}

static clipspan_status cut_cue(cs_edit_item *item, const item_maker *m, const clipspan_change *c,
                               clipspan_error *err)
{
    const size_t classes = cs_effects_classes(m->source),
                 cues = cs_effects_columns(m->source) - classes;
    const int whole = c->component == CLIPSPAN_COMPONENT_EMBEDDING;
    if (c->cue >= cues)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a change refers to cue %zu; there are %zu",
                       c->cue, cues);
    if (c->component != CLIPSPAN_COMPONENT_HEAD && !whole)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "what moves with a cue can be taken from heads and from the embedding only");
    item->column = classes + c->cue;
    if (c->kind == CLIPSPAN_CHANGE_PROJECT) {
        item->gain = cs_effects_projection(m->source, c->cue);
        return CLIPSPAN_OK;
    }
    CS_TRY(cs_effects_learn_cue(m->source, c->cue, item->component, err));
    item->gain = cs_effects_gain(m->source, c->cue, item->component);
    item->constant = cs_effects_shift(m->source, c->cue, item->component);
    return CLIPSPAN_OK;
}

static clipspan_status make_item(cs_edit_item *item, item_maker *m, const clipspan_change *c,
                                 clipspan_error *err)
{
    const int whole = c->component == CLIPSPAN_COMPONENT_EMBEDDING;
    CS_TRY(find_component(&item->component, c, m->effects, err));
    if ((whole && c->kind != CLIPSPAN_CHANGE_CUE && c->kind != CLIPSPAN_CHANGE_PROJECT) ||
        (!whole && c->kind == CLIPSPAN_CHANGE_PROJECT))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a change of kind %d does not go with component kind %d", (int)c->kind,
                       (int)c->component);
    switch (c->kind) {
    case CLIPSPAN_CHANGE_MEAN:
        item->own = -1.0;
        item->constant = cs_effects_mean(m->source, item->component);
        return CLIPSPAN_OK;
    case CLIPSPAN_CHANGE_SCALE:
        if (!isfinite(c->scale))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a scale is not a finite number");
        item->own = c->scale - 1.0;
        return CLIPSPAN_OK;
    case CLIPSPAN_CHANGE_SWAP: return swap_in(item, m, c->run_index, err);
    case CLIPSPAN_CHANGE_CUE:
    case CLIPSPAN_CHANGE_PROJECT: return cut_cue(item, m, c, err);
    }
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a change is of kind %d; there are 0 to 4",
                   (int)c->kind);
}

/* A class-token self-attention beside a head of its layer. */
static int overlaps(const item_maker *m, size_t layer)
{
    const cs_shape s = cs_effects_shape(m->effects);
    if (!m->seen[cs_effects_self_component(m->effects, layer)]) return 0;
    for (size_t h = 0; h < s.H; h++)
        if (m->seen[layer * s.H + h]) return 1;
    return 0;
}

static clipspan_status make_items(cs_edit_item *items, item_maker *m, const clipspan_edit *edit,
                                  clipspan_error *err)
{
    const size_t T = cs_effects_components(m->effects);
    memset(items, 0, edit->count * sizeof *items);
    memset(m->seen, 0, T + 1);
    for (size_t i = 0; i < edit->count; i++) {
        size_t mark;
        CS_TRY(make_item(&items[i], m, &edit->changes[i], err));
        mark = items[i].component == CS_EDIT_WHOLE ? T : items[i].component;
        if (m->seen[mark])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "a component (kind %d, layer %d, head %d) is changed twice in one edit",
                           (int)edit->changes[i].component, edit->changes[i].layer,
                           edit->changes[i].head);
        m->seen[mark] = 1;
    }
    for (size_t l = 0; l < cs_effects_shape(m->effects).L; l++)
        if (overlaps(m, l))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "the class token's part of layer %zu is changed together with a head "
                           "that it is a part of",
                           l);
    return CLIPSPAN_OK;
}

clipspan_status cs_effects_source(cs_effects **out, cs_effects *e, cs_effects *source,
                                  clipspan_error *err)
{
    cs_effects *s = source ? source : e;
    const clipspan_run_info *one = cs_run_info(cs_effects_run_of(e)),
                            *other = cs_run_info(cs_effects_run_of(s));
    if (strcmp(one->model_hash, other->model_hash) != 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, other->path,
                          "is a run of model %s (%.12s…), but %s one of %s (%.12s…); means come "
                          "from the same model",
                          other->model_name, other->model_hash, one->path, one->model_name,
                          one->model_hash);
    if (cs_effects_classes(e) != cs_effects_classes(s) ||
        cs_effects_columns(e) != cs_effects_columns(s))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "means for %zu classes and %zu cues, but effects on %zu and %zu",
                       cs_effects_classes(s), cs_effects_columns(s) - cs_effects_classes(s),
                       cs_effects_classes(e), cs_effects_columns(e) - cs_effects_classes(e));
    *out = s;
    return CLIPSPAN_OK;
}

clipspan_status cs_effects_run_changes(uint32_t *predicted, double *margins, double *scores,
                                       cs_effects *e, cs_effects *source,
                                       const clipspan_edit *edits, size_t count,
                                       const int32_t *labels, clipspan_error *err)
{
    item_maker maker = {.effects = e, .source = source ? source : e};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_edit_item *items = NULL, *next;
    cs_edit *list = NULL;
    size_t total = 0, i;
    for (i = 0; i < count; i++)
        total += edits[i].count;
    next = items = cs_alloc(total, sizeof *items, "edits", err);
    list = cs_alloc(count, sizeof *list, "edits", err);
    maker.seen = cs_alloc(cs_effects_components(e) + 1, 1, "edits", err);
    maker.made = cs_alloc_zero(total, sizeof *maker.made, "edits", err);
    if (!items || !list || !maker.seen || !maker.made) goto done;
    for (i = 0; i < count; i++) {
        CS_TRY_DONE(make_items(next, &maker, &edits[i], err));
        list[i].items = next;
        list[i].count = edits[i].count;
        next += edits[i].count;
    }
    status = cs_effects_run(predicted, margins, scores, e, list, count, labels, err);
done:
    for (i = 0; i < maker.made_count; i++)
        cs_free(maker.made[i]);
    cs_free(maker.made);
    cs_free(maker.seen);
    cs_free(list);
    cs_free(items);
    return status;
}
