/* SPDX-License-Identifier: MIT */
/* TEXTSPAN of a run's heads against the same on what the run's reader gives; groups, progress, and
 * what is refused. */
#include "decompose/span.h"
#include "run/run_open.h"
#include "run_craft.h"
#include "tensor/moments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "same_basis_texts.h"

enum { ROWS = 600, TEXTS = 50, HEADS = 40, RESAMPLES = 20, SEED = 4 }; /* 19 chunks, each a block */

static run_craft craft;
static char *path;
static clipspan_run *run;
static clipspan_bank *bank;
static float *vectors;
static clipspan_head heads[HEADS];

static int set_up(void **state)
{
    static char words[TEXTS][16];
    const char *names[TEXTS];
    clipspan_texts *texts = NULL;
    const clipspan_run_info *info;
    uint32_t seed = 9;
    (void)state;
    run_craft_init(&craft, ROWS);
    path = run_craft_path(&craft, "run");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_NONE);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    assert_int_equal(clipspan_run_open(&run, path, NULL), CLIPSPAN_OK);
    info = clipspan_run_get_info(run);
    vectors = malloc(TEXTS * (size_t)info->embed_width * sizeof *vectors);
    for (size_t i = 0; i < TEXTS * (size_t)info->embed_width; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / 33554432.0f - 0.25f;
    }
    for (size_t t = 0; t < TEXTS; t++) {
        snprintf(words[t], sizeof words[t], "text %zu", t);
        names[t] = words[t];
    }
    assert_int_equal(clipspan_texts_new(&texts, names, NULL, TEXTS, NULL), 0);
    assert_int_equal(
        clipspan_bank_new_vectors(&bank, texts, vectors, (size_t)info->embed_width, NULL), 0);
    clipspan_texts_free(&texts);
    for (int i = 0; i < HEADS; i++) { /* more than are read at a time, so some come again */
        heads[i].layer = i / info->heads % info->layers;
        heads[i].head = i % info->heads;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_bank_free(&bank);
    clipspan_run_close(&run);
    run_craft_fini(&craft);
    free(vectors);
    free(path);
    return 0;
}

/* What the reader gives of one head, picked from on its own. */
static cs_span *alone(const cs_run *from, clipspan_head at)
{
    const cs_span_options options = {6, 0, RESAMPLES, SEED, 1, NULL};
    cs_shape shape = cs_run_shape(from);
    size_t size = cs_moments_size(shape.C), blocks = (size_t)cs_run_info(from)->blocks;
    float *output_map = malloc(shape.C * shape.P * sizeof *output_map);
    double *moments = malloc((1 + blocks) * size * sizeof *moments);
    cs_span_head head = {output_map, moments, moments + size, blocks, size};
    cs_span_pool *pool = NULL;
    cs_span *span = NULL;
    size_t layer = (size_t)at.layer, number = (size_t)at.head;
    assert_true(blocks >= 16);
    assert_int_equal(cs_run_output_map_head(output_map, from, layer, number, NULL), 0);
    assert_int_equal(cs_run_head(moments, from, layer, number, NULL), 0);
    for (size_t b = 0; b < blocks; b++)
        assert_int_equal(cs_run_block_head(moments + (1 + b) * size, from, b, layer, number, NULL),
                         0);
    assert_int_equal(cs_span_pool_new(&pool, vectors, TEXTS, shape.P, cs_simd_best(), NULL), 0);
    assert_int_equal(cs_span_run(&span, pool, &head, 1, shape.C, &options, NULL, NULL), 0);
    cs_span_pool_free(&pool);
    free(output_map);
    free(moments);
    return span;
}

static int hear(void *user, size_t done, size_t total)
{
    size_t *heard = user;
    assert_true(done > *heard && total == HEADS);
    *heard = done;
    return 0;
}

static int stop(void *user, size_t done, size_t total)
{
    (void)user;
    (void)total;
    return done > 32; /* in the second group */
}

static void heads_of_a_run_are_those_of_its_reader(void **state)
{
    clipspan_span_options o = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_span *spans[HEADS];
    clipspan_error err;
    size_t heard = 0;
    clipspan_progress progress = {hear, &heard};
    cs_run *from = NULL;
    (void)state;
    o.basis_texts = 6;
    o.resamples = RESAMPLES;
    o.seed = SEED;
    if (clipspan_span_new_run(spans, run, heads, HEADS, bank, &o, &progress, &err))
        fail_msg("%s", err.message);
    assert_int_equal(heard, HEADS);
    assert_int_equal(cs_run_open(&from, path, NULL), 0);
    for (size_t i = 0; i < HEADS; i++) {
        cs_span *span = alone(from, heads[i]);
        const clipspan_span_info *info = clipspan_span_get_info(spans[i]);
        assert_memory_equal(&info->head, &heads[i], sizeof heads[i]);
        assert_int_equal(info->images, ROWS);
        assert_int_equal(info->resamples, RESAMPLES);
        assert_int_equal(info->basis_texts, span->basis_texts);
        same_basis_texts(clipspan_span_get_basis_texts(spans[i]), span->basis_text,
                         span->basis_texts);
        assert_true(span->basis_text[0].any_place > 0.0);
        cs_span_free(&span);
        clipspan_span_free(&spans[i]);
    }
    cs_run_close(&from);
}

static void what_cannot_be_is_refused(void **state)
{
    clipspan_span_options o = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_progress stopping = {stop, NULL};
    clipspan_span *spans[HEADS];
    clipspan_head far[1] = {{99, 0}};
    const clipspan_stats *blocks[1] = {NULL};
    clipspan_run *planned = NULL;
    char *other = run_craft_path(&craft, "planned");
    clipspan_error err;
    (void)state;
    assert_int_equal(clipspan_span_new_run(spans, run, heads, HEADS, bank, &o, &stopping, &err),
                     CLIPSPAN_E_INTERRUPTED);
    for (size_t i = 0; i < HEADS; i++)
        assert_null(spans[i]);
    assert_int_equal(clipspan_span_new_run(spans, run, far, 1, bank, &o, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "L99.H0"));
    o.blocks = blocks;
    o.block_count = 1;
    assert_int_equal(clipspan_span_new_run(spans, run, heads, 1, bank, &o, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    run_craft_plan(&craft, other, CLIPSPAN_COEFFICIENTS_NONE);
    assert_int_equal(clipspan_run_open(&planned, other, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_span_new_run(spans, planned, heads, 1, bank, NULL, NULL, &err),
                     CLIPSPAN_E_NOT_FOUND);
    clipspan_run_close(&planned);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_of_a_run_are_those_of_its_reader),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("span_run_api", tests, set_up, tear_down);
}
