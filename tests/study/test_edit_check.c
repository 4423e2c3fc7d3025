/* SPDX-License-Identifier: MIT */
/* What the network says with heads mean-ablated, against the same thing computed here image by
 * image; images that cannot be read enter nothing; images are decoded as those of the run were;
 * orders of heads to prune. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "run_craft.h"
#include "study/prune.h"
#include "tiny.h"

#define ROWS    24
#define CLASSES 5
#define MOST    64 /* P at most */

static run_craft craft;
static char *path;
static clipspan_run *run;
static clipspan_bank *bank;
static size_t P, K;

static int set_up(void **state)
{
    static const char *const names[CLASSES] = {"a", "b", "c", "d", "e"}, *const keys[CLASSES] = {
                                                                             "l0", "l1", "l2", "l3",
                                                                             "l4"};
    float vectors[CLASSES * MOST];
    clipspan_texts *texts;
    uint32_t seed = 9;
    (void)state;
    run_craft_init(&craft, ROWS);
    path = run_craft_path(&craft, "run");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 1, 0, 0);
    run_craft_merge(path);
    if (clipspan_run_open(&run, path, NULL)) return -1;
    P = (size_t)clipspan_run_get_info(run)->embed_width;
    K = (size_t)clipspan_run_get_info(run)->head_width;
    for (size_t i = 0; i < CLASSES * P; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    clipspan_texts_new(&texts, names, keys, CLASSES, NULL);
    clipspan_bank_new_vectors(&bank, texts, vectors, P, NULL);
    clipspan_texts_free(&texts);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    clipspan_bank_free(&bank);
    clipspan_run_close(&run);
    free(path);
    run_craft_fini(&craft);
    return 0;
}

static const clipspan_head some[] = {{0, 1}, {1, 0}, {1, 2}};
static const clipspan_head_set sets[] = {{"all chosen", some, 3},
                                         {"of the last layer", some + 1, 2}};

static clipspan_edit_check *new_check(const clipspan_run *of, const clipspan_edit_check_options *o)
{
    clipspan_edit_check *check;
    clipspan_error err;
    if (clipspan_edit_check_new(&check, craft.model, of, sets, 2, o, NULL, &err))
        fail_msg("%s", err.message);
    return check;
}

static void run_check(clipspan_edit_check *check, const char *written)
{
    clipspan_error err;
    if (clipspan_edit_check_run(check, written, NULL, &err)) fail_msg("%s", err.message);
}

static double length(const float *a, const float *b)
{
    double sum = 0;
    for (size_t p = 0; p < P; p++)
        sum += pow((double)a[p] - (double)b[p], 2);
    return sqrt(sum);
}

/* |r - p| and |r - m| of one image and set, from the equations. */
static void by_hand(double *off, double *moved, const char *file, const clipspan_head_set *set,
                    const clipspan_run *of, int exif_orient)
{
    const size_t H = (size_t)clipspan_run_get_info(of)->heads, C = K + 3;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_image_options image = CLIPSPAN_IMAGE_OPTIONS_INIT;
    float components[16 * MOST], z[4 * MOST], u[MOST], real[MOST], output_map[(MOST + 3) * MOST],
        mean;
    double code[MOST + 3], norm = 0;
    clipspan_encoder *encoder;
    clipspan_decomposition *parts;
    image.exif_orient = exif_orient;
    o.image = &image;
    assert_int_equal(clipspan_encoder_new(&encoder, craft.model, &o, NULL), 0);
    assert_int_equal(clipspan_decomposition_new(&parts, encoder, NULL, NULL), 0);
    assert_int_equal(clipspan_decomposition_run_files(parts, NULL, &file, 1, NULL), 0);
    assert_int_equal(
        clipspan_decomposition_run_contributions(components, NULL, NULL, NULL, parts, 0, NULL), 0);
    memcpy(u, clipspan_decomposition_get_embeddings(parts), P * sizeof *u);
    for (size_t i = 0; i < set->count; i++) {
        const clipspan_head h = set->heads[i];
        clipspan_run_read_head(NULL, code, NULL, of, -1, h.layer, h.head, NULL);
        clipspan_run_read_output_map(output_map, of, h.layer, h.head, NULL);
        for (size_t p = 0; p < P; p++) {
            double sum = 0;
            for (size_t c = 0; c < C; c++)
                sum += code[c] * (double)output_map[c * P + p];
            mean = (float)sum;
            u[p] += mean - components[((size_t)h.layer * H + (size_t)h.head) * P + p];
        }
    }
    for (size_t p = 0; p < P; p++)
        norm += (double)u[p] * (double)u[p];
    for (size_t p = 0; p < P; p++)
        u[p] = (float)((double)u[p] / sqrt(norm));
    clipspan_run_read_mixed(z, of, set->heads, set->count, NULL, NULL);
    clipspan_encoder_set_heads(encoder, set->heads, z, set->count, NULL);
    assert_int_equal(clipspan_encoder_run_files(real, NULL, encoder, &file, 1, NULL), 0);
    *off = length(real, u);
    *moved = length(real, clipspan_decomposition_get_embeddings(parts));
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
}

