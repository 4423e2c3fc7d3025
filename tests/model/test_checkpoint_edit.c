/* SPDX-License-Identifier: MIT */
/* Mean-ablated heads: in a pass, and in checkpoints written with their slice of W_O zero or gone,
 * against the answers of ref/clip_edit.py (tests/model/data/silent); what else such a checkpoint
 * holds. */
#include "base/file.h"
#include "base/memory.h"
#include "model/checkpoint_edit.h"
#include "model/image_pass.h"
#include "npy_array.h"
#include "tiny.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOLERANCE                                                                                  \
    5e-6 /* relative L2 error of a row, float32: tests/model/data/silent/MANIFEST.md */

/* The heads of the golden files: all of layer 0 but the first, the first of the last layer. */
typedef struct silence {
    uint8_t *marks;
    float *z;
    cs_checkpoint_edit edit;
} silence;

static silence make_silence(const cs_config *config, const char *folder, const char *name)
{
    const size_t L = (size_t)config->image.layers, H = (size_t)config->image.heads;
    const size_t K = (size_t)config->image.head_width;
    silence s;
    cs_npy_array z;
    char file[64];
    memset(&s, 0, sizeof s);
    snprintf(file, sizeof file, "%s.z.npy", name);
    assert_true(cs_npy_array_read(&z, folder, file, "'<f4'", sizeof(float)));
    assert_int_equal(z.rows, H);
    assert_int_equal(z.row_size, K);
    s.marks = cs_alloc_zero(L * H, 1, "test", NULL);
    s.z = cs_alloc_zero(L * H, K * sizeof(float), "test", NULL);
    assert_true(s.marks && s.z);
    for (size_t i = 0; i < H; i++) {
        const size_t at = i + 1 < H ? i + 1 : (L - 1) * H;
        s.marks[at] = 1;
        memcpy(s.z + at * K, (const float *)z.data + i * K, K * sizeof(float));
    }
    s.edit.chosen = s.marks;
    s.edit.z = s.z;
    cs_free(z.bytes);
    return s;
}

static void free_silence(silence *s)
{
    cs_free(s->marks);
    cs_free(s->z);
}

/* Every image of a golden checkpoint through `checkpoint`, some heads fixed, against `right`. */
static void check_rows(const cs_checkpoint *checkpoint, const cs_fixed_heads *fixed,
                       const cs_npy_array *pixels, const cs_npy_array *right, const cs_simd *simd,
                       const char *what)
{
    const cs_config *config = cs_checkpoint_config(checkpoint);
    const size_t P = (size_t)config->embed_width;
    float *out = cs_alloc(P, sizeof *out, "test", NULL);
    cs_image_pass *pass = NULL;
    cs_tower *tower = NULL;
    clipspan_error err;
    if (cs_tower_load(&tower, checkpoint, CLIPSPAN_IMAGE, CLIPSPAN_F32, 0, 1, simd, &err) ||
        cs_image_pass_new(&pass, tower, config, 1, simd, &err))
        fail_msg("%s", err.message);
    cs_image_pass_fix(pass, fixed);
    for (size_t i = 0; i < right->rows; i++) {
        const double *expected = (const double *)right->data + i * P;
        double error = 0, length = 0;
        if (cs_image_pass_run(out, pass, (const uint8_t *)pixels->data + i * pixels->row_size, 0,
                              &err))
            fail_msg("%s", err.message);
        for (size_t p = 0; p < P; p++) {
            error += ((double)out[p] - expected[p]) * ((double)out[p] - expected[p]);
            length += expected[p] * expected[p];
        }
        if (!(sqrt(error / length) <= TOLERANCE))
            fail_msg("%s, %s, row %zu: relative error %.2e", what, simd->name, i,
                     sqrt(error / length));
    }
    cs_image_pass_free(&pass);
    cs_tower_free(&tower);
    cs_free(out);
}

static int is_out(const char *name)
{
    return strstr(name, "out_proj") && (strstr(name, "visual.") || strstr(name, "vision_model."));
}

