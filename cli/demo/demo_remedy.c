/* SPDX-License-Identifier: MIT */
/* The demo's chapter on the shortcut removed: test birds classified again with heads changed, by
 * role and as clipspan shortcut chooses, beside baselines. */
#include "base/memory.h"
#include "base/random.h"
#include "cli/demo/demo.h"
#include "cli/effects/ablate.h"
#include "cli/effects/effects.h"
#include "cli/effects/shortcut.h"
#include "cli/out/numbers.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define GROUPS   4
#define OUTCOMES 6
#define SETS     5 /* of random heads */

static const char *const grounds[] = {"grass", "water"};

typedef struct outcome {
    const char *name; /* in documents */
    char words[48];
    size_t heads; /* changed */
    int baseline; /* knows nothing of heads */
    clipspan_comparison overall, worst;
} outcome;

typedef struct removal {
    cli_demo_job *demo;
    clipspan_run *run; /* of the test split */
    clipspan_bank *bank;
    clipspan_effects *effects, *means; /* of the test and of the look scenes */
    clipspan_shortcut *shortcut;
    size_t N, LH;
    int32_t *label, *group; /* [images] by place, then [N] */
    uint8_t *before, *after;
    uint32_t *predicted;
    clipspan_change *changes; /* [L, H] */
    clipspan_head *heads;     /* [L, H] */
    size_t *order;            /* [L, H] */
    outcome outcomes[OUTCOMES];
    size_t count;
} removal;

static int note_label(void *user, const clipspan_run_image *image)
{
    removal *r = user;
    const char *ground = strchr(image->group, '/');
    int32_t *label = &r->label[image->run_index], *group = &r->group[image->run_index];
    *label = *group = -1;
    for (size_t c = 0; c < clipspan_bank_get_count(r->bank) && c < 2; c++)
        if (strcmp(clipspan_bank_get_key(r->bank, c), image->label) == 0) *label = (int32_t)c;
    for (int32_t g = 0; g < 2 && *label >= 0 && ground; g++)
        if (strcmp(ground + 1, grounds[g]) == 0) *group = 2 * *label + g;
    return 0;
}

/* direction : [P] water less grass. */
static clipspan_status find_cue(float *direction, removal *r, clipspan_error *err)
{
    static const char *const sides[] = {"water", "grass"};
    const size_t P = (size_t)r->demo->info->embed_width;
    float *vectors = cs_alloc(2 * P, sizeof *vectors, "a cue", err);
    clipspan_texts *texts;
    clipspan_status status;
    if (!vectors) return CLIPSPAN_E_NOMEM;
    status = clipspan_texts_new(&texts, sides, NULL, 2, err);
    if (status == CLIPSPAN_OK)
        status = clipspan_encoder_run_texts(vectors, r->demo->texts, texts, NULL, err);
    for (size_t p = 0; p < P && status == CLIPSPAN_OK; p++)
        direction[p] = vectors[p] - vectors[P + p];
    clipspan_texts_free(&texts);
    cs_free(vectors);
    return status;
}

static clipspan_status open_effects(removal *r, clipspan_error *err)
{
    clipspan_effects_options options = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_status status;
    float *cue = cs_alloc((size_t)r->demo->info->embed_width, sizeof *cue, "a cue", err);
    if (!cue) return CLIPSPAN_E_NOMEM;
    options.cues = cue;
    options.cue_count = 1;
    options.threads = (int)r->demo->session->threads;
    CS_TRY_DONE(find_cue(cue, r, err));
    CS_TRY_DONE(clipspan_effects_new(&r->effects, r->run, r->bank, &options, NULL, err));
    CS_TRY_DONE(clipspan_effects_new(&r->means, r->demo->run, r->bank, &options, NULL, err));
    CS_TRY_DONE(clipspan_shortcut_new(&r->shortcut, r->means, 0, 1, 0, err));
done:
    cs_free(cue);
    return status;
}

