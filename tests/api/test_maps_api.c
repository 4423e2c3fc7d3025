/* SPDX-License-Identifier: MIT */
/* Maps through the public interface alone: an image's maps by itself and in company, the sums that
 * clipspan_decomposition gives, images that cannot be used, and arguments that are refused. What
 * the numbers themselves must be is tests/decompose's business. */
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Of the model below. */
enum { L = 3, H = 3, P = 12, N = 5, T = 2, IMAGES = 5 };

#define ALL                                                                                        \
    (CLIPSPAN_MAP_ATTENTION | CLIPSPAN_MAP_ROLLOUT | CLIPSPAN_MAP_PATCHES | CLIPSPAN_MAP_VALUES)

static char *folder;
static clipspan_model *model;
static clipspan_bank *bank;
static uint8_t pixels[IMAGES][16 * 16 * 3];
static float vectors[T][P];

static int set_up(void **state)
{
    static const char *const words[T] = {"one", "two"};
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_texts *texts = NULL;
    uint32_t seed = 3;
    size_t i;
    (void)state;
    tiny.no_text = 1;
    tiny.layers = L;
    folder = cs_tiny_folder();
    cs_tiny_write_openclip(folder, &tiny, 5);
    for (i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525U + 1013904223U;
        pixels[i / sizeof *pixels][i % sizeof *pixels] = (uint8_t)(seed >> 24);
    }
    for (i = 0; i < P; i++) {
        vectors[0][i] = 0.288675135F;
        vectors[1][i] = i % 2 ? 0.288675135F : -0.288675135F;
    }
    if (clipspan_model_open(&model, folder, NULL, NULL)) return -1;
    if (clipspan_texts_new(&texts, words, NULL, T, NULL)) return -1;
    i = (size_t)clipspan_bank_new_vectors(&bank, texts, vectors[0], P, NULL);
    clipspan_texts_free(&texts);
    return (int)i;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_bank_free(&bank);
    clipspan_model_close(&model);
    cs_tiny_remove(&folder);
    return 0;
}

static clipspan_encoder *new_encoder(clipspan_modality tower, int threads)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_error err;
    o.modality = tower;
    o.threads = threads;
    if (clipspan_encoder_new(&encoder, model, &o, &err)) fail_msg("%s", err.message);
    return encoder;
}

