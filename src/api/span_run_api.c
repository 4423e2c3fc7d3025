/* SPDX-License-Identifier: MIT */
/* TEXTSPAN of heads of a run: their statistics and blocks are read a group of heads at a time. */
#include "api/handles.h"
#include "api/span_api.h"
#include "run/head_group.h"

#include <clipspan/run.h>

/* Progress of one group as progress of all. */
typedef struct part_progress {
    const clipspan_progress *whole;
    size_t before, total;
} part_progress;

static int step_part(void *user, size_t done, size_t total)
{
    const part_progress *p = user;
    (void)total;
    return p->whole->step(p->whole->user, p->before + done, p->total);
}

static clipspan_status run_groups(clipspan_span **out, cs_head_group *group,
                                  const clipspan_head *heads, size_t count,
                                  const cs_span_pool *pool, const cs_span_options *options,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    size_t first, some;
    for (first = 0; first < count; first += CS_HEAD_GROUP) {
        part_progress part = {progress, first, count};
        clipspan_progress inner = {step_part, &part};
        some = count - first < CS_HEAD_GROUP ? count - first : CS_HEAD_GROUP;
        CS_TRY(cs_head_group_read(group, heads + first, some, err));
        CS_TRY(cs_span_make(out + first, pool, group->known, heads + first, some, group->shape.C,
                            options, progress && progress->step ? &inner : NULL, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_span_new_run(clipspan_span **out, const clipspan_run *run,
                                      const clipspan_head *heads, size_t count,
                                      const clipspan_bank *bank,
                                      const clipspan_span_options *options,
                                      const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_head_group group = {0};
    clipspan_span_options wish;
    cs_span_options o = {0};
    cs_span_roles roles = {0};
    cs_span_pool *pool = NULL;
    cs_shape shape;
    size_t i;
    cs_clear(err);
    if (!out || !run || !heads || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_span_new_run: an argument is NULL");
    shape = cs_run_shape(run->run);
    CS_TRY(cs_span_check_heads(out, heads, count, shape.L, shape.H, err));
    CS_TRY(CS_OPTIONS(&wish, options, clipspan_span_options, err));
    CS_TRY(cs_span_take_options(&o, &wish, err));
    if (wish.block_count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a run has blocks of its own; the options name %zu others",
                       wish.block_count);
    CS_TRY(cs_run_need_merged(run->run, err));
    if (count == 0) return CLIPSPAN_OK;
    CS_TRY_DONE(cs_span_pool_of(&pool, bank, shape.P, cs_run_info(run->run)->model_name,
                                cs_simd_best(), err));
    CS_TRY_DONE(cs_span_take_roles(&roles, &o, &wish, bank, shape.C, cs_simd_best(), err));
    CS_TRY_DONE(cs_head_group_init(&group, run->run, count, o.resamples > 0, err));
    CS_TRY_DONE(run_groups(out, &group, heads, count, pool, &o, progress, err));
done:
    for (i = 0; i < count && status != CLIPSPAN_OK; i++)
        clipspan_span_free(&out[i]);
    cs_span_roles_fini(&roles);
    cs_span_pool_free(&pool);
    cs_head_group_fini(&group);
    return status;
}
