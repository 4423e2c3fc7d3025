/* SPDX-License-Identifier: MIT */
/* Heads that write something, shuffled (Fisher and Yates). */
#include "study/random_heads.h"
#include "base/memory.h"
#include "study/strengths.h"

#include <string.h>

clipspan_status cs_random_heads_from(cs_random_heads *draw,
                                     const clipspan_variance_share *variance_shares, size_t L,
                                     size_t H, int first_layer, uint64_t seed, clipspan_error *err)
{
    memset(draw, 0, sizeof *draw);
    draw->random.state = seed;
    draw->heads = cs_alloc(L * H, sizeof *draw->heads, "heads", err);
    draw->order = cs_alloc(L * H, sizeof *draw->order, "heads", err);
    if (!draw->heads || !draw->order) return CLIPSPAN_E_NOMEM;
    for (size_t i = (size_t)first_layer * H; i < L * H; i++)
        if (variance_shares[i].variance != 0.0)
            draw->heads[draw->count++] = (clipspan_head){(int)(i / H), (int)(i % H)};
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

size_t cs_random_heads_next(clipspan_head *out, cs_random_heads *draw, size_t some)
{
    size_t i;
    for (i = 0; i < draw->count; i++)
        draw->order[i] = i;
    for (i = draw->count; i-- > 1;) {
        const size_t k = (size_t)cs_random_below(&draw->random, i + 1), kept = draw->order[i];
        draw->order[i] = draw->order[k];
        draw->order[k] = kept;
    }
    for (i = 0; i < some && i < draw->count; i++)
        out[i] = draw->heads[draw->order[i]];
    return i;
}

void cs_random_heads_fini(cs_random_heads *draw)
{
    cs_free(draw->heads);
    cs_free(draw->order);
    memset(draw, 0, sizeof *draw);
}
