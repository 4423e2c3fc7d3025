/* SPDX-License-Identifier: MIT */
/* Effects through later layers against ref/clip_paths.py in float64
 * (tests/model/data/paths/NAME.npy), their sums at every layer of models of odd sizes, neurons that
 * add up to their MLP, tokens to their head, and a pass that leaves the same bytes with a sweep's
 * sink as without. Every kernel level that this CPU has. */
#include "base/file.h"
#include "base/memory.h"
#include "model/image_pass.h"
#include "model/sweep.h"
#include "npy_array.h"
#include "tiny.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A float32 pass leaves 3e-7 in embeddings of these models; effects are sums of some hundred such
 * numbers of size 1. */
#define EFFECT 3e-6
#define SUM    1e-5
#define TEXTS  3

typedef struct rig {
    cs_checkpoint *checkpoint;
    const cs_config *config;
    cs_tower *tower;
    cs_image_pass *pass;
    cs_trace trace;
    cs_sweep_weights *weights;
    cs_sweep *sweep;
    size_t L, H, N, K, D, M, P, pixels;
    float *texts, *means; /* [TEXTS, P], [L, H, K] */
    cs_sweep_result r;
    double *numbers;
} rig;

static double *take(double **at, size_t count)
{
    double *here = *at;
    *at += count;
    return here;
}

static void lay_out(rig *g)
{
    const size_t T = TEXTS, LH = g->L * g->H;
    double *at = g->numbers =
        calloc(T * (2 + 4 * LH + 3 * g->L + g->N + g->L + 1), sizeof *g->numbers);
    g->r.similarity = take(&at, T);
    g->r.off = take(&at, T);
    g->r.head = take(&at, T * LH);
    g->r.head_direct = take(&at, T * LH);
    g->r.ablated = take(&at, T * LH);
    g->r.ablated_direct = take(&at, T * LH);
    g->r.mlp = take(&at, T * g->L);
    g->r.mlp_direct = take(&at, T * g->L);
    g->r.bias = take(&at, T * g->L);
    g->r.token = take(&at, T * g->N);
    g->r.constant = take(&at, T * (g->L + 1));
    g->r.neuron = calloc(T * g->L * g->M, sizeof *g->r.neuron);
    g->r.map = calloc(T * LH * g->N, sizeof *g->r.map);
}

static void init(rig *g, const char *folder, const cs_simd *simd, int threads)
{
    clipspan_error err;
    memset(g, 0, sizeof *g);
    if (cs_checkpoint_open(&g->checkpoint, folder, NULL, &err)) fail_msg("%s", err.message);
    g->config = cs_checkpoint_config(g->checkpoint);
    g->L = (size_t)g->config->image.layers;
    g->H = (size_t)g->config->image.heads;
    g->K = (size_t)g->config->image.head_width;
    g->D = (size_t)g->config->image.width;
    g->M = (size_t)g->config->image.mlp_width;
    g->N = (size_t)g->config->tokens;
    g->P = (size_t)g->config->embed_width;
    g->pixels = 3 * (size_t)g->config->input_height * (size_t)g->config->input_width;
    if (cs_tower_load(&g->tower, g->checkpoint, CLIPSPAN_IMAGE, CLIPSPAN_F32, 0, 1, simd, &err) ||
        cs_image_pass_new(&g->pass, g->tower, g->config, threads, simd, &err) ||
        cs_trace_init(&g->trace, g->config, &err) ||
        cs_sweep_weights_new(&g->weights, g->checkpoint, g->tower, 2, &err) ||
        cs_sweep_new(&g->sweep, g->weights, g->tower, g->config, TEXTS, threads, simd, &err))
        fail_msg("%s", err.message);
    g->texts = malloc(TEXTS * g->P * sizeof *g->texts);
    g->means = malloc(g->L * g->D * sizeof *g->means);
    for (size_t t = 0; t < TEXTS; t++) {
        double squares = 0.0;
        for (size_t p = 0; p < g->P; p++)
            squares += pow(cos(1.0 + (double)(t * g->P + p)), 2.0);
        for (size_t p = 0; p < g->P; p++)
            g->texts[t * g->P + p] = (float)(cos(1.0 + (double)(t * g->P + p)) / sqrt(squares));
    }
    for (size_t i = 0; i < g->L * g->D; i++)
        g->means[i] = (float)(0.1 * cos((double)i));
    lay_out(g);
}

static void fini(rig *g)
{
    cs_sweep_free(&g->sweep);
    cs_sweep_weights_free(&g->weights);
    cs_trace_fini(&g->trace);
    cs_image_pass_free(&g->pass);
    cs_tower_free(&g->tower);
    cs_checkpoint_close(&g->checkpoint);
    free(g->texts);
    free(g->means);
    free(g->numbers);
    free(g->r.neuron);
    free(g->r.map);
}

