/* SPDX-License-Identifier: MIT */
/* A run from arrays in memory against a scan of the same list: the same images, statistics, blocks,
 * names of heads and effects. */
#include "base/memory.h"
#include "run/kept.h"
#include "run/run_memory.h"
#include "run_craft.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "same_basis_texts.h"

#define ROWS  331 /* eleven chunks, as many blocks */
#define TEXTS 30

static run_craft craft;
static char *path;
static clipspan_run *scanned, *made;
static clipspan_bank *bank;
static cs_shape s;
static float *z, *embeddings, *mlp, *class_attention, *maps;
static double *scale;

/* Rows of the run into an array in list order: [planes, ROWS, width]. */
static void put_rows(float *to, const float *rows, const cs_run_chunk *chunk, const uint32_t *order,
                     size_t plane, size_t width)
{
    for (size_t i = 0; i < chunk->count; i++)
        memcpy(to + (plane * ROWS + order[chunk->run_indices[i]]) * width, rows + i * width,
               width * sizeof *to);
}

static void read_arrays(void)
{
    uint32_t order[ROWS];
    float rows[32 * 256];
    double scales[96];
    cs_run *run;
    assert_int_equal(cs_run_open(&run, path, NULL), 0);
    s = cs_run_shape(run);
    assert_true(s.P <= 256 && s.K <= 256);
    z = malloc(s.L * s.H * ROWS * s.K * sizeof *z);
    scale = malloc(3 * ROWS * sizeof *scale);
    embeddings = malloc(ROWS * s.P * sizeof *embeddings);
    mlp = malloc((s.L + 1) * ROWS * s.P * sizeof *mlp);
    class_attention = malloc(s.L * ROWS * s.P * sizeof *class_attention);
    maps = malloc(s.L * s.H * s.C * s.P * sizeof *maps);
    cs_permute(order, ROWS, CS_PLAN_SEED);
    assert_int_equal(cs_run_output_map(maps, run, NULL), 0);
    for (uint64_t c = 0; c < cs_run_info(run)->chunks; c++) {
        cs_run_chunk chunk;
        assert_int_equal(cs_run_chunk_open(&chunk, run, c, NULL), 0);
        for (size_t h = 0; h < s.L * s.H; h++) {
            assert_int_equal(cs_run_chunk_z(rows, &chunk, h / s.H, h % s.H, NULL), 0);
            put_rows(z, rows, &chunk, order, h, s.K);
        }
        for (size_t l = 0; l <= s.L; l++) {
            assert_int_equal(cs_run_chunk_mlp(rows, &chunk, l, NULL), 0);
            put_rows(mlp, rows, &chunk, order, l, s.P);
        }
        for (size_t l = 0; l < s.L; l++) {
            assert_int_equal(cs_run_chunk_class_self_attention(rows, &chunk, l, NULL), 0);
            put_rows(class_attention, rows, &chunk, order, l, s.P);
        }
        assert_int_equal(cs_run_chunk_embedding(rows, &chunk, NULL), 0);
        put_rows(embeddings, rows, &chunk, order, 0, s.P);
        assert_int_equal(cs_run_chunk_scale(scales, &chunk, NULL), 0);
        for (size_t i = 0; i < chunk.count; i++)
            memcpy(scale + 3 * (size_t)order[chunk.run_indices[i]], scales + 3 * i,
                   3 * sizeof *scale);
        cs_run_chunk_fini(&chunk);
    }
    cs_run_close(&run);
}

static clipspan_run_arrays arrays(void)
{
    static const char *labels[ROWS], *groups[ROWS];
    clipspan_run_arrays a = CLIPSPAN_RUN_ARRAYS_INIT;
    for (size_t i = 0; i < ROWS; i++) {
        labels[i] = clipspan_inputs_get_label(craft.inputs, i);
        groups[i] = clipspan_inputs_get_group(craft.inputs, i);
    }
    a.layers = (int)s.L;
    a.heads = (int)s.H;
    a.head_width = (int)s.K;
    a.embed_width = (int)s.P;
    a.tokens = (int)s.N;
    a.images = ROWS;
    a.z = z;
    a.scale = scale;
    a.embeddings = embeddings;
    a.mlp = mlp;
    a.class_attention = class_attention;
    a.output_maps = maps;
    a.paths = clipspan_inputs_get_paths(craft.inputs);
    a.labels = labels;
    a.groups = groups;
    a.model = "tiny";
    a.model_hash = clipspan_run_get_info(scanned)->model_hash;
    return a;
}

