/* SPDX-License-Identifier: MIT */
/* Statistics of a few heads, read where they lie. */
#include "run/head_group.h"
#include "base/memory.h"
#include "tensor/moments.h"

#include <clipspan/run.h>
#include <string.h>

clipspan_status cs_head_group_init(cs_head_group *group, const cs_run *run, size_t most, int blocks,
                                   clipspan_error *err)
{
    memset(group, 0, sizeof *group);
    if (most > CS_HEAD_GROUP) most = CS_HEAD_GROUP;
    group->run = run;
    group->shape = cs_run_shape(run);
    group->size = cs_moments_size(group->shape.C);
    group->blocks = blocks ? (size_t)cs_run_info(run)->blocks : 0;
    group->moments = cs_alloc(most * (1 + group->blocks), group->size * sizeof *group->moments,
                              "the statistics of heads", err);
    group->output_map = cs_alloc(most, group->shape.C * group->shape.P * sizeof *group->output_map,
                                 "output maps", err);
    return group->moments && group->output_map ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

void cs_head_group_fini(cs_head_group *group)
{
    cs_free(group->moments);
    cs_free(group->output_map);
    memset(group, 0, sizeof *group);
}

static clipspan_status read_head(cs_head_group *group, size_t index, clipspan_head at,
                                 clipspan_error *err)
{
    double *moments = group->moments + index * (1 + group->blocks) * group->size;
    float *output_map = group->output_map + index * group->shape.C * group->shape.P;
    cs_span_head head = {output_map, moments, group->blocks ? moments + group->size : NULL,
                         group->blocks, group->size};
    size_t layer = (size_t)at.layer, number = (size_t)at.head, b;
    CS_TRY(cs_run_output_map_head(output_map, group->run, layer, number, err));
    CS_TRY(cs_run_head(moments, group->run, layer, number, err));
    for (b = 0; b < group->blocks; b++)
        CS_TRY(
            cs_run_block_head(moments + (1 + b) * group->size, group->run, b, layer, number, err));
    group->known[index] = head;
    return CLIPSPAN_OK;
}

clipspan_status cs_head_group_read(cs_head_group *group, const clipspan_head *heads, size_t count,
                                   clipspan_error *err)
{
    for (size_t i = 0; i < count; i++)
        CS_TRY(read_head(group, i, heads[i], err));
    return CLIPSPAN_OK;
}
