/* SPDX-License-Identifier: MIT */
/* An evaluation of a small run: its own labels, those of a list, those of an array, none; means of
 * another run; what is refused. */
#include "run_craft.h"
#include "tiny.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 50, CLASSES = 5 };

static run_craft craft, other_craft;
static char *path, *other_path;
static clipspan_run *run, *other;
static clipspan_bank *bank;

static void must(clipspan_status status, const clipspan_error *err)
{
    if (status != CLIPSPAN_OK) fail_msg("%s", err->message);
}

static void make_run(run_craft *c, char **where, clipspan_run **out, size_t rows)
{
    run_craft_init(c, rows);
    *where = run_craft_path(c, "run");
    run_craft_plan(c, *where, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(c, *where, 2, 0, 0);
    run_craft_merge(*where);
    assert_int_equal(clipspan_run_open(out, *where, NULL), 0);
}

static int set_up(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    static const char *const keys[] = {"l0", "l1", "l2", "l3", "l4"};
    clipspan_texts *texts;
    uint32_t seed = 5;
    float *vectors;
    size_t P;
    (void)state;
    make_run(&craft, &path, &run, ROWS);
    make_run(&other_craft, &other_path, &other, 40);
    P = (size_t)clipspan_run_get_info(run)->embed_width;
    vectors = malloc(CLASSES * P * sizeof *vectors);
    for (size_t i = 0; i < CLASSES * P; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / (float)(1 << 24) - 0.5F;
    }
    assert_int_equal(clipspan_texts_new(&texts, names, keys, CLASSES, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, vectors, P, NULL), 0);
    clipspan_texts_free(&texts);
    free(vectors);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_bank_free(&bank);
    clipspan_run_close(&run);
    clipspan_run_close(&other);
    free(path);
    free(other_path);
    run_craft_fini(&craft);
    run_craft_fini(&other_craft);
    return 0;
}

static clipspan_evaluation *evaluate(const clipspan_evaluation_options *options)
{
    clipspan_evaluation *ev;
    clipspan_error err;
    must(clipspan_evaluation_new(&ev, run, bank, options, NULL, &err), &err);
    return ev;
}

static void a_run_has_labels_of_its_own(void **state)
{
    clipspan_evaluation *ev = evaluate(NULL);
    const clipspan_evaluation_info *info = clipspan_evaluation_get_info(ev);
    const int32_t *labels = clipspan_evaluation_get_labels(ev);
    const uint32_t *predicted = clipspan_evaluation_get_predicted(ev);
    uint64_t right = 0, sum = 0;
    double worst = 2;
    int32_t at = -1;
    (void)state;
    assert_int_equal(info->images, ROWS);
    assert_int_equal(info->counted, ROWS);
    assert_int_equal(info->unlabelled + info->ungrouped + (uint64_t)info->agreement, 0);
    assert_int_equal(info->classes, CLASSES);
    assert_string_equal(info->class_names[3], "d");
    assert_int_equal(info->groups, 10);
    assert_string_equal(info->group_names[1], "l0/west");
    assert_string_equal(info->run, path);
    assert_string_equal(info->source, "as the run was scanned");
    assert_non_null(strstr(info->means, "over the 50 images"));
    for (size_t i = 0; i < ROWS; i++)
        right += predicted[i] == (uint32_t)labels[i];
    assert_int_equal(clipspan_evaluation_get_accuracy(ev)->correct, right);
    assert_int_equal(clipspan_evaluation_get_accuracy(ev)->images, ROWS);
    for (size_t g = 0; g < info->groups; g++) {
        const clipspan_share *s = clipspan_evaluation_get_group(ev, g);
        assert_int_equal(s->images, 5);
        sum += s->correct;
        if (s->share < worst) at = (int32_t)g;
        if (s->share < worst) worst = s->share;
    }
    assert_int_equal(sum, right);
    assert_int_equal(clipspan_evaluation_get_worst_group(ev), at);
    assert_null(clipspan_evaluation_get_group(ev, 10));
    assert_null(clipspan_evaluation_get_class(ev, CLASSES));
    assert_non_null(clipspan_evaluation_get_effects(ev));
    assert_null(clipspan_evaluation_get_means(ev));
    clipspan_evaluation_free(&ev);
    assert_null(ev);
}

static clipspan_inputs *open_list(const char *text, const char *labels, const char *groups)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs;
    char *file = cs_tiny_path(craft.folder, "labels.csv");
    const char *source = file;
    clipspan_error err;
    cs_tiny_write_text(craft.folder, "labels.csv", text);
    options.labels = labels;
    options.groups = groups;
    must(clipspan_inputs_open(&inputs, &source, 1, &options, &err), &err);
    free(file);
    return inputs;
}

