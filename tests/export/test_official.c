/* SPDX-License-Identifier: MIT */
/* The published program's arrays from a run, against NumPy in float64. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
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

#define ROWS 75 /* three chunks, so that places and rows differ */

static char *golden, *folder;
static size_t images; /* of the golden file */

/* Row i of the list is image `which(i)` of the golden file; row 40 cannot be used. */
static size_t which(size_t i)
{
    return (i * 7 + i / 5) % images;
}

static void write_images(void)
{
    cs_npy_array pixels;
    char *list = calloc(ROWS + 1, 64), *path;
    clipspan_error err;
    if (!cs_npy_array_read(&pixels, golden, "pixels.npy", "'|u1'", 1)) fail_msg("no pixels");
    images = pixels.rows;
    for (size_t i = 0; i < images; i++) {
        char name[64];
        snprintf(name, sizeof name, "%zu.png", i);
        path = cs_tiny_path(folder, name);
        if (clipspan_png_write(path, (const uint8_t *)pixels.data + i * pixels.row_size, 24, 24, 1,
                               &err))
            fail_msg("%s", err.message);
        free(path);
    }
    cs_free(pixels.bytes);
    strcpy(list, "path\n");
    for (size_t i = 0; i < ROWS; i++)
        sprintf(list + strlen(list), i == 40 ? "none.png\n" : "%zu.png\n", which(i));
    cs_tiny_write_text(folder, "list.csv", list);
    free(list);
}

static clipspan_run *scan(const char *name, clipspan_coefficients coefficients)
{
    clipspan_plan_options plan = CLIPSPAN_PLAN_OPTIONS_INIT;
    clipspan_model *model = NULL;
    clipspan_inputs *inputs = NULL;
    clipspan_run *run = NULL;
    clipspan_error err;
    char *list = cs_tiny_path(folder, "list.csv"), *path = cs_tiny_path(folder, name);
    const char *source = list;
    plan.coefficients = coefficients;
    if (clipspan_model_open(&model, golden, NULL, &err) ||
        clipspan_inputs_open(&inputs, &source, 1, NULL, &err) ||
        clipspan_run_plan(NULL, path, model, inputs, &plan, NULL, &err) ||
        clipspan_run_scan(NULL, path, model, NULL, NULL, &err) ||
        clipspan_run_merge(path, NULL, &err) || clipspan_run_open(&run, path, &err))
        fail_msg("%s", err.message);
    clipspan_inputs_close(&inputs);
    clipspan_model_close(&model);
    free(list);
    free(path);
    return run;
}

static int set_up(void **state)
{
    char path[4096];
    (void)state;
    snprintf(path, sizeof path, "%s/openclip-odd", getenv("GOLDEN"));
    golden = strdup(path);
    folder = cs_tiny_memory_folder();
    write_images();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    free(golden);
    return 0;
}

/* One exported array against one of the golden file. Numbers are at most 1 in size. */
static void compare(const char *exported, const char *reference, double tolerance)
{
    cs_npy_array ours, theirs;
    char *out = cs_tiny_path(folder, "out");
    double worst = 0;
    size_t row = 0;
    if (!cs_npy_array_read(&ours, out, exported, "'<f4'", 4)) fail_msg("no %s", exported);
    if (!cs_npy_array_read(&theirs, golden, reference, "'<f8'", 8)) fail_msg("no %s", reference);
    assert_int_equal(ours.rows, ROWS - 1);
    assert_int_equal(ours.row_size, theirs.row_size);
    for (size_t i = 0; i < ROWS; i++) {
        const float *a = (const float *)ours.data + row * ours.row_size;
        const double *b = (const double *)theirs.data + which(i) * ours.row_size;
        if (i == 40) continue;
        for (size_t k = 0; k < ours.row_size; k++)
            worst = fmax(worst, fabs((double)a[k] - b[k]));
        row++;
    }
    if (!(worst <= tolerance)) fail_msg("%s is off by %g", exported, worst);
    cs_free(ours.bytes);
    cs_free(theirs.bytes);
    free(out);
}

static void arrays_are_those_of_numpy(void **state)
{
    clipspan_export_options options = CLIPSPAN_EXPORT_OPTIONS_INIT;
    clipspan_run *run = scan("run", CLIPSPAN_COEFFICIENTS_F32);
    char *out = cs_tiny_path(folder, "out");
    clipspan_error err;
    (void)state;
    if (clipspan_run_export(out, run, NULL, NULL, &err)) fail_msg("%s", err.message);
    /* What the float32 pass leaves: 3e-7 was measured. */
    compare("run_attn_openclip-odd.npy", "heads.npy", 1e-6);
    compare("run_mlp_openclip-odd.npy", "mlps.npy", 1e-6);
    compare("run_cls_attn_openclip-odd.npy", "class_self_attention.npy", 1e-6);
    assert_int_equal(clipspan_run_export(out, run, NULL, NULL, &err), CLIPSPAN_E_EXISTS);
    options.replace = 1;
    options.threads = 1;
    assert_int_equal(clipspan_run_export(out, run, &options, NULL, &err), CLIPSPAN_OK);
    compare("run_attn_openclip-odd.npy", "heads.npy", 1e-6);
    options.dataset = "some/where/";
    options.model = "ViT";
    assert_int_equal(clipspan_run_export(out, run, &options, NULL, &err), CLIPSPAN_OK);
    compare("where_mlp_ViT.npy", "mlps.npy", 1e-6);
    clipspan_run_close(&run);
    free(out);
}

static int lack_memory(void *user, size_t done, size_t total)
{
    (void)user;
    (void)done;
    (void)total;
    return CLIPSPAN_E_NOMEM;
}

static int stop(void *user, size_t done, size_t total)
{
    (void)user;
    (void)total;
    return done > 32;
}

static void what_cannot_be_is_refused(void **state)
{
    const clipspan_progress progress = {stop, NULL};
    clipspan_run *run = scan("bare", CLIPSPAN_COEFFICIENTS_NONE), *whole;
    char *out = cs_tiny_path(folder, "nothing"), *part;
    clipspan_error err;
    (void)state;
    assert_int_equal(clipspan_run_export(out, run, NULL, NULL, &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "--coefficients"));
    clipspan_run_close(&run);
    whole = scan("whole", CLIPSPAN_COEFFICIENTS_F16);
    assert_int_equal(clipspan_run_export(out, whole, NULL, &progress, &err),
                     CLIPSPAN_E_INTERRUPTED);
    assert_int_equal(
        clipspan_run_export(out, whole, NULL, &(clipspan_progress){lack_memory, NULL}, &err),
        CLIPSPAN_E_NOMEM);
    part = cs_tiny_path(folder, "nothing/whole_mlp_openclip-odd.npy");
    assert_null(fopen(part, "rb"));
    assert_int_equal(clipspan_run_export(NULL, whole, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    clipspan_run_close(&whole);
    free(out);
    free(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_those_of_numpy),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("official", tests, set_up, tear_down);
}