/* All images of the run, one by one. */
static void check_by_hand(const clipspan_edit_check *check, const clipspan_run *of,
                          const char *const *images, size_t count, int exif_orient)
{
    const clipspan_edit_check_row *rows = clipspan_edit_check_get_rows(check);
    for (size_t k = 0; k < 2; k++) {
        double offs = 0, all_moved = 0, most = 0;
        for (size_t i = 0; i < count; i++) {
            double off, moved;
            by_hand(&off, &moved, images[i], &sets[k], of, exif_orient);
            offs += off / (double)count;
            all_moved += moved / (double)count;
            if (off > most) most = off;
        }
        assert_float_equal(rows[k].distance_mean, offs, 1e-6);
        assert_float_equal(rows[k].distance_largest, most, 1e-6);
        assert_float_equal(rows[k].moved_mean, all_moved, 1e-6);
        assert_true(rows[k].moved_mean > 1e-3);
        assert_true(rows[k].distance_median <= rows[k].distance_largest);
    }
}

typedef struct listed {
    char *paths[ROWS];
    size_t count;
} listed;

static int take(void *user, const clipspan_run_image *p)
{
    listed *l = user;
    if (strcmp(p->status, "ok") == 0)
        l->paths[l->count++] =
            *p->path == '/' ? cs_strdup(p->path, NULL)
                            : cs_path_join(clipspan_run_get_info(run)->folder, p->path, NULL);
    return 0;
}

static void distances_are_those_of_single_images(void **state)
{
    clipspan_edit_check *check = new_check(run, NULL);
    const clipspan_edit_check_info *info = clipspan_edit_check_get_info(check);
    const clipspan_edit_check_row *rows = clipspan_edit_check_get_rows(check);
    listed l = {{NULL}, 0};
    (void)state;
    clipspan_run_read_images(run, 0, ROWS, take, &l, NULL);
    run_check(check, NULL);
    assert_int_equal(info->sets, 2);
    assert_int_equal(info->asked, l.count);
    assert_int_equal(info->used, l.count);
    assert_int_equal(info->unreadable, 0);
    assert_true(info->off < 0);
    assert_null(info->before);
    assert_null(rows[0].predicted);
    assert_string_equal(rows[0].name, "all chosen");
    assert_false(rows[0].last_layer);
    assert_true(rows[1].last_layer);
    check_by_hand(check, run, (const char *const *)l.paths, l.count, 0);
    for (size_t i = 0; i < l.count; i++)
        cs_free(l.paths[i]);
    clipspan_edit_check_free(&check);
}

