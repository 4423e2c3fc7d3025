/* SPDX-License-Identifier: MIT */
/* clipspan_compare_run: argument checks around decompose/compare.h. */
#include "decompose/compare.h"

clipspan_status clipspan_compare_run(clipspan_comparison *overall, clipspan_comparison *per_group,
                                     clipspan_comparison *worst, const uint8_t *before,
                                     const uint8_t *after, const int32_t *group, size_t count,
                                     size_t groups, int resamples, uint64_t seed,
                                     clipspan_error *err)
{
    cs_clear(err);
    if (!overall || (groups > 0 && !per_group) || (count > 0 && (!before || !after)))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_compare_run: an argument is NULL");
    if (resamples < 0 || resamples > 1000000)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "resamples is %d; 0 to 1000000 was expected",
                       resamples);
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
    return cs_compare(overall, per_group, worst, before, after, group, count, groups, resamples,
                      seed, err);
}
