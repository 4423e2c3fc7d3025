/* SPDX-License-Identifier: MIT */
/* The demo's chapter on the shortcut removed: test birds classified again with heads changed, by
 * role and as clipspan shortcut chooses, beside baselines; the same studies are kept in the run,
 * and with them the effects of all components, for its page. */
#include "base/memory.h"
#include "cli/demo/demo.h"
#include "cli/effects/shortcut_out.h"
#include "cli/out/numbers.h"

#include <string.h>

#define CUE      CLI_DEMO_CUE
#define ROLE     CLI_DEMO_ROLE
#define OUTCOMES 6
#define SIDES    (CLI_DEMO_FACTORS - 1)

typedef struct outcome {
    const char *name; /* in documents */
    char words[80];
    size_t heads;                /* changed */
    int baseline;                /* knows nothing of heads */
    clipspan_share right, worst; /* of random sets: mean, and between what 95 % of them lie */
    int32_t group;               /* the worst, or -1 */
    const clipspan_random_figure *random; /* of random sets, else NULL */
} outcome;

typedef struct removal {
    cli_demo_job *demo;
    clipspan_run *run; /* of the test split */
    clipspan_bank *bank, *pool;
    clipspan_cues *cues;
    clipspan_evaluation *evaluation;
    clipspan_effects_table *effects;
    clipspan_ablation *ablation; /* NULL: no head has the role */
    clipspan_remedy *remedy;
    clipspan_bank *side_banks[SIDES];
    int32_t *side_labels[SIDES];
    outcome outcomes[OUTCOMES];
    size_t count;
} removal;

/* ---- Studies ---- */

static clipspan_status open_evaluation(removal *r, clipspan_error *err)
{
    clipspan_evaluation_options options = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    clipspan_effects_options effects = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    CS_TRY(clipspan_cues_new(&r->cues, CUE, r->demo->texts, r->bank, err));
    effects.cues = clipspan_cues_get_directions(r->cues);
    effects.cue_count = 1;
    effects.threads = (int)r->demo->session->threads;
    options.effects = &effects;
    options.means = r->demo->run;
    return clipspan_evaluation_new(&r->evaluation, r->run, r->bank, &options, NULL, err);
}

static clipspan_status run_effects(removal *r, clipspan_error *err)
{
    const cli_demo_job *d = r->demo;
    const size_t P = (size_t)d->info->embed_width, count = clipspan_texts_get_count(d->pool);
    clipspan_effects_table_options options = CLIPSPAN_EFFECTS_TABLE_OPTIONS_INIT;
    float *vectors = cs_alloc(count, P * sizeof *vectors, "texts", err);
    clipspan_status status;
    if (!vectors) return CLIPSPAN_E_NOMEM;
    status = clipspan_encoder_run_texts(vectors, d->texts, d->pool, NULL, err);
    if (status == CLIPSPAN_OK)
        status = clipspan_bank_new_vectors(&r->pool, d->pool, vectors, P, err);
    cs_free(vectors);
    CS_TRY(status);
    options.pool = r->pool;
    options.pool_name = "demo";
    options.threads = (int)d->session->threads;
    return clipspan_effects_table_new(&r->effects, r->evaluation, &options, NULL, err);
}

static clipspan_status ablate_role(removal *r, clipspan_error *err)
{
    const cli_demo_job *d = r->demo;
    const size_t LH = (size_t)d->info->image->layers * (size_t)d->info->image->heads;
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    clipspan_head *heads = cs_alloc(LH, sizeof *heads, "heads", err);
    size_t count;
    if (!heads) return CLIPSPAN_E_NOMEM;
    cli_demo_role_heads(heads, &count, d, ROLE);
    cs_free(heads);
    if (count == 0) return CLIPSPAN_OK;
    options.atlas = d->atlas;
    options.role = ROLE;
    return clipspan_ablation_new(&r->ablation, r->evaluation, &options, NULL, err);
}

