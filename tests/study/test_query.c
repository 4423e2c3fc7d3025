/* SPDX-License-Identifier: MIT */
/* Queries against the scores of single searches added up by hand; images of the run and their files
 * are the same question; ties and duplicates; images that the run turned; the contact sheet and the
 * document, without the program. */
#include "craft.h"
#include "run_craft.h"
#include "tiny.h"

#include "base/file.h"
#include "base/memory.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 40 /* of 24 files: 16 are named twice */

static const clipspan_head few[3] = {{1, 0}, {0, 1}, {1, 1}};
static run_craft craft_of_run;
static clipspan_run *run;
static char *run_path;
static clipspan_error err;

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != CLIPSPAN_OK) fail_msg("%s", err.message);                                    \
    } while (0)

static int set_up(void **state)
{
    (void)state;
    run_craft_init(&craft_of_run, ROWS);
    run_path = run_craft_path(&craft_of_run, "run");
    run_craft_plan(&craft_of_run, run_path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft_of_run, run_path, 1, 0, 0);
    run_craft_merge(run_path);
    return clipspan_run_open(&run, run_path, NULL);
}

static int clean_up(void **state)
{
    (void)state;
    clipspan_run_close(&run);
    free(run_path);
    run_craft_fini(&craft_of_run);
    return 0;
}

static clipspan_query *new_query(clipspan_model *model)
{
    clipspan_query_options o = CLIPSPAN_QUERY_OPTIONS_INIT;
    clipspan_query *q = NULL;
    o.model = model;
    o.threads = 1;
    OK(clipspan_query_new(&q, run, &o, &err));
    return q;
}

static clipspan_hits *new_hits(clipspan_query *q, size_t top, int parts)
{
    clipspan_hits_options o = CLIPSPAN_HITS_OPTIONS_INIT;
    clipspan_hits *hits = NULL;
    o.top = top;
    o.contributions = parts;
    OK(clipspan_hits_new(&hits, q, &o, NULL, &err));
    return hits;
}

static void whole_embeddings_and_ties(void **state)
{
    clipspan_query *q = new_query(NULL);
    const clipspan_hits_info *info;
    clipspan_hits *hits;
    (void)state;
    OK(clipspan_query_add_stored(q, 3, 1.0, &err));
    hits = new_hits(q, ROWS, 0);
    info = clipspan_hits_get_info(hits);
    assert_int_equal(info->hits, ROWS);
    assert_int_equal(info->images, ROWS);
    assert_int_equal(info->groups, 1);
    assert_int_equal(info->contributions, 0);
    assert_string_equal(clipspan_hits_get_group(hits, 0)->name, "embedding");
    assert_string_equal(info->query, "like #3; by embedding");
    /* image 3 and its duplicate 27 are nearest, the one that is earlier in the run first */
    for (size_t i = 0; i < 2; i++) {
        const clipspan_hits_row *row = clipspan_hits_get_row(hits, i);
        assert_true(row->index == 3 || row->index == 27);
        assert_true(row->score > 1.0 - 1e-5);
        assert_int_equal(row->contribution_count, 0);
        assert_non_null(strstr(row->path, "/pics/03.png"));
    }
    for (size_t i = 1; i < ROWS; i++) {
        const clipspan_hits_row *a = clipspan_hits_get_row(hits, i - 1),
                                *b = clipspan_hits_get_row(hits, i);
        assert_true(a->score > b->score || (a->score == b->score && a->run_index < b->run_index));
    }
    assert_null(clipspan_hits_get_row(hits, ROWS));
    assert_null(clipspan_hits_get_item(hits, 1));
    clipspan_hits_free(&hits);
    clipspan_query_free(&q);
}

static void duplicates_and_what_is_looked_for_can_be_left_out(void **state)
{
    clipspan_hits_options o = CLIPSPAN_HITS_OPTIONS_INIT;
    clipspan_query *q = new_query(NULL);
    clipspan_hits *hits = NULL;
    (void)state;
    OK(clipspan_query_add_image(q, "03.png", NULL, 1.0, &err));
    o.top = ROWS;
    o.no_duplicates = 1;
    o.others_only = 1;
    OK(clipspan_hits_new(&hits, q, &o, NULL, &err));
    assert_int_equal(clipspan_hits_get_info(hits)->hits, 23);
    for (size_t i = 0; i < 23; i++) {
        assert_int_equal(clipspan_hits_get_row(hits, i)->duplicate_of, -1);
        assert_int_not_equal(clipspan_hits_get_row(hits, i)->index, 3);
    }
    clipspan_hits_free(&hits);
    clipspan_query_free(&q);
}