static void make_bank(void)
{
    static char words[TEXTS][16];
    const char *names[TEXTS];
    float *vectors = malloc(TEXTS * s.P * sizeof *vectors);
    clipspan_texts *texts;
    uint32_t seed = 9;
    for (size_t i = 0; i < TEXTS * s.P; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / 33554432.0f - 0.25f;
    }
    for (size_t t = 0; t < TEXTS; t++) {
        snprintf(words[t], sizeof words[t], "text %zu", t);
        names[t] = words[t];
    }
    assert_int_equal(clipspan_texts_new(&texts, names, NULL, TEXTS, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, vectors, s.P, NULL), 0);
    clipspan_texts_free(&texts);
    free(vectors);
}

static int lack_memory(void *user, size_t done, size_t total)
{
    (void)user;
    (void)done;
    (void)total;
    return CLIPSPAN_E_NOMEM;
}

static void an_error_of_progress_is_the_error_of_a_reading(void **state)
{
    const clipspan_progress progress = {lack_memory, NULL};
    const clipspan_head head = {0, 0};
    clipspan_search_options options = CLIPSPAN_SEARCH_OPTIONS_INIT;
    clipspan_effects *effects;
    clipspan_search *search;
    (void)state;
    options.heads = &head;
    options.head_count = 1;
    assert_int_equal(clipspan_effects_new(&effects, made, bank, NULL, &progress, NULL),
                     CLIPSPAN_E_NOMEM);
    assert_int_equal(clipspan_search_new(&search, made, &options, &progress, NULL),
                     CLIPSPAN_E_NOMEM);
    assert_null(effects);
    assert_null(search);
}