static void run(rig *g, const uint8_t *pixels)
{
    clipspan_error err;
    const cs_layer_sink sink = cs_sweep_sink(g->sweep);
    if (cs_image_pass_trace(&g->trace, g->pass, pixels, &sink, &err) ||
        cs_sweep_run(&g->r, g->sweep, &g->trace, g->texts, TEXTS, g->means,
                     cs_image_pass_fixed(g->pass), &err))
        fail_msg("%s", err.message);
}

static void paint(const rig *g, uint8_t *pixels)
{
    uint32_t state = 2463534242u;
    for (size_t i = 0; i < g->pixels; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        pixels[i] = (uint8_t)(state & 255);
    }
}

/* ---- Sums ---- */

static void check_sums(const rig *g)
{
    for (size_t t = 0; t < TEXTS; t++) {
        if (!(g->r.off[t] <= SUM)) fail_msg("a layer's effects are %.3g off", g->r.off[t]);
        for (size_t l = 0; l < g->L; l++) {
            double sum = 0.0;
            for (size_t n = 0; n < g->M; n++)
                sum += (double)g->r.neuron[(t * g->L + l) * g->M + n];
            /* The bias's part, which is among the constants of layer l as all of its MLP's are:
             * G of the last layer's MLP is the readout. */
            if (l + 1 == g->L) {
                for (size_t d = 0; d < g->D; d++) {
                    double row = 0.0, mean = 0.0;
                    for (size_t e = 0; e < g->D; e++) {
                        double x = 0.0;
                        for (size_t p = 0; p < g->P; p++)
                            x += (double)g->weights->readout[e * g->P + p] *
                                 (double)g->texts[t * g->P + p];
                        mean += x / (double)g->D;
                        if (e == d) row = x;
                    }
                    sum += (row - mean) / (g->trace.sigma * g->trace.norm) *
                           (double)g->weights->layers[l].mlp_bias[d];
                }
                assert_true(fabs(sum - g->r.mlp[t * g->L + l]) <= SUM);
                assert_true(fabs(g->r.mlp_direct[t * g->L + l] - g->r.mlp[t * g->L + l]) <= SUM);
            }
        }
        for (size_t h = 0; h < g->L * g->H; h++) {
            double sum = 0.0;
            for (size_t j = 0; j < g->N; j++)
                sum += (double)g->r.map[(t * g->L * g->H + h) * g->N + j];
            assert_true(fabs(sum - g->r.head[t * g->L * g->H + h]) <= SUM);
        }
    }
}

/* ---- Against NumPy ---- */

typedef struct piece {
    const char *name;
    const double *wide;
    const float *narrow;
    size_t count; /* of one text */
} piece;

static void compare(const rig *g, const double *right, size_t row_size)
{
    const size_t LH = g->L * g->H;
    const piece pieces[] = {{"similarity", g->r.similarity, NULL, 1},
                            {"heads", g->r.head, NULL, LH},
                            {"heads, direct", g->r.head_direct, NULL, LH},
                            {"MLPs", g->r.mlp, NULL, g->L},
                            {"MLPs, direct", g->r.mlp_direct, NULL, g->L},
                            {"biases", g->r.bias, NULL, g->L},
                            {"tokens", g->r.token, NULL, g->N},
                            {"constants", g->r.constant, NULL, g->L + 1},
                            {"ablated", g->r.ablated, NULL, LH},
                            {"ablated, direct", g->r.ablated_direct, NULL, LH},
                            {"neurons", NULL, g->r.neuron, g->L * g->M},
                            {"maps", NULL, g->r.map, LH * g->N}};
    for (size_t t = 0; t < TEXTS; t++) {
        const double *row = right + t * row_size;
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            const piece *p = &pieces[k];
            for (size_t i = 0; i < p->count; i++) {
                const double found =
                    p->wide ? p->wide[t * p->count + i] : (double)p->narrow[t * p->count + i];
                if (!(fabs(found - row[i]) <= EFFECT))
                    fail_msg("text %zu, %s %zu: %.9g instead of %.9g", t, p->name, i, found,
                             row[i]);
            }
            row += p->count;
        }
        assert_int_equal(row - right, (ptrdiff_t)((t + 1) * row_size));
    }
}