static clipspan_status open_side(removal *r, size_t f, clipspan_error *err)
{
    cli_demo_job *d = r->demo;
    const size_t N = (size_t)clipspan_evaluation_get_info(r->evaluation)->images;
    clipspan_inputs *inputs;
    clipspan_status status;
    CS_TRY(cli_demo_bank(&r->side_banks[f], d, cli_demo_factors[f], err));
    r->side_labels[f] = cs_alloc(N, sizeof **r->side_labels, "labels", err);
    if (!r->side_labels[f]) return CLIPSPAN_E_NOMEM;
    CS_TRY(cli_demo_inputs(&inputs, d, "test.csv", cli_demo_factors[f], NULL, err));
    status = clipspan_evaluation_read_labels(r->side_labels[f], NULL, r->evaluation,
                                             r->side_banks[f], inputs, err);
    clipspan_inputs_close(&inputs);
    return status;
}

/* All remedies, with what the chosen one costs other factors. */
static clipspan_status try_remedies(removal *r, clipspan_error *err)
{
    const clipspan_remedy_side_options none = CLIPSPAN_REMEDY_SIDE_OPTIONS_INIT;
    const clipspan_remedy_side_options *side[SIDES];
    clipspan_remedy_side_options sides[SIDES];
    clipspan_remedy_options options = CLIPSPAN_REMEDY_OPTIONS_INIT;
    char words[SIDES][128];
    for (size_t f = 0; f < SIDES; f++) {
        const char *name = cli_demo_factors[f];
        CS_TRY(open_side(r, f, err));
        snprintf(words[f], sizeof words[f], "%s=demo/%s:demo/%s.templates", name, name, name);
        sides[f] = none;
        sides[f].name = name;
        sides[f].words = words[f];
        sides[f].bank = r->side_banks[f];
        sides[f].labels = r->side_labels[f];
        side[f] = &sides[f];
    }
    options.cues = r->cues;
    options.sides = side;
    options.side_count = SIDES;
    return clipspan_remedy_new(&r->remedy, r->evaluation, &options, NULL, err);
}

/* What cannot be kept in a run is no reason to stop: its page then lacks it. */
static clipspan_status pass_kept(cli_session *s, clipspan_status status,
                                 const clipspan_error *failed, clipspan_error *err)
{
    if (status == CLIPSPAN_OK) return CLIPSPAN_OK;
    if (status == CLIPSPAN_E_NOMEM) return cs_fail(err, status, "%s", failed->message);
    cli_note(s, "not kept for the run's report: %s", failed->message);
    return CLIPSPAN_OK;
}

/* In the runs of both splits. */
static clipspan_status keep_studies(const removal *r, clipspan_error *err)
{
    const clipspan_run *const runs[] = {r->run, r->demo->run};
    cli_session *s = r->demo->session;
    clipspan_error failed;
    for (size_t i = 0; i < 2; i++) {
        const clipspan_run *run = runs[i], *other = runs[1 - i];
        clipspan_status status = clipspan_effects_table_keep(r->effects, run, other, &failed);
        CS_TRY(pass_kept(s, status, &failed, err));
        if (r->ablation) {
            status = clipspan_ablation_keep(r->ablation, run, other, &failed);
            CS_TRY(pass_kept(s, status, &failed, err));
        }
        status = clipspan_remedy_keep(r->remedy, run, other, &failed);
        CS_TRY(pass_kept(s, status, &failed, err));
    }
    return CLIPSPAN_OK;
}

/* ---- Outcomes ---- */

static outcome *add_outcome(removal *r, const char *name, size_t heads,
                            const clipspan_comparison *overall, const clipspan_comparison *worst)
{
    outcome *o = &r->outcomes[r->count++];
    o->name = name;
    o->heads = heads;
    o->right = *overall->after;
    o->worst = worst ? *worst->after : *overall->after;
    o->group = worst ? worst->group_after : -1;
    return o;
}

