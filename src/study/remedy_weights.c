/* SPDX-License-Identifier: MIT */
/* The chosen remedy as changes of weights: cue and gain of every head, or of the embedding. */
#include "base/memory.h"
#include "study/remedy.h"
#include "tensor/dot.h"

static clipspan_status fill(clipspan_weight_change *to, float *gain, const cs_effects *e,
                            const clipspan_change *c, clipspan_error *err)
{
    const size_t P = cs_effects_shape(e).P, H = cs_effects_shape(e).H;
    const size_t component = c->component == CLIPSPAN_COMPONENT_HEAD
                                 ? (size_t)c->layer * H + (size_t)c->head
                                 : CS_EDIT_WHOLE;
    double *exact = cs_alloc(P, sizeof *exact, "a gain", err);
    clipspan_status status = exact ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    to->component = c->component;
    to->layer = c->layer;
    to->head = c->head;
    if (status == CLIPSPAN_OK && c->kind == CLIPSPAN_CHANGE_PROJECT) {
        const double length = cs_dot_f32(to->cue, to->cue, P);
        for (size_t p = 0; p < P; p++)
            exact[p] = length > 0.0 ? (double)to->cue[p] / length : 0.0;
    } else if (status == CLIPSPAN_OK) {
        status = cs_effects_gain_vector(exact, e, c->cue, component, err);
        to->mean = cs_effects_mean(e, component)[cs_effects_classes(e) + c->cue];
        to->constant = cs_effects_constant(e, c->cue, component);
    }
    for (size_t p = 0; p < P && status == CLIPSPAN_OK; p++)
        gain[p] = (float)exact[p];
    cs_free(exact);
    return status;
}

clipspan_status cs_remedy_weights(cs_remedy_work *work, cs_remedy_pair *pair, clipspan_error *err)
{
    const cs_effects *e = work->ev->means;
    const clipspan_candidate *c = &pair->candidates[pair->pair.chosen];
    const size_t P = cs_effects_shape(e).P;
    const float *cue = cs_effects_vectors(e) + cs_effects_classes(e) * P;
    size_t count = cs_shortcut_changes(work->changes, work->shortcut, c->remedy, (size_t)c->heads);
    if (c->remedy == CLIPSPAN_REMEDY_ABLATE) count = 0;
    CS_TRY(cs_remedy_change_room(pair, count, P, err));
    for (size_t k = 0; k < P; k++)
        pair->vectors[k] = cue[k];
    for (size_t i = 0; i < count; i++)
        CS_TRY(fill(&pair->changes[i], pair->vectors + (1 + i) * P, e, &work->changes[i], err));
    return CLIPSPAN_OK;
}