static int note_file(void *user, const clipspan_run_image *image)
{
    ((size_t *)user)[image->run_index] = (size_t)image->list_index % 24;
    return 0;
}

/* 24 files, of which the first two are named 3 times among 50 rows and the others twice. */
static void a_list_is_matched_by_path(void **state)
{
    clipspan_evaluation_options options = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    clipspan_inputs *inputs = open_list("path,y,place\npics/01.png,l3,sea\npics/00.png,l1,wood\n"
                                        "pics/02.png,,brick\npics/03.png,l2,\n",
                                        "y", "y,place");
    const clipspan_evaluation_info *info;
    const int32_t *labels, *groups;
    clipspan_evaluation *ev;
    uint64_t labelled;
    int32_t again[ROWS];
    size_t file[ROWS];
    (void)state;
    options.inputs = inputs;
    options.source = "column y of labels.csv";
    ev = evaluate(&options);
    info = clipspan_evaluation_get_info(ev);
    labels = clipspan_evaluation_get_labels(ev);
    groups = clipspan_evaluation_get_groups(ev);
    assert_int_equal(info->counted, 8);
    assert_int_equal(info->unlabelled, ROWS - 8);
    assert_int_equal(info->agreement, 0);
    assert_string_equal(info->source, "column y of labels.csv");
    assert_int_equal(info->groups, 3);
    assert_string_equal(info->group_names[0], "l1/wood");
    assert_string_equal(info->group_names[1], "l2/");
    assert_string_equal(info->group_names[2], "l3/sea");
    assert_int_equal(clipspan_run_read_images(run, 0, ROWS, note_file, file, NULL), 0);
    for (size_t i = 0; i < ROWS; i++) { /* of file 2 there is no group "/brick" */
        assert_int_equal(labels[i], file[i] == 0 ? 1 : file[i] == 1 ? 3 : file[i] == 3 ? 2 : -1);
        assert_int_equal(groups[i], file[i] == 0 ? 0 : file[i] == 1 ? 2 : file[i] == 3 ? 1 : -1);
    }
    assert_int_equal(clipspan_evaluation_get_class(ev, 0)->images, 0);
    assert_true(isnan(clipspan_evaluation_get_class(ev, 0)->share));
    assert_int_equal(clipspan_evaluation_get_class(ev, 1)->images, 3);
    assert_int_equal(clipspan_evaluation_read_labels(again, &labelled, ev, bank, inputs, NULL), 0);
    assert_int_equal(labelled, 8);
    assert_memory_equal(again, labels, sizeof again);
    clipspan_evaluation_free(&ev);
    clipspan_inputs_close(&inputs);
}

