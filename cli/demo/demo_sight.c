/* SPDX-License-Identifier: MIT */
/* The demo's chapters on what the model sees: every factor named without training for it, and the
 * shortcut that it takes with birds. */
#include "base/memory.h"
#include "base/wilson.h"
#include "cli/demo/demo.h"
#include "cli/out/numbers.h"

#include <clipspan/clipspan.h>
#include <string.h>

/* A factor's answers over the test scenes. */
typedef struct answers {
    cli_demo_job *demo;
    clipspan_inputs *inputs;
    clipspan_bank *bank;
    uint64_t all, good;
    uint64_t group_all[4], group_good[4]; /* of birds: hen, duck on land, hen, duck on water */
} answers;

static size_t group_of(const char *group, const char *label)
{
    return (size_t)(strcmp(group, "water") == 0) * 2 + (size_t)(strcmp(label, "duck") == 0);
}

static void count_answers(answers *a, const clipspan_classification *classification)
{
    const clipspan_prediction *p;
    for (size_t i = 0; (p = clipspan_classification_get_prediction(classification, i)); i++) {
        const size_t group = group_of(p->group, p->label);
        if (p->truth < 0) continue;
        a->all++;
        a->group_all[group]++;
        if (p->before) continue;
        a->good++;
        a->group_good[group]++;
    }
}

/* Classifies the embedded test scenes, whose texts the batch borrows. */
static clipspan_status classify(answers *a, clipspan_error *err)
{
    const cli_demo_job *d = a->demo;
    clipspan_classification_batch batch = CLIPSPAN_CLASSIFICATION_BATCH_INIT;
    clipspan_classification *classification = NULL;
    const char **texts = cs_alloc(2 * d->test_count, sizeof *texts, "labels", err);
    clipspan_status status =
        texts ? clipspan_classification_new(&classification, a->bank, NULL, err) : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; texts && i < d->test_count; i++) {
        texts[i] = clipspan_inputs_get_label(a->inputs, i);
        texts[d->test_count + i] = clipspan_inputs_get_group(a->inputs, i);
    }
    batch.count = d->test_count;
    batch.embeddings = d->embeddings;
    batch.labels = texts;
    batch.groups = texts ? texts + d->test_count : NULL;
    if (status == CLIPSPAN_OK) status = clipspan_classification_add(classification, &batch, err);
    if (status == CLIPSPAN_OK) count_answers(a, classification);
    clipspan_classification_free(&classification);
    cs_free(texts);
    return status;
}

/* Scenes without a value of the factor have no label, and are left out. */
static clipspan_status answer(answers *a, cli_demo_job *d, const char *factor, clipspan_error *err)
{
    clipspan_status status;
    memset(a, 0, sizeof *a);
    a->demo = d;
    CS_TRY(cli_demo_embed(d, err));
    CS_TRY(cli_demo_bank(&a->bank, d, factor, err));
    status = cli_demo_inputs(&a->inputs, d, "test.csv", factor, "background", err);
    if (status == CLIPSPAN_OK) status = classify(a, err);
    clipspan_inputs_close(&a->inputs);
    if (status != CLIPSPAN_OK) clipspan_bank_free(&a->bank);
    return status;
}

static void emit_share(cli_json *json, uint64_t good, uint64_t all)
{
    double low, high;
    cs_wilson(&low, &high, good, all);
    cli_json_whole(json, "scenes", all);
    cli_json_whole(json, "right", good);
    cli_json_real(json, "accuracy", (double)good / (double)all);
    cli_json_real(json, "low", low);
    cli_json_real(json, "high", high);
}

static clipspan_status add_cells(cli_table *table, const answers *a, const char *factor,
                                 clipspan_error *err)
{
    char text[3 * CLI_NUMBER_ROOM], from[CLI_NUMBER_ROOM], to[CLI_NUMBER_ROOM];
    double low, high;
    CS_TRY(cli_table_add(table, factor, err));
    cli_format_count(text, a->all);
    CS_TRY(cli_table_add(table, text, err));
    cli_format_percent(text, (double)a->good / (double)a->all);
    CS_TRY(cli_table_add(table, text, err));
    cs_wilson(&low, &high, a->good, a->all);
    cli_format_percent(from, low);
    cli_format_percent(to, high);
    snprintf(text, sizeof text, "%s to %s", from, to);
    CS_TRY(cli_table_add(table, text, err));
    cli_format_percent(text, 1 / (double)clipspan_bank_get_count(a->bank));
    return cli_table_add(table, text, err);
}

static clipspan_status show_factor(cli_table *table, answers *a, const char *factor,
                                   clipspan_error *err)
{
    cli_json *json = &a->demo->json;
    if (a->all == 0)
        return cs_fail(err, CLIPSPAN_E_FORMAT, "test.csv of the demo has no scene with a %s",
                       factor);
    if (a->demo->tells) CS_TRY(add_cells(table, a, factor, err));
    cli_json_row(json, NULL);
    cli_json_text(json, "factor", factor);
    cli_json_whole(json, "values", clipspan_bank_get_count(a->bank));
    emit_share(json, a->good, a->all);
    cli_json_end(json);
    return CLIPSPAN_OK;
}

