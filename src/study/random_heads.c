/* SPDX-License-Identifier: MIT */
/* Heads that write something, drawn by layer or from all (Fisher and Yates, as far as needed); by
 * effect, draws from all are thrown away until one matches. */
#include "study/random_heads.h"
#include "base/memory.h"
#include "study/strengths.h"

#include <math.h>
#include <string.h>

#define FEW    20.0  /* sets: with fewer no p is below 0.05 */
#define WITHIN 0.1   /* of the chosen heads' total effect */
#define TRIALS 20000 /* draws that look for sets of the same effect */
#define TRIES  2000000

clipspan_status cs_random_heads_from(cs_random_heads *draw,
                                     const clipspan_variance_share *variance_shares, size_t L,
                                     size_t H, int first_layer, uint64_t seed, clipspan_error *err)
{
    memset(draw, 0, sizeof *draw);
    draw->random.state = seed;
    draw->L = L;
    draw->H = H;
    draw->heads = cs_alloc(L * H, sizeof *draw->heads, "heads", err);
    draw->effect = cs_alloc(L * H, sizeof *draw->effect, "heads", err);
    draw->order = cs_alloc(L * H, sizeof *draw->order, "heads", err);
    draw->quota = cs_alloc_zero(L, sizeof *draw->quota, "heads", err);
    if (!draw->heads || !draw->effect || !draw->order || !draw->quota) return CLIPSPAN_E_NOMEM;
    for (size_t i = (size_t)first_layer * H; i < L * H; i++)
        if (variance_shares[i].variance != 0.0) {
            draw->effect[draw->count] = variance_shares[i].variance;
            draw->heads[draw->count++] = (clipspan_head){(int)(i / H), (int)(i % H)};
        }
    return CLIPSPAN_OK;
}

clipspan_status cs_random_heads_init(cs_random_heads *draw, const cs_run *run, int first_layer,
                                     uint64_t seed, clipspan_error *err)
{
    const cs_shape s = cs_run_shape(run);
    clipspan_variance_share *variance_shares =
        cs_alloc(s.L * s.H, sizeof *variance_shares, "strengths", err);
    clipspan_status status;
    memset(draw, 0, sizeof *draw);
    if (!variance_shares) return CLIPSPAN_E_NOMEM;
    status = cs_strengths_read(variance_shares, NULL, NULL, NULL, run, err);
    if (status == CLIPSPAN_OK)
        status = cs_random_heads_from(draw, variance_shares, s.L, s.H, first_layer, seed, err);
    cs_free(variance_shares);
    return status;
}

void cs_random_heads_fini(cs_random_heads *draw)
{
    cs_free(draw->heads);
    cs_free(draw->effect);
    cs_free(draw->order);
    cs_free(draw->quota);
    memset(draw, 0, sizeof *draw);
}

/* ---- Drawing ---- */

/* order[first .. first + some) becomes a sample of `count` places from `from` on, sorted. */
static void sample(cs_random_heads *draw, size_t from, size_t count, size_t some, size_t first)
{
    size_t *out = draw->order + first;
    for (size_t taken = 0, i = 0; taken < some; i++)
        if (cs_random_below(&draw->random, count - i) < some - taken) out[taken++] = from + i;
}

static double total_of(const cs_random_heads *draw)
{
    double total = 0.0;
    for (size_t i = 0; i < draw->some; i++)
        total += draw->effect[draw->order[i]];
    return total;
}

/* Heads of a layer that sets are drawn from, from `from` on. */
static size_t heads_of_layer(const cs_random_heads *draw, size_t from, size_t layer)
{
    size_t end = from;
    while (end < draw->count && (size_t)draw->heads[end].layer == layer)
        end++;
    return end - from;
}

static void sample_layers(cs_random_heads *draw)
{
    size_t from = 0, done = 0;
    for (size_t l = 0; l < draw->L; l++) {
        const size_t here = heads_of_layer(draw, from, l);
        sample(draw, from, here, draw->quota[l], done);
        from += here;
        done += draw->quota[l];
    }
}

