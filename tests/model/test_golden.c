/* SPDX-License-Identifier: MIT */
/* Both towers, from files to embeddings, against the answers of ref/clip_forward.py for the small
 * checkpoints of tests/golden/. Every kernel level that this CPU has; bf16 where it runs. The
 * tolerances and their reasons stand in each folder's MANIFEST.md. */
#include "base/file.h"
#include "base/memory.h"
#include "model/image_pass.h"
#include "model/text_pass.h"
#include "npy_array.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOLERANCE 5e-6 /* relative L2 error of a row, float32 */
#define COSINE    0.999

static void compare(const char *what, const cs_simd *simd, clipspan_precision precision,
                    const float *ours, const cs_npy_array *right)
{
    const double *expected = right->data;
    size_t i, j;
    for (i = 0; i < right->rows; i++) {
        double error = 0, length = 0, mine = 0, dot = 0;
        for (j = 0; j < right->row_size; j++) {
            double x = (double)ours[i * right->row_size + j], y = expected[i * right->row_size + j];
            error += (x - y) * (x - y);
            length += y * y;
            mine += x * x;
            dot += x * y;
        }
        error = sqrt(error / length);
        dot /= sqrt(length * mine);
        if (precision == CLIPSPAN_F32 ? !(error <= TOLERANCE) : !(dot >= COSINE))
            fail_msg("%s, row %zu, %s%s: relative error %.2e, cosine %.6f", what, i, simd->name,
                     precision == CLIPSPAN_F32 ? "" : " bf16", error, dot);
    }
}

static void run_images(const char *folder, const cs_checkpoint *checkpoint, const cs_simd *simd,
                       clipspan_precision precision, int threads)
{
    const cs_config *config = cs_checkpoint_config(checkpoint);
    clipspan_error err;
    cs_tower *tower = NULL;
    cs_image_pass *pass = NULL;
    cs_npy_array pixels, right;
    float *out;
    size_t i;
    assert_true(cs_npy_array_read(&pixels, folder, "pixels.npy", "'|u1'", 1));
    assert_true(cs_npy_array_read(&right, folder, "image.npy", "'<f8'", sizeof(double)));
    assert_int_equal(pixels.rows, right.rows);
    assert_int_equal(pixels.row_size, 3 * config->input_height * config->input_width);
    assert_int_equal(right.row_size, config->embed_width);
    out = cs_alloc(right.rows * right.row_size, sizeof *out, "test", NULL);
    assert_non_null(out);
    if (cs_tower_load(&tower, checkpoint, CLIPSPAN_IMAGE, precision, 0, 1, simd, &err) ||
        cs_image_pass_new(&pass, tower, config, threads, simd, &err))
        fail_msg("%s", err.message);
    for (i = 0; i < right.rows; i++)
        if (cs_image_pass_run(out + i * right.row_size, pass,
                              (const uint8_t *)pixels.data + i * pixels.row_size, 0, &err))
            fail_msg("%s", err.message);
    compare(folder, simd, precision, out, &right);
    cs_image_pass_free(&pass);
    cs_tower_free(&tower);
    cs_free(out);
    cs_free(pixels.bytes);
    cs_free(right.bytes);
}

static void run_texts(const char *folder, const cs_checkpoint *checkpoint, const cs_simd *simd,
                      clipspan_precision precision)
{
    const cs_config *config = cs_checkpoint_config(checkpoint);
    clipspan_error err;
    cs_tower *tower = NULL;
    cs_text_pass *pass = NULL;
    cs_npy_array ids, right;
    float *out;
    size_t done, count;
    assert_int_equal(config->has_text, cs_npy_array_read(&ids, folder, "ids.npy", "'<i4'", 4));
    if (!config->has_text) return;
    assert_true(cs_npy_array_read(&right, folder, "text.npy", "'<f8'", sizeof(double)));
    assert_int_equal(ids.rows, right.rows);
    assert_int_equal(ids.row_size, config->context_length);
    assert_int_equal(right.row_size, config->embed_width);
    out = cs_alloc(right.rows * right.row_size, sizeof *out, "test", NULL);
    assert_non_null(out);
    if (cs_tower_load(&tower, checkpoint, CLIPSPAN_TEXT, precision, 0, 1, simd, &err) ||
        cs_text_pass_new(&pass, tower, config, simd, &err))
        fail_msg("%s", err.message);
    for (done = 0; done < ids.rows; done += count) {
        const int32_t *tokens = (const int32_t *)ids.data + done * ids.row_size;
        count = cs_text_pass_cut(pass, tokens, ids.rows - done);
        if (cs_text_pass_run(out + done * right.row_size, pass, tokens, count, 0, &err))
            fail_msg("%s", err.message);
    }
    compare(folder, simd, precision, out, &right);
    cs_text_pass_free(&pass);
    cs_tower_free(&tower);
    cs_free(out);
    cs_free(ids.bytes);
    cs_free(right.bytes);
}

static void golden(void **state)
{
    const char *root = getenv("CLIPSPAN_GOLDEN");
    cs_checkpoint *checkpoint = NULL;
    clipspan_error err;
    char *folder;
    int level, half;
    assert_non_null(root);
    folder = cs_path_join(root, *state, &err);
    assert_non_null(folder);
    if (cs_checkpoint_open(&checkpoint, folder, NULL, &err)) fail_msg("%s", err.message);
    for (level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *simd = cs_simd_get((cs_level)level);
        if (!simd) continue;
        for (half = 0; half <= (level == CS_AVX512 && cs_product_has_bf16()); half++) {
            clipspan_precision precision = half ? CLIPSPAN_BF16 : CLIPSPAN_F32;
            run_images(folder, checkpoint, simd, precision, 1);
            run_images(folder, checkpoint, simd, precision, 2);
            run_texts(folder, checkpoint, simd, precision);
        }
    }
    cs_checkpoint_close(&checkpoint);
    cs_free(folder);
}

int main(void)
{
    static char names[][32] = {
        "openclip-odd",           "openclip-quick-custom", "hf-quick-sharded",
        "image-no-ln-pre",        "openclip-wide",         "hf-gelu-eos",
        "openclip-f64-unaligned", "siglip-timm",           "siglip-hf"};
    struct CMUnitTest tests[sizeof names / sizeof *names];
    size_t i;
    memset(tests, 0, sizeof tests);
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        tests[i].name = names[i];
        tests[i].test_func = golden;
        tests[i].initial_state = names[i];
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