/* One of the images goes: whatever is counted is of the others. */
static void images_that_cannot_be_read_enter_nothing(void **state)
{
    clipspan_edit_check_options o = CLIPSPAN_EDIT_CHECK_OPTIONS_INIT;
    clipspan_inputs_options in = CLIPSPAN_INPUTS_OPTIONS_INIT;
    const char *list = craft.list;
    clipspan_edit_check *check;
    const clipspan_edit_check_info *info;
    const clipspan_edit_check_row *rows;
    clipspan_inputs *labelled, *bare;
    char *gone, *kept;
    uint64_t right;
    (void)state;
    in.labels = "label";
    assert_int_equal(clipspan_inputs_open(&labelled, &list, 1, &in, NULL), 0);
    in.labels = NULL;
    assert_int_equal(clipspan_inputs_open(&bare, &list, 1, &in, NULL), 0);
    o.bank = bank;
    o.inputs = labelled;
    check = new_check(run, &o);
    info = clipspan_edit_check_get_info(check);
    run_check(check, NULL);
    assert_int_equal(info->labelled, ROWS);
    assert_int_equal(info->before->images, ROWS);
    right = info->before->correct;
    gone = cs_strdup(clipspan_inputs_get_paths(labelled)[3], NULL);
    kept = run_craft_path(&craft, "kept");
    assert_int_equal(rename(gone, kept), 0);
    run_check(check, NULL); /* the same handle again: nothing is left of the first time */
    assert_int_equal(info->asked, ROWS);
    assert_int_equal(info->unreadable, 1);
    assert_int_equal(info->reason_count, 1);
    assert_non_null(strstr(info->reasons[0], "3.png"));
    assert_int_equal(info->labelled, ROWS - 1);
    assert_int_equal(info->before->images, ROWS - 1);
    assert_in_range(info->before->correct, right - 1, right);
    clipspan_edit_check_free(&check);
    o.inputs = bare; /* without labels: all answers of the unedited network stay */
    check = new_check(run, &o);
    info = clipspan_edit_check_get_info(check);
    rows = clipspan_edit_check_get_rows(check);
    run_check(check, NULL);
    assert_int_equal(info->labelled, 0);
    assert_int_equal(info->before->images, ROWS - 1);
    assert_true(info->before->share == 1.0);
    assert_int_equal(rows[0].network->images, ROWS - 1);
    assert_true(rows[0].network->low <= rows[0].network->share);
    clipspan_edit_check_free(&check);
    assert_int_equal(rename(kept, gone), 0);
    cs_free(gone);
    free(kept);
    clipspan_inputs_close(&labelled);
    clipspan_inputs_close(&bare);
}

/* A JPEG that is to be turned by a quarter: orientation 6 behind the first marker. */
static void write_turned(const char *name)
{
    static const unsigned char exif[] = {
        0xFF, 0xE1, 0,    34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
        0,    1,    0x01, 0x12, 0,   3,   0,   0,   0, 1, 0,   6,   0, 0,  0, 0, 0, 0};
    unsigned char *data;
    size_t size;
    FILE *out = fopen(name, "wb");
    assert_non_null(out);
    assert_int_equal(cs_file_read_all(&data, &size, TEST_DATA "/420.jpg", 1u << 20, NULL), 0);
    fwrite(data, 1, 2, out);
    fwrite(exif, 1, sizeof exif, out);
    fwrite(data + 2, 1, size - 2, out);
    assert_int_equal(fclose(out), 0);
    cs_free(data);
}

static void images_are_decoded_as_the_run_decoded_them(void **state)
{
    clipspan_plan_options plan = CLIPSPAN_PLAN_OPTIONS_INIT;
    char *turned = cs_tiny_path(craft.folder, "turned.jpg"),
         *turned_run = run_craft_path(&craft, "turned"), *out = run_craft_path(&craft, "out");
    const char *list[] = {turned, TEST_DATA "/tall.png"};
    double plain, moved, oriented;
    clipspan_image_options image = CLIPSPAN_IMAGE_OPTIONS_INIT;
    clipspan_edit_check *check;
    const clipspan_edit_check_info *info;
    clipspan_inputs *inputs;
    clipspan_error err;
    clipspan_run *of;
    (void)state;
    write_turned(turned);
    image.exif_orient = 1;
    plan.image = &image;
    assert_int_equal(clipspan_inputs_open(&inputs, list, 2, NULL, NULL), 0);
    assert_int_equal(clipspan_run_plan(NULL, turned_run, craft.model, inputs, &plan, NULL, NULL),
                     0);
    assert_int_equal(clipspan_run_scan(NULL, turned_run, craft.model, NULL, NULL, NULL), 0);
    run_craft_merge(turned_run);
    assert_int_equal(clipspan_run_open(&of, turned_run, NULL), 0);
    by_hand(&oriented, &moved, turned, &sets[0], of, 1);
    by_hand(&plain, &moved, turned, &sets[0], of, 0);
    assert_true(fabs(plain - oriented) > 1e-4);
    check = new_check(of, NULL);
    info = clipspan_edit_check_get_info(check);
    assert_int_equal(info->exif_orient, 1);
    if (clipspan_edit_check_write(check, out, NULL, NULL, &err)) fail_msg("%s", err.message);
    run_check(check, out); /* the written network reads them so too */
    assert_int_equal(info->compared, 2);
    assert_true(info->off >= 0 && info->off <= 1e-5);
    assert_true(info->bytes_after > 0 && info->parameters_after == info->parameters_before);
    check_by_hand(check, of, list, 2, 1);
    clipspan_edit_check_free(&check);
    clipspan_run_close(&of);
    clipspan_inputs_close(&inputs);
    free(turned);
    free(turned_run);
    free(out);
}

