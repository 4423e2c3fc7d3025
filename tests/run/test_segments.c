/* SPDX-License-Identifier: MIT */
/* Images added to a run: its statistics are the merge of those of both lists, its rows follow each
 * other, chunks of the run are read across the seam, and everything else says what it needs. */
#define _XOPEN_SOURCE 700
#include "base/memory.h"
#include "run/run_open.h"
#include "run_craft.h"
#include "tensor/moments.h"
#include "tiny.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Neither ends with its chunk; the third is less than one, so that a chunk of the run meets three.
 */
enum { FIRST = 107, SECOND = 85, THIRD = 3, ALL = FIRST + SECOND + THIRD, LISTS = 3 };

static const size_t counts[LISTS] = {FIRST, SECOND, THIRD};
static run_craft craft;
static clipspan_inputs *lists[LISTS];
static char *parts[LISTS], *whole;

static clipspan_inputs *list_of(size_t first, size_t count)
{
    const char *source;
    char name[32], *text = calloc(count + 1, 64), *file;
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs;
    strcpy(text, "path,label,split\n");
    for (size_t i = first; i < first + count; i++)
        sprintf(text + strlen(text), "pics/%02zu.png,l%zu,%s\n", i * 5 % 24, i % 5,
                i % 3 ? "train" : "");
    snprintf(name, sizeof name, "part%zu.csv", first);
    cs_tiny_write_text(craft.folder, name, text);
    source = file = cs_tiny_path(craft.folder, name);
    options.labels = "label";
    options.columns = "split";
    assert_int_equal(clipspan_inputs_open(&inputs, &source, 1, &options, NULL), 0);
    free(file);
    free(text);
    return inputs;
}

static void must(clipspan_status status, const clipspan_error *err)
{
    if (status != CLIPSPAN_OK) fail_msg("%s", err->message);
}

static void plan_list(const char *path, const clipspan_inputs *inputs)
{
    clipspan_error err;
    must(clipspan_run_plan(NULL, path, craft.model, inputs, NULL, NULL, &err), &err);
}

static int set_up(void **state)
{
    clipspan_error err;
    size_t first = 0;
    (void)state;
    run_craft_init(&craft, 1);
    whole = run_craft_path(&craft, "whole");
    for (int i = 0; i < LISTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "part%d", i);
        parts[i] = run_craft_path(&craft, name);
        lists[i] = list_of(first, counts[i]);
        first += counts[i];
        plan_list(parts[i], lists[i]);
        run_craft_scan(&craft, parts[i], 2, 0, 0);
        run_craft_merge(parts[i]);
        if (i == 0)
            plan_list(whole, lists[0]);
        else
            must(clipspan_run_extend(whole, craft.model, lists[i], NULL, &err), &err);
        run_craft_scan(&craft, whole, 2, 0, 0);
        run_craft_merge(whole);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < LISTS; i++) {
        clipspan_inputs_close(&lists[i]);
        free(parts[i]);
    }
    free(whole);
    run_craft_fini(&craft);
    return 0;
}

static void statistics_are_the_merge_of_those_of_the_lists(void **state)
{
    cs_run *run, *part;
    cs_shape shape;
    double *sum, *other, *got;
    size_t size;
    uint64_t count = 0;
    (void)state;
    assert_int_equal(cs_run_open(&run, whole, NULL), 0);
    shape = cs_run_shape(run);
    size = cs_head_stats_size(shape);
    sum = malloc(size * sizeof *sum);
    other = malloc(size * sizeof *other);
    got = malloc(size * sizeof *got);
    for (int i = 0; i < LISTS; i++) {
        assert_int_equal(cs_run_open(&part, parts[i], NULL), 0);
        assert_int_equal(cs_run_statistics(i ? other : sum, part, NULL), 0);
        if (i) cs_head_stats_merge(sum, other, shape);
        cs_run_close(&part);
    }
    assert_int_equal(cs_run_statistics(got, run, NULL), 0);
    assert_memory_equal(got, sum, size * sizeof *got);
    assert_int_equal(cs_run_info(run)->segments, LISTS);
    assert_int_equal(cs_run_info(run)->images, ALL);
    assert_int_equal(cs_run_info(run)->used, ALL);
    assert_int_equal(cs_run_info(run)->duplicates, ALL - 24);
    assert_int_equal(cs_run_info(run)->blocks, 4);
    for (uint64_t b = 0; b < 4; b++) { /* blocks hold everything once, by head too */
        double *moments = malloc(cs_moments_size(shape.C) * sizeof *moments);
        assert_int_equal(cs_run_block(got, run, b, NULL), 0);
        count += (uint64_t)cs_head_stats_count(got);
        assert_int_equal(cs_run_block_head(moments, run, b, 1, 1, NULL), 0);
        assert_memory_equal(moments, cs_head_stats_head(got, shape, 1, 1),
                            cs_moments_size(shape.C) * sizeof *moments);
        free(moments);
    }
    assert_int_equal(count, ALL);
    cs_run_close(&run);
    free(sum);
    free(other);
    free(got);
}

static int check_image(void *user, const clipspan_run_image *p)
{
    unsigned char *seen = user;
    uint64_t number = p->list_index;
    int i = 0;
    assert_false(seen[p->list_index]);
    seen[p->list_index] = 1;
    while (number >= counts[i])
        number -= counts[i++];
    assert_string_equal(p->path, clipspan_inputs_get_paths(lists[i])[number]);
    assert_string_equal(p->label, clipspan_inputs_get_label(lists[i], number));
    assert_string_equal(
        p->columns, *clipspan_inputs_get_value(lists[i], number, 0) ? "{\"split\":\"train\"}" : "");
    assert_int_equal(p->duplicate_of, p->list_index < 24 ? -1 : (int64_t)p->list_index % 24);
    return 0;
}

