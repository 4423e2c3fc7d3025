/* SPDX-License-Identifier: MIT */
/* Every layer's heads, patches and MLPs through an attention pool, against ref/siglip_forward.py
 * in float64 for the golden models, with and without the frozen gate, and the identities: patches
 * add up to their head, all terms to the embedding, scores to inner products. The pass is float32:
 * its residual rows are uncertain by some 1e-7 of their length, terms by 1e-6 of the embedding's;
 * what is here float64 on top adds nothing that shows. */
#include "decompose/pool_split.h"
#include "npy_array.h"
#include "rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TERM 2e-6 /* of a unit embedding */

typedef struct scene {
    cs_rig rig;
    cs_pool_record record;
    cs_pool_split *split;
    cs_npy_array pixels;
    const char *folder;
    char path[512];
    double rho;
} scene;

static void set_up(scene *s, const char *name, const cs_simd *simd)
{
    const char *root = getenv("CLIPSPAN_GOLDEN");
    const cs_layer_sink sink = {.record = &s->record};
    clipspan_error err;
    assert_non_null(root);
    snprintf(s->path, sizeof s->path, "%s/%s", root, name);
    cs_rig_init(&s->rig, s->path, simd, CLIPSPAN_F32, CS_COEFFICIENTS_F32, 1, 1);
    assert_true(cs_npy_array_read(&s->pixels, s->path, "pixels.npy", "'|u1'", 1));
    assert_int_equal(cs_pool_record_init(&s->record, cs_checkpoint_config(s->rig.checkpoint), &err),
                     CLIPSPAN_OK);
    assert_int_equal(cs_pool_split_new(&s->split, s->rig.checkpoint, &err), CLIPSPAN_OK);
    if (cs_image_pass_trace(&s->rig.trace, s->rig.pass, s->pixels.data, &sink, &err))
        fail_msg("%s", err.message);
    s->rho = s->rig.trace.norm;
}

static void tear_down(scene *s)
{
    cs_pool_split_free(&s->split);
    cs_pool_record_fini(&s->record);
    cs_free(s->pixels.bytes);
    cs_rig_fini(&s->rig);
}

/* Terms without constants, as the reference has them. */
static void compare_terms(scene *s, int gate)
{
    const size_t L = s->record.L, N = s->record.N, D = s->record.D, H = s->rig.shape.H;
    float *patches = malloc(N * D * sizeof *patches), *mlps = malloc((L + 2) * D * sizeof *mlps);
    cs_npy_array heads, right;
    assert_true(cs_npy_array_read(&heads, s->path, gate ? "gated_heads.npy" : "through_heads.npy",
                                  "'<f8'", sizeof(double)));
    assert_true(cs_npy_array_read(&right, s->path, gate ? "gated_mlps.npy" : "through_mlps.npy",
                                  "'<f8'", sizeof(double)));
    cs_pool_split_start(s->split, &s->record, gate);
    for (size_t i = 0; i < L * H; i++) {
        cs_pool_split_head(NULL, patches, s->split, i / H, i % H, 0);
        for (size_t k = 0; k < N * D; k++)
            if (!(fabs((double)patches[k] - ((const double *)heads.data)[i * N * D + k] / s->rho) <=
                  TERM))
                fail_msg("head %zu, number %zu: %g, right %g", i, k, (double)patches[k],
                         ((const double *)heads.data)[i * N * D + k] / s->rho);
    }
    cs_pool_split_mlps(mlps, s->split, 0);
    for (size_t k = 0; k < (L + 1) * D; k++)
        if (!(fabs((double)mlps[k] - ((const double *)right.data)[k] / s->rho) <= TERM))
            fail_msg("MLP, number %zu: %g, right %g", k, (double)mlps[k],
                     ((const double *)right.data)[k] / s->rho);
    free(patches), free(mlps);
    cs_free(heads.bytes), cs_free(right.bytes);
}

/* Sums over heads, patches and MLPs, and the same as inner products with a direction. */
static void compare_sums(scene *s, int gate)
{
    const size_t L = s->record.L, N = s->record.N, D = s->record.D, H = s->rig.shape.H;
    float *patches = malloc(N * D * sizeof *patches), *mlps = malloc((L + 2) * D * sizeof *mlps);
    float *whole = malloc(D * sizeof *whole), *direction = malloc(D * sizeof *direction);
    float *scores = malloc(L * H * N * sizeof *scores), *rest = malloc((L + 2) * sizeof *rest);
    double *sum = calloc(D, sizeof *sum), off = 0.0, share = 0.0;
    for (size_t d = 0; d < D; d++)
        direction[d] = (float)cos((double)d * 1.3);
    cs_pool_split_start(s->split, &s->record, gate);
    cs_pool_split_scores(scores, rest, s->split, direction);
    cs_pool_split_mlps(mlps, s->split, 1);
    for (size_t i = 0; i < L * H; i++) {
        cs_pool_split_head(whole, patches, s->split, i / H, i % H, 1);
        for (size_t d = 0; d < D; d++) {
            double over = 0.0;
            for (size_t j = 0; j < N; j++)
                over += (double)patches[j * D + d];
            assert_true(fabs(over - (double)whole[d]) <= 1e-6);
            sum[d] += (double)whole[d];
        }
        for (size_t j = 0; j < N; j++) {
            double dot = 0.0;
            for (size_t d = 0; d < D; d++)
                dot += (double)patches[j * D + d] * (double)direction[d];
            assert_true(fabs(dot - (double)scores[i * N + j]) <= 2e-6);
        }
    }
    for (size_t l = 0; l < L + 2; l++) {
        double dot = 0.0;
        for (size_t d = 0; d < D; d++) {
            sum[d] += (double)mlps[l * D + d];
            dot += (double)mlps[l * D + d] * (double)direction[d];
        }
        assert_true(fabs(dot - (double)rest[l]) <= 2e-6);
    }
    for (size_t d = 0; d < D; d++) {
        const double last = (double)s->record.embedding[d] - (double)s->record.y[d];
        off = fmax(off, fabs(sum[d] - (double)s->rig.trace.embedding[d]));
        share += last * last / (s->rho * s->rho);
    }
    if (!(off <= (gate ? 1e-5 : 1e-6))) fail_msg("sums are off by %g, gate %d", off, gate);
    assert_true(fabs(share - cs_pool_split_mlp_share(s->split)) <= 1e-9);
    free(patches), free(mlps), free(whole), free(direction), free(scores), free(rest), free(sum);
}

static void golden(void **state)
{
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *simd = cs_simd_get((cs_level)level);
        scene s;
        if (!simd) continue;
        set_up(&s, *state, simd);
        for (int gate = 0; gate < 2; gate++) {
            compare_terms(&s, gate);
            compare_sums(&s, gate);
        }
        tear_down(&s);
    }
}

int main(void)
{
    static char timm[] = "siglip-timm", hf[] = "siglip-hf";
    const struct CMUnitTest tests[] = {{"siglip-timm", golden, NULL, NULL, timm},
                                       {"siglip-hf", golden, NULL, NULL, hf}};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
