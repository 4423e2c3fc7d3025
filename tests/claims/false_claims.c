/* SPDX-License-Identifier: MIT */
/* How often something is claimed of models that mean nothing:
 *
 *     false_claims RUN POOL turned|dealt MODELS [ROTATIONS [SEED]]
 *
 * RUN: a merged run of which `clipspan roles RUN --texts POOL` was made, whose text vectors are
 * taken. turned: every head's output is turned at random within its space; dealt: the real heads,
 * the pool's categories dealt over its texts. Ends with 1 when more than a tenth of the models have
 * a claim. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "null_models.h"
#include "run/head_group.h"
#include "run/text_bank.h"
#include "tensor/moments.h"

typedef struct trial {
    cs_run *run;
    struct clipspan_texts *texts;
    cs_categories *categories;
    cs_span_pool *pool;
    float *vectors, *maps; /* [T, P], [heads, C, P] */
    double *moments;       /* [heads, size] */
    cs_span_head *heads;
    cs_shape shape;
    size_t count, size;
} trial;

static clipspan_status read_heads(trial *t, clipspan_error *err)
{
    cs_head_group group = {0};
    clipspan_status status = CLIPSPAN_OK;
    const size_t C = t->shape.C, P = t->shape.P, H = t->shape.H;
    t->count = t->shape.L * H;
    t->size = cs_moments_size(C);
    t->heads = cs_alloc_zero(t->count, sizeof *t->heads, "heads", err);
    t->maps = cs_alloc(t->count, C * P * sizeof *t->maps, "heads", err);
    t->moments = cs_alloc(t->count, t->size * sizeof *t->moments, "heads", err);
    if (!t->heads || !t->maps || !t->moments) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_head_group_init(&group, t->run, t->count, 0, err));
    for (size_t i = 0; i < t->count; i++) {
        const clipspan_head which = {(int)(i / H), (int)(i % H)};
        CS_TRY_DONE(cs_head_group_read(&group, &which, 1, err));
        memcpy(t->maps + i * C * P, group.known[0].output_map, C * P * sizeof *t->maps);
        memcpy(t->moments + i * t->size, group.known[0].moments, t->size * sizeof *t->moments);
        t->heads[i].output_map = t->maps + i * C * P;
        t->heads[i].moments = t->moments + i * t->size;
    }
done:
    cs_head_group_fini(&group);
    return status;
}

static clipspan_status open_trial(trial *t, const char *run, const char *pool, clipspan_error *err)
{
    char hash[65];
    int found;
    CS_TRY(cs_run_open(&t->run, run, err));
    t->shape = cs_run_shape(t->run);
    CS_TRY(cs_texts_open(&t->texts, pool, err));
    CS_TRY(cs_categories_new(&t->categories, t->texts->keys, t->texts->count, err));
    t->vectors = cs_alloc(t->texts->count, t->shape.P * sizeof *t->vectors, "texts", err);
    if (!t->vectors) return CLIPSPAN_E_NOMEM;
    cs_text_bank_hash(hash, t->texts);
    CS_TRY(cs_text_bank_read(&found, t->vectors, t->run, hash, t->texts->count, err));
    if (!found)
        return cs_fail(err, CLIPSPAN_E_NOT_FOUND,
                       "the run has no vectors of pool %s; make them with clipspan roles %s "
                       "--texts %s",
                       pool, run, pool);
    CS_TRY(
        cs_span_pool_new(&t->pool, t->vectors, t->texts->count, t->shape.P, cs_simd_best(), err));
    return read_heads(t, err);
}

/* One model; returns its claims in *claims. */
static clipspan_status run_model(int *claims, const trial *t, int turned, size_t rotations,
                                 uint64_t seed, clipspan_error *err)
{
    const size_t C = t->shape.C, P = t->shape.P;
    float *maps = cs_alloc(t->count, C * P * sizeof *maps, "turned heads", err);
    cs_span_head *heads = cs_alloc_zero(t->count, sizeof *heads, "turned heads", err);
    cs_role_wish wish = {t->categories, NULL, 0, rotations, C, seed, NULL, NULL};
    cs_random random = {seed * 7919 + 1};
    clipspan_status status = maps && heads ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    int outcomes[5];
    if (!turned) cs_null_deal(t->categories, &random);
    for (size_t i = 0; i < t->count && status == CLIPSPAN_OK; i++) {
        heads[i] = t->heads[i];
        if (!turned) continue;
        status = cs_null_turn(maps + i * C * P, t->heads[i].output_map, C, P, &random, err);
        heads[i].output_map = maps + i * C * P;
    }
    if (status == CLIPSPAN_OK) status = cs_role_wish_draw(&wish, cs_simd_best(), err);
    if (status == CLIPSPAN_OK)
        status = cs_null_claims(outcomes, t->pool, heads, t->count, C, &wish, 2, err);
    *claims = status == CLIPSPAN_OK
                  ? outcomes[CLIPSPAN_OUTCOME_LEANING] + outcomes[CLIPSPAN_OUTCOME_ROLE]
                  : 0;
    cs_role_wish_fini(&wish);
    cs_free(maps);
    cs_free(heads);
    return status;
}

static void trial_fini(trial *t)
{
    cs_run_close(&t->run);
    cs_texts_free(&t->texts);
    cs_categories_free(&t->categories);
    cs_span_pool_free(&t->pool);
    cs_free(t->vectors);
    cs_free(t->maps);
    cs_free(t->moments);
    cs_free(t->heads);
}

int main(int argc, char **argv)
{
    trial t = {0};
    clipspan_error err = {.message = "usage: false_claims RUN POOL turned|dealt MODELS [ROTATIONS "
                                     "[SEED]]"};
    const size_t models = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 0;
    const size_t rotations = argc > 5 ? (size_t)strtoul(argv[5], NULL, 10) : CS_ROTATIONS;
    const uint64_t seed = argc > 6 ? strtoull(argv[6], NULL, 10) : 1;
    size_t with = 0, heads = 0;
    int failed = argc < 5 || open_trial(&t, argv[1], argv[2], &err) != CLIPSPAN_OK;
    for (size_t m = 0; m < models && !failed; m++) {
        int claims;
        failed = run_model(&claims, &t, strcmp(argv[3], "turned") == 0, rotations, seed + m,
                           &err) != CLIPSPAN_OK;
        with += claims > 0;
        heads += (size_t)claims;
        printf("model %zu: %d claims\n", m, claims);
        fflush(stdout);
    }
    if (failed)
        fprintf(stderr, "false_claims: %s\n", err.message);
    else
        printf("%zu of %zu models (%s) have a claim, of %zu heads in all\n", with, models, argv[3],
               heads);
    trial_fini(&t);
    return failed ? 2 : with * 10 > models;
}