static void compare_golden(const char *name, const char *folder, const cs_simd *simd, int threads)
{
    char file[64];
    cs_npy_array pixels, right;
    float *embedding;
    rig g;
    snprintf(file, sizeof file, "%s.npy", name);
    assert_true(cs_npy_array_read(&pixels, folder, "pixels.npy", "'|u1'", 1));
    assert_true(
        cs_npy_array_read(&right, getenv("CLIPSPAN_PATHS_DATA"), file, "'<f8'", sizeof(double)));
    init(&g, folder, simd, threads);
    run(&g, pixels.data);
    compare(&g, right.data, right.row_size);
    check_sums(&g);
    embedding = malloc(g.P * sizeof *embedding);
    assert_int_equal(cs_image_pass_run(embedding, g.pass, pixels.data, 1, NULL), CLIPSPAN_OK);
    assert_memory_equal(embedding, g.trace.embedding, g.P * sizeof *embedding);
    free(embedding);
    fini(&g);
    cs_free(pixels.bytes);
    cs_free(right.bytes);
}

static void golden(void **state)
{
    const char *root = getenv("CLIPSPAN_GOLDEN");
    char *folder;
    assert_non_null(root);
    folder = cs_path_join(root, *state, NULL);
    for (int level = CS_GENERIC; level <= CS_AVX512; level++)
        if (cs_simd_get((cs_level)level))
            compare_golden(*state, folder, cs_simd_get((cs_level)level), 1 + level % 2);
    cs_free(folder);
}

/* ---- Odd sizes ---- */

static void sizes(void **state)
{
    static const struct {
        int layers, width, heads, mlp, height, wide, patch, no_ln_pre, quick;
    } cases[] = {{1, 4, 1, 3, 8, 8, 8, 0, 0},
                 {1, 7, 7, 1, 8, 16, 8, 0, 1},
                 {2, 12, 3, 17, 16, 8, 4, 1, 0},
                 {5, 10, 2, 1030, 16, 16, 8, 0, 1},
                 {3, 33, 11, 64, 24, 16, 8, 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cs_tiny_model tiny = CS_TINY_MODEL_INIT;
        char *folder = cs_tiny_folder();
        uint8_t *pixels;
        rig g;
        tiny.no_text = 1;
        tiny.layers = cases[i].layers;
        tiny.width = cases[i].width;
        tiny.heads = cases[i].heads;
        tiny.mlp = cases[i].mlp;
        tiny.height = cases[i].height;
        tiny.input_width = cases[i].wide;
        tiny.patch = cases[i].patch;
        tiny.no_ln_pre = cases[i].no_ln_pre;
        tiny.quick_gelu = cases[i].quick;
        cs_tiny_write_openclip(folder, &tiny, (unsigned)i + 1);
        init(&g, folder, cs_simd_best(), 1);
        pixels = malloc(g.pixels);
        paint(&g, pixels);
        run(&g, pixels);
        check_sums(&g);
        run(&g, pixels); /* once more with what the first left behind */
        check_sums(&g);
        free(pixels);
        fini(&g);
        cs_tiny_remove(&folder);
    }
}

/* Heads that the pass has fixed: effects are the constants that they write, sums hold. */
static void fixed(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    char *folder = cs_tiny_folder();
    uint8_t *pixels, marks[16] = {0};
    cs_fixed_heads heads = {marks, NULL};
    rig g;
    (void)state;
    tiny.no_text = 1;
    tiny.layers = 3;
    cs_tiny_write_openclip(folder, &tiny, 7);
    init(&g, folder, cs_simd_best(), 1);
    heads.z = g.means;
    marks[1] = marks[g.H] = marks[g.H + 2] = 1;
    cs_image_pass_fix(g.pass, &heads);
    pixels = malloc(g.pixels);
    paint(&g, pixels);
    run(&g, pixels);
    for (size_t t = 0; t < TEXTS; t++) {
        assert_true(g.r.off[t] <= SUM);
        for (size_t h = 0; h < g.L * g.H; h++) /* already at these means */
            if (marks[h]) assert_true(fabs(g.r.ablated[t * g.L * g.H + h]) <= SUM);
    }
    free(pixels);
    fini(&g);
    cs_tiny_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"odd", golden, NULL, NULL, (void *)(uintptr_t) "openclip-odd"},
        {"quick", golden, NULL, NULL, (void *)(uintptr_t) "openclip-quick-custom"},
        {"hf", golden, NULL, NULL, (void *)(uintptr_t) "hf-quick-sharded"},
        {"no ln_pre", golden, NULL, NULL, (void *)(uintptr_t) "image-no-ln-pre"},
        {"wide", golden, NULL, NULL, (void *)(uintptr_t) "openclip-wide"},
        cmocka_unit_test(sizes),
        cmocka_unit_test(fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
