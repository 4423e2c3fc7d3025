/* SPDX-License-Identifier: MIT */
/* clipspan surgery: heads scaled, mean-ablated, or those of another image, in memory; scores
 * and accuracies of what comes out. */
#include "base/memory.h"
#include "cli/effects/ablation_out.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/in/contributions.h"
#include "cli/in/evaluation.h"
#include "cli/in/texts.h"
#include "cli/out/rows.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <string.h>

typedef struct {
    cli_evaluation_settings eval;
    cli_list sets;
    cli_output_settings out;
} settings;

typedef struct job {
    const settings *x;
    cli_evaluation ev;
    cli_components components;
    clipspan_ablation *found;
    char *rows_path;
    size_t classes;
    double *scores;      /* [images, classes] after */
    uint32_t *predicted; /* [images] after */
    cli_rows *rows;
    clipspan_npy *array;
} job;

/* One COMPONENT=VALUE. */
static clipspan_status read_set(job *j, const char *set, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(j->ev.run);
    const char *value = strchr(set, '=');
    clipspan_change change = {.kind = CLIPSPAN_CHANGE_MEAN};
    clipspan_status status;
    char *name;
    if (!value)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--set: expected COMPONENT=VALUE, such as L%d.H0=mean, found \"%.80s\"",
                       info->layers - 1, set);
    CS_TRY(clipspan_surgery_read_value(&change, j->ev.run, value + 1, err));
    name = cs_strndup(set, (size_t)(value - set), err);
    if (!name) return CLIPSPAN_E_NOMEM;
    status = cli_components_list(&j->components, name, change, err);
    cs_free(name);
    return status;
}

/* The last --set that names a component counts, so they are read from the last on. */
static clipspan_status read_sets(job *j, clipspan_error *err)
{
    const cli_list *sets = &j->x->sets;
    const clipspan_run_info *info = clipspan_run_get_info(j->ev.run);
    if (sets->count == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "nothing to change: give --set L%d.H0=0, --set L%d.*=mean or --set "
                       "L%d.H0=IMAGE",
                       info->layers - 1, info->layers - 1, info->layers - 1);
    CS_TRY(cli_components_init(&j->components, info->layers, info->heads, err));
    for (size_t i = sets->count; i-- > 0;)
        CS_TRY(read_set(j, sets->items[i], err));
    return CLIPSPAN_OK;
}

static clipspan_status operate(job *j, clipspan_error *err)
{
    const cli_evaluation_settings *x = &j->x->eval;
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    options.changes = j->components.changes;
    options.change_count = j->components.count;
    options.surgery = 1;
    options.resamples = (int)x->resamples;
    options.seed = x->seed;
    CS_TRY(clipspan_ablation_new(&j->found, j->ev.study, &options, NULL, err));
    cli_stage(j->ev.session, "components changed");
    return CLIPSPAN_OK;
}

typedef struct row_job {
    job *j;
    size_t row;
    float *scores; /* [classes] */
    clipspan_status status;
    clipspan_error *err;
} row_job;

static int write_row(void *user, const clipspan_run_image *p)
{
    row_job *r = user;
    const job *j = r->j;
    const char *const *names = clipspan_evaluation_get_info(j->ev.study)->class_names;
    const uint32_t *before = clipspan_evaluation_get_predicted(j->ev.study);
    if (strcmp(p->status, "ok") != 0) return 0;
    for (size_t c = 0; c < j->classes; c++)
        r->scores[c] = (float)j->scores[r->row * j->classes + c];
    r->status = clipspan_npy_write(j->array, r->scores, 1, r->err);
    cli_rows_whole(j->rows, r->row);
    cli_rows_text(j->rows, p->path);
    cli_rows_text(j->rows, p->label);
    cli_rows_text(j->rows, p->group);
    cli_rows_text(j->rows, names[before[r->row]]);
    cli_rows_text(j->rows, names[j->predicted[r->row]]);
    if (r->status == CLIPSPAN_OK) r->status = cli_rows_next(j->rows, r->err);
    r->row++;
    return r->status != CLIPSPAN_OK;
}

/* Scores of all images after the changes. */
static clipspan_status read_scores(job *j, clipspan_error *err)
{
    const clipspan_evaluation_info *info = clipspan_evaluation_get_info(j->ev.study);
    const clipspan_edit edit = {j->components.changes, j->components.count};
    j->classes = info->classes;
    j->scores = cs_alloc((size_t)info->images, info->classes * sizeof *j->scores, "scores", err);
    j->predicted = cs_alloc((size_t)info->images, sizeof *j->predicted, "predictions", err);
    if (!j->scores || !j->predicted) return CLIPSPAN_E_NOMEM;
    return clipspan_effects_run(j->predicted, NULL, j->scores,
                                clipspan_evaluation_get_effects(j->ev.study),
                                clipspan_evaluation_get_means(j->ev.study), &edit, 1, NULL, err);
}

