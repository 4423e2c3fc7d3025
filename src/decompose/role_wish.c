/* SPDX-License-Identifier: MIT */
/* What the tests of all heads share: dealt labels and random rotations, drawn once. */
#include "base/memory.h"
#include "decompose/role_test.h"
#include "decompose/rotation_null.h"

#include <string.h>

static clipspan_status deal(cs_role_wish *w, clipspan_error *err)
{
    const size_t T = w->categories->texts;
    cs_random random = {w->seed ^ 0x6465616c74u};
    w->dealt = cs_alloc(CS_RELABELLINGS, T * sizeof *w->dealt, "relabellings", err);
    if (!w->dealt) return CLIPSPAN_E_NOMEM;
    for (size_t r = 0; r < CS_RELABELLINGS; r++) {
        int32_t *deck = w->dealt + r * T;
        memcpy(deck, w->categories->of, T * sizeof *deck);
        for (size_t i = T; i > 1; i--) {
            const size_t j = (size_t)cs_random_below(&random, i);
            const int32_t dealt = deck[i - 1];
            deck[i - 1] = deck[j];
            deck[j] = dealt;
        }
    }
    return CLIPSPAN_OK;
}

void cs_role_wish_turn(float *out, double *work, const cs_role_wish *w, size_t q, size_t chunk,
                       const cs_simd *simd)
{
    const size_t left = w->rotations - chunk * CS_ROTATIONS_KEPT;
    cs_random mixed = {w->seed ^ (0x726f74617465u + chunk * 0x10001u + q)}, random;
    random.state = cs_random_next(&mixed);
    for (size_t i = 0; i < left && i < CS_ROTATIONS_KEPT; i++, out += q * q) {
        cs_rotation_draw(work, work + q * q, q, &random, simd);
        for (size_t j = 0; j < q * q; j++)
            out[j] = (float)work[j];
    }
}

clipspan_status cs_role_wish_draw(cs_role_wish *w, const cs_simd *simd, clipspan_error *err)
{
    const size_t C = w->C;
    const size_t kept = w->rotations < CS_ROTATIONS_KEPT ? w->rotations : CS_ROTATIONS_KEPT;
    double *work;
    CS_TRY(deal(w, err));
    w->turned = cs_alloc(kept, C * C * sizeof *w->turned, "random rotations", err);
    work = cs_alloc(C + 1, C * sizeof *work, "random rotations", err);
    if (w->turned && work) cs_role_wish_turn(w->turned, work, w, C, 0, simd);
    cs_free(work);
    return w->turned && work ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

void cs_role_wish_fini(cs_role_wish *w)
{
    cs_free(w->dealt);
    cs_free(w->turned);
    w->dealt = NULL;
    w->turned = NULL;
}
