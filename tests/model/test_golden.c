/* SPDX-License-Identifier: MIT */
/* Both towers, from files to embeddings, against the answers of ref/clip_forward.py for the small
 * checkpoints of tests/golden/. Every kernel level that this CPU has; bf16 where it runs. The
 * tolerances and their reasons stand in each folder's MANIFEST.md. */
#include "base/file.h"
#include "base/memory.h"
#include "model/image_pass.h"
#include "model/text_pass.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOLERANCE 5e-6 /* relative L2 error of a row, float32 */
#define COSINE    0.999

typedef struct array {
    unsigned char *bytes; /* the file */
    const void *data;
    size_t rows, row_size; /* numbers of one row */
} array;

/* Reads folder/name, an array of `descr` as NumPy writes it (version 1.0); 0 when it isn't
 * there. */
static int read_array(array *out, const char *folder, const char *name, const char *descr,
                      size_t item)
{
    clipspan_error err;
    char *path = cs_path_join(folder, name, &err), *text, *shape;
    size_t size, header;
    memset(out, 0, sizeof *out);
    assert_non_null(path);
    if (cs_path_kind(path) == 0) {
        cs_free(path);
        return 0;
    }
    if (cs_file_read_all(&out->bytes, &size, path, 1 << 20, &err)) fail_msg("%s", err.message);
    cs_free(path);
    assert_true(size > 10 && memcmp(out->bytes, "\x93NUMPY\1", 7) == 0);
    header = 10 + out->bytes[8] + 256U * out->bytes[9];
    assert_true(header < size);
    text = (char *)out->bytes + 10;
    out->bytes[header - 1] = 0;
    assert_non_null(strstr(text, descr));
    assert_non_null(strstr(text, "'fortran_order': False"));
    shape = strstr(text, "'shape': (");
    assert_non_null(shape);
    out->rows = strtoul(shape + 10, &shape, 10);
    out->row_size = 1;
    while (*shape == ',' && shape[1] == ' ')
        out->row_size *= strtoul(shape + 2, &shape, 10);
    assert_int_equal(size - header, out->rows * out->row_size * item);
    out->data = out->bytes + header;
    return 1;
}

static void compare(const char *what, const cs_simd *simd, clipspan_precision precision,
                    const float *ours, const array *right)
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
    array pixels, right;
    float *out;
    size_t i;
    assert_true(read_array(&pixels, folder, "pixels.npy", "'|u1'", 1));
    assert_true(read_array(&right, folder, "image.npy", "'<f8'", sizeof(double)));
    assert_int_equal(pixels.rows, right.rows);
    assert_int_equal(pixels.row_size, 3 * config->image_height * config->image_width);
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
    array ids, right;
    float *out;
    size_t done, count;
    assert_int_equal(config->has_text, read_array(&ids, folder, "ids.npy", "'<i4'", 4));
    if (!config->has_text) return;
    assert_true(read_array(&right, folder, "text.npy", "'<f8'", sizeof(double)));
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
    static char names[][32] = {"openclip-odd",          "openclip-quick-custom", "hf-quick-sharded",
                               "image-no-ln-pre",       "openclip-wide",         "hf-gelu-eos",
                               "openclip-f64-unaligned"};
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