static clipspan_status write_files(job *j, clipspan_error *err)
{
    const cli_output_settings *x = &j->x->out;
    const uint64_t width = j->classes;
    row_job r = {j, 0, NULL, CLIPSPAN_OK, err};
    clipspan_status status;
    cli_signals_hold();
    CS_TRY(cli_rows_open(&j->rows, j->ev.session, j->rows_path, x->force, err));
    CS_TRY(cli_rows_header(j->rows, "row|path|label|group|before|after", err));
    CS_TRY(clipspan_npy_open(&j->array, x->output, CLIPSPAN_FLOAT32, &width, 1, x->force, err));
    r.scores = cs_alloc(j->classes, sizeof *r.scores, "scores", err);
    if (!r.scores) return CLIPSPAN_E_NOMEM;
    status = clipspan_run_read_images(j->ev.run, 0, clipspan_run_get_info(j->ev.run)->images,
                                      write_row, &r, err);
    cs_free(r.scores);
    CS_TRY(r.status);
    CS_TRY(status);
    CS_TRY(cli_rows_finish(j->rows, err));
    return clipspan_npy_finish(j->array, err);
}

static clipspan_status compute(job *j, cli_session *s, clipspan_error *err)
{
    const cli_output_settings *x = &j->x->out;
    if (x->output) {
        CS_TRY(cli_rows_path(&j->rows_path, x->output, err));
        CS_TRY(cli_target_check(s, x->output, x->force, err));
        CS_TRY(cli_target_check(s, j->rows_path, x->force, err));
    }
    CS_TRY(cli_evaluation_open(&j->ev, s, s->arguments.items[0], &j->x->eval, 0, err));
    CS_TRY(read_sets(j, err));
    CS_TRY(cli_evaluation_study(&j->ev, NULL, 0, err));
    CS_TRY(operate(j, err));
    if (x->output) CS_TRY(read_scores(j, err));
    if (x->output) CS_TRY(write_files(j, err));
    return cli_ablation_show(s, j->found, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    clipspan_status status;
    job j;
    memset(&j, 0, sizeof j);
    j.x = given;
    status = compute(&j, s, err);
    clipspan_npy_close(&j.array);
    cli_rows_close(&j.rows);
    clipspan_ablation_free(&j.found);
    cli_components_fini(&j.components);
    cs_free(j.scores);
    cs_free(j.predicted);
    cs_free(j.rows_path);
    cli_evaluation_close(&j.ev);
    return status;
}

static const cli_option options[] = {
    CLI_LIST("Heads", "set", 0, "COMPONENT=VALUE",
             "what a component becomes: a number scales it (0 takes it away), mean, or the path of "
             "an image of the run, whose contribution replaces it; COMPONENT as L22.H11, L22.*, "
             "L22.MLP, "
             "input; may be repeated, the last that names a component counts",
             sets),
    CLI_OPT_EVALUATION,
    CLI_OPT_EVAL_RESAMPLES,
    CLI_OPT_EVAL_SEED,
    CLI_OPT_THREADS,
    CLI_TEXT("Output", "output", 'o', "FILE.npy",
             "write the class scores of every image, float32 [images, classes]; FILE.rows.csv "
             "beside it says which is which, and both predictions",
             out.output),
    CLI_OPT_FORCE,
    CLI_OPT_FORM,
};

const cli_command cli_surgery = {
    .name = "surgery",
    .usage = "RUN --set COMPONENT=VALUE... --classes LIST|FILE",
    .summary = "scale, mean-ablate or swap in head outputs (activation patching)",
    .about =
        "Changes components of every image of a run in memory and classifies again: scores with "
        "-o, and accuracies as ablate gives them. Effects are direct.",
    .examples =
        "clipspan surgery run --set L22.H11=0 --set L22.H3=1.5 --classes names.txt\ttwo heads "
        "scaled\n"
        "clipspan surgery run --set 'L21.*=mean' --set L21.H2=1 --classes names.txt\tall but one",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = "accuracy, class, group\tall images, those of one class, of one group, and of the "
               "group with the lowest accuracy (worst, before and after)\n"
               "images\tthose with a label\n"
               "before, after\taccuracy before and after the changes; without labels the share of "
               "predictions kept\n"
               "95 % interval\tWilson's, of the accuracy before it\n"
               "points\tthe change in percentage points\n"
               "95 % of resamples\tpaired bootstrap interval of the change",
};