/* Tensors but the edited layers' W_O and b_O have their bytes, types and names. */
static void check_rest(const cs_checkpoint *before, const cs_checkpoint *after)
{
    const cs_safetensors *a = cs_checkpoint_tensors(before), *b = cs_checkpoint_tensors(after);
    size_t changed = 0, i;
    assert_int_equal(cs_safetensors_count(a), cs_safetensors_count(b));
    for (i = 0; i < cs_safetensors_count(a); i++) {
        const cs_tensor_entry *x = cs_safetensors_at(a, i), *y = cs_safetensors_at(b, i);
        unsigned char *one, *other;
        clipspan_error err;
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->rank, y->rank);
        assert_memory_equal(x->shape, y->shape, (size_t)x->rank * sizeof *x->shape);
        if (strcmp(x->dtype_name, y->dtype_name) != 0) {
            assert_true(is_out(x->name) && strstr(x->name, ".bias"));
            assert_string_equal(y->dtype_name, "F32");
            assert_int_equal(y->offset % 4, 0);
            changed++;
            continue;
        }
        one = cs_alloc((size_t)x->bytes + 1, 1, "test", NULL);
        other = cs_alloc((size_t)x->bytes + 1, 1, "test", NULL);
        assert_int_equal(cs_safetensors_read_raw(one, a, x, 0, x->count, &err), CLIPSPAN_OK);
        assert_int_equal(cs_safetensors_read_raw(other, b, y, 0, y->count, &err), CLIPSPAN_OK);
        if (memcmp(one, other, (size_t)x->bytes) != 0) {
            assert_true(is_out(x->name));
            changed++;
        }
        cs_free(one);
        cs_free(other);
    }
    /* W_O and b_O of the first and the last layer */
    assert_int_equal(changed, cs_checkpoint_config(before)->image.layers > 1 ? 4 : 2);
}

static void golden(void **state)
{
    const char *root = getenv("CLIPSPAN_GOLDEN"), *answers = getenv("CLIPSPAN_SILENT");
    const char *name = *state;
    char *folder, *out = cs_tiny_folder(), file[64];
    cs_checkpoint *before = NULL, *after = NULL;
    cs_npy_array pixels, right;
    clipspan_error err;
    silence s;
    assert_true(root && answers);
    folder = cs_path_join(root, name, &err);
    snprintf(file, sizeof file, "%s.npy", name);
    assert_true(cs_npy_array_read(&pixels, folder, "pixels.npy", "'|u1'", 1));
    assert_true(cs_npy_array_read(&right, answers, file, "'<f8'", sizeof(double)));
    if (cs_checkpoint_open(&before, folder, NULL, &err)) fail_msg("%s", err.message);
    s = make_silence(cs_checkpoint_config(before), answers, name);
    if (cs_checkpoint_write(out, before, &s.edit, NULL, &err)) fail_msg("%s", err.message);
    if (cs_checkpoint_open(&after, out, NULL, &err)) fail_msg("%s", err.message);
    check_rest(before, after);
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *simd = cs_simd_get((cs_level)level);
        const cs_fixed_heads fixed = {s.marks, s.z};
        if (!simd) continue;
        check_rows(before, &fixed, &pixels, &right, simd, "silent in the pass");
        check_rows(after, NULL, &pixels, &right, simd, "written");
    }
    assert_string_equal(cs_path_name(cs_safetensors_path(cs_checkpoint_tensors(before), 0)),
                        cs_path_name(cs_safetensors_path(cs_checkpoint_tensors(after), 0)));
    assert_int_equal(*cs_checkpoint_tokenizer(before) != 0, *cs_checkpoint_tokenizer(after) != 0);
    free_silence(&s);
    cs_checkpoint_close(&before);
    cs_checkpoint_close(&after);
    cs_free(pixels.bytes);
    cs_free(right.bytes);
    cs_free(folder);
    cs_tiny_remove(&out);
}

/* The same heads removed: the configuration says which are left, tensors are smaller, and the pass
 * says the same. */