static clipspan_status make_room(removal *r, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(r->run);
    const uint64_t *run_indices = clipspan_effects_get_run_indices(r->effects);
    const size_t images = (size_t)info->images;
    r->N = clipspan_effects_get_images(r->effects);
    r->LH = (size_t)info->layers * (size_t)info->heads;
    r->label = cs_alloc(images, sizeof *r->label, "labels", err);
    r->group = cs_alloc(images, sizeof *r->group, "labels", err);
    r->before = cs_alloc(r->N, 1, "answers", err);
    r->after = cs_alloc(r->N, 1, "answers", err);
    r->predicted = cs_alloc(r->N, sizeof *r->predicted, "answers", err);
    r->changes = cs_alloc(r->LH, sizeof *r->changes, "changes", err);
    r->heads = cs_alloc(r->LH, sizeof *r->heads, "heads", err);
    r->order = cs_alloc(r->LH, sizeof *r->order, "heads", err);
    if (!r->label || !r->group || !r->before || !r->after || !r->predicted || !r->changes ||
        !r->heads || !r->order)
        return CLIPSPAN_E_NOMEM;
    CS_TRY(clipspan_run_read_images(r->run, 0, info->images, note_label, r, err));
    for (size_t i = 0; i < r->N; i++) { /* places rise, so none is overwritten before it is read */
        r->label[i] = r->label[run_indices[i]];
        r->group[i] = r->group[run_indices[i]];
    }
    return CLIPSPAN_OK;
}

/* What comes of the first `count` changes. */
static clipspan_status judge(outcome *to, removal *r, size_t count, clipspan_error *err)
{
    const clipspan_edit edit = {r->changes, count};
    clipspan_comparison per_group[GROUPS];
    CS_TRY(
        clipspan_effects_run(r->predicted, NULL, NULL, r->effects, r->means, &edit, 1, NULL, err));
    for (size_t i = 0; i < r->N; i++)
        r->after[i] = r->label[i] < 0 ? CLIPSPAN_NO_ANSWER
                                      : (uint8_t)(r->predicted[i] == (uint32_t)r->label[i]);
    if (r->count == 0) memcpy(r->before, r->after, r->N); /* nothing is changed first */
    return clipspan_compare_run(&to->overall, per_group, &to->worst, r->before, r->after, r->group,
                                r->N, GROUPS, 0, 0, err);
}

static outcome *next_outcome(removal *r, const char *name, size_t heads)
{
    outcome *o = &r->outcomes[r->count];
    memset(o, 0, sizeof *o);
    o->name = name;
    o->heads = heads;
    return o;
}

static clipspan_status ablate_role(removal *r, clipspan_error *err)
{
    outcome *o;
    size_t count;
    cli_demo_role_heads(r->heads, &count, r->demo, "background");
    if (count == 0) return CLIPSPAN_OK;
    memset(r->changes, 0, r->LH * sizeof *r->changes); /* heads, mean-ablated */
    for (size_t h = 0; h < count; h++) {
        r->changes[h].layer = r->heads[h].layer;
        r->changes[h].head = r->heads[h].head;
    }
    o = next_outcome(r, "role", count);
    snprintf(o->words, sizeof o->words, "%zu heads of background", count);
    CS_TRY(judge(o, r, count, err));
    r->count++;
    return CLIPSPAN_OK;
}

static clipspan_status try_remedy(removal *r, const char *name, clipspan_remedy_kind remedy,
                                  int heads, const char *words, clipspan_error *err)
{
    outcome *o = next_outcome(r, name, (size_t)heads);
    size_t count;
    snprintf(o->words, sizeof o->words, "%s", words);
    o->baseline = remedy == CLIPSPAN_REMEDY_PROJECT || remedy == CLIPSPAN_REMEDY_REGRESS;
    CS_TRY(clipspan_shortcut_get_changes(r->changes, &count, r->shortcut, remedy, heads, err));
    CS_TRY(judge(o, r, count, err));
    r->count++;
    return CLIPSPAN_OK;
}

/* As many heads as were chosen, drawn from all and changed the same way: the best of some sets. */
static clipspan_status try_random(removal *r, const clipspan_candidate *chosen, clipspan_error *err)
{
    const size_t H = (size_t)r->demo->info->image->heads, heads = (size_t)chosen->heads;
    cs_random random = {0};
    outcome *best = next_outcome(r, "random", heads), one;
    if (chosen->remedy == CLIPSPAN_REMEDY_NONE || heads == r->LH) return CLIPSPAN_OK;
    snprintf(best->words, sizeof best->words, "%zu random head%s, best of %d", heads,
             heads == 1 ? "" : "s", SETS);
    one = *best;
    for (size_t i = 0; i < r->LH; i++)
        r->order[i] = i;
    for (int set = 0; set < SETS; set++) {
        memset(r->changes, 0, r->LH * sizeof *r->changes);
        for (size_t i = 0; i < heads; i++) {
            const size_t k = i + (size_t)cs_random_below(&random, r->LH - i), head = r->order[k];
            r->order[k] = r->order[i];
            r->order[i] = head;
            r->changes[i].layer = (int)(head / H);
            r->changes[i].head = (int)(head % H);
            if (chosen->remedy == CLIPSPAN_REMEDY_SURGERY) r->changes[i].kind = CLIPSPAN_CHANGE_CUE;
        }
        CS_TRY(judge(&one, r, heads, err));
        if (set == 0 || one.worst.after.share > best->worst.after.share) *best = one;
    }
    r->count++;
    return CLIPSPAN_OK;
}