static void add_row(removal *r, const char *name, clipspan_remedy_role role, const char *before)
{
    const size_t LH = clipspan_remedy_get_pair(r->remedy, 0)->heads;
    const clipspan_remedy_row *row;
    char words[64];
    for (size_t i = 0; (row = clipspan_remedy_get_row(r->remedy, 0, i)) != NULL; i++) {
        outcome *o;
        if (row->role != role) continue;
        o = add_outcome(r, name, row->heads, row->overall, row->worst);
        o->baseline = role == CLIPSPAN_TRIED_PROJECT || role == CLIPSPAN_TRIED_REGRESS;
        cli_remedy_words(words, row->kind, row->heads, LH);
        snprintf(o->words, sizeof o->words, "%s%s", before, words);
        return;
    }
}

static void add_role(removal *r)
{
    const clipspan_ablation_info *info = clipspan_ablation_get_info(r->ablation);
    outcome *o;
    if (!r->ablation) return;
    o = add_outcome(r, "role", info->chosen, clipspan_ablation_get_overall(r->ablation),
                    clipspan_ablation_get_worst(r->ablation));
    snprintf(o->words, sizeof o->words, "%zu head%s of " ROLE, info->chosen,
             info->chosen == 1 ? "" : "s");
}

static void add_random(removal *r)
{
    const clipspan_random_sets *sets = clipspan_remedy_get_random(r->remedy, 0);
    const clipspan_remedy_row *nothing = clipspan_remedy_get_row(r->remedy, 0, 0);
    const clipspan_random_figure *f;
    outcome *o;
    if (!sets) return;
    f = sets->worst_group ? sets->worst_group : sets->overall;
    o = add_outcome(r, "random", sets->heads_of_set, nothing->overall, nothing->worst);
    o->right = (clipspan_share){o->right.images, 0, sets->overall->mean, sets->overall->low,
                                sets->overall->high};
    o->worst = (clipspan_share){o->worst.images, 0, f->mean, f->low, f->high};
    o->group = -1;
    o->random = f;
    snprintf(o->words, sizeof o->words, "%zu random head%s, mean of %zu", sets->heads_of_set,
             sets->heads_of_set == 1 ? "" : "s", sets->sets);
}

static void list_outcomes(removal *r)
{
    add_row(r, "nothing", CLIPSPAN_TRIED_NOTHING, "");
    add_role(r);
    add_row(r, "chosen", CLIPSPAN_TRIED_CHOSEN, "chosen: ");
    add_random(r);
    add_row(r, "projection", CLIPSPAN_TRIED_PROJECT, "baseline: ");
    add_row(r, "embedding", CLIPSPAN_TRIED_REGRESS, "baseline: ");
}

/* ---- Showing ---- */

/* "duck/water" is "duck on water". */
static void group_words(char out[80], const removal *r, const outcome *o)
{
    const clipspan_evaluation_info *info = clipspan_evaluation_get_info(r->evaluation);
    const char *name = o->group < 0 ? "" : info->group_names[o->group], *slash = strchr(name, '/');
    if (slash)
        snprintf(out, 80, "%.*s on %.30s", (int)(slash - name), name, slash + 1);
    else
        snprintf(out, 80, "%.60s", name);
}

static clipspan_status add_line(cli_table *table, const removal *r, const outcome *o,
                                clipspan_error *err)
{
    char cell[3 * CLI_NUMBER_ROOM], group[80];
    CS_TRY(cli_table_add(table, o->words, err));
    cli_format_percent(cell, o->right.share);
    CS_TRY(cli_table_add(table, cell, err));
    cli_format_percent(cell, o->worst.share);
    CS_TRY(cli_table_add(table, cell, err));
    snprintf(cell, sizeof cell, "%.0f to %.0f", 100 * o->worst.low, 100 * o->worst.high);
    CS_TRY(cli_table_add(table, cell, err));
    group_words(group, r, o);
    return cli_table_add(table, group, err);
}

static const outcome *named(const removal *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->outcomes[i].name, name) == 0) return &r->outcomes[i];
    return NULL;
}

static int loses_to_baseline(const removal *r)
{
    const outcome *chosen = named(r, "chosen");
    for (size_t i = 0; i < r->count; i++)
        if (r->outcomes[i].baseline && r->outcomes[i].worst.share > chosen->worst.share) return 1;
    return 0;
}