static int sample_effect(cs_random_heads *draw)
{
    for (int i = 0; i < TRIES; i++) {
        double total;
        sample(draw, 0, draw->count, draw->some, 0);
        total = total_of(draw);
        if (total >= draw->low && total <= draw->high) return 1;
    }
    return 0;
}

int cs_random_heads_next(clipspan_head *out, cs_random_heads *draw)
{
    if (draw->matching == CLIPSPAN_MATCH_LAYERS)
        sample_layers(draw);
    else if (draw->matching == CLIPSPAN_MATCH_NUMBER)
        sample(draw, 0, draw->count, draw->some, 0);
    else if (!sample_effect(draw))
        return 0;
    for (size_t i = 0; i < draw->some; i++)
        out[i] = draw->heads[draw->order[i]];
    return 1;
}

/* ---- Matching ---- */

static double choose_of(size_t n, size_t k)
{
    double ways = 1.0;
    for (size_t i = 0; i < k; i++)
        ways = ways * (double)(n - i) / (double)(i + 1);
    return floor(ways + 0.5);
}

void cs_random_heads_match_number(cs_random_heads *draw, size_t some)
{
    draw->matching = CLIPSPAN_MATCH_NUMBER;
    draw->some = some < draw->count ? some : draw->count;
    draw->different = choose_of(draw->count, draw->some);
}

/* Where the head stands among those that sets have; count where it does not. */
static size_t place_of(const cs_random_heads *draw, clipspan_head head)
{
    size_t i = 0;
    while (i < draw->count &&
           (draw->heads[i].layer != head.layer || draw->heads[i].head != head.head))
        i++;
    return i;
}

static void match_layers(cs_random_heads *draw, const clipspan_head *chosen, size_t count)
{
    size_t from = 0;
    draw->matching = CLIPSPAN_MATCH_LAYERS;
    draw->some = 0;
    draw->different = 1.0;
    memset(draw->quota, 0, draw->L * sizeof *draw->quota);
    for (size_t i = 0; i < count; i++)
        if (place_of(draw, chosen[i]) < draw->count) {
            draw->quota[chosen[i].layer]++;
            draw->some++;
        }
    for (size_t l = 0; l < draw->L; l++) {
        const size_t here = heads_of_layer(draw, from, l);
        draw->different *= choose_of(here, draw->quota[l]);
        from += here;
    }
}

void cs_random_heads_match_effect(cs_random_heads *draw, const clipspan_head *chosen, size_t count)
{
    const cs_random before = draw->random;
    double total = 0.0;
    int found = 0;
    cs_random_heads_match_number(draw, 0);
    draw->matching = CLIPSPAN_MATCH_EFFECT;
    for (size_t i = 0; i < count; i++) {
        const size_t place = place_of(draw, chosen[i]);
        if (place == draw->count) continue;
        total += draw->effect[place];
        draw->some++;
    }
    draw->low = (1.0 - WITHIN) * total;
    draw->high = (1.0 + WITHIN) * total;
    for (int i = 0; i < TRIALS; i++) {
        sample(draw, 0, draw->count, draw->some, 0);
        found += total_of(draw) >= draw->low && total_of(draw) <= draw->high;
    }
    draw->different = choose_of(draw->count, draw->some) * (double)found / TRIALS;
    draw->random = before;
}

void cs_random_heads_match(cs_random_heads *draw, const clipspan_head *chosen, size_t count)
{
    double by_layer;
    match_layers(draw, chosen, count);
    by_layer = draw->different;
    if (by_layer >= FEW || draw->some == 0) return;
    cs_random_heads_match_effect(draw, chosen, count);
    if (draw->different < FEW || draw->different <= by_layer) match_layers(draw, chosen, count);
}
