/* SPDX-License-Identifier: MIT */
/* A chunk that a pack holds while its statistics are lost: they are taken from the numbers on disk,
 * which are those that they were first taken from (run/pack.h: rounded before they are counted), so
 * that the same bytes come out without reading an image again. */
#include "run/pack.h"
#include "run/scan_state.h"

#include <string.h>

/* Statistics need every layer's coefficients and the other contributions. */
static int is_whole(const cs_part_plan *plan)
{
    return plan->coefficients != CLIPSPAN_COEFFICIENTS_NONE && plan->contributions &&
           plan->first_layer == 0 && plan->layers == plan->shape.L && plan->rows == 1;
}

static clipspan_status read_planes(float *to, const cs_pack *pack, const cs_part_plan *plan,
                                   cs_pack_array array, uint64_t chunk, size_t planes, size_t width,
                                   clipspan_error *err)
{
    for (size_t i = 0; i < planes; i++)
        CS_TRY(
            cs_pack_read(to + i * CS_CHUNK * width, pack, plan, array, chunk, i, 0, CS_CHUNK, err));
    return CLIPSPAN_OK;
}

static clipspan_status read_all(cs_chunk_slot *slot, const cs_pack *pack, const cs_part_plan *plan,
                                uint64_t chunk, clipspan_error *err)
{
    const cs_shape *s = &plan->shape;
    cs_coefficients *c = slot->coefficients;
    CS_TRY(cs_pack_read_status(slot->status, pack, plan, chunk, err));
    CS_TRY(cs_pack_read_scale(c->scale, pack, chunk, err));
    CS_TRY(read_planes(c->embedding, pack, plan, CS_PACK_EMBEDDING, chunk, 1, s->P, err));
    CS_TRY(read_planes(c->z, pack, plan, CS_PACK_Z, chunk, s->L * s->H, s->K, err));
    CS_TRY(read_planes(c->mlp, pack, plan, CS_PACK_MLP, chunk, s->L + 1, s->P, err));
    for (int i = 0; i < CS_CHUNK; i++)
        c->used[i] = slot->status[i] == CS_IMAGE_OK;
    return CLIPSPAN_OK;
}

clipspan_status cs_scan_take_stored(const cs_scan_state *state, cs_chunk_slot *slot, uint64_t chunk,
                                    clipspan_error *err)
{
    const cs_part_plan *plan = &state->job->plan;
    clipspan_status status;
    cs_pack pack;
    slot->stored = 0;
    if (!state->held[chunk - state->job->first] || !is_whole(plan)) return CLIPSPAN_OK;
    CS_TRY(cs_pack_find(&pack, NULL, plan, chunk, err));
    status = read_all(slot, &pack, plan, chunk, err);
    cs_pack_close(&pack);
    slot->stored = status == CLIPSPAN_OK;
    return status;
}

clipspan_status cs_scan_take_stored_rest(const cs_scan_state *state, cs_chunk_slot *slot,
                                         uint64_t chunk, clipspan_error *err)
{
    const cs_part_plan *plan = &state->job->plan;
    clipspan_status status;
    cs_pack pack;
    CS_TRY(cs_pack_find(&pack, NULL, plan, chunk, err));
    status = read_planes(slot->coefficients->class_self_attention, &pack, plan,
                         CS_PACK_CLASS_SELF_ATTENTION, chunk, plan->shape.L, plan->shape.P, err);
    cs_pack_close(&pack);
    return status;
}