static clipspan_status tell(const removal *r, clipspan_error *err)
{
    const clipspan_random_sets *random = clipspan_remedy_get_random(r->remedy, 0);
    char doubt[160] = "";
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, "changed|>right|>worst group|>95 %|which");
    for (size_t i = 0; i < r->count && status == CLIPSPAN_OK; i++)
        status = add_line(&table, r, &r->outcomes[i], err);
    if (status == CLIPSPAN_OK) cli_demo_table(r->demo, &table);
    cli_table_fini(&table);
    CS_TRY(status);
    if (random && random->worst_group)
        snprintf(doubt, sizeof doubt,
                 " Of %zu random sets with as many heads of each layer %llu do at least as well "
                 "(p = %.3f).",
                 random->sets, (unsigned long long)random->worst_group->as_good,
                 random->worst_group->p);
    cli_demo_say(
        r->demo,
        "%s%s A group has only %llu birds, so small differences between the lines say nothing. "
        "Effects are direct: later layers do not see the change.",
        loses_to_baseline(r)
            ? "A baseline that does not use heads does better here than what was chosen, with "
              "so obvious a shortcut and a model that knows the words."
            : "No baseline does better here than what was chosen.",
        doubt, (unsigned long long)r->outcomes[0].worst.images);
    return CLIPSPAN_OK;
}

static void emit(const removal *r)
{
    cli_json *json = &r->demo->json;
    char group[80];
    cli_json_text(json, "run", clipspan_run_get_info(r->run)->path);
    cli_json_text(json, "cue", CUE);
    cli_json_array(json, "remedies");
    for (size_t i = 0; i < r->count; i++) {
        const outcome *o = &r->outcomes[i];
        group_words(group, r, o);
        cli_json_row(json, NULL);
        cli_json_text(json, "name", o->name);
        cli_json_text(json, "changed", o->words);
        cli_json_whole(json, "heads", o->heads);
        cli_json_whole(json, "birds", o->right.images);
        if (!o->random) cli_json_whole(json, "right", o->right.correct);
        cli_json_real(json, "accuracy", o->right.share);
        cli_json_text(json, "group", group);
        cli_json_whole(json, "group_birds", o->worst.images);
        if (!o->random) cli_json_whole(json, "group_right", o->worst.correct);
        cli_json_real(json, "worst", o->worst.share);
        cli_json_real(json, "low", o->worst.low);
        cli_json_real(json, "high", o->worst.high);
        if (o->random) cli_json_whole(json, "as_good", o->random->as_good);
        if (o->random) cli_json_real(json, "p", o->random->p);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_flag(json, "baseline_better", loses_to_baseline(r));
}

static clipspan_status run_chapter(removal *r, clipspan_error *err)
{
    clipspan_scan_result result;
    CS_TRY(cli_demo_bank(&r->bank, r->demo, "bird", err));
    CS_TRY(cli_demo_take_apart(&r->run, &result, r->demo, "test.csv", "test-run", err));
    CS_TRY(open_evaluation(r, err));
    CS_TRY(run_effects(r, err));
    CS_TRY(ablate_role(r, err));
    CS_TRY(try_remedies(r, err));
    CS_TRY(keep_studies(r, err));
    list_outcomes(r);
    emit(r);
    return r->demo->tells ? tell(r, err) : CLIPSPAN_OK;
}

clipspan_status cli_demo_remedy(cli_demo_job *d, clipspan_error *err)
{
    removal r = {.demo = d};
    clipspan_status status = run_chapter(&r, err);
    clipspan_remedy_free(&r.remedy);
    clipspan_ablation_free(&r.ablation);
    clipspan_effects_table_free(&r.effects);
    clipspan_evaluation_free(&r.evaluation);
    clipspan_cues_free(&r.cues);
    for (size_t f = 0; f < SIDES; f++) {
        clipspan_bank_free(&r.side_banks[f]);
        cs_free(r.side_labels[f]);
    }
    clipspan_bank_free(&r.pool);
    clipspan_bank_free(&r.bank);
    clipspan_run_close(&r.run);
    return status;
}