static void what_a_check_refuses(void **state)
{
    const clipspan_head wrong[] = {{0, 0}, {9, 0}}, twice[] = {{0, 0}, {0, 0}};
    const clipspan_head_set bad = {"x", wrong, 2}, same = {"x", twice, 2}, none = {"x", wrong, 0};
    clipspan_edit_check_options o = CLIPSPAN_EDIT_CHECK_OPTIONS_INIT;
    clipspan_edit_check *check;
    clipspan_error err;
    (void)state;
    assert_int_equal(clipspan_edit_check_new(&check, craft.model, run, &bad, 1, NULL, NULL, &err),
                     -2);
    assert_non_null(strstr(err.message, "L9.H0"));
    assert_int_equal(clipspan_edit_check_new(&check, craft.model, run, &same, 1, NULL, NULL, &err),
                     -2);
    assert_non_null(strstr(err.message, "twice"));
    assert_int_equal(clipspan_edit_check_new(&check, craft.model, run, &none, 1, NULL, NULL, &err),
                     -2);
    assert_null(check);
    o.threads = -1;
    assert_int_equal(clipspan_edit_check_new(&check, craft.model, run, sets, 2, &o, NULL, &err),
                     -2);
    o.threads = 0;
    o.struct_size = 8; /* an older program: only the size */
    check = new_check(run, &o);
    clipspan_edit_check_free(&check);
    clipspan_edit_check_free(NULL);
}

/* ---- Pruning ---- */

static void fractions_become_heads(void **state)
{
    size_t n;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_prune_count(&n, 0.25, 0, 144, 0, 0, NULL), 0);
    assert_int_equal(n, 36);
    assert_int_equal(cs_prune_count(&n, 0.15, 0, 30, 0, 0, NULL), 0);
    assert_int_equal(n, 5); /* 4.5 rounds up */
    assert_int_equal(cs_prune_count(&n, 0.07, 0, 6, 0, 0, &err), -2);
    assert_non_null(strstr(err.message, "less than one head"));
    assert_int_equal(cs_prune_count(&n, 0.1, 1, 10, 1000, 50, NULL), 0);
    assert_int_equal(n, 2); /* 100 of 1,000 numbers */
    assert_int_equal(cs_prune_count(&n, 0.9, 1, 10, 1000, 50, &err), -2);
    assert_non_null(strstr(err.message, "0.5"));
    assert_int_equal(cs_prune_count(&n, (double)NAN, 0, 10, 0, 0, NULL), -2);
}

static clipspan_prune *new_prune(const clipspan_prune_options *o)
{
    clipspan_prune *prune;
    clipspan_error err;
    if (clipspan_prune_new(&prune, craft.model, run, o, &err)) fail_msg("%s", err.message);
    return prune;
}

static void by_direct_effect_the_smallest_go_first(void **state)
{
    clipspan_prune_options o = CLIPSPAN_PRUNE_OPTIONS_INIT;
    clipspan_variance_share variance_shares[16];
    clipspan_prune *prune;
    const clipspan_prune_info *info;
    const clipspan_prune_row *rows;
    const clipspan_head_set *made;
    (void)state;
    o.order = CLIPSPAN_PRUNE_DIRECT;
    o.fraction = 0.34;
    prune = new_prune(&o);
    info = clipspan_prune_get_info(prune);
    rows = clipspan_prune_get_rows(prune);
    made = clipspan_prune_get_sets(prune);
    assert_int_equal(info->heads, 6);
    assert_int_equal(info->chosen, 2);
    assert_int_equal(info->sets, 11);
    assert_int_equal(info->rounds, 0);
    assert_string_equal(made[0].name, "34 % of the heads");
    assert_int_equal(made[0].heads[0].head, rows[0].head.head);
    clipspan_run_read_variance_shares(variance_shares, NULL, NULL, NULL, run, NULL);
    for (size_t i = 0; i < 6; i++) {
        assert_true(rows[i].effect ==
                    variance_shares[rows[i].head.layer * 3 + rows[i].head.head].variance);
        assert_true(i == 0 || rows[i].effect >= rows[i - 1].effect);
    }
    /* 75 % are 5 of 6; a layer keeps one, so 4 go */
    assert_int_equal(made[10].count, 4);
    clipspan_prune_free(&prune);
    o.keep_layout = 1;
    prune = new_prune(&o);
    assert_int_equal(clipspan_prune_get_sets(prune)[10].count, 5);
    clipspan_prune_free(&prune);
}

