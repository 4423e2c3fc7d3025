/* SPDX-License-Identifier: MIT */
#include "explain_craft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "draw/png_write.h"

#define WIDTH 8 /* of the joint image-text embedding space */

static float next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return (float)(*seed >> 8) / 16777216.0F - 0.4F;
}

static float *fill(size_t count, uint32_t *seed)
{
    float *numbers = malloc(count * sizeof *numbers);
    size_t i;
    assert_non_null(numbers);
    for (i = 0; i < count; i++)
        numbers[i] = next(seed) / 50;
    return numbers;
}

cs_explanation *explain_craft_new(const explain_craft *craft)
{
    uint32_t seed = 7;
    const size_t N = 1 + (size_t)(craft->rows * craft->columns), T = craft->texts;
    const size_t L = craft->layers;
    float *heads = fill(L * craft->heads * T * N, &seed), *mlps = fill(T * (L + 1), &seed);
    float *embedding = fill(WIDTH, &seed), *vectors = fill(T * WIDTH, &seed);
    cs_explanation_source source = {
        .T = T, .heads = heads, .mlps = mlps, .embedding = embedding, .vectors = vectors};
    cs_explanation *e;
    size_t t;
    source.shape.L = L;
    source.shape.H = craft->heads;
    source.shape.N = N;
    source.shape.P = WIDTH;
    assert_int_equal(cs_explanation_new(&e, &source, craft->contrast, NULL), CLIPSPAN_OK);
    e->info.grid_height = craft->rows;
    e->info.grid_width = craft->columns;
    for (t = 0; t < T; t++) {
        e->names[t] = cs_strdup(craft->names[t], NULL);
        assert_non_null(e->names[t]);
    }
    free(heads);
    free(mlps);
    free(embedding);
    free(vectors);
    return e;
}

cs_view explain_craft_view(const explain_craft *craft, const char *path, int height, int width)
{
    const cs_preprocess preprocess = {.height = 8 * craft->rows,
                                      .width = 8 * craft->columns,
                                      .resize = CLIPSPAN_SHORTEST,
                                      .kernel = CLIPSPAN_BICUBIC,
                                      .mean = {0.5F, 0.5F, 0.5F},
                                      .std = {0.5F, 0.5F, 0.5F}};
    const size_t size = (size_t)height * (size_t)width * 3;
    uint8_t *rgb = malloc(size);
    cs_view view;
    size_t i;
    assert_non_null(rgb);
    for (i = 0; i < size; i++)
        rgb[i] = (uint8_t)(i * 7 % 251);
    assert_int_equal(cs_png_write(path, rgb, height, width, 3, 1, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_view_init(&view, &preprocess, 8, path, 320, NULL, NULL), CLIPSPAN_OK);
    free(rgb);
    return view;
}
