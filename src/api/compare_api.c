/* SPDX-License-Identifier: MIT */
/* clipspan_comparisons: argument checks around decompose/compare.h, and what that gives. */
#include "base/memory.h"
#include "decompose/compare.h"

struct clipspan_comparisons {
    cs_comparison overall, worst, *per_group; /* [groups] */
    size_t groups;
};

static clipspan_status check_answers(const uint8_t *before, const uint8_t *after,
                                     const int32_t *group, size_t count, size_t groups,
                                     clipspan_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if ((before[i] > 1 && before[i] != CLIPSPAN_NO_ANSWER) ||
            (after[i] > 1 && after[i] != CLIPSPAN_NO_ANSWER))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "answers of image %zu: expected 0, 1 or 255, found %u and %u", i,
                           before[i], after[i]);
        if (group && (group[i] < -1 || (int64_t)group[i] >= (int64_t)groups))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "group of image %zu: expected -1 to %lld, found %ld", i,
                           (long long)groups - 1, (long)group[i]);
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_comparisons_new(clipspan_comparisons **out, const uint8_t *before,
                                         const uint8_t *after, const int32_t *group, size_t count,
                                         size_t groups, int resamples, uint64_t seed,
                                         clipspan_error *err)
{
    clipspan_comparisons *c;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || (count > 0 && (!before || !after)))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_comparisons_new: an argument is NULL");
    if (resamples < 0 || resamples > 1000000)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "resamples is %d; 0 to 1000000 was expected",
                       resamples);
    CS_TRY(check_answers(before, after, group, count, groups, err));
    c = cs_alloc_zero(1, sizeof *c, "comparisons", err);
    if (!c) return CLIPSPAN_E_NOMEM;
    c->groups = groups;
    c->worst.group = -1;
    c->per_group = cs_alloc_zero(groups, sizeof *c->per_group, "comparisons", err);
    if (!c->per_group) goto done;
    CS_TRY_DONE(cs_compare(&c->overall, c->per_group, groups ? &c->worst : NULL, before, after,
                           group, count, groups, resamples, seed, err));
    cs_comparison_show(&c->overall);
    cs_comparison_show(&c->worst);
    for (size_t g = 0; g < groups; g++)
        cs_comparison_show(&c->per_group[g]);
    *out = c;
    c = NULL;
done:
    clipspan_comparisons_free(&c);
    return status;
}

void clipspan_comparisons_free(clipspan_comparisons **comparisons)
{
    if (!comparisons || !*comparisons) return;
    cs_free((*comparisons)->per_group);
    cs_free(*comparisons);
    *comparisons = NULL;
}

const clipspan_comparison *clipspan_comparisons_get_overall(const clipspan_comparisons *c)
{
    return c ? &c->overall.shown : NULL;
}

const clipspan_comparison *clipspan_comparisons_get_group(const clipspan_comparisons *c,
                                                          size_t group)
{
    return c && group < c->groups ? &c->per_group[group].shown : NULL;
}

const clipspan_comparison *clipspan_comparisons_get_worst(const clipspan_comparisons *c)
{
    return c && c->worst.group >= 0 ? &c->worst.shown : NULL;
}