/* What heads wrote for the image at an index, from the run's readers: [heads, P]. */
static float *contributions(uint64_t index, const clipspan_head *heads, size_t count)
{
    const clipspan_run_info *info = clipspan_run_get_info(run);
    const size_t P = (size_t)info->embed_width, C = (size_t)info->head_width + 3;
    clipspan_query *q = new_query(NULL);
    clipspan_hits *hits;
    uint64_t run_indices[32], place;
    double *y = malloc(32 * C * sizeof *y);
    float *rows = malloc(C * P * sizeof *rows), *out = calloc(count * P, sizeof *out);
    OK(clipspan_query_add_stored(q, index, 1.0, &err));
    hits = new_hits(q, 1, 0);
    place = clipspan_hits_get_item(hits, 0)->run_index;
    assert_int_equal(clipspan_hits_get_item(hits, 0)->index, index);
    for (size_t h = 0; h < count; h++) {
        size_t got, at = 0;
        OK(clipspan_run_read_coefficients(y, run_indices, &got, run, place / 32, heads[h].layer,
                                          heads[h].head, &err));
        OK(clipspan_run_read_output_map(rows, run, heads[h].layer, heads[h].head, &err));
        while (run_indices[at] != place)
            at++;
        for (size_t p = 0; p < P; p++) {
            double sum = 0.0;
            for (size_t c = 0; c < C; c++)
                sum += y[at * C + c] * (double)rows[c * P + p];
            out[h * P + p] = (float)sum;
        }
    }
    free(y);
    free(rows);
    clipspan_hits_free(&hits);
    clipspan_query_free(&q);
    return out;
}

/* Two groups, an image liked, one taken off, a vector: the sum of six searches. */
static void scores_are_weighted_sums(void **state)
{
    const size_t P = (size_t)clipspan_run_get_info(run)->embed_width;
    const struct {
        const clipspan_head *heads;
        size_t count;
        double weight;
    } groups[2] = {{few, 2, 2.0}, {few + 2, 1, -0.5}};
    static const clipspan_head more = {0, 0};
    double right[ROWS] = {0}, one[ROWS];
    float *vector = calloc(P, sizeof *vector);
    clipspan_query *q = new_query(NULL);
    clipspan_hits *hits;
    (void)state;
    vector[1] = 1.0F;
    OK(clipspan_query_add_heads(q, "first", few, 2, 2.0, &err));
    OK(clipspan_query_add_heads(q, "second", few + 2, 1, -0.5, &err));
    OK(clipspan_query_add_stored(q, 3, 1.0, &err));
    OK(clipspan_query_add_stored(q, 5, -1.0, &err));
    OK(clipspan_query_add_vector(q, "axis", vector, 0.25, &err));
    hits = new_hits(q, ROWS, -1);
    for (size_t g = 0; g < 2; g++) {
        clipspan_search_options o = CLIPSPAN_SEARCH_OPTIONS_INIT;
        clipspan_search *search;
        float *a = contributions(3, groups[g].heads, groups[g].count),
              *b = contributions(5, groups[g].heads, groups[g].count),
              *c = calloc(groups[g].count * P, sizeof *c);
        for (size_t h = 0; h < groups[g].count; h++)
            c[h * P + 1] = 1.0F;
        o.heads = groups[g].heads;
        o.head_count = groups[g].count;
        OK(clipspan_search_new(&search, run, &o, NULL, &err));
        for (int k = 0; k < 3; k++) {
            OK(clipspan_search_run(one, search, k == 0 ? a : k == 1 ? b : c, k == 2, &err));
            for (size_t n = 0; n < ROWS; n++)
                right[n] += groups[g].weight * (k == 0 ? 1.0 : k == 1 ? -1.0 : 0.25) * one[n];
        }
        free(a);
        free(b);
        free(c);
        clipspan_search_free(&search);
    }
    for (size_t i = 0; i < ROWS; i++) {
        const clipspan_hits_row *row = clipspan_hits_get_row(hits, i);
        double sum = 0.0;
        assert_true(fabs(row->score - right[row->run_index]) <= 1e-12);
        assert_int_equal(row->contribution_count, 3);
        for (size_t k = 0; k < 3; k++) {
            sum += row->contributions[k].contribution;
            assert_true(k == 0 || row->contributions[k - 1].contribution >=
                                      row->contributions[k].contribution);
            assert_int_equal(row->contributions[k].group, row->contributions[k].head.layer == 1 &&
                                                              row->contributions[k].head.head == 1);
        }
        assert_true(fabs(sum - row->score) <= 1e-12);
    }
    assert_string_equal(clipspan_hits_get_info(hits)->query,
                        "like #3, not like #5, text axis; by first times 2, second times -0.5");
    clipspan_hits_free(&hits);
    /* another question to the same heads: nothing is read twice, nothing is left over */
    clipspan_query_clear(q);
    OK(clipspan_query_add_stored(q, 7, 1.0, &err));
    hits = new_hits(q, 1, 1);
    assert_int_equal(clipspan_hits_get_info(hits)->items, 1);
    clipspan_hits_free(&hits);
    /* and more heads for an image that was read already */
    OK(clipspan_query_add_heads(q, "third", &more, 1, 1.0, &err));
    hits = new_hits(q, ROWS, -1);
    for (size_t i = 0; i < ROWS; i++) {
        const clipspan_hits_row *row = clipspan_hits_get_row(hits, i);
        if (row->index != 7) continue;
        assert_int_equal(row->contribution_count, 4);
        for (size_t k = 0; k < 4; k++) /* by one head alone an image is all like itself */
            if (row->contributions[k].group == 2)
                assert_true(fabs(row->contributions[k].contribution - 1.0) < 1e-5);
    }
    clipspan_hits_free(&hits);
    clipspan_query_free(&q);
    free(vector);
}

