/* SPDX-License-Identifier: MIT */
/* Documents that a run keeps: the newest of a kind, and none whose statistics are no longer those
 * it was computed from, be it of the run itself or of the other one. */
#define _XOPEN_SOURCE 700
#include "base/memory.h"
#include "run/kept.h"
#include "run_craft.h"
#include "tiny.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static run_craft craft;
static char *path, *other_path;
static cs_run *run, *other;

static int set_up(void **state)
{
    (void)state;
    run_craft_init(&craft, 40);
    path = run_craft_path(&craft, "one");
    other_path = run_craft_path(&craft, "two");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    run_craft_plan(&craft, other_path, CLIPSPAN_COEFFICIENTS_F16);
    run_craft_scan(&craft, other_path, 2, 0, 0);
    run_craft_merge(other_path);
    assert_int_equal(cs_run_open(&run, path, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_run_open(&other, other_path, NULL), CLIPSPAN_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cs_run_close(&run);
    cs_run_close(&other);
    free(path);
    free(other_path);
    run_craft_fini(&craft);
    return 0;
}

/* What is kept of a kind says this under "a"; -1: nothing is kept, -2: it is stale. */
static int kept(const char *kind)
{
    json_t *document;
    int stale, found = -1;
    assert_int_equal(cs_kept_read(&document, &stale, run, kind, NULL), CLIPSPAN_OK);
    if (document) found = (int)json_integer_value(json_object_get(document, "a"));
    if (stale) {
        assert_null(document);
        found = -2;
    }
    json_decref(document);
    return found;
}

static void keep(const cs_run *beside, const char *kind, const char *document)
{
    clipspan_error err;
    if (cs_kept_write(run, beside, kind, document, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
}

static void the_newest_of_each_kind_is_kept(void **state)
{
    (void)state;
    assert_int_equal(kept("effects"), -1);
    keep(NULL, "effects", "{\"a\":1}");
    keep(NULL, "ablate", "{\"a\":2}");
    keep(other, "effects", "{\"a\":3}");
    assert_int_equal(kept("effects"), 3);
    assert_int_equal(kept("ablate"), 2);
    assert_int_equal(kept("shortcut"), -1);
}

static void what_is_no_document_is_refused(void **state)
{
    static const char *const bad[] = {"", "[1]", "{\"a\":1} x", "{\"a\":nan}", "{\"a\":\"\xFF\"}"};
    clipspan_error err;
    (void)state;
    keep(NULL, "shortcut", "{\"a\":5}");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(cs_kept_write(run, NULL, "shortcut", bad[i], &err), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(cs_kept_write(run, NULL, "atlas", "{}", &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "atlas"));
    assert_int_equal(kept("shortcut"), 5);
}

/* One byte at the end of the statistics of a run becomes another, and again what it was. */
static void flip(const char *folder)
{
    char file[4096];
    FILE *stream;
    int byte;
    snprintf(file, sizeof file, "%s/statistics.safetensors", folder);
    stream = fopen(file, "r+b");
    assert_non_null(stream);
    fseek(stream, -1, SEEK_END);
    byte = fgetc(stream);
    fseek(stream, -1, SEEK_END);
    fputc(byte ^ 1, stream);
    fclose(stream);
}

static void other_statistics_make_it_stale(void **state)
{
    char moved[4096];
    (void)state;
    keep(NULL, "ablate", "{\"a\":7}");
    keep(other, "effects", "{\"a\":8}");
    flip(path);
    assert_int_equal(kept("ablate"), -2);
    assert_int_equal(kept("effects"), -2);
    flip(path);
    assert_int_equal(kept("ablate"), 7);
    flip(other_path);
    assert_int_equal(kept("ablate"), 7);
    assert_int_equal(kept("effects"), -2);
    flip(other_path);
    snprintf(moved, sizeof moved, "%s-moved", other_path); /* what it says stands by itself */
    assert_int_equal(rename(other_path, moved), 0);
    assert_int_equal(kept("effects"), 8);
    assert_int_equal(rename(moved, other_path), 0);
}

/* Of terabytes of nothing no byte is hashed: the file does not have the size of its tensors. */
static void q25_statistics_of_any_size_are_not_hashed(void **state)
{
    char file[4096];
    struct stat facts;
    json_t *document;
    clipspan_error err;
    int stale;
    (void)state;
    keep(other, "effects", "{\"a\":9}");
    for (int i = 0; i < 2; i++) {
        snprintf(file, sizeof file, "%s/statistics.safetensors", i ? path : other_path);
        assert_int_equal(stat(file, &facts), 0);
        assert_int_equal(truncate(file, (off_t)1 << 40), 0);
        if (i == 0) {
            assert_int_equal(kept("effects"), -2);
        } else {
            assert_int_equal(cs_kept_read(&document, &stale, run, "effects", &err),
                             CLIPSPAN_E_FORMAT);
            assert_null(document);
        }
        assert_int_equal(truncate(file, facts.st_size), 0);
    }
    assert_int_equal(kept("effects"), 9);
}

static void what_another_version_or_hand_wrote_is_stale(void **state)
{
    static const char *const strange[] = {"", "no json", "[]", "{}",
                                          "{\"version\":\"0.0.0\",\"document\":{\"a\":1}}"};
    (void)state;
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        assert_int_equal(cs_run_set_result(run, "shortcut", "newest", strange[i], NULL),
                         CLIPSPAN_OK);
        assert_int_equal(kept("shortcut"), -2);
    }
}

static void a_run_that_is_not_merged_keeps_nothing(void **state)
{
    char *bare = run_craft_path(&craft, "bare");
    cs_run *planned;
    clipspan_error err;
    (void)state;
    run_craft_plan(&craft, bare, CLIPSPAN_COEFFICIENTS_F32);
    assert_int_equal(cs_run_open(&planned, bare, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_kept_write(planned, NULL, "effects", "{}", &err), CLIPSPAN_E_NOT_FOUND);
    assert_int_equal(cs_kept_write(run, planned, "effects", "{}", &err), CLIPSPAN_E_NOT_FOUND);
    cs_run_close(&planned);
    free(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_of_each_kind_is_kept),
        cmocka_unit_test(what_is_no_document_is_refused),
        cmocka_unit_test(other_statistics_make_it_stale),
        cmocka_unit_test(q25_statistics_of_any_size_are_not_hashed),
        cmocka_unit_test(what_another_version_or_hand_wrote_is_stale),
        cmocka_unit_test(a_run_that_is_not_merged_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
