/* SPDX-License-Identifier: MIT */
/* Rows of effects against edits run one by one and counted by hand; kept in a run and read back;
 * groups without images; interrupted. */
#include "study/study_json.h"
#include "study_craft.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 50 };

static study_craft study;

static int set_up(void **state)
{
    (void)state;
    study_craft_init(&study, ROWS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    study_craft_fini(&study);
    return 0;
}

static clipspan_effects_table *make_table(const clipspan_evaluation *ev,
                                          const clipspan_effects_table_options *options)
{
    clipspan_effects_table *table;
    clipspan_error err;
    if (clipspan_effects_table_new(&table, ev, options, NULL, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    return table;
}

/* One row against its edit. */
static void check_row(const clipspan_effects_table *table, size_t index, clipspan_evaluation *ev,
                      const clipspan_change *changes, size_t count)
{
    const clipspan_effect *e = clipspan_effects_table_get_row(table, index),
                          *first = clipspan_effects_table_get_row(table, 0);
    const clipspan_edit edit = {changes, count};
    const int32_t *labels = clipspan_evaluation_get_labels(ev),
                  *groups = clipspan_evaluation_get_groups(ev);
    uint32_t predicted[ROWS];
    double margins[ROWS], sum = 0, good[10] = {0}, all[10] = {0}, worst = 2;
    uint64_t right = 0;
    assert_int_equal(clipspan_effects_run(predicted, margins, NULL,
                                          clipspan_evaluation_get_effects(ev), NULL, &edit, 1,
                                          labels, NULL),
                     0);
    for (size_t i = 0; i < ROWS; i++) {
        right += predicted[i] == (uint32_t)labels[i];
        good[groups[i]] += predicted[i] == (uint32_t)labels[i];
        all[groups[i]]++;
        sum += margins[i];
    }
    for (size_t g = 0; g < 10; g++)
        worst = good[g] / all[g] < worst ? good[g] / all[g] : worst;
    assert_int_equal(e->correct, right);
    assert_true(e->accuracy == (double)right / ROWS);
    assert_true(e->low <= e->accuracy && e->accuracy <= e->high);
    assert_true(fabs(e->margin - sum / ROWS) < 1e-12);
    assert_true(e->worst == worst);
    assert_true(e->accuracy_drop == first->accuracy - e->accuracy);
    assert_true(e->margin_drop == first->margin - e->margin);
    assert_true(e->worst_drop == first->worst - e->worst);
}

static size_t find_row(const clipspan_effects_table *table, const char *name)
{
    size_t i = 0;
    while (strcmp(clipspan_effects_table_get_row(table, i)->name, name) != 0)
        i++;
    return i;
}

static void rows_are_edits(void **state)
{
    const clipspan_change head = {.layer = 1, .head = 2},
                          mlp = {CLIPSPAN_COMPONENT_MLP, 0, 0, 0, 0, 0, 0};
    const clipspan_run_info *info = clipspan_run_get_info(study.run);
    const int L = info->layers, H = info->heads;
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    clipspan_effects_table *table = make_table(ev, NULL);
    const clipspan_effects_table_info *found = clipspan_effects_table_get_info(table);
    clipspan_variance_share heads[256];
    clipspan_change many[64];
    size_t count = 0;
    (void)state;
    assert_int_equal(found->rows, (size_t)(4 + L + L + L + 1 + L * H));
    assert_int_equal(found->layers, 0);
    assert_string_equal(found->evaluation->class_names[1], "b");
    check_row(table, 0, ev, NULL, 0);
    check_row(table, find_row(table, "L1.H2"), ev, &head, 1);
    check_row(table, find_row(table, "L0.MLP"), ev, &mlp, 1);
    for (int l = -1; l < L; l++)
        many[count++] = (clipspan_change){.component = CLIPSPAN_COMPONENT_MLP, .layer = l};
    check_row(table, 1, ev, many, count);
    for (int l = 0; l < L; l++)
        many[count++] =
            (clipspan_change){.component = CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION, .layer = l};
    check_row(table, 3, ev, many, count);
    for (count = 0; count < (size_t)(2 * H); count++)
        many[count] = (clipspan_change){.layer = (int)count / H, .head = (int)count % H};
    check_row(table, find_row(table, "attention, layers 0 to 1"), ev, many, count);
    check_row(table, find_row(table, "L1"), ev, many + H, (size_t)H);
    assert_int_equal(clipspan_run_read_variance_shares(heads, NULL, NULL, NULL, study.run, NULL),
                     0);
    assert_true(clipspan_effects_table_get_row(table, find_row(table, "L1.H2"))->share ==
                heads[H + 2].share);
    assert_true(isnan(clipspan_effects_table_get_row(table, 0)->share));
    assert_null(clipspan_effects_table_get_row(table, found->rows));
    clipspan_effects_table_free(&table);
    clipspan_evaluation_free(&ev);
}

/* The published sequence alone, with the same figures. */
static void sequence_alone(void **state)
{
    clipspan_effects_table_options options = CLIPSPAN_EFFECTS_TABLE_OPTIONS_INIT;
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    const int L = clipspan_run_get_info(study.run)->layers;
    clipspan_effects_table *whole = make_table(ev, NULL), *part;
    (void)state;
    options.sequence_only = 1;
    part = make_table(ev, &options);
    assert_int_equal(clipspan_effects_table_get_info(part)->rows, (size_t)(4 + L));
    for (size_t i = 0; i < (size_t)(4 + L); i++) {
        const clipspan_effect *a = clipspan_effects_table_get_row(whole, i),
                              *b = clipspan_effects_table_get_row(part, i);
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->kind_name, b->kind_name);
        assert_int_equal(a->correct, b->correct);
        assert_true(a->margin == b->margin);
    }
    assert_string_equal(clipspan_effects_table_get_row(part, 4)->kind_name, "attention_until");
    clipspan_effects_table_free(&whole);
    clipspan_effects_table_free(&part);
    clipspan_evaluation_free(&ev);
}

static void heads_become_texts(void **state)
{
    clipspan_bank *pool = study_craft_bank(&study, 30, 8);
    clipspan_effects_table_options options = CLIPSPAN_EFFECTS_TABLE_OPTIONS_INIT;
    clipspan_span_options span_options = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    const int H = clipspan_run_get_info(study.run)->heads;
    clipspan_effects_table *table;
    clipspan_head heads[64];
    clipspan_span *spans[64];
    uint32_t predicted[ROWS];
    uint64_t right = 0;
    const clipspan_effect *e;
    (void)state;
    options.pool = pool;
    options.pool_name = "thirty";
    options.first_layer = 1;
    options.layers = 1;
    options.texts_per_head = 3;
    table = make_table(ev, &options);
    assert_string_equal(clipspan_effects_table_get_info(table)->pool, "thirty");
    e = clipspan_effects_table_get_row(table, find_row(table, "2 texts a head"));
    assert_int_equal(e->kind, CLIPSPAN_EFFECT_TEXTS);
    for (int h = 0; h < H; h++)
        heads[h] = (clipspan_head){1, h};
    span_options.basis_texts = 3;
    span_options.resamples = -1;
    assert_int_equal(
        clipspan_span_new_run(spans, study.run, heads, (size_t)H, pool, &span_options, NULL, NULL),
        0);
    assert_int_equal(
        clipspan_effects_run_spans(predicted, NULL, clipspan_evaluation_get_effects(ev), NULL,
                                   (const clipspan_span *const *)spans, (size_t)H, 2, NULL, NULL),
        0);
    for (size_t i = 0; i < ROWS; i++)
        right += predicted[i] == (uint32_t)clipspan_evaluation_get_labels(ev)[i];
    assert_int_equal(e->correct, right);
    assert_in_range(e->texts, 2, 2 * H);
    assert_null(clipspan_effects_table_get_row(table, find_row(table, "3 texts a head") + 1));
    for (int h = 0; h < H; h++)
        clipspan_span_free(&spans[h]);
    clipspan_effects_table_free(&table);
    options.first_layer = 50;
    assert_int_equal(clipspan_effects_table_new(&table, ev, &options, NULL, NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_null(table);
    clipspan_evaluation_free(&ev);
    clipspan_bank_free(&pool);
}

static void what_is_kept_reads_back(void **state)
{
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    clipspan_effects_table *table = make_table(ev, NULL), *again;
    study_text one = {0}, two = {0};
    clipspan_error err;
    (void)state;
    assert_int_equal(clipspan_effects_table_open(&again, study.run, &err), CLIPSPAN_E_NOT_FOUND);
    assert_null(again);
    assert_int_equal(clipspan_effects_table_keep(table, study.run, NULL, NULL), 0);
    assert_int_equal(clipspan_effects_table_open(&again, study.run, &err), 0);
    clipspan_effects_table_write_json(table, study_text_put, &one);
    clipspan_evaluation_free(&ev); /* results outlive it */
    clipspan_effects_table_free(&table);
    clipspan_effects_table_write_json(again, study_text_put, &two);
    assert_string_equal(one.text, two.text);
    assert_non_null(strstr(one.text, "\"variance\""));
    clipspan_effects_table_free(&again);
    free(one.text);
    free(two.text);
}

/* Groups there are, but none has a labelled image: no worst one, and no share of 0. */
static void a_group_without_images_is_no_share(void **state)
{
    static const char *const names[] = {"one"};
    clipspan_evaluation_options options = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    int32_t labels[ROWS] = {0}, groups[ROWS];
    clipspan_effects_table *table;
    clipspan_evaluation *ev;
    study_text text = {0};
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        groups[i] = -1;
    labels[0] = -1;
    groups[0] = 0;
    options.labels = labels;
    options.groups = groups;
    options.group_names = names;
    options.group_count = 1;
    ev = study_craft_evaluate(&study, &options);
    table = make_table(ev, NULL);
    assert_int_equal(clipspan_effects_table_get_row(table, 0)->worst_group, -1);
    assert_true(isnan(clipspan_effects_table_get_row(table, 0)->worst));
    clipspan_effects_table_write_json(table, study_text_put, &text);
    assert_null(strstr(text.text, "\"worst\""));
    assert_non_null(strstr(text.text, "\"unlabelled\": 1"));
    free(text.text);
    clipspan_effects_table_free(&table);
    clipspan_evaluation_free(&ev);
}

static int count_steps(void *user, size_t done, size_t total)
{
    size_t *last = user;
    assert_true(done > last[0] && done <= total);
    last[0] = done;
    last[1] = total;
    return last[2] && done >= last[2];
}

static void progress_ends_at_all(void **state)
{
    clipspan_bank *pool = study_craft_bank(&study, 30, 8);
    clipspan_effects_table_options options = CLIPSPAN_EFFECTS_TABLE_OPTIONS_INIT;
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    size_t steps[3] = {0, 0, 0};
    const clipspan_progress progress = {count_steps, steps};
    clipspan_effects_table *table;
    (void)state;
    options.pool = pool;
    options.layers = 1;
    options.texts_per_head = 4;
    assert_int_equal(clipspan_effects_table_new(&table, ev, &options, &progress, NULL), 0);
    assert_int_equal(steps[0], steps[1]);
    clipspan_effects_table_free(&table);
    steps[0] = 0;
    steps[2] = steps[1] - 1;
    assert_int_equal(clipspan_effects_table_new(&table, ev, &options, &progress, NULL),
                     CLIPSPAN_E_INTERRUPTED);
    assert_null(table);
    clipspan_evaluation_free(&ev);
    clipspan_bank_free(&pool);
}

/* A document that the program wrote has no list of groups; other members are checked. */
static void documents_are_checked(void **state)
{
    static const char head[] = "{\"run\":\"r\",\"means\":\"m\",\"class_names\":[\"a\",\"b\"],"
                               "\"labelled\":true,\"images\":3,\"sequence\":[{\"ablated\":"
                               "\"nothing\",\"accuracy\":0.5,\"worst_group\":\"g\",\"worst\":0.25}";
    static const struct {
        const char *rest, *words;
    } cases[] = {{"]}", NULL},
                 {",{\"ablated\":\"head\"}]}", "sequence[1].ablated"},
                 {",{\"ablated\":\"mlps\",\"accuracy\":1.5}]}", "sequence[1].accuracy"},
                 {"],\"heads\":[{\"ablated\":\"head\",\"layer\":1}]}", "heads[0].head"},
                 {"],\"heads\":{}}", "heads"},
                 {"],\"unlabelled\":-1}", "unlabelled"},
                 {"],\"group_names\":[\"h\"]}", "sequence[0].worst_group"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[600];
        cs_effects_table *table;
        clipspan_error err = {0};
        json_t *document;
        snprintf(text, sizeof text, "%s%s", head, cases[i].rest);
        document = json_loads(text, 0, NULL);
        assert_non_null(document);
        assert_int_equal(cs_effects_table_parse(&table, document, "file", &err),
                         cases[i].words ? CLIPSPAN_E_FORMAT : CLIPSPAN_OK);
        if (cases[i].words && !strstr(err.message, cases[i].words))
            fail_msg("\"%s\" has no \"%s\"", err.message, cases[i].words);
        if (table) assert_string_equal(table->info.evaluation->group_names[0], "g");
        cs_effects_table_free(&table);
        json_decref(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_edits),
        cmocka_unit_test(sequence_alone),
        cmocka_unit_test(heads_become_texts),
        cmocka_unit_test(what_is_kept_reads_back),
        cmocka_unit_test(a_group_without_images_is_no_share),
        cmocka_unit_test(progress_ends_at_all),
        cmocka_unit_test(documents_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