static void a_file_asks_what_its_stored_image_asks(void **state)
{
    char *file = cs_tiny_path(craft_of_run.folder, "pics/05.png");
    clipspan_query *stored = new_query(NULL), *opened = new_query(craft_of_run.model);
    clipspan_hits *a, *b;
    (void)state;
    OK(clipspan_query_add_heads(stored, "heads", few, 3, 1.0, &err));
    OK(clipspan_query_add_heads(opened, "heads", few, 3, 1.0, &err));
    OK(clipspan_query_add_image(stored, "pics/05.png", NULL, 1.0, &err));
    OK(clipspan_query_add_image(opened, file, NULL, 1.0, &err));
    a = new_hits(stored, ROWS, 0);
    b = new_hits(opened, ROWS, 0);
    assert_int_equal(clipspan_hits_get_item(a, 0)->kind, CLIPSPAN_QUERY_STORED);
    assert_int_equal(clipspan_hits_get_item(b, 0)->kind, CLIPSPAN_QUERY_FILE);
    for (size_t i = 0; i < ROWS; i++)
        assert_true(fabs(clipspan_hits_get_row(a, i)->score - clipspan_hits_get_row(b, i)->score) <=
                    1e-5);
    clipspan_hits_free(&a);
    clipspan_hits_free(&b);
    clipspan_query_free(&stored);
    clipspan_query_free(&opened);
    free(file);
}