static void forecasts_are_those_of_two_halves(const clipspan_prune *prune, size_t count)
{
    const clipspan_prune_forecast *f = clipspan_prune_get_forecasts(prune);
    assert_non_null(f);
    for (size_t k = 0; k < count; k++) {
        assert_int_equal(f[k].predicted->images, 9);
        assert_int_equal(f[k].network->images, 9);
        assert_int_equal(f[k].direct->images, 18);
        assert_true(f[k].least == (double)cs_prune_bound(f[k].predicted->correct, 9, 9) / 9.0);
        assert_int_equal(f[k].kept, f[k].network->share >= f[k].least);
    }
}

/* Rounds by path effects: each head's is what clipspan_paths says of it on the images ranked on. */
static void by_path_heads_go_in_rounds(void **state)
{
    clipspan_edit_check_options images = CLIPSPAN_EDIT_CHECK_OPTIONS_INIT;
    clipspan_prune_options o = CLIPSPAN_PRUNE_OPTIONS_INIT;
    const clipspan_prune_info *info;
    const clipspan_prune_row *rows;
    clipspan_prune *prune;
    clipspan_error err;
    (void)state;
    images.images = 24;
    o.check = &images;
    o.order = CLIPSPAN_PRUNE_PATH;
    o.fraction = 0.5;
    o.keep_layout = 1;
    for (int with_classes = 0; with_classes < 2; with_classes++) {
        images.bank = with_classes ? bank : NULL;
        prune = new_prune(&o);
        if (clipspan_prune_run(prune, NULL, &err)) fail_msg("%s", err.message);
        info = clipspan_prune_get_info(prune);
        rows = clipspan_prune_get_rows(prune);
        assert_int_equal(info->rounds, 3);
        assert_int_equal(info->ranked, 6);
        assert_int_equal(clipspan_prune_get_rounds(prune)[2].tried, 4);
        for (size_t i = 3; i < 6; i++) {
            assert_int_equal(rows[i].round, 2);
            assert_true(rows[i].effect > 0.0 && rows[i].effect >= rows[i - 1].effect);
        }
        assert_int_equal(clipspan_prune_get_sets(prune)[0].count, 3);
        clipspan_prune_free(&prune);
    }
}

static void by_network_heads_go_in_rounds(void **state)
{
    clipspan_edit_check_options images = CLIPSPAN_EDIT_CHECK_OPTIONS_INIT;
    clipspan_prune_options o = CLIPSPAN_PRUNE_OPTIONS_INIT;
    const clipspan_prune_info *info;
    const clipspan_prune_row *rows;
    const clipspan_prune_round *rounds;
    const clipspan_edit_check_info *done;
    clipspan_prune *prune;
    clipspan_error err;
    char *out = run_craft_path(&craft, "pruned");
    (void)state;
    images.images = 24;
    images.bank = bank;
    o.check = &images;
    o.fraction = 0.5;
    o.keep_layout = 1;
    prune = new_prune(&o);
    assert_null(clipspan_prune_get_rows(prune));
    assert_null(clipspan_prune_get_check(prune));
    assert_int_equal(clipspan_prune_run_forecasts(prune, &err), -2);
    if (clipspan_prune_run(prune, NULL, &err)) fail_msg("%s", err.message);
    info = clipspan_prune_get_info(prune);
    rows = clipspan_prune_get_rows(prune);
    rounds = clipspan_prune_get_rounds(prune);
    assert_int_equal(info->rounds, 3); /* one of six heads a round, until three are gone */
    assert_int_equal(info->ranked, 6); /* a quarter of the images */
    for (size_t r = 0; r < 3; r++) {
        assert_int_equal(rounds[r].gone, r);
        assert_int_equal(rounds[r].tried, 6 - r);
        assert_int_equal(rounds[r].went, 1);
        assert_int_equal(rows[r].round, r);
        assert_true(rounds[r].least == rows[r].effect);
        assert_true(rounds[r].most >= rounds[r].least);
    }
    assert_int_equal(info->chosen, 3);
    assert_int_equal(
        clipspan_edit_check_write(clipspan_prune_get_check(prune), out, NULL, NULL, NULL), 0);
    run_check(clipspan_prune_get_check(prune), out);
    done = clipspan_edit_check_get_info(clipspan_prune_get_check(prune));
    assert_int_equal(done->sets, info->sets);
    assert_true(done->off >= 0);
    assert_int_equal(done->used, 18); /* images that ranking did not see */
    assert_null(clipspan_prune_get_forecasts(prune));
    assert_int_equal(clipspan_prune_run_forecasts(prune, &err), 0);
    forecasts_are_those_of_two_halves(prune, done->sets);
    clipspan_prune_free(&prune);
    free(out);
}