static void company(void **state)
{
    clipspan_encoder *two = new_encoder(CLIPSPAN_IMAGE, 2), *one = new_encoder(CLIPSPAN_IMAGE, 1);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_maps *many = NULL, *alone = NULL;
    clipspan_decomposition *parts = NULL;
    float heads[L][H][P];
    size_t b, l, h, t, j, p;
    (void)state;
    o.kinds = ALL;
    o.each = 1;
    assert_int_equal(clipspan_maps_new(&alone, one, bank, &o, NULL), CLIPSPAN_OK);
    o.images = IMAGES;
    assert_int_equal(clipspan_maps_new(&many, two, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_new(&parts, one, NULL, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(many, pixels[0], IMAGES, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_run_pixels(parts, pixels[0], IMAGES, NULL),
                     CLIPSPAN_OK);
    for (b = 0; b < IMAGES; b++) {
        assert_int_equal(clipspan_maps_run_pixels(alone, pixels[b], 1, NULL), CLIPSPAN_OK);
        for (p = 1; p <= 16; p *= 2) {
            int wide = p != CLIPSPAN_MAP_ATTENTION && p != CLIPSPAN_MAP_ROLLOUT;
            assert_memory_equal(clipspan_maps_get(alone, 0, (clipspan_map_kind)p),
                                clipspan_maps_get(many, b, (clipspan_map_kind)p),
                                (wide ? T * N : N) * sizeof(float));
        }
        assert_memory_equal(clipspan_maps_get_embeddings(many) + b * P,
                            clipspan_decomposition_get_embeddings(parts) + b * P,
                            P * sizeof(float));
        assert_int_equal(
            clipspan_decomposition_run_contributions(heads[0][0], NULL, NULL, NULL, parts, b, NULL),
            CLIPSPAN_OK);
        for (l = 0; l < L; l++)
            for (h = 0; h < H; h++)
                for (t = 0; t < T; t++) {
                    const float *map = clipspan_maps_get_head(many, b, (int)l, (int)h) + t * N;
                    double sum = 0.0;
                    for (j = 0; j < N; j++)
                        sum += (double)map[j];
                    for (p = 0; p < P; p++)
                        sum -= (double)heads[l][h][p] * (double)vectors[t][p];
                    assert_true(fabs(sum) <= 1e-6);
                }
    }
    clipspan_maps_free(&many);
    clipspan_maps_free(&alone);
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&one);
    clipspan_encoder_free(&two);
}

/* Groups are what the same heads give alone, to the byte; the others are in none. */
static void groups(void **state)
{
    static const clipspan_head first[2] = {{0, 1}, {2, 2}}, second[1] = {{1, 0}};
    clipspan_encoder *encoder = new_encoder(CLIPSPAN_IMAGE, 2);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT, one = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_maps *maps = NULL, *alone[3] = {NULL};
    int number[L * H];
    (void)state;
    for (int i = 0; i < L * H; i++)
        number[i] = -1;
    number[0 * H + 1] = number[2 * H + 2] = 0;
    number[1 * H + 0] = 1;
    o.groups = number;
    o.group_count = 3; /* the last is empty */
    o.images = one.images = IMAGES;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_new(&alone[2], encoder, bank, &one, NULL), CLIPSPAN_OK);
    one.heads = first;
    one.head_count = 2;
    assert_int_equal(clipspan_maps_new(&alone[0], encoder, bank, &one, NULL), CLIPSPAN_OK);
    one.heads = second;
    one.head_count = 1;
    assert_int_equal(clipspan_maps_new(&alone[1], encoder, bank, &one, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(maps, pixels[0], IMAGES, NULL), CLIPSPAN_OK);
    for (size_t g = 0; g < 3; g++) {
        assert_int_equal(clipspan_maps_run_pixels(alone[g], pixels[0], IMAGES, NULL), CLIPSPAN_OK);
        for (size_t b = 0; b < IMAGES; b++)
            assert_memory_equal(clipspan_maps_get(alone[g], b, CLIPSPAN_MAP_HEADS),
                                g < 2 ? clipspan_maps_get_group(maps, b, g)
                                      : clipspan_maps_get(maps, b, CLIPSPAN_MAP_HEADS),
                                T * N * sizeof(float));
        clipspan_maps_free(&alone[g]);
    }
    for (size_t i = 0; i < T * N; i++)
        assert_true(clipspan_maps_get_group(maps, 0, 2)[i] == 0.0F);
    assert_null(clipspan_maps_get_group(maps, 0, 3));
    assert_null(clipspan_maps_get_group(maps, IMAGES, 0));
    clipspan_maps_free(&maps);
    number[3] = 3;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.group_count = CLIPSPAN_GROUPS_MOST + 1;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.groups = NULL;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    clipspan_encoder_free(&encoder);
}

static void unusable(void **state)
{
    static const char *const paths[2] = {"/nowhere/image.png", "/nowhere/other.png"};
    clipspan_encoder *encoder = new_encoder(CLIPSPAN_IMAGE, 1);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_error errors[2];
    clipspan_maps *maps = NULL;
    size_t i;
    (void)state;
    o.images = 2;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(maps, pixels[0], 2, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_files(maps, errors, paths, 2, NULL), CLIPSPAN_OK);
    assert_int_equal(errors[1].code, CLIPSPAN_E_NOT_FOUND);
    for (i = 0; i < T * N; i++)
        assert_true(clipspan_maps_get(maps, 1, CLIPSPAN_MAP_HEADS)[i] == 0.0F);
    assert_int_equal(clipspan_maps_run_files(maps, NULL, paths, 2, NULL), CLIPSPAN_E_NOT_FOUND);
    assert_null(clipspan_maps_get(maps, 0, CLIPSPAN_MAP_HEADS));
    clipspan_maps_free(&maps);
    clipspan_encoder_free(&encoder);
}

/* Parts of an image among others are those that clipspan_decomposition gives; other maps are
 * refused. */
static void explained(void **state)
{
    clipspan_encoder *encoder = new_encoder(CLIPSPAN_IMAGE, 2);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    const clipspan_explanation_info *x;
    clipspan_explanation *e = NULL;
    clipspan_decomposition *parts = NULL;
    clipspan_maps *maps = NULL;
    float mlps[L + 1][P], layers[L][P];
    size_t t, l, p;
    (void)state;
    o.images = IMAGES;
    o.each = 1;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(maps, pixels[0], IMAGES, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_explanation_new(&e, maps, 0, bank, CLIPSPAN_CONTRAST_NONE, NULL),
                     CLIPSPAN_E_ARGUMENT); /* without the MLPs */
    clipspan_maps_free(&maps);
    o.kinds = CLIPSPAN_MAP_MLPS;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(maps, pixels[0], IMAGES, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_explanation_new(&e, maps, IMAGES, bank, 0, NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_explanation_new(&e, maps, 0, bank, (clipspan_contrast)3, NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_explanation_new(&e, maps, 3, bank, CLIPSPAN_CONTRAST_NONE, NULL),
                     CLIPSPAN_OK);
    x = clipspan_explanation_get_info(e);
    assert_true(x->off <= 1e-5);
    assert_string_equal(x->names[1], "two");
    assert_int_equal(x->tokens, N);
    assert_int_equal(clipspan_decomposition_new(&parts, encoder, NULL, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_run_pixels(parts, pixels[3], 1, NULL), CLIPSPAN_OK);
    assert_int_equal(
        clipspan_decomposition_run_contributions(NULL, layers[0], mlps[0], NULL, parts, 0, NULL),
        CLIPSPAN_OK);
    for (t = 0; t < T; t++)
        for (l = 0; l <= L; l++) {
            double mlp = x->mlp[t * (L + 1) + l], layer = l < L ? x->attention[t * L + l] : 0.0;
            for (p = 0; p < P; p++) {
                mlp -= (double)mlps[l][p] * (double)vectors[t][p];
                if (l < L) layer -= (double)layers[l][p] * (double)vectors[t][p];
            }
            assert_true(fabs(mlp) <= 1e-6);
            assert_true(fabs(layer) <= 1e-6);
        }
    clipspan_explanation_free(&e);
    assert_null(clipspan_explanation_get_info(e));
    clipspan_decomposition_free(&parts);
    clipspan_maps_free(&maps);
    clipspan_encoder_free(&encoder);
}

static void refused(void **state)
{
    static const clipspan_head heads[2] = {{L - 1, H - 1}, {0, H}};
    clipspan_encoder *encoder = new_encoder(CLIPSPAN_IMAGE, 1);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_maps *maps = NULL;
    (void)state;
    assert_int_equal(clipspan_maps_new(&maps, NULL, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_maps_new(&maps, encoder, NULL, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.images = CLIPSPAN_DECOMPOSITION_MOST + 1;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.images = 1;
    o.back = L;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.back = L - 1;
    o.heads = heads;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.head_count = 2;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    assert_null(maps);
    o.head_count = 1;
    o.each = 1;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(maps, pixels[0], 2, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_maps_run_pixels(maps, pixels[0], 1, NULL), CLIPSPAN_OK);
    assert_non_null(clipspan_maps_get_head(maps, 0, L - 1, H - 1));
    assert_null(clipspan_maps_get_head(maps, 0, 0, 0));
    assert_null(clipspan_maps_get_head(maps, 0, L, 0));
    assert_null(clipspan_maps_get(maps, 0, CLIPSPAN_MAP_PATCHES));
    assert_null(clipspan_maps_get(maps, 1, CLIPSPAN_MAP_HEADS));
    clipspan_maps_free(&maps);
    clipspan_encoder_free(&encoder);
}

/* ---- Tiles ---- */

/* An image of random pixels in the model's folder; the path is static. */
static const char *image(int height, int width)
{
    static char path[512];
    uint8_t *rgb = malloc((size_t)height * (size_t)width * 3);
    uint32_t seed = 11;
    for (int i = 0; i < height * width * 3; i++) {
        seed = seed * 1664525U + 1013904223U;
        rgb[i] = (uint8_t)(seed >> 24);
    }
    snprintf(path, sizeof path, "%s/%dx%d.png", folder, height, width);
    assert_int_equal(clipspan_png_write(path, rgb, height, width, 1, NULL), CLIPSPAN_OK);
    free(rgb);
    return path;
}

/* Windows of 16 x 16 over 40 x 24, patches of 8: 3 x 2 more. A blended map is, at each patch, an
 * average of what the windows say about it: within their range, and equal where there is one. */
static void tiled(void **state)
{
    clipspan_encoder *encoder = new_encoder(CLIPSPAN_IMAGE, 1);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_maps *maps = NULL;
    clipspan_tiles *tiles = NULL;
    clipspan_view *view = NULL;
    const clipspan_tiles_info *info;
    float blended[5 * 3] = {0}, low[5 * 3], high[5 * 3];
    uint8_t window[8][16 * 16 * 3];
    (void)state;
    o.images = 8;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_tiles_new(&tiles, model, image(40, 24), NULL, NULL), CLIPSPAN_OK);
    info = clipspan_tiles_get_info(tiles);
    assert_int_equal(info->count, 8);
    assert_int_equal(info->rows, 4);
    assert_int_equal(info->grid_height, 5);
    assert_int_equal(info->grid_width, 3);
    assert_false(info->whole);
    assert_true(info->height == 16.0 && info->width == 16.0);
    assert_int_equal(clipspan_tiles_run_pixels(window[0], tiles, 0, 8, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(maps, window[0], 8, NULL), CLIPSPAN_OK);
    for (int c = 0; c < 15; c++) {
        low[c] = INFINITY;
        high[c] = -INFINITY;
    }
    for (size_t i = 0; i < 8; i++) {
        const float *part = clipspan_maps_get(maps, i, CLIPSPAN_MAP_HEADS) + 1;
        for (size_t k = 0; k < 4; k++) {
            const size_t c = (i / 2 + k / 2) * 3 + i % 2 + k % 2;
            low[c] = fminf(low[c], part[k]);
            high[c] = fmaxf(high[c], part[k]);
        }
        assert_int_equal(clipspan_tiles_add(blended, tiles, i, part, NULL), CLIPSPAN_OK);
    }
    for (int c = 0; c < 15; c++)
        assert_true(blended[c] >= low[c] - 1e-6F && blended[c] <= high[c] + 1e-6F);
    assert_true(blended[0] == low[0]); /* a corner: one window */
    assert_int_equal(clipspan_tiles_new_view(&view, tiles, 40, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_view_get_info(view)->height, 40);
    assert_true(fabs(clipspan_view_get_info(view)->window[3] - 40.0) < 1e-9);
    clipspan_view_free(&view);
    assert_int_equal(clipspan_tiles_run_pixels(window[0], tiles, 7, 2, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_tiles_add(blended, tiles, 8, low, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_tiles_new_view(&view, tiles, 5000, NULL), CLIPSPAN_E_ARGUMENT);
    clipspan_tiles_free(&tiles);
    clipspan_maps_free(&maps);
    clipspan_encoder_free(&encoder);
}

static void tiled_whole(void **state)
{
    clipspan_tiles_options o = CLIPSPAN_TILES_OPTIONS_INIT;
    clipspan_tiles *tiles = NULL;
    clipspan_view *view = NULL;
    uint8_t got[16 * 16 * 3], wanted[16 * 16 * 3];
    const char *path = image(13, 16);
    clipspan_error err;
    (void)state;
    assert_int_equal(clipspan_tiles_new(&tiles, model, path, NULL, NULL), CLIPSPAN_OK);
    assert_true(clipspan_tiles_get_info(tiles)->whole);
    assert_int_equal(clipspan_tiles_get_info(tiles)->count, 1);
    assert_int_equal(clipspan_tiles_run_pixels(got, tiles, 0, 1, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_pixels_read(wanted, model, path, NULL, NULL), CLIPSPAN_OK);
    assert_memory_equal(got, wanted, sizeof got);
    assert_int_equal(clipspan_tiles_new_view(&view, tiles, 0, NULL), CLIPSPAN_OK);
    clipspan_view_free(&view);
    clipspan_tiles_free(&tiles);
    o.most = 7;
    assert_int_equal(clipspan_tiles_new(&tiles, model, image(40, 24), &o, &err), CLIPSPAN_E_LIMIT);
    assert_non_null(strstr(err.message, "40x24.png: 24 x 40 pixels take 8 windows"));
    o.most = -1;
    assert_int_equal(clipspan_tiles_new(&tiles, model, path, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.most = 0;
    o.struct_size = 3;
    assert_int_equal(clipspan_tiles_new(&tiles, model, path, &o, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_tiles_new(&tiles, model, "/nowhere.png", NULL, NULL),
                     CLIPSPAN_E_NOT_FOUND);
    assert_null(tiles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(company),   cmocka_unit_test(groups), cmocka_unit_test(unusable),
        cmocka_unit_test(refused),   cmocka_unit_test(tiled),  cmocka_unit_test(tiled_whole),
        cmocka_unit_test(explained),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
