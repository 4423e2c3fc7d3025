/* SPDX-License-Identifier: MIT */
/* clipspan shortcut: heads through which a cue reaches a decision, remedies, and what comes of
 * them. */
#include "cli/effects/shortcut.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/effects/keep.h"
#include "cli/effects/shortcut_out.h"
#include "cli/frame/command.h"
#include "cli/in/cue.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define CUES  10 /* found in a pool */
#define PIECE 64 /* edits at a time */

typedef cli_shortcut_settings settings;

typedef struct job {
    const settings *x;
    cli_evaluation_settings eval;
    cli_evaluation ev;
    cli_findings found;
    cli_ablation work; /* answers, per_group */
    clipspan_texts *pool;
    float *cues;              /* [CUES, P] */
    clipspan_change *changes; /* [PIECE, L H] */
    uint32_t *predicted;      /* [PIECE, N] */
    size_t LH;
} job;

static clipspan_effects *statistics(const job *j)
{
    return j->ev.mean_effects ? j->ev.mean_effects : j->ev.effects;
}

/* ---- The cue ---- */

static clipspan_status find_cues(job *j, clipspan_error *err)
{
    cli_evaluation *ev = &j->ev;
    clipspan_effects_options options = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_effects *effects = NULL;
    clipspan_bank *bank = NULL;
    clipspan_status status;
    const char *name;
    CS_TRY(cli_pool_open(&j->pool, &name, ev->session, j->x->pool, err));
    j->found.cues = cs_alloc(CUES, sizeof *j->found.cues, "cues", err);
    if (!j->found.cues) return CLIPSPAN_E_NOMEM;
    options.threads = (int)ev->session->threads;
    CS_TRY_DONE(cli_pool_embed(&bank, ev, j->pool, err));
    CS_TRY_DONE(clipspan_effects_new(&effects, ev->mean_run ? ev->mean_run : ev->run, ev->bank,
                                     &options, NULL, err));
    CS_TRY_DONE(clipspan_cue_search(j->found.cues, j->cues, &j->found.cue_count, CUES, effects, 0,
                                    1, bank, err));
    j->found.pool = j->pool;
    j->found.cue = clipspan_texts_get_text(j->pool, j->found.cues[0].text);
    cli_stage(ev->session, "cues looked for");
done:
    clipspan_effects_free(&effects);
    clipspan_bank_free(&bank);
    return status;
}

static clipspan_status take_cue(job *j, clipspan_error *err)
{
    const settings *x = j->x;
    if (x->cue && x->pool)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--cue and --texts exclude each other: a cue is given or looked for");
    j->cues = cs_alloc(CUES, clipspan_bank_get_width(j->ev.bank) * sizeof *j->cues, "cues", err);
    if (!j->cues) return CLIPSPAN_E_NOMEM;
    if (!x->cue) return find_cues(j, err);
    j->found.cue = x->cue;
    return cli_cue_direction(j->cues, &j->ev, x->cue, err);
}

/* ---- Remedies on the evaluated images ---- */

static clipspan_status compare(clipspan_comparison *overall, clipspan_comparison *worst, job *j,
                               const uint32_t *predicted, int resamples, clipspan_error *err)
{
    const cli_evaluation *ev = &j->ev;
    cli_answers(j->work.after, ev, predicted);
    return clipspan_compare_run(overall, j->work.per_group, ev->group_count ? worst : NULL,
                                j->work.before, j->work.after, ev->groups, ev->N, ev->group_count,
                                resamples, ev->x->seed, err);
}

static clipspan_status predict(uint32_t *predicted, job *j, const clipspan_change *changes,
                               size_t count, clipspan_error *err)
{
    const clipspan_edit edit = {changes, count};
    return clipspan_effects_run(predicted, NULL, NULL, j->ev.effects, statistics(j), &edit, 1, NULL,
                                err);
}

static clipspan_status add_remedy(job *j, cli_pair *p, const char *name,
                                  clipspan_candidate candidate, clipspan_error *err)
{
    const int resamples = j->eval.resamples ? (int)j->eval.resamples : 1000;
    cli_remedy *to = &p->remedies[p->remedy_count];
    size_t count;
    to->groups = p->groups + p->remedy_count++ * j->ev.group_count;
    to->name = name;
    to->candidate = candidate;
    CS_TRY(clipspan_shortcut_get_changes(j->changes, &count, p->shortcut, candidate.remedy,
                                         candidate.heads, err));
    CS_TRY(predict(j->predicted, j, j->changes, count, err));
    CS_TRY(compare(&to->overall, &to->worst, j, j->predicted, resamples, err));
    memcpy(to->groups, j->work.per_group, j->ev.group_count * sizeof *to->groups);
    return CLIPSPAN_OK;
}

