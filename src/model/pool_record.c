/* SPDX-License-Identifier: MIT */
/* Memory of a record. */
#include "model/pool_record.h"

#include <string.h>

static void plan(cs_pool_record *r)
{
    const size_t rows = r->N * r->D;
    r->input = cs_arena_carve(&r->arena, rows, sizeof(float));
    r->q = cs_arena_carve(&r->arena, r->L * rows, sizeof(float));
    r->k = cs_arena_carve(&r->arena, r->L * rows, sizeof(float));
    r->v = cs_arena_carve(&r->arena, r->L * rows, sizeof(float));
    r->mlp = cs_arena_carve(&r->arena, r->L * rows, sizeof(float));
    r->last = cs_arena_carve(&r->arena, rows, sizeof(float));
    r->attention = cs_arena_carve(&r->arena, r->pool_heads * r->N, sizeof(float));
    r->y = cs_arena_carve(&r->arena, r->D, sizeof(float));
    r->embedding = cs_arena_carve(&r->arena, r->D, sizeof(float));
}

clipspan_status cs_pool_record_init(cs_pool_record *record, const cs_config *config,
                                    clipspan_error *err)
{
    memset(record, 0, sizeof *record);
    record->L = (size_t)config->image.layers;
    record->N = (size_t)config->tokens;
    record->D = (size_t)config->image.width;
    record->pool_heads = (size_t)config->image_pool.heads;
    plan(record);
    CS_TRY(cs_arena_take(&record->arena, "a pass by layer and patch", err));
    plan(record);
    return CLIPSPAN_OK;
}

void cs_pool_record_fini(cs_pool_record *record)
{
    cs_arena_fini(&record->arena);
}
