/* SPDX-License-Identifier: MIT */
/* Every allocation of a query, its hits and their page, of a segmentation and of a classification
 * fails once: each time the call ends in NOMEM, or did without that memory, and nothing leaks. */
#include "failing_malloc.h"
#include "run_craft.h"

#include <clipspan/clipspan.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CLASSES = 3, ROWS = 40 };

static run_craft craft;
static char *path, *page;
static clipspan_bank *bank;
static float images[CLASSES * 512];
static float *map;       /* [CLASSES, tokens] */
static uint16_t *values; /* [input_height, input_width] */

static void drop(void *to, const char *text, size_t size)
{
    (void)text;
    *(size_t *)to += size;
}

static clipspan_status search(clipspan_error *err)
{
    static const clipspan_head few[3] = {{1, 0}, {0, 1}, {1, 1}};
    clipspan_query_options o = CLIPSPAN_QUERY_OPTIONS_INIT;
    clipspan_hits_options with = CLIPSPAN_HITS_OPTIONS_INIT;
    clipspan_query *query = NULL;
    clipspan_hits *hits = NULL;
    clipspan_run *run = NULL;
    size_t size = 0;
    clipspan_status status = clipspan_run_open(&run, path, err);
    o.threads = 1;
    with.others_only = with.no_duplicates = 1;
    if (!status) status = clipspan_query_new(&query, run, &o, err);
    if (!status) status = clipspan_query_add_heads(query, "few", few, 3, 1.0, err);
    if (!status) status = clipspan_query_add_heads(query, "whole", NULL, 0, 1.0, err);
    if (!status) status = clipspan_query_add_stored(query, 3, 1.0, err);
    if (!status) status = clipspan_query_add_vector(query, "axis", images, -1.0, err);
    if (!status) status = clipspan_hits_new(&hits, query, &with, NULL, err);
    assert_true(status != CLIPSPAN_OK || hits);
    if (!status) status = clipspan_hits_write_json(hits, 0, drop, &size, err);
    if (!status) status = clipspan_hits_write(page, hits, 1, err);
    clipspan_hits_free(&hits);
    clipspan_query_free(&query);
    clipspan_run_close(&run);
    return status;
}

static clipspan_status segment(clipspan_error *err)
{
    static const char *const roles[1] = {"shape"};
    const float *maps[2] = {map, map};
    clipspan_segmentation_options o = CLIPSPAN_SEGMENTATION_OPTIONS_INIT;
    clipspan_segmentation *s = NULL;
    clipspan_segmentation_last last;
    clipspan_status status;
    o.roles = roles;
    o.role_count = 1;
    o.pool = "demo";
    o.per_text = 1;
    o.threads = 1;
    status = clipspan_segmentation_new(&s, craft.model, bank, &o, err);
    if (!status)
        status = clipspan_segmentation_add_arrays(s, maps, images, NULL, values, values, 0, err);
    if (!status) status = clipspan_segmentation_get_last(&last, s, 1, err);
    if (!status) status = clipspan_segmentation_run(s, err);
    assert_true(status != CLIPSPAN_OK || clipspan_segmentation_get_info(s)->rows == 16);
    clipspan_segmentation_free(&s);
    return status;
}

static clipspan_status classify(clipspan_error *err)
{
    static const char *const labels[CLASSES] = {"a", "b", "c"}, *const groups[CLASSES] = {"x", "y"};
    clipspan_classification_batch batch = CLIPSPAN_CLASSIFICATION_BATCH_INIT;
    clipspan_classification *c = NULL;
    clipspan_status status = clipspan_classification_new(&c, bank, NULL, err);
    batch.count = CLASSES;
    batch.embeddings = images;
    batch.labels = labels;
    batch.groups = groups;
    if (!status) status = clipspan_classification_add(c, &batch, err);
    assert_true(status != CLIPSPAN_OK ||
                clipspan_classification_get_info(c)->accuracy->correct == CLASSES);
    clipspan_classification_free(&c);
    return status;
}

static void fail_each(clipspan_status (*live)(clipspan_error *err))
{
    assert_int_equal(live(NULL), CLIPSPAN_OK);
    failing_malloc_each(live, 5);
}

static void every_failed_allocation_is_a_clean_error(void **state)
{
    static const char *const names[CLASSES] = {"a", "b", "c"};
    const clipspan_model_info *info;
    clipspan_texts *texts;
    size_t P, N;
    (void)state;
    run_craft_init(&craft, ROWS);
    path = run_craft_path(&craft, "run");
    page = run_craft_path(&craft, "page.html");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 1, 0, 0);
    run_craft_merge(path);
    info = clipspan_model_get_info(craft.model);
    P = (size_t)info->embed_width;
    N = (size_t)info->tokens;
    assert_true(P >= CLASSES && P <= 512);
    for (size_t i = 0; i < CLASSES; i++)
        images[i * P + i] = 1.0F;
    map = calloc(CLASSES * N, sizeof *map);
    map[1] = 1.0F;
    values = calloc((size_t)info->input_height * (size_t)info->input_width, sizeof *values);
    values[0] = 1;
    assert_int_equal(clipspan_texts_new(&texts, names, NULL, CLASSES, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, images, P, NULL), 0);
    clipspan_texts_free(&texts);
    fail_each(search);
    fail_each(segment);
    fail_each(classify);
    clipspan_bank_free(&bank);
    free(map);
    free(values);
    free(page);
    free(path);
    run_craft_fini(&craft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failed_allocation_is_a_clean_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
