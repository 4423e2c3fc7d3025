/* SPDX-License-Identifier: MIT */
/* Sets of heads that fractions make of an order. */
#include "base/memory.h"
#include "study/prune.h"

#include <clipspan/model.h>
#include <clipspan/run.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const int curve[] = {5, 10, 15, 20, 25, 30, 40, 50, 60, 75}; /* percent of the heads */

/* Numbers of a head in the image encoder: its rows of query, key and value with their biases, and
 * its columns of the output projection. */
static uint64_t head_parameters(const clipspan_model_info *model)
{
    const uint64_t D = (uint64_t)model->image->width, K = (uint64_t)model->image->head_width;
    return 4 * D * K + 3 * K;
}

clipspan_status cs_prune_count(size_t *out, double fraction, int of_parameters, size_t heads,
                               uint64_t parameters, uint64_t per_head, clipspan_error *err)
{
    const double of = of_parameters ? (double)parameters / (double)per_head : (double)heads,
                 count = floor(fraction * of + 0.5 + 1e-9);
    *out = 0;
    if (!(count >= 1.0))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a fraction of %g of the %s is less than one head",
                       fraction, of_parameters ? "parameters" : "heads");
    if (count > (double)heads)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a fraction of %g of the parameters is more than all %zu heads have: %.3g",
                       fraction, heads, (double)heads / of);
    *out = (size_t)count;
    return CLIPSPAN_OK;
}

clipspan_status cs_prune_wanted(size_t *out, const cs_prune *p, clipspan_error *err)
{
    const clipspan_model_info *model = clipspan_model_get_info(p->model);
    return cs_prune_count(out, p->info.fraction, p->info.of_parameters, p->count,
                          model->image->parameters, head_parameters(model), err);
}

/* The first `count` heads of the order; where heads are removed, a layer keeps its last one. */
static size_t take_heads(clipspan_head *heads, const cs_prune *p, size_t count, int *left)
{
    size_t taken = 0;
    memset(left, 0, (size_t)p->facts->layers * sizeof *left);
    for (size_t i = 0; i < p->count; i++)
        left[p->rows[i].head.layer]++;
    for (size_t i = 0; i < p->count && taken < count; i++) {
        int *here = &left[p->rows[i].head.layer];
        if (*here == 1 && !p->info.keep_layout) continue;
        --*here;
        heads[taken++] = p->rows[i].head;
    }
    return taken;
}

/* A set of the first `count` rows; all of them without `left`. */
static clipspan_status add_set(cs_prune *p, const char *name, size_t count, int *left,
                               clipspan_error *err)
{
    clipspan_head *heads;
    clipspan_head_set *set;
    char *copy;
    CS_TRY(
        cs_grow(&p->sets, &p->set_room, p->info.sets + 1, sizeof *p->sets, "sets of heads", err));
    copy = cs_strdup(name, err);
    heads = cs_alloc(count, sizeof *heads, "a set of heads", err);
    if (!copy || !heads) {
        cs_free(copy);
        cs_free(heads);
        return CLIPSPAN_E_NOMEM;
    }
    set = &p->sets[p->info.sets++];
    set->name = copy;
    set->heads = heads;
    set->count = count;
    if (left) set->count = take_heads(heads, p, count, left);
    for (size_t i = 0; i < count && !left; i++)
        heads[i] = p->rows[i].head;
    return CLIPSPAN_OK;
}

static clipspan_status add_curve(cs_prune *p, size_t count, int *left, clipspan_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%g %% of the %s", 100 * p->info.fraction,
             p->info.of_parameters ? "parameters" : "heads");
    CS_TRY(add_set(p, name, count, left, err));
    for (size_t i = 0; i < sizeof curve / sizeof *curve; i++) {
        const size_t part = (p->count * (size_t)curve[i] + 50) / 100;
        if (!p->info.of_parameters && fabs(100 * p->info.fraction - curve[i]) < 1e-9) continue;
        snprintf(name, sizeof name, "%d %% of the heads", curve[i]);
        CS_TRY(add_set(p, name, part, left, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_prune_sets(cs_prune *p, clipspan_error *err)
{
    const clipspan_model_info *model = clipspan_model_get_info(p->model);
    const uint64_t per_head = head_parameters(model);
    clipspan_status status = CLIPSPAN_OK;
    if (p->info.order == CLIPSPAN_PRUNE_CHOSEN) {
        CS_TRY(add_set(p, "all chosen", p->count, NULL, err));
    } else {
        int *left = cs_alloc((size_t)p->facts->layers, sizeof *left, "ranked heads", err);
        size_t count = 0;
        status = left ? cs_prune_wanted(&count, p, err) : CLIPSPAN_E_NOMEM;
        if (status == CLIPSPAN_OK) status = add_curve(p, count, left, err);
        cs_free(left);
        CS_TRY(status);
    }
    if (p->sets[0].count == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "no head can be removed: every layer has one left, which it keeps");
    p->info.chosen = p->sets[0].count;
    p->info.parameters = (double)(per_head * p->info.chosen) / (double)model->image->parameters;
    p->known = 1;
    return CLIPSPAN_OK;
}