static void images_follow_each_other(void **state)
{
    unsigned char seen[ALL] = {0};
    clipspan_run *run;
    clipspan_error err;
    (void)state;
    must(clipspan_run_open(&run, whole, &err), &err);
    must(clipspan_run_read_images(run, 0, ALL, check_image, seen, &err), &err);
    assert_null(memchr(seen, 0, ALL));
    clipspan_run_close(&run);
}

/* Chunks of the run are 32 places, wherever its segments meet; rows are those of the lists' own
 * runs. */
static void chunks_are_read_across_the_seams(void **state)
{
    const size_t chunks = (ALL + 31) / 32;
    clipspan_run *run, *part[LISTS];
    clipspan_error err;
    (void)state;
    must(clipspan_run_open(&run, whole, &err), &err);
    for (int i = 0; i < LISTS; i++)
        must(clipspan_run_open(&part[i], parts[i], &err), &err);
    assert_int_equal(clipspan_run_get_info(run)->chunks, chunks);
    for (size_t c = 0; c < chunks; c++) {
        const size_t C = (size_t)clipspan_run_get_info(run)->head_width + 3;
        double y[32 * 64], wanted[32 * 64];
        uint64_t run_indices[32];
        float vectors[32 * 64], one[32 * 64];
        size_t n, P = (size_t)clipspan_run_get_info(run)->embed_width;
        must(clipspan_run_read_coefficients(y, run_indices, &n, run, c, 1, 1, &err), &err);
        must(clipspan_run_read_vectors(vectors, NULL, &n, run, c, CLIPSPAN_VECTORS_MLP, 1, &err),
             &err);
        assert_int_equal(n, c + 1 < chunks ? 32 : ALL % 32);
        for (size_t i = 0; i < n; i++) {
            uint64_t at = run_indices[i];
            size_t some;
            int k = 0;
            assert_int_equal(run_indices[i], c * 32 + i);
            while (at >= counts[k])
                at -= counts[k++];
            must(clipspan_run_read_coefficients(wanted, NULL, &some, part[k], at / 32, 1, 1, &err),
                 &err);
            assert_memory_equal(y + i * C, wanted + at % 32 * C, C * sizeof *y);
            must(clipspan_run_read_vectors(one, NULL, &some, part[k], at / 32, CLIPSPAN_VECTORS_MLP,
                                           1, &err),
                 &err);
            assert_memory_equal(vectors + i * P, one + at % 32 * P, P * sizeof *one);
        }
    }
    for (int i = 0; i < LISTS; i++)
        clipspan_run_close(&part[i]);
    clipspan_run_close(&run);
}

/* Packs and nodes of a segment are those of its list alone, but for the plan; shards and threads
 * change nothing. */
static void shards_of_an_extended_run_give_the_same_bytes(void **state)
{
    char *path = run_craft_path(&craft, "again"), wanted[65], digest[65];
    clipspan_error err;
    (void)state;
    run_craft_digest(wanted, whole);
    plan_list(path, lists[0]);
    run_craft_scan(&craft, path, 1, 0, 0);
    run_craft_merge(path);
    for (int i = 1; i < LISTS; i++) {
        must(clipspan_run_extend(path, craft.model, lists[i], NULL, &err), &err);
        for (uint64_t k = 3; k > 0; k--)
            run_craft_scan(&craft, path, 3, k, 3);
        run_craft_merge(path);
        run_craft_merge(path); /* changes nothing */
    }
    run_craft_digest(digest, path);
    assert_string_equal(digest, wanted);
    free(path);
}

static void an_extended_run_says_what_it_needs(void **state)
{
    char *path = run_craft_path(&craft, "states");
    clipspan_error err;
    clipspan_run *run;
    cs_run *inside;
    char *value;
    int found;
    (void)state;
    plan_list(path, lists[0]);
    assert_int_equal(clipspan_run_extend(path, craft.model, lists[1], NULL, &err),
                     CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "not merged"));
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    assert_int_equal(cs_run_open(&inside, path, NULL), 0);
    assert_int_equal(cs_run_set_result(inside, "atlas", "a", "{}", NULL), 0);
    assert_int_equal(clipspan_run_extend(path, craft.model, lists[0], NULL, &err),
                     CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, "has this list already, as number 1 of 1"));
    must(clipspan_run_extend(path, craft.model, lists[1], NULL, &err), &err);
    assert_int_equal(clipspan_run_extend(path, craft.model, lists[1], NULL, &err),
                     CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, "still to be scanned"));
    assert_int_equal(cs_run_result(&value, inside, "atlas", "a", NULL), 0);
    assert_null(value); /* it spoke of other images */
    cs_run_close(&inside);
    must(clipspan_run_open(&run, path, &err), &err);
    assert_int_equal(clipspan_run_get_info(run)->merged, 0);
    assert_int_equal(clipspan_run_get_info(run)->images, FIRST + SECOND);
    clipspan_run_close(&run);
    assert_int_equal(clipspan_run_merge(path, NULL, &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "3 of 7 chunks are not scanned: 4-6"));
    assert_int_equal(clipspan_run_plan(&found, path, craft.model, lists[0], NULL, NULL, &err),
                     CLIPSPAN_E_EXISTS);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    must(clipspan_run_open(&run, path, &err), &err);
    assert_int_equal(clipspan_run_get_info(run)->used, FIRST + SECOND);
    clipspan_run_close(&run);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_the_merge_of_those_of_the_lists),
        cmocka_unit_test(images_follow_each_other),
        cmocka_unit_test(chunks_are_read_across_the_seams),
        cmocka_unit_test(shards_of_an_extended_run_give_the_same_bytes),
        cmocka_unit_test(an_extended_run_says_what_it_needs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
