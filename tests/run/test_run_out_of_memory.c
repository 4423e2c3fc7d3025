/* SPDX-License-Identifier: MIT */
/* Every allocation of a run's life fails once. Each time the call ends in NOMEM, or did without
 * that memory; and the same calls afterwards give the bytes of a run that nothing happened to. */
#include "base/memory.h"
#include "failing_malloc.h"
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
    double y[32 * 64], mean[64];
    float rows[64 * 64];
    size_t n;
    clipspan_status status = clipspan_run_open(&run, path, err);
    assert_true((run != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_run_read_head(NULL, mean, NULL, run, -1, 0, 1, err);
    if (!status) status = clipspan_run_read_head(NULL, mean, NULL, run, 0, 0, 1, err);
    if (!status) status = clipspan_run_read_basis(rows, run, 1, 1, err);
    if (!status) status = clipspan_run_read_codes(y, NULL, &n, run, 0, 1, 1, err);
    if (!status) status = clipspan_run_keep(run, run, "effects", "{\"a\":1}", err);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failed_allocation_is_a_clean_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