static void removed(void **state)
{
    const char *root = getenv("CLIPSPAN_GOLDEN"), *answers = getenv("CLIPSPAN_SILENT");
    const char *name = *state;
    char *folder, *out = cs_tiny_folder(), file[64];
    cs_checkpoint *before = NULL, *after = NULL;
    cs_npy_array pixels, right;
    const cs_config *config;
    clipspan_error err;
    silence s;
    int last;
    assert_true(root && answers);
    folder = cs_path_join(root, name, &err);
    snprintf(file, sizeof file, "%s.npy", name);
    assert_true(cs_npy_array_read(&pixels, folder, "pixels.npy", "'|u1'", 1));
    assert_true(cs_npy_array_read(&right, answers, file, "'<f8'", sizeof(double)));
    if (cs_checkpoint_open(&before, folder, NULL, &err)) fail_msg("%s", err.message);
    s = make_silence(cs_checkpoint_config(before), answers, name);
    s.edit.remove = 1;
    if (cs_checkpoint_write(out, before, &s.edit, NULL, &err)) fail_msg("%s", err.message);
    if (cs_checkpoint_open(&after, out, NULL, &err)) fail_msg("%s", err.message);
    config = cs_checkpoint_config(after);
    last = config->image.layers - 1;
    assert_int_equal(cs_config_heads(config, 0), 1);
    assert_int_equal(cs_config_head(config, 0, 0), 0);
    assert_int_equal(cs_config_heads(config, last), config->image.heads - 1);
    assert_int_equal(cs_config_head(config, last, 0), 1);
    assert_true(cs_safetensors_bytes(cs_checkpoint_tensors(after)) <
                cs_safetensors_bytes(cs_checkpoint_tensors(before)));
    for (int level = CS_GENERIC; level <= CS_AVX512; level++)
        if (cs_simd_get((cs_level)level))
            check_rows(after, NULL, &pixels, &right, cs_simd_get((cs_level)level), "removed");
    /* what is gone cannot be mean-ablated or removed again */
    assert_int_equal(cs_checkpoint_edit_check(after, &s.edit, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "removed before"));
    free_silence(&s);
    cs_checkpoint_close(&before);
    cs_checkpoint_close(&after);
    cs_free(pixels.bytes);
    cs_free(right.bytes);
    cs_free(folder);
    cs_tiny_remove(&out);
}

/* ---- What is known of a checkpoint by options goes into its configuration ---- */

static void keeps_options(void **state)
{
    cs_tiny_model model = CS_TINY_MODEL_INIT;
    clipspan_model_options options = CLIPSPAN_MODEL_OPTIONS_INIT;
    char *folder = cs_tiny_folder(), *out = cs_tiny_folder();
    cs_checkpoint *before, *after;
    uint8_t marks[6] = {0, 1, 0, 0, 0, 0};
    float z[48] = {0};
    cs_checkpoint_edit edit = {.chosen = marks, .z = z};
    clipspan_error err;
    (void)state;
    cs_tiny_write_openclip(folder, &model, 1);
    options.quick_gelu = 1;
    if (cs_checkpoint_open(&before, folder, &options, &err)) fail_msg("%s", err.message);
    if (cs_checkpoint_write(out, before, &edit, NULL, &err)) fail_msg("%s", err.message);
    if (cs_checkpoint_open(&after, out, NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(cs_checkpoint_config(after)->activation, CLIPSPAN_QUICK_GELU);
    cs_checkpoint_close(&before);
    cs_checkpoint_close(&after);
    cs_tiny_remove(&out);
    cs_tiny_remove(&folder);
}

static void refuses(void **state)
{
    cs_tiny_model model = CS_TINY_MODEL_INIT;
    char *folder = cs_tiny_folder(), *out = cs_tiny_folder();
    cs_checkpoint *before;
    uint8_t marks[6] = {0};
    float z[48] = {0};
    cs_checkpoint_edit edit = {.chosen = marks, .z = z};
    clipspan_error err;
    (void)state;
    cs_tiny_write_openclip(folder, &model, 1);
    if (cs_checkpoint_open(&before, folder, NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(cs_checkpoint_write(out, before, &edit, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "no head is chosen"));
    memset(marks, 1, 3);
    edit.remove = 1;
    assert_int_equal(cs_checkpoint_write(out, before, &edit, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "all 3 heads of layer 0"));
    cs_checkpoint_close(&before);
    cs_tiny_remove(&out);
    cs_tiny_remove(&folder);
}

int main(void)
{
    static char names[][32] = {"openclip-odd",          "openclip-quick-custom", "hf-quick-sharded",
                               "image-no-ln-pre",       "openclip-wide",         "hf-gelu-eos",
                               "openclip-f64-unaligned"};
    const size_t count = sizeof names / sizeof *names;
    struct CMUnitTest tests[2 * (sizeof names / sizeof *names) + 1];
    memset(tests, 0, sizeof tests);
    for (size_t i = 0; i < count; i++) {
        tests[i].name = names[i];
        tests[i].test_func = golden;
        tests[i].initial_state = names[i];
    }
    /* one layer, of which all heads are mean-ablated, is left out */
    for (size_t i = 0; i + 1 < count; i++) {
        tests[count + 2 + i].name = names[i];
        tests[count + 2 + i].test_func = removed;
        tests[count + 2 + i].initial_state = names[i];
    }
    tests[count].name = "options go into the configuration";
    tests[count].test_func = keeps_options;
    tests[count + 1].name = "what is refused";
    tests[count + 1].test_func = refuses;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