static clipspan_status try_all(removal *r, clipspan_error *err)
{
    const clipspan_candidate *chosen = &clipspan_shortcut_get_candidates(
        r->shortcut)[clipspan_shortcut_get_info(r->shortcut)->chosen];
    char words[48];
    snprintf(words, sizeof words, "chosen: %s, %d heads",
             chosen->remedy == CLIPSPAN_REMEDY_ABLATE    ? "means"
             : chosen->remedy == CLIPSPAN_REMEDY_SURGERY ? "cue surgery"
                                                         : "nothing",
             chosen->heads);
    CS_TRY(try_remedy(r, "nothing", CLIPSPAN_REMEDY_NONE, 0, "nothing", err));
    CS_TRY(ablate_role(r, err));
    CS_TRY(try_remedy(r, "chosen", chosen->remedy, chosen->heads, words, err));
    CS_TRY(try_random(r, chosen, err));
    CS_TRY(
        try_remedy(r, "projection", CLIPSPAN_REMEDY_PROJECT, 0, "baseline: text projection", err));
    return try_remedy(r, "embedding", CLIPSPAN_REMEDY_REGRESS, 0, "baseline: whole embedding", err);
}

/* ---- Showing ---- */

static void group_words(char out[48], const removal *r, int32_t group)
{
    snprintf(out, 48, "%s on %s",
             group < 0 ? "none" : clipspan_bank_get_key(r->bank, (size_t)group / 2),
             grounds[group < 0 ? 0 : group % 2]);
}

static clipspan_status add_outcome(cli_table *table, const removal *r, const outcome *o,
                                   clipspan_error *err)
{
    char cell[3 * CLI_NUMBER_ROOM], from[CLI_NUMBER_ROOM], to[CLI_NUMBER_ROOM], group[48];
    CS_TRY(cli_table_add(table, o->words, err));
    cli_format_percent(cell, o->overall.after.share);
    CS_TRY(cli_table_add(table, cell, err));
    cli_format_percent(cell, o->worst.after.share);
    CS_TRY(cli_table_add(table, cell, err));
    snprintf(from, sizeof from, "%.0f", 100 * o->worst.after.low);
    snprintf(to, sizeof to, "%.0f", 100 * o->worst.after.high);
    snprintf(cell, sizeof cell, "%s to %s", from, to);
    CS_TRY(cli_table_add(table, cell, err));
    group_words(group, r, o->worst.group_after);
    return cli_table_add(table, group, err);
}

static const outcome *named(const removal *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->outcomes[i].name, name) == 0) return &r->outcomes[i];
    return NULL;
}

static const outcome *best_baseline(const removal *r)
{
    const outcome *best = NULL;
    for (size_t i = 0; i < r->count; i++)
        if (r->outcomes[i].baseline &&
            (!best || r->outcomes[i].worst.after.share > best->worst.after.share))
            best = &r->outcomes[i];
    return best;
}

static clipspan_status tell(const removal *r, clipspan_error *err)
{
    static const char headers[] = "changed|>right|>worst group|>95 %|which";
    const outcome *chosen = named(r, "chosen"), *random = named(r, "random");
    const outcome *baseline = best_baseline(r);
    const int loses = baseline->worst.after.share > chosen->worst.after.share;
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t i = 0; i < r->count && status == CLIPSPAN_OK; i++)
        status = add_outcome(&table, r, &r->outcomes[i], err);
    if (status == CLIPSPAN_OK) cli_demo_table(r->demo, &table);
    cli_table_fini(&table);
    CS_TRY(status);
    cli_demo_say(
        r->demo,
        "%s%s A group has only %llu birds, so small differences between the lines say nothing. "
        "Effects are direct: later layers do not see the change.",
        loses
            ? "A baseline that knows nothing of heads does better here than what was chosen, with "
              "so plain a shortcut and a model that knows the words."
            : "No baseline does better here than what was chosen.",
        random && random->worst.after.share >= chosen->worst.after.share
            ? " The best of some random sets of as many heads does as well as the choice."
            : "",
        (unsigned long long)r->outcomes[0].worst.after.images);
    return CLIPSPAN_OK;
}

