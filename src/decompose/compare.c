/* SPDX-License-Identifier: MIT */
/* Counting, Wilson, and the bootstrap. What a resample of a group's n images gives depends only
 * on how often each of the four outcomes (right or wrong, before and after) is drawn, so images
 * are sorted by outcome once and drawn by number. */
#include "decompose/compare.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

/* Images of a group by outcome: [2 before + after]. */
typedef struct tally {
    uint64_t outcome[4];
} tally;

static uint64_t all_of(const tally *t)
{
    return t->outcome[0] + t->outcome[1] + t->outcome[2] + t->outcome[3];
}

static uint64_t before_of(const tally *t)
{
    return t->outcome[2] + t->outcome[3];
}

static uint64_t after_of(const tally *t)
{
    return t->outcome[1] + t->outcome[3];
}

static double share(uint64_t good, uint64_t all)
{
    return all ? (double)good / (double)all : 0.0;
}

/* n images of the group, drawn with replacement. */
static tally draw(const tally *t, cs_random *random)
{
    const uint64_t n = all_of(t), a = t->outcome[0], b = a + t->outcome[1], c = b + t->outcome[2];
    tally out = {{0}};
    for (uint64_t i = 0; i < n; i++) {
        uint64_t r = cs_random_below(random, n);
        out.outcome[(r >= a) + (r >= b) + (r >= c)]++;
    }
    return out;
}

static cs_comparison describe(const tally *t)
{
    cs_comparison out = {0};
    out.group = out.group_after = -1;
    out.before.images = out.after.images = all_of(t);
    if (out.before.images == 0) return out;
    out.before.correct = before_of(t);
    out.after.correct = after_of(t);
    out.before.share = share(out.before.correct, out.before.images);
    out.after.share = share(out.after.correct, out.after.images);
    cs_wilson(&out.before.low, &out.before.high, out.before.correct, out.before.images);
    cs_wilson(&out.after.low, &out.after.high, out.after.correct, out.after.images);
    out.change = out.change_low = out.change_high = out.after.share - out.before.share;
    return out;
}

/* The group with the lowest share of `right`, the first of equal ones; -1 when all are empty. */
static int32_t lowest(const tally *tallies, size_t groups, uint64_t (*right)(const tally *))
{
    int32_t found = -1;
    for (size_t g = 0; g < groups; g++)
        if (all_of(&tallies[g]) &&
            (found < 0 || share(right(&tallies[g]), all_of(&tallies[g])) <
                              share(right(&tallies[found]), all_of(&tallies[found]))))
            found = (int32_t)g;
    return found;
}

static double lowest_share(const tally *tallies, size_t groups, uint64_t (*right)(const tally *))
{
    int32_t at = lowest(tallies, groups, right);
    return at < 0 ? 0.0 : share(right(&tallies[at]), all_of(&tallies[at]));
}

static int compare_reals(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* changes : [resamples], sorted here. */
static void take_interval(cs_comparison *out, double *changes, size_t resamples)
{
    const size_t skip = (size_t)(0.025 * (double)resamples);
    qsort(changes, resamples, sizeof *changes, compare_reals);
    out->change_low = changes[skip];
    out->change_high = changes[resamples - 1 - skip];
}

/* tallies : [groups + 1], the last of images without a group   changes : [groups + 2,
 * resamples] */
static void resample(double *changes, const tally *tallies, tally *drawn, size_t groups,
                     size_t resamples, uint64_t seed)
{
    cs_random random = {seed};
    for (size_t r = 0; r < resamples; r++) {
        tally whole = {{0}};
        for (size_t g = 0; g <= groups; g++) {
            drawn[g] = draw(&tallies[g], &random);
            for (size_t k = 0; k < 4; k++)
                whole.outcome[k] += drawn[g].outcome[k];
            changes[g * resamples + r] = share(after_of(&drawn[g]), all_of(&drawn[g])) -
                                         share(before_of(&drawn[g]), all_of(&drawn[g]));
        }
        changes[groups * resamples + r] =
            share(after_of(&whole), all_of(&whole)) - share(before_of(&whole), all_of(&whole));
        changes[(groups + 1) * resamples + r] =
            lowest_share(drawn, groups, after_of) - lowest_share(drawn, groups, before_of);
    }
}

static void count_all(tally *tallies, const uint8_t *before, const uint8_t *after,
                      const int32_t *group, size_t count, size_t groups)
{
    for (size_t i = 0; i < count; i++) {
        size_t g = group && group[i] >= 0 ? (size_t)group[i] : groups;
        if (before[i] != CS_NO_ANSWER && after[i] != CS_NO_ANSWER)
            tallies[g].outcome[2 * (before[i] == 1) + (after[i] == 1)]++;
    }
}

const clipspan_comparison *cs_comparison_show(cs_comparison *c)
{
    const clipspan_comparison shown = {&c->before,     &c->after, c->change,     c->change_low,
                                       c->change_high, c->group,  c->group_after};
    c->shown = shown;
    return &c->shown;
}

clipspan_status cs_compare(cs_comparison *overall, cs_comparison *per_group, cs_comparison *worst,
                           const uint8_t *before, const uint8_t *after, const int32_t *group,
                           size_t count, size_t groups, int resamples, uint64_t seed,
                           clipspan_error *err)
{
    const size_t R = (size_t)resamples;
    tally *tallies = cs_alloc_zero(2 * (groups + 1), sizeof *tallies, "groups", err), whole = {{0}};
    double *changes = NULL;
    size_t room, g, k;
    if (!tallies) return CLIPSPAN_E_NOMEM;
    if (R > 0) {
        if (cs_size_mul(&room, groups + 2, R))
            changes = cs_alloc(room, sizeof *changes, "resamples", err);
        if (!changes) {
            cs_free(tallies);
            return CLIPSPAN_E_NOMEM;
        }
    }
    count_all(tallies, before, after, group, count, groups);
    for (g = 0; g <= groups; g++)
        for (k = 0; k < 4; k++)
            whole.outcome[k] += tallies[g].outcome[k];
    *overall = describe(&whole);
    for (g = 0; g < groups; g++) {
        per_group[g] = describe(&tallies[g]);
        per_group[g].group = per_group[g].group_after = (int32_t)g;
    }
    if (R > 0) resample(changes, tallies, tallies + groups + 1, groups, R, seed);
    for (g = 0; g < groups && R > 0; g++)
        take_interval(&per_group[g], changes + g * R, R);
    if (R > 0) take_interval(overall, changes + groups * R, R);
    if (worst) {
        const int32_t first = lowest(tallies, groups, before_of),
                      then = lowest(tallies, groups, after_of);
        memset(worst, 0, sizeof *worst);
        worst->group = first;
        worst->group_after = then;
        if (first >= 0) {
            worst->before = per_group[first].before;
            worst->after = per_group[then].after;
            worst->change = worst->change_low = worst->change_high =
                worst->after.share - worst->before.share;
            if (R > 0) take_interval(worst, changes + (groups + 1) * R, R);
        }
    }
    cs_free(changes);
    cs_free(tallies);
    return CLIPSPAN_OK;
}
