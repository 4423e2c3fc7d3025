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
#include "decompose/answers.h"
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
    size_t count, size, images; /* images: whose embeddings and coefficients are looked at */
    float *embeddings, *y;      /* [images, P], [heads, images, C]; NULL when the run has none */
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

/* The first images' embeddings and coefficients. */
static clipspan_status read_images(trial *t, clipspan_error *err)
{
    const size_t C = t->shape.C, P = t->shape.P, H = t->shape.H;
    const uint64_t all = cs_run_tree(t->run)->chunks;
    const uint64_t chunks = all < CS_ANSWER_IMAGES / CS_CHUNK ? all : CS_ANSWER_IMAGES / CS_CHUNK;
    const size_t most = (size_t)chunks * CS_CHUNK;
    double *y = cs_alloc(CS_CHUNK, C * sizeof *y, "images", err);
    clipspan_status status = CLIPSPAN_OK;
    t->embeddings = cs_alloc(most, P * sizeof *t->embeddings, "images", err);
    t->y = cs_alloc(t->count * most, C * sizeof *t->y, "images", err);
    if (!y || !t->embeddings || !t->y) status = CLIPSPAN_E_NOMEM;
    for (uint64_t c = 0; c < chunks && status == CLIPSPAN_OK; c++) {
        cs_run_chunk chunk = {0};
        status = cs_run_chunk_open(&chunk, t->run, c, err);
        if (status == CLIPSPAN_OK)
            status = cs_run_chunk_embedding(t->embeddings + t->images * P, &chunk, err);
        for (size_t h = 0; h < t->count && status == CLIPSPAN_OK; h++) {
            status = cs_run_chunk_coefficients(y, &chunk, h / H, h % H, err);
            for (size_t i = 0; i < chunk.count * C; i++)
                t->y[(h * most + t->images) * C + i] = (float)y[i];
        }
        t->images += chunk.count;
        cs_run_chunk_fini(&chunk);
    }
    for (size_t h = 1; h < t->count && status == CLIPSPAN_OK; h++) /* closer together */
        memmove(t->y + h * t->images * C, t->y + h * most * C, t->images * C * sizeof *t->y);
    cs_free(y);
    return status;
}

/* out += by c, c what a head with output map `map` wrote for each image. */
static void add_head(float *out, const trial *t, size_t head, const float *map, float by)
{
    const size_t C = t->shape.C, P = t->shape.P;
    for (size_t i = 0; i < t->images; i++)
        for (size_t k = 0; k < C; k++)
            for (size_t p = 0; p < P; p++)
                out[i * P + p] += by * t->y[(head * t->images + i) * C + k] * map[k * P + p];
}

/* Claims by answers of the heads as they stand; of a turned model the embedding has what they now
 * write, beside the MLPs as they were. */
static clipspan_status ask(int *claims, const trial *t, const cs_span_head *heads,
                           const cs_role_wish *wish, clipspan_error *err)
{
    const size_t C = t->shape.C, P = t->shape.P, G = t->categories->count;
    float *m = cs_alloc(t->images, P * sizeof *m, "images", err);
    cs_answer *found = cs_alloc(t->count, sizeof *found, "answers", err);
    double *shares = cs_alloc(t->count, G * sizeof *shares, "answers", err);
    cs_role_answer *answers = cs_alloc_zero(t->count, sizeof *answers, "answers", err);
    clipspan_role *roles = cs_alloc_zero(t->count, sizeof *roles, "roles", err);
    cs_answers *a = NULL;
    clipspan_status status =
        m && found && shares && answers && roles ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status != CLIPSPAN_OK) goto done;
    memcpy(m, t->embeddings, t->images * P * sizeof *m);
    for (size_t h = 0; h < t->count; h++) {
        if (heads[h].output_map == t->heads[h].output_map) continue;
        add_head(m, t, h, t->heads[h].output_map, -1.0f);
        add_head(m, t, h, heads[h].output_map, 1.0f);
    }
    CS_TRY_DONE(cs_answers_new(&a, wish, t->vectors, t->texts->count, P, m, t->images, t->count,
                               cs_simd_best(), err));
    for (size_t h = 0; h < t->count; h++)
        CS_TRY_DONE(cs_answers_take(a, t->y + h * t->images * C, heads[h].output_map, C, err));
    CS_TRY_DONE(cs_answers_run(found, shares, a, 2, err));
    for (size_t h = 0; h < t->count; h++) {
        roles[h].outcome = CLIPSPAN_OUTCOME_NONE;
        roles[h].p = roles[h].relabelled_p = 1.0;
        answers[h].category[0] = t->categories->names[found[h].category[0]];
        answers[h].turned_p = found[h].turned_p;
        answers[h].dealt_p = found[h].dealt_p;
    }
    CS_TRY_DONE(cs_roles_judge(roles, answers, t->count, CS_ROLES_FDR, err));
    for (size_t h = 0; h < t->count; h++)
        *claims += roles[h].outcome >= CLIPSPAN_OUTCOME_LEANING;
done:
    cs_answers_free(&a);
    cs_free(m);
    cs_free(found);
    cs_free(shares);
    cs_free(answers);
    cs_free(roles);
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
    CS_TRY(read_heads(t, err));
    return cs_run_has_layer(t->run, 0) ? read_images(t, err) : CLIPSPAN_OK;
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
    if (status == CLIPSPAN_OK && t->y) status = ask(claims, t, heads, &wish, err);
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
    cs_free(t->embeddings);
    cs_free(t->y);
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
