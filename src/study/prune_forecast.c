/* SPDX-License-Identifier: MIT */
/* What is forecast of a pruned network, and whether it holds: predictions that stay, counted on one
 * half of the measured images and checked on the other (include/clipspan/edit.h has the bound). */
#include "base/memory.h"
#include "base/wilson.h"
#include "study/prune.h"

#include <math.h>

#define BEYOND 0.025 /* how often the network may lie below the bound */

/* log of a! / (b! (a - b)!) */
static double log_choose(uint64_t a, uint64_t b)
{
    double sum = 0.0;
    if (b > a - b) b = a - b;
    for (uint64_t i = 1; i <= b; i++)
        sum += log((double)(a - b + i) / (double)i);
    return sum;
}

/* P(X <= x) where x + k marked ones of n + m are dealt at random, X of them among the m. */
static double below(uint64_t x, uint64_t k, uint64_t n, uint64_t m)
{
    const uint64_t t = x + k, least = t > n ? t - n : 0;
    double part = exp(log_choose(m, x) + log_choose(n, k) - log_choose(n + m, t)), sum = 0.0;
    for (uint64_t j = x; part > 0.0; j--) {
        sum += part;
        if (j == least) break;
        /* C(m, j-1) C(n, t-j+1) over C(m, j) C(n, t-j) */
        part *= (double)j / (double)(m - j + 1) * (double)(n - t + j) / (double)(t - j + 1);
    }
    return sum;
}

uint64_t cs_prune_bound(uint64_t kept, uint64_t seen, uint64_t further)
{
    uint64_t low = 0, high = further; /* below() rises with x, and is 1 at the end */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (below(middle, kept, seen, further) > BEYOND)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void count_share(clipspan_share *share, const unsigned char *stays, size_t count,
                        unsigned flag)
{
    share->images = count;
    share->correct = 0;
    for (size_t i = 0; i < count; i++)
        share->correct += (stays[i] & flag) != 0;
    share->share = (double)share->correct / (double)count;
    cs_wilson(&share->low, &share->high, share->correct, share->images);
}

clipspan_status cs_prune_forecast(cs_prune *p, clipspan_error *err)
{
    const cs_edit_check *e = p->check;
    const size_t used = e->info.used, half = used / 2, sets = p->info.sets;
    const unsigned flag =
        p->info.order == CLIPSPAN_PRUNE_DIRECT ? CS_EDIT_STAYS_DIRECT : CS_EDIT_STAYS_NETWORK;
    cs_free(p->forecasts);
    cs_free(p->shares);
    p->forecasts = NULL;
    p->shares = NULL;
    if (!e->stays || half == 0) return CLIPSPAN_OK;
    p->forecasts = cs_alloc_zero(sets, sizeof *p->forecasts, "forecasts", err);
    p->shares = cs_alloc_zero(sets, 3 * sizeof *p->shares, "forecasts", err);
    if (!p->forecasts || !p->shares) return CLIPSPAN_E_NOMEM;
    for (size_t k = 0; k < sets; k++) {
        const unsigned char *stays = e->stays + k * e->stride;
        clipspan_prune_forecast *f = &p->forecasts[k];
        clipspan_share *share = p->shares + 3 * k;
        count_share(&share[0], stays, half, flag);
        count_share(&share[1], stays + half, used - half, CS_EDIT_STAYS_NETWORK);
        count_share(&share[2], stays, used, CS_EDIT_STAYS_DIRECT);
        f->predicted = &share[0];
        f->network = &share[1];
        f->direct = &share[2];
        f->least =
            (double)cs_prune_bound(share[0].correct, half, used - half) / (double)(used - half);
        f->kept = share[1].share >= f->least;
    }
    return CLIPSPAN_OK;
}