static void what_cannot_be_is_refused(void **state)
{
    static const clipspan_head wrong = {9, 0};
    static const double nothing[4] = {0, 0, 0, 5}, far_off[4] = {900, 900, 5, 5};
    char *file = cs_tiny_path(craft_of_run.folder, "pics/05.png");
    clipspan_query *q = new_query(NULL), *with = new_query(craft_of_run.model);
    clipspan_hits *hits = NULL;
    (void)state;
    assert_int_equal(clipspan_hits_new(&hits, q, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_query_add_heads(q, "x", &wrong, 1, 1.0, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "L9.H0"));
    assert_int_equal(clipspan_query_add_heads(q, "x", few, 3, (double)NAN, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_query_add_stored(q, ROWS, 1.0, &err), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_query_add_image(q, "none.png", NULL, 1.0, &err),
                     CLIPSPAN_E_NOT_FOUND);
    assert_int_equal(clipspan_query_add_image(q, "#1", far_off, 1.0, &err), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_query_add_image(q, file, nothing, 1.0, &err), CLIPSPAN_E_ARGUMENT);
    /* none of them was left in the query */
    assert_int_equal(clipspan_hits_new(&hits, q, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    OK(clipspan_query_add_image(q, file, NULL, 1.0, &err)); /* without a model */
    assert_int_equal(clipspan_hits_new(&hits, q, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "model"));
    OK(clipspan_query_add_image(with, file, far_off, 1.0, &err));
    assert_int_equal(clipspan_hits_new(&hits, with, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "no patch"));
    clipspan_query_clear(with);
    OK(clipspan_query_add_text(with, "a cat", 1.0, &err)); /* the model has no text encoder */
    assert_int_equal(clipspan_hits_new(&hits, with, NULL, NULL, &err), CLIPSPAN_E_UNSUPPORTED);
    assert_null(hits);
    clipspan_query_free(&q);
    clipspan_query_free(&with);
    free(file);
}

/* ---- Without the program: sheet and document ---- */

typedef struct text {
    char bytes[65536];
    size_t size;
} text;

static void take(void *to, const char *bytes, size_t size)
{
    text *t = to;
    assert_true(t->size + size < sizeof t->bytes);
    memcpy(t->bytes + t->size, bytes, size);
    t->bytes[t->size += size] = '\0';
}

static size_t count_of(const char *in, const char *what)
{
    size_t count = 0;
    for (; (in = strstr(in, what)) != NULL; in++)
        count++;
    return count;
}

static void sheet_and_document(void **state)
{
    char *path = cs_tiny_path(craft_of_run.folder, "hits.html");
    clipspan_query *q = new_query(NULL);
    text *document = calloc(1, sizeof *document);
    unsigned char *page;
    clipspan_hits *hits;
    size_t size;
    (void)state;
    OK(clipspan_query_add_heads(q, "colour", few, 3, 1.0, &err));
    OK(clipspan_query_add_stored(q, 0, 1.0, &err));
    hits = new_hits(q, 4, 0);
    OK(clipspan_hits_write_json(hits, 0, take, document, &err));
    assert_non_null(strstr(document->bytes, "\"schema\": \"clipspan.search.v1\""));
    assert_non_null(strstr(document->bytes, "\"images\": 40"));
    assert_non_null(strstr(document->bytes, "{\"name\": \"colour\", \"weight\": 1, \"heads\": 3}"));
    assert_int_equal(count_of(document->bytes, "\"why\": \"L"), 4);
    assert_int_equal(clipspan_hits_get_row(hits, 0)->why[0], 'L');
    OK(clipspan_hits_write(path, hits, 0, &err));
    assert_int_equal(clipspan_hits_write(path, hits, 0, &err), CLIPSPAN_E_EXISTS);
    OK(cs_file_read_all(&page, &size, path, 1 << 22, &err));
    assert_int_equal(count_of((const char *)page, "<li>"), 4);
    assert_int_equal(count_of((const char *)page, "data:image/jpeg"), 4);
    cs_free(page);
    free(document);
    clipspan_hits_free(&hits);
    clipspan_query_free(&q);
    free(path);
}

/* ---- Images that are stored on their side ---- */

#define WIDE 40
#define HIGH 20

static char *write_turned(const char *folder, const char *name, uint32_t seed)
{
    static unsigned char samples[HIGH * WIDE * 3];
    unsigned char exif[6 + 26] = "Exif";
    char *path = cs_tiny_path(folder, name);
    craft file = {0};
    for (size_t i = 0; i < sizeof samples; i++) {
        seed = seed * 1664525U + 1013904223U;
        samples[i] = (unsigned char)((i % (WIDE * 3) / 3 * 6) / 2 + (seed >> 25));
    }
    craft_jpeg(&file, samples, WIDE, HIGH, 3, NULL);
    craft_exif(exif + 6, 6, 0);
    craft_jpeg_segment(&file, 0xE1, exif, sizeof exif);
    cs_tiny_write(folder, name, file.data, file.size);
    craft_free(&file);
    return path;
}

/* Height and width of the first JPEG of a page, from its frame header. */
static void measure_jpeg(int size[2], const char *page)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strstr(page, "base64,");
    unsigned char bytes[2048];
    uint32_t bits = 0;
    size_t used = 0, i;
    assert_non_null(at);
    for (at += 7, i = 0; used < sizeof bytes && *at != '"' && *at != '='; at++, i++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *at) - digits);
        if (i % 4) bytes[used++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    for (i = 0;
         i + 9 < used && (bytes[i] != 0xFF || (bytes[i + 1] & 0xFC) != 0xC0 || bytes[i + 2] != 0);
         i++)
        ;
    assert_true(i + 9 < used);
    size[0] = bytes[i + 5] << 8 | bytes[i + 6];
    size[1] = bytes[i + 7] << 8 | bytes[i + 8];
}

/* The run turned its images; queries by their files, regions of them and the contact sheet do. */
static void turned_images_are_turned_everywhere(void **state)
{
    static const double lower[4] = {0, 30, 20, 10}; /* of the 20 x 40 pixels of the turned one */
    clipspan_plan_options plan = CLIPSPAN_PLAN_OPTIONS_INIT;
    char *folder = craft_of_run.folder, *path = run_craft_path(&craft_of_run, "turned");
    char *files[3], *page_path = cs_tiny_path(folder, "turned.html");
    clipspan_image_options image = CLIPSPAN_IMAGE_OPTIONS_INIT;
    clipspan_run *plain = run;
    clipspan_inputs *inputs;
    clipspan_query *q;
    clipspan_hits *hits;
    unsigned char *page;
    int shown[2];
    size_t size;
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "turned%u.jpg", (unsigned)i);
        files[i] = write_turned(folder, name, i + 1);
    }
    OK(clipspan_inputs_open(&inputs, (const char *const *)files, 3, NULL, &err));
    image.exif_orient = 1;
    plan.image = &image;
    OK(clipspan_run_plan(NULL, path, craft_of_run.model, inputs, &plan, NULL, &err));
    run_craft_scan(&craft_of_run, path, 1, 0, 0);
    run_craft_merge(path);
    OK(clipspan_run_open(&run, path, &err));
    assert_int_equal(clipspan_run_get_info(run)->exif_orient, 1);
    assert_int_equal(clipspan_run_get_info(plain)->exif_orient, 0);
    q = new_query(craft_of_run.model);
    OK(clipspan_query_add_image(q, files[1], NULL, 1.0, &err));
    hits = new_hits(q, 3, 0);
    assert_int_equal(clipspan_hits_get_row(hits, 0)->index, 1);
    assert_true(clipspan_hits_get_row(hits, 0)->score > 1.0 - 1e-5);
    OK(clipspan_hits_write(page_path, hits, 0, &err));
    OK(cs_file_read_all(&page, &size, page_path, 1 << 22, &err));
    measure_jpeg(shown, (const char *)page);
    assert_int_equal(shown[0], WIDE);
    assert_int_equal(shown[1], HIGH);
    cs_free(page);
    clipspan_hits_free(&hits);
    clipspan_query_free(&q);
    q = new_query(craft_of_run.model);
    OK(clipspan_query_add_image(q, files[1], lower, 1.0, &err));
    /* the model sees the middle 20 x 20 of it: rows 10 to 30, so that no patch lies below */
    assert_int_equal(clipspan_hits_new(&hits, q, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "pixels 0 to 20 across and 10 to 30 down"));
    clipspan_query_free(&q);
    clipspan_run_close(&run);
    run = plain;
    clipspan_inputs_close(&inputs);
    for (size_t i = 0; i < 3; i++)
        free(files[i]);
    free(page_path);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_embeddings_and_ties),
        cmocka_unit_test(duplicates_and_what_is_looked_for_can_be_left_out),
        cmocka_unit_test(scores_are_weighted_sums),
        cmocka_unit_test(a_file_asks_what_its_stored_image_asks),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(sheet_and_document),
        cmocka_unit_test(turned_images_are_turned_everywhere),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