static void emit(const removal *r)
{
    cli_json *json = &r->demo->json;
    char group[48];
    cli_json_text(json, "run", clipspan_run_get_info(r->run)->path);
    cli_json_text(json, "cue", "water;grass");
    cli_json_array(json, "remedies");
    for (size_t i = 0; i < r->count; i++) {
        const outcome *o = &r->outcomes[i];
        group_words(group, r, o->worst.group_after);
        cli_json_row(json, NULL);
        cli_json_text(json, "name", o->name);
        cli_json_text(json, "changed", o->words);
        cli_json_whole(json, "heads", o->heads);
        cli_json_whole(json, "birds", o->overall.after.images);
        cli_json_whole(json, "right", o->overall.after.correct);
        cli_json_real(json, "accuracy", o->overall.after.share);
        cli_json_text(json, "group", group);
        cli_json_whole(json, "group_birds", o->worst.after.images);
        cli_json_whole(json, "group_right", o->worst.after.correct);
        cli_json_real(json, "worst", o->worst.after.share);
        cli_json_real(json, "low", o->worst.after.low);
        cli_json_real(json, "high", o->worst.after.high);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_flag(json, "baseline_better",
                  best_baseline(r)->worst.after.share > named(r, "chosen")->worst.after.share);
}

/* The same by the commands themselves, for the report: effects of every component on birds, the
 * role's heads mean-ablated, and all remedies, with what the chosen one costs other factors. */
static clipspan_status keep_for_report(const removal *r, clipspan_error *err)
{
    const cli_demo_job *d = r->demo;
    const char *run = clipspan_run_get_info(r->run)->path, *also[CLI_DEMO_FACTORS - 1];
    cli_evaluation_settings eval = {.mean = clipspan_run_get_info(d->run)->path};
    cli_effects_settings effects = {.pool = "demo"};
    cli_ablate_settings ablate = {.role = "background"};
    cli_shortcut_settings shortcut = {.cue = "water;grass",
                                      .also = {also, CLI_DEMO_FACTORS - 1, CLI_DEMO_FACTORS - 1}};
    char *paths[3] = {NULL, NULL, NULL}, sides[CLI_DEMO_FACTORS - 1][3 * 1024];
    clipspan_status status;
    CS_TRY_DONE(cli_demo_data(&paths[0], d, "classes/bird.txt", err));
    CS_TRY_DONE(cli_demo_data(&paths[1], d, "classes/bird.templates.txt", err));
    CS_TRY_DONE(cli_demo_data(&paths[2], d, "test.csv", err));
    for (int f = 0; f < CLI_DEMO_FACTORS - 1; f++) {
        const char *name = cli_demo_factors[f];
        snprintf(sides[f], sizeof sides[f], "%s=%s/classes/%s.txt:%s/classes/%s.templates.txt",
                 name, d->data, name, d->data, name);
        also[f] = sides[f];
    }
    eval.classes.list = paths[0];
    eval.classes.templates = paths[1];
    effects.eval = ablate.eval = shortcut.eval = eval;
    CS_TRY_DONE(cli_effects_beside(d->session, run, &effects, err));
    if (named(r, "role")) /* some head has that role */
        CS_TRY_DONE(cli_ablate_beside(d->session, run, &ablate, err));
    shortcut.eval.from = paths[2];
    status = cli_shortcut_beside(d->session, run, &shortcut, err);
done:
    for (int i = 0; i < 3; i++)
        cs_free(paths[i]);
    return status;
}

static clipspan_status work(removal *r, clipspan_error *err)
{
    clipspan_scan_result result;
    CS_TRY(cli_demo_bank(&r->bank, r->demo, "bird", err));
    CS_TRY(cli_demo_take_apart(&r->run, &result, r->demo, "test.csv", "test-run", err));
    CS_TRY(open_effects(r, err));
    CS_TRY(make_room(r, err));
    CS_TRY(try_all(r, err));
    CS_TRY(keep_for_report(r, err));
    if (r->demo->tells) return tell(r, err);
    emit(r);
    return CLIPSPAN_OK;
}

clipspan_status cli_demo_remedy(cli_demo_job *d, clipspan_error *err)
{
    removal r = {.demo = d};
    clipspan_status status = work(&r, err);
    clipspan_shortcut_free(&r.shortcut);
    clipspan_effects_free(&r.effects);
    clipspan_effects_free(&r.means);
    clipspan_bank_free(&r.bank);
    clipspan_run_close(&r.run);
    cs_free(r.label);
    cs_free(r.group);
    cs_free(r.before);
    cs_free(r.after);
    cs_free(r.predicted);
    cs_free(r.changes);
    cs_free(r.heads);
    cs_free(r.order);
    return status;
}