static int set_up(void **state)
{
    clipspan_run_arrays a;
    clipspan_error err;
    (void)state;
    run_craft_init(&craft, ROWS);
    path = run_craft_path(&craft, "run");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    assert_int_equal(clipspan_run_open(&scanned, path, NULL), 0);
    read_arrays();
    make_bank();
    a = arrays();
    if (clipspan_run_new_arrays(&made, &a, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_run_close(&scanned);
    clipspan_run_close(&made);
    clipspan_bank_free(&bank);
    run_craft_fini(&craft);
    free(path);
    free(z);
    free(scale);
    free(embeddings);
    free(mlp);
    free(class_attention);
    free(maps);
    return 0;
}

static void facts_are_those_of_the_arrays(void **state)
{
    const clipspan_run_info *a = clipspan_run_get_info(made), *b = clipspan_run_get_info(scanned);
    (void)state;
    assert_int_equal(a->merged, 1);
    assert_int_equal(a->layers, b->layers);
    assert_int_equal(a->tokens, b->tokens);
    assert_int_equal(a->used, ROWS);
    assert_int_equal(a->chunks, b->chunks);
    assert_int_equal(a->blocks, b->blocks);
    assert_int_equal(a->last_layer, b->last_layer);
    assert_true(a->has_labels && a->has_groups);
    assert_string_equal(a->model_name, "tiny");
    assert_string_equal(a->model_hash, b->model_hash);
}

static int compare_image(void *user, const clipspan_run_image *image)
{
    uint64_t *next = user;
    assert_int_equal(image->run_index, (*next)++);
    assert_string_equal(image->path, clipspan_inputs_get_paths(craft.inputs)[image->list_index]);
    assert_string_equal(image->label, clipspan_inputs_get_label(craft.inputs, image->list_index));
    assert_string_equal(image->group, clipspan_inputs_get_group(craft.inputs, image->list_index));
    assert_string_equal(image->status, "ok");
    return 0;
}

static void images_and_coefficients_have_the_order_of_a_scan(void **state)
{
    uint64_t next = 0, run_indices[2][32];
    double y[2][32 * 256];
    size_t n[2];
    (void)state;
    assert_int_equal(clipspan_run_read_images(made, 0, ROWS, compare_image, &next, NULL), 0);
    assert_int_equal(next, ROWS);
    for (uint64_t c = 0; c < 11; c++) {
        assert_int_equal(
            clipspan_run_read_coefficients(y[0], run_indices[0], &n[0], made, c, 1, 1, NULL), 0);
        assert_int_equal(
            clipspan_run_read_coefficients(y[1], run_indices[1], &n[1], scanned, c, 1, 1, NULL), 0);
        assert_int_equal(n[0], n[1]);
        assert_memory_equal(run_indices[0], run_indices[1], n[0] * sizeof **run_indices);
        assert_memory_equal(y[0], y[1], n[0] * s.C * sizeof **y);
    }
}

/* The same bytes, but for the L attention components, which a scan makes in another way. */
static void compare_stats(const double *a, const double *b)
{
    const cs_head_stats_layout at = cs_head_stats_plan(s);
    const size_t attention = at.components + s.L * at.component_size;
    assert_memory_equal(a, b, at.components * sizeof *a);
    assert_memory_equal(a + attention, b + attention, (at.size - attention) * sizeof *a);
    for (size_t i = at.components; i < attention; i++)
        assert_true(fabs(a[i] - b[i]) <= 2e-6 * (1.0 + fabs(b[i])));
}

static void statistics_and_blocks_are_those_of_a_scan(void **state)
{
    const size_t size = cs_head_stats_size(s);
    double *a = malloc(size * sizeof *a), *b = malloc(size * sizeof *b);
    cs_run *from, *memory;
    clipspan_run_arrays given = arrays();
    (void)state;
    assert_int_equal(cs_run_open(&from, path, NULL), 0);
    assert_int_equal(cs_run_new_arrays(&memory, &given, cs_simd_best(), NULL), 0);
    assert_int_equal(cs_run_statistics(a, memory, NULL), 0);
    assert_int_equal(cs_run_statistics(b, from, NULL), 0);
    compare_stats(a, b);
    for (uint64_t k = 0; k < cs_run_info(from)->blocks; k++) {
        assert_int_equal(cs_run_block(a, memory, k, NULL), 0);
        assert_int_equal(cs_run_block(b, from, k, NULL), 0);
        compare_stats(a, b);
    }
    assert_int_equal(cs_run_block_head(a, memory, 3, 1, 0, NULL), 0);
    assert_int_equal(cs_run_block_head(b, from, 3, 1, 0, NULL), 0);
    assert_memory_equal(a, b, cs_head_stats_plan(s).head_size * sizeof *a);
    cs_run_close(&from);
    cs_run_close(&memory);
    free(a);
    free(b);
}

static void heads_get_the_same_texts(void **state)
{
    const clipspan_head heads[3] = {{0, 0}, {1, 0}, {1, 1}};
    clipspan_span_options options = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_span *spans[2][3];
    (void)state;
    options.basis_texts = 5;
    for (int r = 0; r < 2; r++)
        assert_int_equal(clipspan_span_new_run(spans[r], r ? scanned : made, heads, 3, bank,
                                               &options, NULL, NULL),
                         0);
    for (int h = 0; h < 3; h++) {
        const clipspan_span_info *a = clipspan_span_get_info(spans[0][h]);
        assert_true(a->basis_texts > 0);
        same_basis_texts(clipspan_span_get_basis_texts(spans[0][h]),
                         clipspan_span_get_basis_texts(spans[1][h]), (size_t)a->basis_texts);
    }
    for (int r = 0; r < 2; r++)
        for (int h = 0; h < 3; h++)
            clipspan_span_free(&spans[r][h]);
}

static void effects_are_the_same(void **state)
{
    const clipspan_change change = {.component = CLIPSPAN_COMPONENT_HEAD, .layer = 1, .head = 1};
    const clipspan_edit edit = {&change, 1};
    uint32_t predicted[2][ROWS];
    double margins[2][ROWS];
    (void)state;
    for (int r = 0; r < 2; r++) {
        clipspan_effects *e;
        clipspan_error err;
        if (clipspan_effects_new(&e, r ? scanned : made, bank, NULL, NULL, &err) != CLIPSPAN_OK)
            fail_msg("%s", err.message);
        assert_int_equal(clipspan_effects_get_images(e), ROWS);
        assert_int_equal(
            clipspan_effects_run(predicted[r], margins[r], NULL, e, NULL, &edit, 1, NULL, NULL), 0);
        clipspan_effects_free(&e);
    }
    assert_memory_equal(predicted[0], predicted[1], sizeof *predicted);
    assert_memory_equal(margins[0], margins[1], sizeof *margins);
}

static void means_and_searches_are_the_same(void **state)
{
    const clipspan_head heads[2] = {{0, 1}, {1, 0}};
    float mixed[2][2 * 256], query[2 * 256];
    double scores[2][ROWS];
    (void)state;
    for (size_t i = 0; i < 2 * s.P; i++)
        query[i] = (float)((i * 7) % 11) - 5.0f;
    for (int r = 0; r < 2; r++) {
        const clipspan_run *run = r ? scanned : made;
        clipspan_search_options options = CLIPSPAN_SEARCH_OPTIONS_INIT;
        clipspan_search *search;
        options.heads = heads;
        options.head_count = 2;
        assert_int_equal(clipspan_run_read_mixed(mixed[r], run, heads, 2, NULL, NULL), 0);
        assert_int_equal(clipspan_search_new(&search, run, &options, NULL, NULL), 0);
        assert_int_equal(clipspan_search_get_count(search), ROWS);
        assert_int_equal(clipspan_search_run(scores[r], search, query, 0, NULL), 0);
        assert_string_equal(clipspan_search_get_folder(search),
                            r ? clipspan_run_get_info(scanned)->folder : "");
        clipspan_search_free(&search);
    }
    assert_memory_equal(mixed[0], mixed[1], 2 * s.K * sizeof **mixed);
    assert_memory_equal(scores[0], scores[1], sizeof *scores);
}

static clipspan_status join_name(void *context, const char *name, clipspan_error *err)
{
    char *text = context;
    (void)err;
    strcat(strcat(text, name), ";");
    return CLIPSPAN_OK;
}

static void results_live_with_the_run(void **state)
{
    clipspan_run_arrays given = arrays();
    char names[64] = "", *value;
    json_t *document;
    cs_run *memory;
    int stale;
    (void)state;
    assert_int_equal(cs_run_new_arrays(&memory, &given, cs_simd_best(), NULL), 0);
    assert_int_equal(cs_run_set_result(memory, "atlas", "b", "{}", NULL), 0);
    assert_int_equal(cs_run_set_result(memory, "atlas", "a", "{}", NULL), 0);
    assert_int_equal(cs_run_set_result(memory, "atlas", "a", "[]", NULL), 0);
    assert_int_equal(cs_run_result_names(memory, "atlas", join_name, names, NULL), 0);
    assert_string_equal(names, "a;b;");
    assert_int_equal(cs_run_result(&value, memory, "atlas", "a", NULL), 0);
    assert_string_equal(value, "[]");
    cs_free(value);
    assert_int_equal(cs_run_set_result(memory, "atlas", "a", NULL, NULL), 0);
    assert_int_equal(cs_run_result(&value, memory, "atlas", "a", NULL), 0);
    assert_null(value);
    assert_int_equal(cs_kept_write(memory, NULL, "effects", "{\"a\":1}", NULL), 0);
    assert_int_equal(cs_kept_read(&document, &stale, memory, "effects", NULL), 0);
    assert_int_equal(json_integer_value(json_object_get(document, "a")), 1);
    json_decref(document);
    cs_run_close(&memory);
}

static void what_cannot_be_is_refused_by_name(void **state)
{
    clipspan_run_arrays a = arrays();
    clipspan_model *model;
    clipspan_run *run;
    clipspan_error err;
    float kept = mlp[5];
    (void)state;
    a.mlp = NULL;
    assert_int_equal(clipspan_run_new_arrays(&run, &a, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "mlp"));
    a = arrays();
    a.heads = 70000;
    assert_int_equal(clipspan_run_new_arrays(&run, &a, &err), CLIPSPAN_E_ARGUMENT);
    a = arrays();
    a.images = 0;
    assert_int_equal(clipspan_run_new_arrays(&run, &a, &err), CLIPSPAN_E_ARGUMENT);
    a = arrays();
    mlp[5] = NAN;
    assert_int_equal(clipspan_run_new_arrays(&run, &a, &err), CLIPSPAN_E_NUMBERS);
    assert_non_null(strstr(err.message, "number 5 of the array \"mlp\""));
    mlp[5] = kept;
    assert_null(run);
    assert_int_equal(clipspan_run_open_model(&model, made, NULL, NULL, &err), CLIPSPAN_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_of_progress_is_the_error_of_a_reading),
        cmocka_unit_test(facts_are_those_of_the_arrays),
        cmocka_unit_test(images_and_coefficients_have_the_order_of_a_scan),
        cmocka_unit_test(statistics_and_blocks_are_those_of_a_scan),
        cmocka_unit_test(heads_get_the_same_texts),
        cmocka_unit_test(effects_are_the_same),
        cmocka_unit_test(means_and_searches_are_the_same),
        cmocka_unit_test(results_live_with_the_run),
        cmocka_unit_test(what_cannot_be_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