/* Of the candidates of one kind that with the smallest correlation. */
static const clipspan_candidate *least(const cli_pair *p, clipspan_remedy_kind remedy)
{
    const clipspan_candidate *c = clipspan_shortcut_get_candidates(p->shortcut), *found = NULL;
    for (size_t i = 0; i < clipspan_shortcut_get_info(p->shortcut)->candidates; i++)
        if (c[i].remedy == remedy && c[i].eligible &&
            (!found || c[i].correlation < found->correlation))
            found = &c[i];
    return found;
}

/* The candidate that turns out best where the answers are known: by worst group, or accuracy. */
static clipspan_status find_best(clipspan_candidate *best, job *j, const cli_pair *p,
                                 clipspan_error *err)
{
    const clipspan_shortcut_info *info = clipspan_shortcut_get_info(p->shortcut);
    const clipspan_candidate *c = clipspan_shortcut_get_candidates(p->shortcut);
    clipspan_edit edits[PIECE];
    double top = -1.0;
    for (size_t first = 0; first < info->candidates; first += PIECE) {
        const size_t some = info->candidates - first < PIECE ? info->candidates - first : PIECE;
        for (size_t i = 0; i < some; i++) {
            clipspan_change *to = j->changes + i * j->LH;
            edits[i].changes = to;
            CS_TRY(clipspan_shortcut_get_changes(to, &edits[i].count, p->shortcut,
                                                 c[first + i].remedy, c[first + i].heads, err));
        }
        CS_TRY(clipspan_effects_run(j->predicted, NULL, NULL, j->ev.effects, statistics(j), edits,
                                    some, NULL, err));
        for (size_t i = 0; i < some; i++) {
            clipspan_comparison overall, worst;
            double value;
            CS_TRY(compare(&overall, &worst, j, j->predicted + i * j->ev.N, 0, err));
            value = j->ev.group_count ? worst.after.share : overall.after.share;
            if (value <= top) continue;
            top = value;
            *best = c[first + i];
        }
        CS_TRY(cli_keep_going(j->ev.session, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status run_remedies(job *j, cli_pair *p, clipspan_error *err)
{
    const clipspan_shortcut_info *info = clipspan_shortcut_get_info(p->shortcut);
    const clipspan_candidate *c = clipspan_shortcut_get_candidates(p->shortcut),
                             *ablate = least(p, CLIPSPAN_REMEDY_ABLATE),
                             *surgery = least(p, CLIPSPAN_REMEDY_SURGERY);
    clipspan_candidate all = {CLIPSPAN_REMEDY_SURGERY, (int)info->heads, -1.0, 0},
                       project = {CLIPSPAN_REMEDY_PROJECT, 0, -1.0, 0},
                       regress = {CLIPSPAN_REMEDY_REGRESS, 0, -1.0, 0}, best = {0};
    for (size_t i = 0; i < info->candidates; i++)
        if (c[i].remedy == CLIPSPAN_REMEDY_SURGERY && c[i].heads == (int)info->heads) all = c[i];
    CS_TRY(add_remedy(j, p, "nothing", c[0], err));
    CS_TRY(add_remedy(j, p, "chosen", c[info->chosen], err));
    if (ablate) CS_TRY(add_remedy(j, p, "ablation", *ablate, err));
    if (surgery) CS_TRY(add_remedy(j, p, "cue surgery", *surgery, err));
    CS_TRY(add_remedy(j, p, "cue surgery, all heads", all, err));
    CS_TRY(add_remedy(j, p, "baseline: text projection", project, err));
    CS_TRY(add_remedy(j, p, "baseline: whole embedding", regress, err));
    if (!j->ev.labelled) return CLIPSPAN_OK;
    CS_TRY(find_best(&best, j, p, err));
    return add_remedy(j, p, "best in hindsight", best, err);
}

/* As many heads as the chosen remedy changes, drawn from all, changed the same way. */
static clipspan_status run_random(job *j, cli_pair *p, clipspan_error *err)
{
    const cli_evaluation_settings *x = &j->eval;
    const clipspan_run_info *info = clipspan_run_get_info(j->ev.run);
    const clipspan_candidate *c = &p->remedies[1].candidate;
    cs_random random = {x->seed};
    size_t *order, t, i;
    if (c->remedy == CLIPSPAN_REMEDY_NONE || (size_t)c->heads == j->LH) return CLIPSPAN_OK;
    p->trial_count = x->random ? (size_t)x->random : 5;
    p->trials = cs_alloc_zero(p->trial_count, sizeof *p->trials, "random sets", err);
    order = cs_alloc(j->LH, sizeof *order, "heads", err);
    for (t = 0; p->trials && order && t < p->trial_count; t++) {
        cli_trial *trial = &p->trials[t];
        clipspan_status status;
        trial->count = (size_t)c->heads;
        trial->heads = cs_alloc_zero(trial->count, sizeof *trial->heads, "heads", err);
        if (!trial->heads) break;
        for (i = 0; i < j->LH; i++)
            order[i] = i;
        for (i = 0; i < trial->count; i++) {
            const size_t k = i + (size_t)cs_random_below(&random, j->LH - i), head = order[k];
            order[k] = order[i];
            order[i] = head;
            trial->heads[i].layer = (int)(head / (size_t)info->heads);
            trial->heads[i].head = (int)(head % (size_t)info->heads);
            if (c->remedy == CLIPSPAN_REMEDY_SURGERY) trial->heads[i].kind = CLIPSPAN_CHANGE_CUE;
        }
        status = predict(j->predicted, j, trial->heads, trial->count, err);
        if (status == CLIPSPAN_OK)
            status = compare(&trial->overall, &trial->worst, j, j->predicted, 0, err);
        if (status != CLIPSPAN_OK) {
            cs_free(order);
            return status;
        }
    }
    i = p->trials && order && t == p->trial_count;
    cs_free(order);
    return i ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* ---- Without group labels: what the images of the statistics do ---- */

static void count_pseudo(cli_pair *p, const uint32_t *predicted, const double *margins,
                         const double *reading, double mean, size_t N)
{
    for (int k = 0; k < 4; k++) {
        p->pseudo[k].side = k / 2;
        p->pseudo[k].positive = k % 2;
    }
    for (size_t i = 0; i < N; i++) {
        cli_pseudo *to;
        if (predicted[i] != p->a && predicted[i] != p->b) continue;
        to = &p->pseudo[2 * (predicted[i] == p->b) + (reading[i] > mean)];
        to->images++;
        to->kept += predicted[N + i] == predicted[i];
        to->before += margins[i];
        to->after += margins[N + i];
    }
    for (int k = 0; k < 4; k++) {
        if (!p->pseudo[k].images) continue;
        p->pseudo[k].before /= (double)p->pseudo[k].images;
        p->pseudo[k].after /= (double)p->pseudo[k].images;
    }
}

static clipspan_status run_forecast(job *j, cli_pair *p, clipspan_error *err)
{
    clipspan_effects *effects = statistics(j);
    const size_t N = clipspan_effects_get_images(effects);
    const clipspan_candidate *c = &p->remedies[1].candidate;
    clipspan_edit edits[2] = {{NULL, 0}, {j->changes, 0}};
    uint32_t *predicted = cs_alloc(2 * N, sizeof *predicted, "predictions", err);
    double *margins = cs_alloc(3 * N, sizeof *margins, "margins", err), mean;
    int32_t *labels = cs_alloc(N, sizeof *labels, "predictions", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (!predicted || !margins || !labels) goto done;
    CS_TRY_DONE(clipspan_shortcut_get_changes(j->changes, &edits[1].count, p->shortcut, c->remedy,
                                              c->heads, err));
    CS_TRY_DONE(clipspan_effects_run(predicted, NULL, NULL, effects, NULL, edits, 1, NULL, err));
    for (size_t i = 0; i < N; i++)
        labels[i] = (int32_t)predicted[i];
    CS_TRY_DONE(
        clipspan_effects_run(predicted, margins, NULL, effects, NULL, edits, 2, labels, err));
    CS_TRY_DONE(clipspan_effects_read_cue(margins + 2 * N, &mean, effects, 0, err));
    count_pseudo(p, predicted, margins, margins + 2 * N, mean, N);
done:
    cs_free(predicted);
    cs_free(margins);
    cs_free(labels);
    return status;
}

/* ---- Other classifications ---- */

static clipspan_status run_side(job *j, cli_pair *p, const char *text, clipspan_error *err)
{
    cli_evaluation *ev = &j->ev;
    cli_side *to = &p->sides[p->side_count++];
    const clipspan_candidate *c = &p->remedies[1].candidate;
    cli_also also = {0};
    clipspan_edit edits[2] = {{NULL, 0}, {j->changes, 0}};
    clipspan_status status;
    uint64_t kept = 0;
    to->name = text;
    to->images = ev->N;
    CS_TRY_DONE(cli_also_open(&also, ev, j->cues, text, err));
    CS_TRY_DONE(clipspan_shortcut_get_changes(j->changes, &edits[1].count, p->shortcut, c->remedy,
                                              c->heads, err));
    CS_TRY_DONE(clipspan_effects_run(j->predicted, NULL, NULL, also.effects, also.means, edits, 2,
                                     NULL, err));
    for (size_t i = 0; i < ev->N; i++)
        kept += j->predicted[i] == j->predicted[ev->N + i];
    to->kept = (double)kept / (double)ev->N;
    to->labelled = also.labels != NULL;
    if (also.labels) status = cli_also_compare(&to->overall, &also, ev, j->predicted, err);
done:
    cli_also_close(&also);
    return status;
}

static clipspan_status run_pair(job *j, cli_pair *p, clipspan_error *err)
{
    const cli_list *also = &j->x->also;
    p->groups =
        cs_alloc_zero(CLI_REMEDIES_MOST * j->ev.group_count, sizeof *p->groups, "groups", err);
    if (!p->groups) return CLIPSPAN_E_NOMEM;
    CS_TRY(clipspan_shortcut_new(&p->shortcut, statistics(j), p->a, p->b, 0, err));
    CS_TRY(run_remedies(j, p, err));
    CS_TRY(run_random(j, p, err));
    CS_TRY(run_forecast(j, p, err));
    p->sides = cs_alloc_zero(also->count, sizeof *p->sides, "side effects", err);
    if (!p->sides) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < also->count; i++)
        CS_TRY(run_side(j, p, also->items[i], err));
    return cli_keep_going(j->ev.session, err);
}

static clipspan_status take_room(job *j, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(j->ev.run);
    const size_t classes = j->ev.class_count, N = j->ev.N;
    j->LH = (size_t)info->layers * (size_t)info->heads;
    j->found.pairs =
        cs_alloc_zero(classes * (classes - 1) / 2, sizeof *j->found.pairs, "pairs", err);
    j->changes = cs_alloc(PIECE * j->LH, sizeof *j->changes, "edits", err);
    j->predicted = cs_alloc(PIECE, N * sizeof *j->predicted, "predictions", err);
    j->work.before = cs_alloc(2 * N, 1, "answers", err);
    j->work.per_group = cs_alloc_zero(j->ev.group_count, sizeof *j->work.per_group, "groups", err);
    if (!j->found.pairs || !j->changes || !j->predicted || !j->work.before || !j->work.per_group)
        return CLIPSPAN_E_NOMEM;
    j->work.after = j->work.before + N;
    cli_answers(j->work.before, &j->ev, j->ev.predicted);
    return CLIPSPAN_OK;
}

static clipspan_status compute(job *j, cli_session *s, const char *run, clipspan_error *err)
{
    j->eval = j->x->eval;
    j->eval.labels_elsewhere = j->x->also.count > 0;
    CS_TRY(cli_evaluation_open(&j->ev, s, run, &j->eval, 1, err));
    if (j->ev.class_count > 12)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--classes: %zu classes make %zu pairs; give the 2 to 12 that are in doubt",
                       j->ev.class_count, j->ev.class_count * (j->ev.class_count - 1) / 2);
    CS_TRY(take_cue(j, err));
    CS_TRY(cli_evaluation_start(&j->ev, j->cues, 1, err));
    CS_TRY(take_room(j, err));
    for (size_t a = 0; a < j->ev.class_count; a++)
        for (size_t b = a + 1; b < j->ev.class_count; b++) {
            cli_pair *p = &j->found.pairs[j->found.pair_count++];
            p->a = a;
            p->b = b;
            CS_TRY(run_pair(j, p, err));
        }
    cli_stage(s, "remedies tried");
    return cli_findings_keep(&j->ev, &j->found, err);
}

static clipspan_status work_on(cli_session *s, const char *run, const settings *x, int show,
                               clipspan_error *err)
{
    clipspan_status status;
    job j;
    memset(&j, 0, sizeof j);
    j.x = x;
    status = compute(&j, s, run, err);
    if (status == CLIPSPAN_OK && show) status = cli_findings_show(&j.ev, &j.found, err);
    for (size_t i = 0; i < j.found.pair_count; i++) {
        cli_pair *p = &j.found.pairs[i];
        for (size_t t = 0; p->trials && t < p->trial_count; t++)
            cs_free(p->trials[t].heads);
        cs_free(p->trials);
        cs_free(p->sides);
        cs_free(p->groups);
        clipspan_shortcut_free(&p->shortcut);
    }
    cs_free(j.found.pairs);
    cs_free(j.found.cues);
    cs_free(j.work.before);
    cs_free(j.work.per_group);
    clipspan_texts_free(&j.pool);
    cs_free(j.cues);
    cs_free(j.changes);
    cs_free(j.predicted);
    cli_evaluation_close(&j.ev);
    return status;
}

clipspan_status cli_shortcut_beside(cli_session *s, const char *run, const settings *x,
                                    clipspan_error *err)
{
    return work_on(s, run, x, 0, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    return work_on(s, s->arguments.items[0], given, 1, err);
}

static const cli_option options[] = {
    CLI_TEXT("Cue", "cue", 0, "\"T1|T2;T3|T4\"",
             "texts of both sides of a suspected cue; without, cues are looked for among --texts",
             cue),
    CLI_FILE("Cue", "texts", 0, "POOL",
             "without --cue: the texts to look in, those of categories that are not of objects "
             "(default: general)",
             pool),
    CLI_LIST("Cue", "also", 0, "[COLUMN=]CLASSES[:TEMPLATES]",
             "another file of classes, to see what it costs there: accuracy by a column of --from, "
             "otherwise how many answers stay; may be repeated",
             also),
    CLI_OPT_EVALUATION,
    CLI_OPT_EVAL_RANDOM,
    CLI_OPT_EVAL_RESAMPLES,
    CLI_OPT_EVAL_SEED,
    CLI_OPT_THREADS,
    CLI_OPT_FORM,
};

const cli_command cli_shortcut = {
    .name = "shortcut",
    .usage = "RUN --classes A,B [--cue \"T1|T2;T3|T4\"]",
    .summary = "which heads carry a spurious cue into a decision, and remedies without labels",
    .about =
        "For two classes and a suspected cue, ranks heads by how much of their contribution to the "
        "decision the cue explains, and how little else; chooses among ablating them and taking "
        "the "
        "cue out of them, without labels; shows both beside two baselines, what it changes, and, "
        "where groups are known, what comes of it.\n"
        "Statistics and choice come from --mean RUN (or RUN itself), figures from RUN.",
    .examples =
        "clipspan shortcut test --mean train --classes birds.txt --cue \"water;forest\"\ta "
        "suspect\n"
        "clipspan shortcut test --mean train --classes birds.txt\tnone: cues are looked for",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "cue found in the pool, category\twithout --cue: a text less the mean of its category's "
        "texts; "
        "category: in the pool\n"
        "of the margin's variance\tshare of the variance of the two classes' margin that a cue "
        "explains, or that a head contributes\n"
        "head\tlayer and head, the first candidates of the ranking\n"
        "the cue's\tshare of the margin's variance that the cue explains through this head\n"
        "ratio\tthe cue's over the rest of the head's, by which heads are ranked\n"
        "the cue's part of it\tbar: of the head's contribution, the part that the cue explains\n"
        "remedy\twhat is changed; hindsight: the best on the evaluated images\n"
        "correlation\tlargest that is left between margin and cue among images predicted alike; "
        "remedies are chosen by it\n"
        "accuracy, worst group\tafter the remedy; agreement without labels\n"
        "points\tchange of the worst group, and 95 % of resamples\n"
        "forecast: predicted\timages of the statistics by predicted class, and cue: the side their "
        "reading of it is on\n"
        "images\thow many\n"
        "answer stays\tshare whose prediction does not change\n"
        "margin before, after\tmean margin of the unedited prediction\n"
        "side effects on\tanother classification (--also)\n"
        "answers that stay\tshare of its predictions that do not change\n"
        "accuracy before, after, points\tits accuracy, and the change in percentage points",
};
