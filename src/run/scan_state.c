/* SPDX-License-Identifier: MIT */
/* Taking and giving back a scan's memory; which chunks are done. */
#include "run/scan_state.h"
#include "base/memory.h"
#include "base/memory_budget.h"
#include "run/pack.h"

#include <string.h>

#define RING_LEAST 3 /* one is written, one worked on, one ready */

/* A chunk is done when its statistics lie below some node and a whole pack holds it. */
static clipspan_status find_todo(cs_scan_state *s, clipspan_error *err)
{
    const cs_scan_job *job = s->job;
    clipspan_status status = CLIPSPAN_OK;
    cs_pack pack = {0};
    for (uint64_t chunk = job->first; chunk < job->end; chunk++) {
        if (!cs_pack_holds(&pack, chunk)) {
            clipspan_error local;
            int foreign = 0;
            cs_pack_close(&pack);
            status = cs_pack_find(&pack, &foreign, &job->plan, chunk, &local);
            if (foreign || cs_part_is_away(status, &local)) {
                if (err) *err = local;
                return status;
            }
        }
        s->held[chunk - job->first] = (unsigned char)cs_pack_holds(&pack, chunk);
        if (s->covered[chunk - job->first] && s->held[chunk - job->first]) continue;
        s->todo[s->todo_count++] = chunk;
        s->images += (uint64_t)cs_chunk_places(&job->plan.tree, chunk);
    }
    cs_pack_close(&pack);
    return CLIPSPAN_OK;
}

clipspan_status cs_scan_state_find(cs_scan_state *state, const cs_scan_job *job,
                                   clipspan_error *err)
{
    const size_t chunks = (size_t)(job->end - job->first);
    memset(state, 0, sizeof *state);
    state->job = job;
    state->todo = cs_alloc(chunks, sizeof *state->todo, "a list of chunks", err);
    state->covered = cs_alloc_zero(chunks, 1, "a list of chunks", err);
    state->held = cs_alloc_zero(chunks, 1, "a list of chunks", err);
    if (!state->todo || !state->covered || !state->held) return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_nodes_find(state->covered, &job->plan, job->first, job->end, err));
    return find_todo(state, err);
}

static clipspan_status make_lanes(cs_scan_state *s, clipspan_error *err)
{
    const cs_scan_job *job = s->job;
    const cs_config *config = cs_checkpoint_config(job->checkpoint);
    const size_t lanes = (size_t)job->threads;
    const uint64_t total = cs_memory_total();
    size_t all;
    s->pixels_size = 3 * (size_t)config->input_height * (size_t)config->input_width;
    s->pixels = cs_alloc_aligned(lanes, s->pixels_size, "pixels", err);
    s->passes = cs_alloc_zero(lanes, sizeof(cs_image_pass *), "passes", err);
    s->traces = cs_alloc_zero(lanes, sizeof *s->traces, "traces", err);
    if (!s->pixels || !s->passes || !s->traces) return CLIPSPAN_E_NOMEM;
    /* What the machine has not in all is refused before it is taken. */
    if (!cs_size_mul(&all, cs_image_pass_need(job->tower, config, 1), lanes)) all = SIZE_MAX;
    if (total > 0 && all > total) return cs_fail_memory(err, all, "passes");
    for (size_t i = 0; i < lanes; i++) {
        CS_TRY(cs_image_pass_new(&s->passes[i], job->tower, config, 1, job->simd, err));
        CS_TRY(cs_trace_init(&s->traces[i], config, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_scan_state_make(cs_scan_state *s, clipspan_error *err)
{
    const cs_scan_job *job = s->job;
    const cs_coefficient_format format = job->plan.coefficients == CLIPSPAN_COEFFICIENTS_F16
                                             ? CS_COEFFICIENTS_F16
                                             : CS_COEFFICIENTS_F32;
    CS_TRY(make_lanes(s, err));
    CS_TRY(cs_coder_new(&s->coder, job->output_map, job->tower, CS_CHUNK, format, job->threads,
                        job->simd, err));
    CS_TRY(
        cs_coder_new(&s->closer, job->output_map, job->tower, CS_CHUNK, format, 1, job->simd, err));
    CS_TRY(cs_head_counter_new(&s->counter, job->output_map, CS_CHUNK, 1, job->simd, err));
    CS_TRY(cs_node_work_init(&s->work, job->output_map->shape, err));
    s->ring_size = RING_LEAST + (job->threads - 1) / CS_CHUNK;
    if ((uint64_t)s->ring_size > s->todo_count) s->ring_size = (int)s->todo_count;
    s->ring = cs_alloc_zero((size_t)s->ring_size, sizeof *s->ring, "chunks at work", err);
    if (!s->ring) return CLIPSPAN_E_NOMEM;
    for (int i = 0; i < s->ring_size; i++)
        CS_TRY(
            cs_coefficients_new(&s->ring[i].coefficients, job->output_map->shape, CS_CHUNK, err));
    s->stop_at = s->todo_count;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->has_lock = 1;
    return CLIPSPAN_OK;
}

void cs_chunk_slot_clear(cs_chunk_slot *slot)
{
    for (int i = 0; i < CS_CHUNK; i++) {
        cs_free(slot->paths[i]);
        slot->paths[i] = NULL;
    }
    if (slot->coefficients) cs_coefficients_clear(slot->coefficients);
}

void cs_scan_state_fini(cs_scan_state *state)
{
    cs_scan_state *s = state;
    const int lanes = s->job->threads;
    for (int i = 0; s->passes && i < lanes; i++)
        cs_image_pass_free(&s->passes[i]);
    for (int i = 0; s->traces && i < lanes; i++)
        cs_trace_fini(&s->traces[i]);
    for (int i = 0; s->ring && i < s->ring_size; i++) {
        cs_chunk_slot_clear(&s->ring[i]);
        cs_coefficients_free(&s->ring[i].coefficients);
    }
    cs_coder_free(&s->coder);
    cs_coder_free(&s->closer);
    cs_head_counter_free(&s->counter);
    cs_node_work_fini(&s->work);
    cs_free(s->todo);
    cs_free(s->covered);
    cs_free(s->held);
    cs_free(s->pixels);
    cs_free(s->passes);
    cs_free(s->traces);
    cs_free(s->ring);
    if (s->has_lock) {
        pthread_cond_destroy(&s->changed);
        pthread_mutex_destroy(&s->lock);
    }
}

size_t cs_scan_state_memory(const cs_scan_state *s)
{
    const cs_shape *shape = &s->job->output_map->shape;
    const size_t lanes = (size_t)s->job->threads;
    size_t bytes = lanes * s->pixels_size + cs_coder_memory(s->coder) + cs_coder_memory(s->closer) +
                   cs_head_counter_memory(s->counter) +
                   2 * cs_head_stats_size(*shape) * sizeof(double) +
                   shape->L * shape->H * shape->C * shape->P * sizeof(float);
    for (size_t i = 0; i < lanes; i++)
        bytes += cs_image_pass_memory(s->passes[i]) + cs_trace_memory(&s->traces[i]);
    for (int i = 0; i < s->ring_size; i++)
        bytes += sizeof s->ring[i] + cs_coefficients_memory(s->ring[i].coefficients);
    return bytes;
}

void cs_scan_fail(cs_scan_state *state, const clipspan_error *error)
{
    pthread_mutex_lock(&state->lock);
    if (!state->failed) state->error = *error;
    state->failed = 1;
    pthread_cond_broadcast(&state->changed);
    pthread_mutex_unlock(&state->lock);
}
