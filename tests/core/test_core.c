/* SPDX-License-Identifier: MIT */
/* The base build as a page in a browser would use it: a model from tensors in memory, pixels,
 * texts, contributions that add up to the embedding, statistics; image files are refused by
 * name. */
#include <clipspan/clipspan.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { P = 12, D = 24, HEADS = 3, L = 2, SIZE = 16, PATCH = 8, M = 40, W = 16, V = 49408, C = 77 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, err.message);               \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

#define MOST 80

static clipspan_tensor tensors[MOST];
static uint64_t shapes[MOST][4];
static char names[MOST][80];
static size_t count;
static uint32_t seed = 1;

/* Numbers of this spread around `middle`. */
static void add(const char *name, double middle, double spread, int rank, int a, int b, int c,
                int d)
{
    const int shape[4] = {a, b, c, d};
    size_t numbers = 1;
    float *data;
    for (int i = 0; i < rank; i++)
        numbers *= (size_t)(shapes[count][i] = (uint64_t)shape[i]);
    data = malloc(numbers * sizeof *data);
    for (size_t i = 0; i < numbers; i++) {
        seed = seed * 1664525U + 1013904223U;
        data[i] = (float)(middle + spread * ((double)(seed >> 8) / 8388608.0 - 1.0));
    }
    snprintf(names[count], sizeof names[count], "%s", name);
    tensors[count] = (clipspan_tensor){.name = names[count],
                                       .dtype = "F32",
                                       .rank = rank,
                                       .shape = shapes[count],
                                       .data = data,
                                       .size = numbers * sizeof *data};
    count++;
}

static void add_norm(const char *prefix, const char *name, int width)
{
    char whole[80];
    snprintf(whole, sizeof whole, "%s%s.weight", prefix, name);
    add(whole, 1.0, 0.2, 1, width, 0, 0, 0);
    snprintf(whole, sizeof whole, "%s%s.bias", prefix, name);
    add(whole, 0.0, 0.1, 1, width, 0, 0, 0);
}

static void add_linear(const char *prefix, const char *name, const char *ends, int out, int in)
{
    char whole[80];
    snprintf(whole, sizeof whole, "%s%s%sweight", prefix, name, ends);
    add(whole, 0.0, 1.7 / sqrt(in), 2, out, in, 0, 0);
    snprintf(whole, sizeof whole, "%s%s%sbias", prefix, name, ends);
    add(whole, 0.0, 0.1, 1, out, 0, 0, 0);
}

static void add_blocks(const char *tower, int width, int mlp)
{
    for (int l = 0; l < L; l++) {
        char prefix[60];
        snprintf(prefix, sizeof prefix, "%stransformer.resblocks.%d.", tower, l);
        add_norm(prefix, "ln_1", width);
        add_linear(prefix, "attn.in_proj_", "", 3 * width, width);
        add_linear(prefix, "attn.out_proj", ".", width, width);
        add_norm(prefix, "ln_2", width);
        add_linear(prefix, "mlp.c_fc", ".", mlp, width);
        add_linear(prefix, "mlp.c_proj", ".", width, mlp);
    }
}

static void make_tensors(void)
{
    add("visual.conv1.weight", 0.0, 0.1, 4, D, 3, PATCH, PATCH);
    add("visual.class_embedding", 0.0, 1.0, 1, D, 0, 0, 0);
    add("visual.positional_embedding", 0.0, 0.5, 2, 5, D, 0, 0);
    add_norm("visual.", "ln_pre", D);
    add_norm("visual.", "ln_post", D);
    add("visual.proj", 0.0, 0.3, 2, D, P, 0, 0);
    add_blocks("visual.", D, M);
    add("token_embedding.weight", 0.0, 0.5, 2, V, W, 0, 0);
    add("positional_embedding", 0.0, 0.2, 2, C, W, 0, 0);
    add_norm("", "ln_final", W);
    add("text_projection", 0.0, 0.3, 2, W, P, 0, 0);
    add("logit_scale", 2.6, 0.0, 0, 0, 0, 0, 0);
    add_blocks("", W, 24);
}