static void arrays_say_what_they_like(void **state)
{
    static const char *const names[] = {"one", "empty"};
    clipspan_evaluation_options options = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    int32_t labels[ROWS], groups[ROWS];
    const uint32_t *predicted;
    uint8_t answers[ROWS];
    clipspan_evaluation *ev;
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        labels[i] = groups[i] = -1;
    options.labels = labels;
    ev = evaluate(&options);
    assert_int_equal(clipspan_evaluation_get_info(ev)->agreement, 1);
    assert_int_equal(clipspan_evaluation_get_info(ev)->counted, ROWS);
    assert_null(clipspan_evaluation_get_info(ev)->source);
    assert_true(clipspan_evaluation_get_accuracy(ev)->share == 1.0);
    assert_int_equal(clipspan_evaluation_get_worst_group(ev), -1);
    labels[7] = (int32_t)clipspan_evaluation_get_predicted(ev)[7];
    clipspan_evaluation_free(&ev);
    labels[8] = 0;
    groups[7] = 0;
    options.groups = groups;
    options.group_names = names;
    options.group_count = 2;
    options.means = other;
    ev = evaluate(&options);
    predicted = clipspan_evaluation_get_predicted(ev);
    assert_int_equal(clipspan_evaluation_get_info(ev)->counted, 2);
    assert_int_equal(clipspan_evaluation_get_info(ev)->ungrouped, 1);
    assert_int_equal(clipspan_evaluation_get_group(ev, 0)->correct, 1);
    assert_int_equal(clipspan_evaluation_get_group(ev, 1)->images, 0);
    assert_true(isnan(clipspan_evaluation_get_group(ev, 1)->share));
    assert_int_equal(clipspan_evaluation_get_worst_group(ev), 0);
    assert_non_null(clipspan_evaluation_get_means(ev));
    assert_non_null(strstr(clipspan_evaluation_get_info(ev)->means, "over the 40 images"));
    assert_null(strstr(clipspan_evaluation_get_info(ev)->means, "as published"));
    clipspan_evaluation_read_answers(answers, ev, predicted);
    assert_int_equal(answers[7], 1);
    assert_int_equal(answers[8], predicted[8] == 0);
    assert_int_equal(answers[9], CLIPSPAN_NO_ANSWER);
    clipspan_evaluation_free(&ev);
}

static void refused(const clipspan_evaluation_options *options, const char *words)
{
    clipspan_evaluation *ev = (clipspan_evaluation *)1;
    clipspan_error err;
    assert_int_equal(clipspan_evaluation_new(&ev, run, bank, options, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_null(ev);
    if (!strstr(err.message, words)) fail_msg("\"%s\" has no \"%s\"", err.message, words);
}

static void what_cannot_be_meant_is_refused(void **state)
{
    clipspan_evaluation_options options = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    int32_t labels[ROWS] = {0};
    clipspan_inputs *inputs;
    (void)state;
    options.groups = labels;
    refused(&options, "groups need labels");
    options.groups = NULL;
    options.labels = labels;
    labels[3] = CLASSES;
    refused(&options, "label 5 of image 3");
    options.labels = NULL;
    options.struct_size = 1;
    refused(&options, "struct_size 1");
    options.struct_size = sizeof options;
    options.inputs = inputs = open_list("path,y\nnowhere.png,l1\n", "y", NULL);
    refused(&options, "names none of the run's");
    clipspan_inputs_close(&inputs);
    options.inputs = inputs = open_list("path,y\npics/01.png,\n", "y", NULL);
    refused(&options, "no image of the run has a label");
    clipspan_inputs_close(&inputs);
    options.inputs = inputs = open_list("path,y\npics/01.png,x1\n", "y", NULL);
    refused(&options, "that no class has");
    clipspan_inputs_close(&inputs);
}

/* A caller that knows `means` only. */
static void a_shorter_struct_will_do(void **state)
{
    clipspan_evaluation_options options = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    int32_t labels[ROWS] = {0};
    clipspan_evaluation *ev;
    (void)state;
    options.labels = labels;
    options.struct_size = 2 * sizeof(size_t);
    ev = evaluate(&options);
    assert_int_equal(clipspan_evaluation_get_info(ev)->groups, 10);
    clipspan_evaluation_free(&ev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_has_labels_of_its_own),
        cmocka_unit_test(a_list_is_matched_by_path),
        cmocka_unit_test(arrays_say_what_they_like),
        cmocka_unit_test(what_cannot_be_meant_is_refused),
        cmocka_unit_test(a_shorter_struct_will_do),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
