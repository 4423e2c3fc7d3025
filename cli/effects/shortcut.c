/* SPDX-License-Identifier: MIT */
/* clipspan shortcut: heads through which a spurious cue reaches a decision, remedies, and what
 * comes of them. */
#include "cli/effects/shortcut_out.h"
#include "cli/effects/shortcut_sides.h"
#include "cli/frame/command.h"
#include "cli/in/cue.h"
#include "cli/in/texts.h"

#define CLASSES_MOST 12

typedef struct {
    cli_evaluation_settings eval;
    const char *cue, *pool;
    cli_list also;
} settings;

typedef struct job {
    const settings *x;
    cli_evaluation_settings eval;
    cli_evaluation ev;
    clipspan_cues *cues;
    cli_sides sides;
    clipspan_remedy *remedy;
} job;

static clipspan_status search_cues(job *j, clipspan_error *err)
{
    cli_evaluation *ev = &j->ev;
    clipspan_progress progress = {cli_progress_step, ev->session};
    clipspan_texts *pool;
    clipspan_bank *bank = NULL;
    clipspan_status status;
    const char *name;
    CS_TRY(cli_pool_open(&pool, &name, ev->session, j->x->pool, err));
    status = cli_pool_embed(&bank, ev, pool, err);
    if (status == CLIPSPAN_OK) {
        cli_progress_begin(ev->session, "chunks");
        status = clipspan_cues_new_search(&j->cues, ev->mean_run ? ev->mean_run : ev->run, ev->bank,
                                          bank, name, (int)ev->session->threads, &progress, err);
        cli_progress_end(ev->session);
        cli_stage(ev->session, "cues looked for");
    }
    clipspan_bank_free(&bank);
    clipspan_texts_free(&pool);
    return status;
}

static clipspan_status make_cues(job *j, clipspan_error *err)
{
    const settings *x = j->x;
    if (x->cue && x->pool)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--cue and --texts exclude each other: a cue is given or looked for");
    CS_TRY(x->cue ? clipspan_cues_new(&j->cues, x->cue, j->ev.encoder, j->ev.bank, err)
                  : search_cues(j, err));
    cli_remedy_warn(j->ev.session, j->cues);
    return CLIPSPAN_OK;
}

static clipspan_status open_job(job *j, cli_session *s, clipspan_error *err)
{
    j->eval = j->x->eval;
    j->eval.labels_elsewhere = j->x->also.count > 0;
    CS_TRY(cli_evaluation_open(&j->ev, s, s->arguments.items[0], &j->eval, 1, err));
    if (j->ev.class_count > CLASSES_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--classes: %zu classes make %zu pairs; give the 2 to %d that are in doubt",
                       j->ev.class_count, j->ev.class_count * (j->ev.class_count - 1) / 2,
                       CLASSES_MOST);
    CS_TRY(make_cues(j, err));
    CS_TRY(cli_evaluation_study(&j->ev, clipspan_cues_get_directions(j->cues), 1, err));
    return cli_sides_open(&j->sides, &j->ev, &j->x->also, err);
}

static clipspan_status try_remedies(job *j, clipspan_error *err)
{
    cli_session *s = j->ev.session;
    clipspan_remedy_options options = CLIPSPAN_REMEDY_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    options.cues = j->cues;
    options.sides = j->sides.option;
    options.side_count = j->sides.count;
    options.random_sets = (int)j->eval.random;
    options.published = j->eval.published;
    options.resamples = (int)j->eval.resamples;
    options.seed = j->eval.seed;
    cli_progress_begin(s, "pairs");
    status = clipspan_remedy_new(&j->remedy, j->ev.study, &options, &progress, err);
    cli_progress_end(s);
    cli_stage(s, "remedies tried");
    return status;
}

/* For the reports of both runs. */
static clipspan_status keep_remedies(const job *j, clipspan_error *err)
{
    const cli_evaluation *ev = &j->ev;
    clipspan_error failed;
    clipspan_status status = clipspan_remedy_keep(j->remedy, ev->run, ev->mean_run, &failed);
    CS_TRY(cli_evaluation_kept(ev, status, &failed, err));
    if (!ev->mean_run) return CLIPSPAN_OK;
    status = clipspan_remedy_keep(j->remedy, ev->mean_run, ev->run, &failed);
    return cli_evaluation_kept(ev, status, &failed, err);
}

static clipspan_status run_job(job *j, cli_session *s, clipspan_error *err)
{
    CS_TRY(open_job(j, s, err));
    CS_TRY(try_remedies(j, err));
    CS_TRY(keep_remedies(j, err));
    return cli_remedy_show(s, j->remedy, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    job j = {.x = given};
    const clipspan_status status = run_job(&j, s, err);
    clipspan_remedy_free(&j.remedy);
    cli_sides_close(&j.sides);
    clipspan_cues_free(&j.cues);
    cli_evaluation_close(&j.ev);
    return status;
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
             "otherwise how many predictions stay; may be repeated",
             also),
    CLI_OPT_EVALUATION,
    CLI_OPT_EVAL_RANDOM,
    CLI_OPT_EVAL_PUBLISHED,
    CLI_OPT_EVAL_RESAMPLES,
    CLI_OPT_EVAL_SEED,
    CLI_OPT_THREADS,
    CLI_OPT_FORM,
};

const cli_command cli_shortcut = {
    .name = "shortcut",
    .usage = "RUN --classes A,B [--cue \"T1|T2;T3|T4\"]",
    .summary = "through which heads a spurious cue reaches a decision, and what to do about it",
    .about =
        "For each pair of classes and a suspected spurious cue, ranks heads by how much of their "
        "contribution to the margin the cue explains and how specific that is; chooses among "
        "mean-ablating them and removing the cue from them, without labels; shows both beside two "
        "baselines, what it changes, and, where groups are known, accuracy by group.\n"
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
        "texts; category: in the pool\n"
        "of the margin's variance\tshare of the variance of the two classes' margin, among images "
        "of one prediction, that a cue explains, or that a head contributes\n"
        "head\tlayer and head, the first candidates of the ranking\n"
        "the cue's\tshare of the margin's variance that the head's reading of the cue explains\n"
        "ratio\tthe cue's over what is left of the head's, by which heads are ranked\n"
        "the cue's part of it\tbar: of the head's contribution, the part that the cue explains\n"
        "remedy\twhat is changed; baseline: to compare with; hindsight: the best on the evaluated "
        "images\n"
        "correlation\tlargest that is left between margin and cue among images predicted alike, "
        "on the images of the statistics; remedies are chosen by it\n"
        "accuracy, worst group\tafter the remedy; agreement with the unedited model where no image "
        "has a label\n"
        "points, 95 %\tchange of the worst group in percentage points, and between what 95 % of "
        "resamples lie; a dash: not resampled\n"
        "forecast: predicted, cue\timages of the statistics by predicted class, and by the side "
        "that their reading of the cue is on\n"
        "images\thow many\n"
        "stay\tshare whose prediction does not change\n"
        "margin before, after\tmean margin of the unedited prediction\n"
        "side effects on\tanother classification (--also), and how many of its predictions stay\n"
        "accuracy before, after, points\tits accuracy, and the change in percentage points",
};