static const char config[] =
    "{\"embed_dim\": 12, \"vision_cfg\": {\"image_size\": 16, \"layers\": 2, \"width\": 24, "
    "\"head_width\": 8, \"patch_size\": 8, \"mlp_ratio\": 1.67}, \"text_cfg\": {\"layers\": 2, "
    "\"width\": 16, \"heads\": 2, \"mlp_ratio\": 1.5}}";

/* The identity by hand: every head and MLP contribution, added up. */
static double largest_difference(const clipspan_decomposition *parts, size_t at,
                                 clipspan_error *err)
{
    static float heads[L * HEADS * P], mlps[(L + 1) * P];
    const float *embedding = clipspan_decomposition_get_embeddings(parts) + at * P;
    double most = 0.0;
    if (clipspan_decomposition_run_contributions(heads, NULL, mlps, NULL, parts, at, err))
        return HUGE_VAL;
    for (int p = 0; p < P; p++) {
        double sum = 0.0;
        for (int t = 0; t < L * HEADS; t++)
            sum += (double)heads[t * P + p];
        for (int t = 0; t < L + 1; t++)
            sum += (double)mlps[t * P + p];
        most = fmax(most, fabs(sum - (double)embedding[p]));
    }
    return most;
}

static int embed_texts(clipspan_model *model, float *out)
{
    static const char *const words[] = {"a photo of a dog", "a photo of a cat"};
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder;
    clipspan_texts *texts;
    clipspan_error err;
    o.modality = CLIPSPAN_TEXT;
    CHECK(clipspan_texts_new(&texts, words, NULL, 2, &err) == CLIPSPAN_OK);
    CHECK(clipspan_encoder_new(&encoder, model, &o, &err) == CLIPSPAN_OK);
    CHECK(clipspan_encoder_run_texts(out, encoder, texts, NULL, &err) == CLIPSPAN_OK);
    clipspan_encoder_free(&encoder);
    clipspan_texts_free(&texts);
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t pixels[4 * SIZE * SIZE * 3];
    float embeddings[4 * P], text[2 * P];
    double off;
    clipspan_variance_share variance_shares[L * HEADS];
    clipspan_model *model;
    clipspan_encoder *encoder;
    clipspan_decomposition *parts;
    clipspan_stats *stats;
    clipspan_error err = {0};
    if (argc != 2) return 2;
    make_tensors();
    CHECK(clipspan_default_threads() == 1);
    CHECK(clipspan_model_new(&model, "made up", config, strlen(config), tensors, count, NULL,
                             &err) == CLIPSPAN_OK);
    CHECK(clipspan_pixels_read(pixels, model, argv[1], NULL, &err) == CLIPSPAN_E_UNSUPPORTED);
    CHECK(strstr(err.message, "PNG file, and this build has no image decoders"));
    for (size_t i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525U + 1013904223U;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    CHECK(clipspan_encoder_new(&encoder, model, NULL, &err) == CLIPSPAN_OK);
    CHECK(clipspan_encoder_run_pixels(embeddings, encoder, pixels, 4, &err) == CLIPSPAN_OK);
    CHECK(clipspan_decomposition_new(&parts, encoder, NULL, &err) == CLIPSPAN_OK);
    CHECK(clipspan_decomposition_run_pixels(parts, pixels, 4, &err) == CLIPSPAN_OK);
    CHECK(memcmp(embeddings, clipspan_decomposition_get_embeddings(parts), sizeof embeddings) == 0);
    CHECK(memcmp(embeddings, embeddings + P, P * sizeof *embeddings) != 0);
    for (size_t i = 0; i < 4; i++) {
        CHECK(clipspan_decomposition_run_check(&off, parts, i, &err) == CLIPSPAN_OK && off <= 1e-5);
        CHECK(largest_difference(parts, i, &err) <= 1e-5);
    }
    CHECK(clipspan_stats_new(&stats, encoder, &err) == CLIPSPAN_OK);
    CHECK(clipspan_stats_add(stats, parts, &err) == CLIPSPAN_OK);
    CHECK(clipspan_stats_run_variance_shares(variance_shares, NULL, NULL, NULL, stats, &err) ==
          CLIPSPAN_OK);
    CHECK(variance_shares[0].variance > 0.0);
    if (embed_texts(model, text)) return 1;
    clipspan_stats_free(&stats);
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&model);
    while (count)
        free((void *)(uintptr_t)tensors[--count].data);
    return 0;
}
