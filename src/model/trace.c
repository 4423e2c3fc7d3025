/* SPDX-License-Identifier: MIT */
/* Memory of a trace. */
#include "model/trace.h"

#include <string.h>

static void plan(cs_trace *t)
{
    t->z = cs_arena_carve(&t->arena, t->L * t->D, sizeof(float));
    t->z_class = cs_arena_carve(&t->arena, t->L * t->D, sizeof(float));
    t->written = cs_arena_carve(&t->arena, (t->L + 1) * t->D, sizeof(float));
    t->embedding = cs_arena_carve(&t->arena, t->P, sizeof(float));
    t->weights = cs_arena_carve(&t->arena, t->H * t->N, sizeof(float));
}

clipspan_status cs_trace_init(cs_trace *trace, const cs_config *config, clipspan_error *err)
{
    const cs_tower_config *split = cs_config_split(config);
    memset(trace, 0, sizeof *trace);
    trace->L = (size_t)split->layers;
    trace->H = (size_t)split->heads;
    trace->N = (size_t)config->tokens;
    trace->K = (size_t)split->head_width;
    trace->D = (size_t)split->width;
    trace->P = (size_t)config->embed_width;
    plan(trace);
    CS_TRY(cs_arena_take(&trace->arena, "a trace", err));
    plan(trace);
    return CLIPSPAN_OK;
}

void cs_trace_fini(cs_trace *trace)
{
    cs_arena_fini(&trace->arena);
}

size_t cs_trace_memory(const cs_trace *trace)
{
    return trace->arena.size;
}