/* The bound by the sums of its definition: over all x below it, X <= x is too rare. */
static void bounds_are_hypergeometric(void **state)
{
    static const struct {
        uint64_t kept, seen, further, bound;
    } cases[] = {
        /* worked out with exact fractions */
        {100, 100, 100, 95}, {75, 75, 75, 70}, {9, 9, 9, 5}, {1, 1, 1, 0},
        {0, 10, 10, 0},      {64, 96, 96, 50}, {5, 9, 9, 1}, {127, 128, 64, 60},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(cs_prune_bound(cases[i].kept, cases[i].seen, cases[i].further),
                         cases[i].bound);
}

/* Of two halves of one binomial the second lies below the bound in at most 2.5 % of cases. */
static void bounds_hold(void **state)
{
    static const double shares[] = {0.05, 0.5, 0.9, 0.98};
    cs_random random = {7};
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        const uint64_t most = (uint64_t)(shares[s] * 10000);
        int missed = 0;
        for (int t = 0; t < 4000; t++) {
            uint64_t kept[2] = {0, 0};
            for (int i = 0; i < 120; i++)
                kept[i % 2] += cs_random_below(&random, 10000) < most;
            missed += kept[1] < cs_prune_bound(kept[0], 60, 60);
        }
        assert_true(missed <= 130); /* 100 and three standard errors */
    }
}

static void what_pruning_refuses(void **state)
{
    clipspan_prune_options o = CLIPSPAN_PRUNE_OPTIONS_INIT;
    clipspan_prune *prune;
    clipspan_error err;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        static const double bad[] = {0, -0.5, 1.5, (double)NAN};
        o.fraction = bad[i];
        assert_int_equal(clipspan_prune_new(&prune, craft.model, run, &o, &err), -2);
        assert_non_null(strstr(err.message, "0.25 is a quarter"));
    }
    o.order = CLIPSPAN_PRUNE_CHOSEN;
    assert_int_equal(clipspan_prune_new(&prune, craft.model, run, &o, &err), -2);
    o.heads = some;
    o.count = 3;
    prune = new_prune(&o);
    assert_int_equal(clipspan_prune_get_info(prune)->chosen, 3);
    assert_int_equal(clipspan_prune_get_info(prune)->sets, 1);
    clipspan_prune_free(&prune);
}

/* ---- JSON ---- */

static void put(void *to, const char *text, size_t size)
{
    strncat(to, text, size);
}

static void documents_have_their_members(void **state)
{
    static char text[1 << 14];
    clipspan_edit_check *check = new_check(run, NULL);
    (void)state;
    assert_int_equal(clipspan_edit_check_write_json(check, "out", 1, put, text, NULL), 0);
    assert_non_null(strstr(text, "schema\tclipspan.edit.v1\ndry_run\ttrue\n"));
    *text = '\0';
    run_check(check, NULL);
    assert_int_equal(clipspan_edit_check_write_json(check, "out", 1, put, text, NULL), 0);
    assert_non_null(strstr(text, "dry_run\tfalse\n"));
    assert_non_null(strstr(text, "images\t24\nskipped\t0\nlabelled\t0\n"));
    assert_non_null(strstr(text, "sets.0.set\tall chosen\nsets.0.heads.0\tL0.H1\n"));
    assert_non_null(strstr(text, "sets.1.last_layer\ttrue\n"));
    assert_null(strstr(text, "before"));
    clipspan_edit_check_free(&check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_those_of_single_images),
        cmocka_unit_test(images_that_cannot_be_read_enter_nothing),
        cmocka_unit_test(images_are_decoded_as_the_run_decoded_them),
        cmocka_unit_test(what_a_check_refuses),
        cmocka_unit_test(fractions_become_heads),
        cmocka_unit_test(by_direct_effect_the_smallest_go_first),
        cmocka_unit_test(by_path_heads_go_in_rounds),
        cmocka_unit_test(by_network_heads_go_in_rounds),
        cmocka_unit_test(bounds_are_hypergeometric),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(what_pruning_refuses),
        cmocka_unit_test(documents_have_their_members),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
