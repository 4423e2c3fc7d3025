/* SPDX-License-Identifier: MIT */
/* Every allocation of a run's life fails once. Each time the call ends in NOMEM, or did without
 * that memory; and the same calls afterwards give the bytes of a run that nothing happened to. */
#include "base/memory.h"
#include "failing_malloc.h"
#include "run/kept.h"
#include "run_craft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static run_craft craft;

static clipspan_status read_some(const char *path, clipspan_error *err)
{
    clipspan_run *run = NULL;
    cs_run *raw = NULL;
    double y[32 * 64], mean[64];
    float rows[64 * 64];
    size_t n;
    clipspan_status status = clipspan_run_open(&run, path, err);
    assert_true((run != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_run_read_head(NULL, mean, NULL, run, -1, 0, 1, err);
    if (!status) status = clipspan_run_read_head(NULL, mean, NULL, run, 0, 0, 1, err);
    if (!status) status = clipspan_run_read_output_map(rows, run, 1, 1, err);
    if (!status) status = clipspan_run_read_coefficients(y, NULL, &n, run, 0, 1, 1, err);
    if (!status) status = cs_run_open(&raw, path, err);
    if (!status) status = cs_kept_write(raw, raw, "effects", "{\"a\":1}", err);
    cs_run_close(&raw);
    clipspan_run_close(&run);
    return status;
}

static clipspan_status live(const char *path, clipspan_error *err)
{
    clipspan_scan_options options = CLIPSPAN_SCAN_OPTIONS_INIT;
    clipspan_status status;
    options.threads = 1;
    status = clipspan_run_plan(NULL, path, craft.model, craft.inputs, NULL, NULL, err);
    if (!status) status = clipspan_run_scan(NULL, path, craft.model, &options, NULL, err);
    if (!status) status = clipspan_run_merge(path, NULL, err);
    if (!status) status = read_some(path, err);
    return status;
}

static void every_failed_allocation_is_a_clean_error(void **state)
{
    char wanted[65], digest[65], *path;
    long most;
    (void)state;
    run_craft_init(&craft, 40);
    path = run_craft_path(&craft, "run");
    assert_int_equal(live(path, NULL),
                     CLIPSPAN_OK); /* the tower is packed, the weights are hashed */
    run_craft_digest(wanted, path);
    free(run_craft_path(&craft, "run"));
    failing_armed = 1;
    failing_calls = failing_call = 0;
    assert_int_equal(live(path, NULL), CLIPSPAN_OK);
    most = failing_calls;
    failing_armed = 0;
    assert_true(most > 100);
    for (long n = 1; n <= most; n++) {
        clipspan_error err = {.code = CLIPSPAN_E_INTERNAL, .message = "never filled"};
        clipspan_status status;
        free(run_craft_path(&craft, "run"));
        failing_calls = 0;
        failing_call = n;
        failing_armed = 1;
        status = live(path, &err);
        failing_armed = 0;
        if (status != CLIPSPAN_OK && status != CLIPSPAN_E_NOMEM)
            fail_msg("allocation %ld of %ld: status %s, %s", n, most, clipspan_status_name(status),
                     err.message);
        if (status != CLIPSPAN_OK) assert_non_null(strstr(err.message, "out of memory"));
        if (n % 3) continue; /* the rest is the longer part */
        assert_int_equal(live(path, &err), CLIPSPAN_OK);
        run_craft_digest(digest, path);
        assert_string_equal(digest, wanted);
    }
    free(path);
    run_craft_fini(&craft);
}

/* One more image for a merged run, until that is merged too. */
static clipspan_status grow(const char *path, const clipspan_inputs *added, clipspan_error *err)
{
    clipspan_scan_options options = CLIPSPAN_SCAN_OPTIONS_INIT;
    clipspan_status status;
    clipspan_run *run;
    int grown;
    options.threads = 1;
    status = clipspan_run_open(&run, path, err);
    if (status) return status;
    grown = clipspan_run_get_info(run)->segments > 1;
    clipspan_run_close(&run);
    if (!grown) status = clipspan_run_extend(path, craft.model, added, NULL, err);
    if (!status) status = clipspan_run_scan(NULL, path, craft.model, &options, NULL, err);
    if (!status) status = clipspan_run_merge(path, NULL, err);
    if (!status) status = read_some(path, err);
    return status;
}

static void expect_clean(clipspan_status status, const clipspan_error *err, long n)
{
    if (status != CLIPSPAN_OK && status != CLIPSPAN_E_NOMEM)
        fail_msg("allocation %ld: status %s, %s", n, clipspan_status_name(status), err->message);
}

static void so_it_is_while_a_run_grows(void **state)
{
    char wanted[65], digest[65], *path, *file;
    const char *source;
    clipspan_inputs *added;
    clipspan_error err;
    long most = 1;
    (void)state;
    run_craft_init(&craft, 3);
    source = file = run_craft_path(&craft, "pics/07.png");
    assert_int_equal(clipspan_inputs_open(&added, &source, 1, NULL, NULL), 0);
    for (long n = 0; n <= most; n += 5) {
        clipspan_status status;
        path = run_craft_path(&craft, "run");
        assert_int_equal(live(path, NULL), CLIPSPAN_OK);
        failing_calls = 0;
        failing_call = n; /* 0: none fails, and they are counted */
        failing_armed = 1;
        status = grow(path, added, &err);
        failing_armed = 0;
        expect_clean(status, &err, n);
        if (n == 0) most = failing_calls;
        assert_int_equal(grow(path, added, &err), CLIPSPAN_OK);
        run_craft_digest(n ? digest : wanted, path);
        if (n) assert_string_equal(digest, wanted);
        free(path);
    }
    assert_true(most > 100);
    clipspan_inputs_close(&added);
    free(file);
    run_craft_fini(&craft);
}

static void so_it_is_of_a_run_in_memory(void **state)
{
    enum { L = 2, H = 2, K = 2, P = 4, B = 70, C = K + 3 };
    static const float z[L * H * B * K], vectors[(L + 1) * B * P], maps[L * H * C * P];
    static const double scale[3 * B];
    clipspan_run_arrays a = CLIPSPAN_RUN_ARRAYS_INIT;
    static const char *labels[B];
    long most = 1;
    (void)state;
    a.layers = L;
    a.heads = H;
    a.head_width = K;
    a.embed_width = P;
    a.images = B;
    a.z = z;
    a.scale = scale;
    a.embeddings = a.mlp = a.class_attention = vectors;
    a.output_maps = maps;
    a.labels = labels;
    for (long n = 0; n <= most; n++) {
        clipspan_status status;
        clipspan_run *run;
        clipspan_error err;
        failing_calls = 0;
        failing_call = n;
        failing_armed = 1;
        status = clipspan_run_new_arrays(&run, &a, &err);
        failing_armed = 0;
        expect_clean(status, &err, n);
        if (n == 0) most = failing_calls;
        assert_true((run != NULL) == (status == CLIPSPAN_OK));
        clipspan_run_close(&run);
    }
    assert_true(most > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failed_allocation_is_a_clean_error),
                                       cmocka_unit_test(so_it_is_while_a_run_grows),
                                       cmocka_unit_test(so_it_is_of_a_run_in_memory)};
    /* Further compilers, kernels and the thread sanitizer: minutes for the same. */
    if (getenv("SLOW") || getenv("TSAN_OPTIONS")) return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
