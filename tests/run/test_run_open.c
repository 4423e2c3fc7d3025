/* SPDX-License-Identifier: MIT */
/* What a run gives back: statistics against two passes over its own coefficients, components that
 * add up to the embeddings, blocks, images; and what is said of runs that are not what is asked
 * for. */
#define _XOPEN_SOURCE 700
#include "base/memory.h"
#include "run/run_open.h"
#include "run_craft.h"
#include "tensor/moments.h"
#include "tiny.h"

#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 107 /* four chunks */

static run_craft craft;
static char *paths[3]; /* by clipspan_coefficients */

static int set_up(void **state)
{
    static const char *const names[] = {"f32", "f16", "none"};
    (void)state;
    run_craft_init(&craft, ROWS);
    for (int i = 0; i < 3; i++) {
        paths[i] = run_craft_path(&craft, names[i]);
        run_craft_plan(&craft, paths[i], (clipspan_coefficients)i);
        run_craft_scan(&craft, paths[i], 2, 0, 0);
        run_craft_merge(paths[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        free(paths[i]);
    run_craft_fini(&craft);
    return 0;
}

static clipspan_run *open_run(const char *path)
{
    clipspan_run *run;
    clipspan_error err;
    if (clipspan_run_open(&run, path, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    return run;
}

static void facts_are_those_of_model_and_list(void **state)
{
    clipspan_run *run = open_run(paths[0]);
    const clipspan_run_info *i = clipspan_run_get_info(run);
    const clipspan_model_info *m = clipspan_model_get_info(craft.model);
    (void)state;
    assert_int_equal(i->merged, 1);
    assert_int_equal(i->layers, m->image->layers);
    assert_int_equal(i->heads, m->image->heads);
    assert_int_equal(i->head_width, m->image->head_width);
    assert_int_equal(i->embed_width, m->embed_width);
    assert_int_equal(i->tokens, m->tokens);
    assert_int_equal(i->images, ROWS);
    assert_int_equal(i->used, ROWS);
    assert_int_equal(i->chunks, 4);
    assert_int_equal(i->blocks, 4);
    assert_int_equal(i->duplicates, ROWS - 24);
    assert_true(i->has_labels && i->has_groups);
    assert_string_equal(i->cpu_level, clipspan_cpu_level());
    clipspan_run_close(&run);
    assert_null(run);
}

/* |C_ij - two passes in float64| <= 1e-12 sqrt(C_ii C_jj), on the coefficients as they are
 * stored. */
static void statistics_are_those_of_the_stored_coefficients(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        clipspan_run *run = open_run(paths[kind]);
        const clipspan_run_info *info = clipspan_run_get_info(run);
        const size_t C = (size_t)info->head_width + 3;
        double *y = malloc((ROWS + 31) * C * sizeof *y), *mean = calloc(C, sizeof *mean);
        double *got = malloc(C * sizeof *got), *covariance = malloc(C * C * sizeof *covariance);
        for (int head = 0; head < info->layers * info->heads; head++) {
            const int l = head / info->heads, h = head % info->heads;
            double count;
            size_t rows = 0, n;
            for (uint64_t c = 0; c < info->chunks; c++, rows += n)
                assert_int_equal(
                    clipspan_run_read_coefficients(y + rows * C, NULL, &n, run, c, l, h, NULL), 0);
            assert_int_equal(rows, ROWS);
            assert_int_equal(clipspan_run_read_head(&count, got, covariance, run, -1, l, h, NULL),
                             0);
            assert_true(count == ROWS);
            memset(mean, 0, C * sizeof *mean);
            for (size_t r = 0; r < rows; r++)
                for (size_t i = 0; i < C; i++)
                    mean[i] += y[r * C + i] / ROWS;
            for (size_t i = 0; i < C; i++) {
                const double spread = sqrt(covariance[i * C + i]);
                assert_true(fabs(got[i] - mean[i]) <= 1e-12 * (fabs(mean[i]) + spread));
                for (size_t j = 0; j < C; j++) {
                    double sum = 0;
                    for (size_t r = 0; r < rows; r++)
                        sum += (y[r * C + i] - mean[i]) * (y[r * C + j] - mean[j]);
                    sum /= ROWS - 1;
                    assert_true(fabs(covariance[i * C + j] - sum) <=
                                1e-12 * spread * sqrt(covariance[j * C + j]));
                }
            }
        }
        free(y);
        free(mean);
        free(got);
        free(covariance);
        clipspan_run_close(&run);
    }
}

/* Heads y A and MLP contributions of every image add up to its embedding, which is that of a plain
 * encoder. */
static void components_add_up_to_the_embeddings_of_the_encoder(void **state)
{
    static const double limits[] = {1e-5, 4e-3};
    clipspan_encoder *encoder;
    (void)state;
    assert_int_equal(clipspan_encoder_new(&encoder, craft.model, NULL, NULL), 0);
    for (int kind = 0; kind < 2; kind++) {
        clipspan_run *run = open_run(paths[kind]);
        const clipspan_run_info *info = clipspan_run_get_info(run);
        const size_t C = (size_t)info->head_width + 3, P = (size_t)info->embed_width;
        double *y = malloc(32 * C * sizeof *y), *sum = malloc(32 * P * sizeof *sum);
        float *rows = malloc(C * P * sizeof *rows), *vectors = malloc(32 * P * sizeof *vectors);
        float *plain = malloc(P * sizeof *plain);
        uint64_t run_indices[32];
        size_t n;
        for (uint64_t c = 0; c < info->chunks; c++) {
            memset(sum, 0, 32 * P * sizeof *sum);
            for (int head = 0; head < info->layers * info->heads; head++) {
                const int l = head / info->heads, h = head % info->heads;
                assert_int_equal(clipspan_run_read_output_map(rows, run, l, h, NULL), 0);
                assert_int_equal(clipspan_run_read_coefficients(y, NULL, &n, run, c, l, h, NULL),
                                 0);
                for (size_t i = 0; i < n; i++)
                    for (size_t k = 0; k < C; k++)
                        for (size_t p = 0; p < P; p++)
                            sum[i * P + p] += y[i * C + k] * (double)rows[k * P + p];
            }
            for (int l = 0; l <= info->layers; l++) {
                assert_int_equal(clipspan_run_read_vectors(vectors, NULL, &n, run, c,
                                                           CLIPSPAN_VECTORS_MLP, l, NULL),
                                 0);
                for (size_t i = 0; i < n * P; i++)
                    sum[i] += (double)vectors[i];
            }
            assert_int_equal(clipspan_run_read_vectors(vectors, run_indices, &n, run, c,
                                                       CLIPSPAN_VECTORS_EMBEDDING, 0, NULL),
                             0);
            for (size_t i = 0; i < n * P; i++)
                assert_true(fabs(sum[i] - (double)vectors[i]) <= limits[kind]);
            for (size_t i = 0; i < n; i++) {
                uint32_t order[ROWS];
                cs_permute(order, ROWS, 1);
                assert_int_equal(
                    clipspan_encoder_run_files(
                        plain, NULL, encoder,
                        clipspan_inputs_get_paths(craft.inputs) + order[run_indices[i]], 1, NULL),
                    0);
                assert_memory_equal(plain, vectors + i * P, P * sizeof *plain);
            }
        }
        free(y);
        free(sum);
        free(rows);
        free(vectors);
        free(plain);
        clipspan_run_close(&run);
    }
    clipspan_encoder_free(&encoder);
}

static void half_coefficients_are_within_their_stated_error(void **state)
{
    clipspan_run *whole = open_run(paths[0]), *half = open_run(paths[1]);
    const clipspan_run_info *info = clipspan_run_get_info(whole);
    const size_t P = (size_t)info->embed_width;
    float *a = malloc(32 * P * sizeof *a), *b = malloc(32 * P * sizeof *b);
    size_t n;
    (void)state;
    for (int kind = 1; kind <= 2; kind++) {
        clipspan_vectors k = (clipspan_vectors)kind;
        int differ = 0;
        assert_int_equal(clipspan_run_read_vectors(a, NULL, &n, whole, 0, k, 1, NULL), 0);
        assert_int_equal(clipspan_run_read_vectors(b, NULL, &n, half, 0, k, 1, NULL), 0);
        for (size_t i = 0; i < n * P; i++) {
            double most = fmax(fabs((double)a[i]) / 2048, 3e-8);
            assert_true(fabs((double)a[i] - (double)b[i]) <= most);
            differ |= a[i] != b[i];
        }
        assert_true(differ);
    }
    free(a);
    free(b);
    clipspan_run_close(&whole);
    clipspan_run_close(&half);
}

static void blocks_hold_every_image_once(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        cs_run *run;
        cs_shape s;
        double *whole, *block, *sum, count = 0;
        size_t size;
        assert_int_equal(cs_run_open(&run, paths[kind], NULL), 0);
        s = cs_run_shape(run);
        size = cs_head_stats_size(s);
        whole = malloc(size * sizeof *whole);
        block = malloc(size * sizeof *block);
        sum = calloc(size, sizeof *sum);
        assert_int_equal(cs_run_statistics(whole, run, NULL), 0);
        for (uint64_t b = 0; b < cs_run_info(run)->blocks; b++) {
            double *moments = malloc(cs_moments_size(s.C) * sizeof *moments);
            assert_int_equal(cs_run_block(block, run, b, NULL), 0);
            count += cs_head_stats_count(block);
            assert_int_equal(cs_run_block_head(moments, run, b, 1, 1, NULL), 0);
            assert_memory_equal(moments, cs_head_stats_head(block, s, 1, 1),
                                cs_moments_size(s.C) * sizeof *moments);
            free(moments);
        }
        assert_true(count == ROWS && cs_head_stats_count(whole) == ROWS);
        assert_int_equal(cs_run_block(block, run, 4, NULL), CLIPSPAN_E_ARGUMENT);
        free(whole);
        free(block);
        free(sum);
        cs_run_close(&run);
    }
}

static int look(void *user, const clipspan_run_image *p)
{
    unsigned char *seen = user;
    char place[16];
    assert_false(seen[p->list_index]);
    seen[p->list_index] = 1;
    assert_string_equal(p->label, clipspan_inputs_get_label(craft.inputs, p->list_index));
    snprintf(place, sizeof place, "%s", p->list_index % 2 ? "west" : "east");
    assert_non_null(strstr(p->group, place));
    assert_int_equal(p->duplicate_of, p->list_index < 24 ? -1 : (int64_t)p->list_index % 24);
    assert_string_equal(p->status, "ok");
    return 0;
}

static int stop(void *user, const clipspan_run_image *p)
{
    (void)user;
    return p->run_index == 3;
}

static void images_keep_their_labels_groups_and_numbers(void **state)
{
    clipspan_run *run = open_run(paths[2]);
    unsigned char seen[ROWS] = {0};
    (void)state;
    assert_int_equal(clipspan_run_read_images(run, 0, ROWS, look, seen, NULL), 0);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(clipspan_run_read_images(run, 0, ROWS, stop, NULL, NULL),
                     CLIPSPAN_E_INTERRUPTED);
    assert_int_equal(clipspan_run_read_images(run, 100, 8, look, seen, NULL), CLIPSPAN_E_ARGUMENT);
    clipspan_run_close(&run);
}

static void results_are_kept_by_kind_and_name(void **state)
{
    cs_run *run;
    char *value;
    (void)state;
    assert_int_equal(cs_run_open(&run, paths[2], NULL), 0);
    assert_int_equal(cs_run_set_result(run, "span", "pool", "{}", NULL), 0);
    assert_int_equal(cs_run_result(&value, run, "span", "pool", NULL), 0);
    assert_string_equal(value, "{}");
    cs_free(value);
    assert_int_equal(cs_run_set_result(run, "span", "pool", NULL, NULL), 0);
    cs_run_close(&run);
}

typedef struct name_list {
    char text[256];
} name_list;

static clipspan_status add_result(void *context, const char *name, clipspan_error *err)
{
    name_list *list = context;
    (void)err;
    snprintf(list->text + strlen(list->text), sizeof list->text - strlen(list->text), "%s;", name);
    return CLIPSPAN_OK;
}

static void results_are_files_with_the_names_of_what_they_are(void **state)
{
    char *file = cs_tiny_path(paths[2], "results/atlas-my%20pool%2Fa.json"), *value;
    name_list list = {""};
    clipspan_error err;
    cs_run *run;
    (void)state;
    assert_int_equal(cs_run_open(&run, paths[2], NULL), 0);
    assert_int_equal(cs_run_set_result(run, "atlas", "my pool/a", "{\"a\":1}", &err), 0);
    assert_int_equal(cs_run_set_result(run, "atlas", "general", "[]", &err), 0);
    assert_int_equal(cs_run_set_result(run, "main", "atlas", "my \"pool\"", &err), 0);
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(cs_run_result_names(run, "atlas", add_result, &list, &err), 0);
    assert_string_equal(list.text, "general;my pool/a;");
    assert_int_equal(cs_run_result(&value, run, "main", "atlas", &err), 0);
    assert_string_equal(value, "my \"pool\"");
    cs_free(value);
    assert_int_equal(cs_run_result(&value, run, "atlas", "none", &err), 0);
    assert_null(value);
    assert_int_equal(cs_run_set_result(run, "At/las", "x", "{}", &err), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(truncate(file, (off_t)65 << 20), 0); /* more than a result may have */
    assert_int_equal(cs_run_result(&value, run, "atlas", "my pool/a", &err), CLIPSPAN_E_LIMIT);
    assert_int_equal(cs_run_set_result(run, "atlas", "my pool/a", NULL, &err), 0);
    assert_int_not_equal(access(file, F_OK), 0);
    cs_run_close(&run);
    free(file);
}

static void what_a_run_does_not_have_is_said(void **state)
{
    char *path = run_craft_path(&craft, "planned"), *nothing = cs_tiny_path(craft.folder, "no");
    clipspan_run *run = open_run(paths[2]);
    clipspan_model *model;
    clipspan_error err;
    size_t n;
    double y[32 * 64];
    (void)state;
    assert_int_equal(clipspan_run_read_coefficients(y, NULL, &n, run, 0, 0, 0, &err),
                     CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "--coefficients"));
    assert_int_equal(clipspan_run_read_coefficients(NULL, NULL, &n, run, 3, 0, 0, NULL), 0);
    assert_int_equal(n, ROWS - 96); /* who is in it is known all the same */
    assert_int_equal(clipspan_run_read_coefficients(y, NULL, &n, run, 4, 0, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_run_read_head(NULL, NULL, NULL, run, -1, 2, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "L2.H0"));
    assert_int_equal(clipspan_run_open_model(&model, run, NULL, NULL, &err), 0);
    clipspan_model_close(&model);
    clipspan_run_close(&run);

    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run = open_run(path);
    assert_int_equal(clipspan_run_get_info(run)->merged, 0);
    assert_int_equal(clipspan_run_read_head(NULL, NULL, NULL, run, -1, 0, 0, &err),
                     CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "not merged"));
    clipspan_run_close(&run);
    assert_int_equal(clipspan_run_open(&run, nothing, &err), CLIPSPAN_E_NOT_FOUND);
    assert_int_equal(clipspan_run_open(&run, craft.model_path, &err), CLIPSPAN_E_NOT_FOUND);
    free(path);
    free(nothing);
}

/* Facts that no run has, one after the other. */
static void an_index_that_lies_is_refused(void **state)
{
    static const char *const lies[] = {
        "model.layers=0",          "model.layers=513",
        "model.heads=70000",       "model.head_width=x",
        "model.head_width=-1",     "images.count=0",
        "images.count=1e3",        "images.used=9999",
        "coefficients=f64",        "precision=",
        "order.chunk=64",          "coefficients.layers=1 0",
        "coefficients.layers=0 9", "contributions=some",
        "images.skipped=1",        "images.count=18446744073709551617",
        "model.embed_width=",
    };
    char *path = run_craft_path(&craft, "lies"), *index = cs_tiny_path(path, "index.sqlite");
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        char key[64], sql[256], *value;
        clipspan_run *run;
        clipspan_error err;
        sqlite3 *db;
        snprintf(key, sizeof key, "%s", lies[i]);
        value = strchr(key, '=');
        *value++ = '\0';
        assert_int_equal(sqlite3_open(index, &db), SQLITE_OK);
        snprintf(sql, sizeof sql,
                 "CREATE TEMP TABLE kept AS SELECT * FROM facts; UPDATE facts SET value='%s' "
                 "WHERE key='%s'",
                 value, key);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(clipspan_run_open(&run, path, &err), CLIPSPAN_E_FORMAT);
        assert_non_null(strstr(err.message, key));
        assert_int_equal(sqlite3_exec(db,
                                      "DELETE FROM facts; INSERT INTO facts SELECT * FROM kept; "
                                      "DROP TABLE kept",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        sqlite3_close(db);
    }
    free(index);
    free(path);
}

/* What this version does not compute yet is refused by its name. */
static void what_is_to_come_is_refused_by_name(void **state)
{
    static const char *const facts[][2] = {
        {"modality", "text"}, {"readout", "attention pool"}, {"readout.rows", "12"}};
    char *path = run_craft_path(&craft, "tocome"), *index = cs_tiny_path(path, "index.sqlite");
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char sql[128];
        clipspan_run *run;
        clipspan_error err;
        sqlite3 *db;
        clipspan_plan_options options = CLIPSPAN_PLAN_OPTIONS_INIT;
        options.replace = 1;
        assert_int_equal(
            clipspan_run_plan(NULL, path, craft.model, craft.inputs, &options, NULL, &err), 0);
        assert_int_equal(sqlite3_open(index, &db), SQLITE_OK);
        snprintf(sql, sizeof sql, "UPDATE facts SET value='%s' WHERE key='%s'", facts[i][1],
                 facts[i][0]);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(clipspan_run_open(&run, path, &err), CLIPSPAN_E_UNSUPPORTED);
        assert_non_null(strstr(err.message, facts[i][0]));
        assert_non_null(strstr(err.message, facts[i][1]));
    }
    free(index);
    free(path);
}

/* Coefficients of the last layer alone: those are the ones of a whole run, the statistics too; what
 * is not there is said. */
static void coefficients_of_chosen_layers_are_kept(void **state)
{
    char *path = run_craft_path(&craft, "layers");
    clipspan_plan_options options = CLIPSPAN_PLAN_OPTIONS_INIT;
    clipspan_run *whole = open_run(paths[0]), *run;
    clipspan_error err;
    double y[2][32 * 64], mean[2][64];
    uint64_t run_indices[32];
    size_t n;
    (void)state;
    options.first_layer = 1;
    options.layer_count = 5;
    assert_int_equal(clipspan_run_plan(NULL, path, craft.model, craft.inputs, &options, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    options.layer_count = 1;
    assert_int_equal(clipspan_run_plan(NULL, path, craft.model, craft.inputs, &options, NULL, &err),
                     0);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    run = open_run(path);
    assert_int_equal(clipspan_run_get_info(run)->first_layer, 1);
    assert_int_equal(clipspan_run_get_info(run)->last_layer, 1);
    assert_int_equal(clipspan_run_get_info(whole)->first_layer, 0);
    assert_int_equal(clipspan_run_get_info(whole)->last_layer, 1);
    assert_int_equal(clipspan_run_read_coefficients(y[0], run_indices, &n, run, 3, 1, 1, &err), 0);
    assert_int_equal(n, ROWS - 96);
    assert_int_equal(clipspan_run_read_coefficients(y[1], NULL, &n, whole, 3, 1, 1, &err), 0);
    assert_memory_equal(y[0], y[1],
                        n * ((size_t)clipspan_run_get_info(run)->head_width + 3) * sizeof(double));
    assert_int_equal(clipspan_run_read_coefficients(y[0], NULL, &n, run, 3, 0, 1, &err),
                     CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "layers 1 to 1; those of layer 0"));
    {
        float vectors[32 * 64];
        assert_int_equal(clipspan_run_read_vectors(vectors, NULL, &n, run, 3,
                                                   CLIPSPAN_VECTORS_EMBEDDING, 0, &err),
                         0);
        assert_int_equal(
            clipspan_run_read_vectors(vectors, NULL, &n, run, 3, CLIPSPAN_VECTORS_MLP, 2, &err),
            CLIPSPAN_E_NOT_FOUND);
        assert_non_null(strstr(err.message, "contributions of MLPs"));
    }
    for (int l = 0; l < 2; l++) {
        assert_int_equal(clipspan_run_read_head(NULL, mean[0], NULL, run, -1, l, 0, &err), 0);
        assert_int_equal(clipspan_run_read_head(NULL, mean[1], NULL, whole, -1, l, 0, &err), 0);
        assert_memory_equal(mean[0], mean[1],
                            ((size_t)clipspan_run_get_info(run)->head_width + 3) * sizeof(double));
    }
    clipspan_run_close(&run);
    clipspan_run_close(&whole);
    free(path);
}

/* The callback of images may ask the run whatever it likes. */
static int read_inside(void *user, const clipspan_run_image *p)
{
    clipspan_run *run = user;
    int seen = 0;
    (void)p;
    return clipspan_run_read_images(run, 0, 1, stop, &seen, NULL) != CLIPSPAN_OK;
}

static void no_lock_is_held_while_a_callback_works(void **state)
{
    clipspan_run *run = open_run(paths[0]);
    (void)state;
    assert_int_equal(clipspan_run_read_images(run, 0, 3, read_inside, run, NULL), CLIPSPAN_OK);
    clipspan_run_close(&run);
}

/* The weights are hashed by the first plan with a model. */
static int use_model(void *user, size_t done, size_t total)
{
    clipspan_encoder *encoder = NULL;
    const clipspan_status status = clipspan_encoder_new(&encoder, user, NULL, NULL);
    (void)done;
    (void)total;
    clipspan_encoder_free(&encoder);
    return status;
}

static void a_model_can_be_used_while_it_is_hashed(void **state)
{
    char *path = run_craft_path(&craft, "hashed");
    clipspan_progress progress = {use_model, NULL};
    clipspan_model *model;
    (void)state;
    assert_int_equal(clipspan_model_open(&model, craft.model_path, NULL, NULL), CLIPSPAN_OK);
    progress.user = model;
    assert_int_equal(clipspan_run_plan(NULL, path, model, craft.inputs, NULL, &progress, NULL),
                     CLIPSPAN_OK);
    clipspan_model_close(&model);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_those_of_model_and_list),
        cmocka_unit_test(statistics_are_those_of_the_stored_coefficients),
        cmocka_unit_test(components_add_up_to_the_embeddings_of_the_encoder),
        cmocka_unit_test(half_coefficients_are_within_their_stated_error),
        cmocka_unit_test(blocks_hold_every_image_once),
        cmocka_unit_test(images_keep_their_labels_groups_and_numbers),
        cmocka_unit_test(results_are_kept_by_kind_and_name),
        cmocka_unit_test(what_a_run_does_not_have_is_said),
        cmocka_unit_test(an_index_that_lies_is_refused),
        cmocka_unit_test(results_are_files_with_the_names_of_what_they_are),
        cmocka_unit_test(what_is_to_come_is_refused_by_name),
        cmocka_unit_test(coefficients_of_chosen_layers_are_kept),
        cmocka_unit_test(no_lock_is_held_while_a_callback_works),
        cmocka_unit_test(a_model_can_be_used_while_it_is_hashed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