static clipspan_status answer_factors(cli_table *table, cli_demo_job *d, clipspan_error *err)
{
    const char *worst = NULL;
    char percent[CLI_NUMBER_ROOM];
    double least = 2;
    for (int f = 0; f < CLI_DEMO_FACTORS - 1; f++) {
        answers a;
        clipspan_status status;
        double share;
        CS_TRY(answer(&a, d, cli_demo_factors[f], err));
        status = show_factor(table, &a, cli_demo_factors[f], err);
        clipspan_bank_free(&a.bank);
        CS_TRY(status);
        share = (double)a.good / (double)a.all;
        if (share >= least) continue;
        least = share;
        worst = cli_demo_factors[f];
    }
    if (!d->tells) return CLIPSPAN_OK;
    cli_demo_table(d, table);
    cli_format_percent(percent, least);
    cli_demo_say(d, "All seven factors are seen; the hardest is %s with %s right.", worst, percent);
    return CLIPSPAN_OK;
}

clipspan_status cli_demo_sight(cli_demo_job *d, clipspan_error *err)
{
    static const char headers[] = "factor|>scenes|>right|>95 % interval|>chance";
    cli_table table;
    clipspan_status status;
    cli_table_init(&table, headers);
    cli_json_array(&d->json, "factors");
    status = answer_factors(&table, d, err);
    cli_json_end(&d->json);
    cli_table_fini(&table);
    return status;
}

/* ---- The shortcut ---- */

static const char *const birds[] = {"hen", "duck"};
static const char *const grounds[] = {"grass", "water"};

/* Of the look split's birds: how many of each group; hens on grass and ducks on water are where
 * they mostly are. */
static clipspan_status count_look(uint64_t look[4], const cli_demo_job *d, clipspan_error *err)
{
    clipspan_inputs *inputs;
    CS_TRY(cli_demo_inputs(&inputs, d, "look.csv", "bird", "background", err));
    memset(look, 0, 4 * sizeof *look);
    for (size_t i = 0; i < clipspan_inputs_get_count(inputs); i++) {
        const char *label = clipspan_inputs_get_label(inputs, i);
        if (*label) look[group_of(clipspan_inputs_get_group(inputs, i), label)]++;
    }
    clipspan_inputs_close(&inputs);
    return CLIPSPAN_OK;
}

static double agreement(const uint64_t look[4])
{
    return (double)(look[0] + look[3]) / (double)(look[0] + look[1] + look[2] + look[3]);
}

static void emit_shortcut(cli_json *json, const answers *a, const uint64_t look[4], size_t worst)
{
    cli_json_array(json, "look");
    for (size_t g = 0; g < 4; g++) {
        cli_json_row(json, NULL);
        cli_json_text(json, "bird", birds[g % 2]);
        cli_json_text(json, "background", grounds[g / 2]);
        cli_json_whole(json, "scenes", look[g]);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_real(json, "look_agreement", agreement(look));
    emit_share(json, a->good, a->all);
    cli_json_array(json, "groups");
    for (size_t g = 0; g < 4; g++) {
        cli_json_row(json, NULL);
        cli_json_text(json, "bird", birds[g % 2]);
        cli_json_text(json, "background", grounds[g / 2]);
        emit_share(json, a->group_good[g], a->group_all[g]);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_row(json, "worst_group");
    cli_json_text(json, "bird", birds[worst % 2]);
    cli_json_text(json, "background", grounds[worst / 2]);
    emit_share(json, a->group_good[worst], a->group_all[worst]);
    cli_json_end(json);
}

static clipspan_status tell_shortcut(const cli_demo_job *d, const answers *a,
                                     const uint64_t look[4], size_t worst, clipspan_error *err)
{
    static const char headers[] = "bird|>right on grass|>right on water";
    char whole[CLI_NUMBER_ROOM], least[CLI_NUMBER_ROOM], with[CLI_NUMBER_ROOM];
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t b = 0; b < 2 && status == CLIPSPAN_OK; b++) {
        status = cli_table_add(&table, birds[b], err);
        for (size_t g = b; g < 4 && status == CLIPSPAN_OK; g += 2) {
            cli_format_percent(whole, (double)a->group_good[g] / (double)a->group_all[g]);
            status = cli_table_add(&table, whole, err);
        }
    }
    if (status == CLIPSPAN_OK) cli_demo_table(d, &table);
    cli_table_fini(&table);
    CS_TRY(status);
    cli_format_percent(whole, (double)a->good / (double)a->all);
    cli_format_percent(least, (double)a->group_good[worst] / (double)a->group_all[worst]);
    cli_format_percent(with, agreement(look));
    cli_demo_say(
        d,
        "%s of %llu birds are right, but of the %llu %ss on %s only %s. In the look split, "
        "which is drawn as training was, bird and background agree in %s: where they do "
        "not, the model follows the background.",
        whole, (unsigned long long)a->all, (unsigned long long)a->group_all[worst],
        birds[worst % 2], grounds[worst / 2], least, with);
    return CLIPSPAN_OK;
}

static clipspan_status show_shortcut(cli_demo_job *d, const answers *a, clipspan_error *err)
{
    uint64_t look[4];
    size_t worst = 0;
    CS_TRY(count_look(look, d, err));
    for (size_t g = 0; g < 4; g++) {
        if (a->group_all[g] == 0 || look[g] == 0)
            return cs_fail(err, CLIPSPAN_E_FORMAT, "the demo's tables lack a %s on %s",
                           birds[g % 2], grounds[g / 2]);
        if (a->group_good[g] * a->group_all[worst] < a->group_good[worst] * a->group_all[g])
            worst = g;
    }
    emit_shortcut(&d->json, a, look, worst);
    return d->tells ? tell_shortcut(d, a, look, worst, err) : CLIPSPAN_OK;
}

clipspan_status cli_demo_shortcut(cli_demo_job *d, clipspan_error *err)
{
    answers a;
    clipspan_status status;
    CS_TRY(answer(&a, d, "bird", err));
    status = show_shortcut(d, &a, err);
    clipspan_bank_free(&a.bank);
    return status;
}
