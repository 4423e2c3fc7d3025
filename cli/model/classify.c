/* SPDX-License-Identifier: MIT */
/* clipspan classify: every image against every class, streamed. */
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/in/classifier.h"
#include "cli/in/images.h"
#include "cli/in/score.h"
#include "cli/in/texts.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <string.h>

#define SHOWN  20 /* images that a table shows */
#define BLOCKS 4  /* up to so many images are shown with all their likely classes */
#define BAR    24

typedef struct {
    cli_model_settings load;
    cli_image_settings images;
    cli_encoder_settings encoder;
    cli_class_settings classes;
    cli_output_settings out;
    uint64_t top;
} settings;

typedef struct job {
    const settings *x;
    cli_session *session;
    clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_texts *classes, *templates;
    clipspan_inputs *inputs;
    clipspan_encoder *encoder;
    clipspan_bank *bank;
    cli_score score;
    cli_rows *rows; /* a row an image, to a file or standard output */
    cli_json json;
    cli_table table; /* the first SHOWN images */
    float scale;
    size_t top, class_count;
    size_t shared; /* bytes of the folders that all paths begin with, left out in tables */
    float *embeddings, *scores; /* [piece, P], [piece, classes] */
    double *probabilities;      /* [classes] */
    size_t *best;               /* [top] classes of one image, the likeliest first */
} job;

/* probability[c] = exp(scale * (score[c] - max)) / sum */
static void soften(double *probabilities, const float *scores, size_t count, double scale)
{
    double most = (double)scores[0], sum = 0;
    size_t i;
    for (i = 1; i < count; i++)
        if ((double)scores[i] > most) most = (double)scores[i];
    for (i = 0; i < count; i++)
        sum += probabilities[i] = exp(scale * ((double)scores[i] - most));
    for (i = 0; i < count; i++)
        probabilities[i] /= sum;
}

/* The `top` highest scores; of equal ones the earlier class comes first. */
static void choose(size_t *best, size_t top, const float *scores, size_t count)
{
    size_t held = 0, i, at;
    for (i = 0; i < count; i++) {
        if (held == top && scores[i] <= scores[best[held - 1]]) continue;
        at = held < top ? held++ : held - 1;
        for (; at > 0 && scores[i] > scores[best[at - 1]]; at--)
            best[at] = best[at - 1];
        best[at] = i;
    }
}

/* How many classes come before `truth` in the order of `choose`. */
static size_t place_of(size_t truth, const float *scores, size_t count)
{
    size_t before = 0, i;
    for (i = 0; i < count; i++)
        before += scores[i] > scores[truth] || (i < truth && scores[i] >= scores[truth]);
    return before;
}

static clipspan_status header(job *j, clipspan_error *err)
{
    char name[48];
    cli_rows_text(j->rows, "path");
    cli_rows_text(j->rows, "status");
    cli_rows_text(j->rows, "label");
    cli_rows_text(j->rows, "group");
    cli_rows_text(j->rows, "predicted");
    cli_rows_text(j->rows, "correct");
    for (size_t k = 1; k <= j->top; k++) {
        snprintf(name, sizeof name, "class_%zu", k);
        cli_rows_text(j->rows, name);
        snprintf(name, sizeof name, "probability_%zu", k);
        cli_rows_text(j->rows, name);
        snprintf(name, sizeof name, "score_%zu", k);
        cli_rows_text(j->rows, name);
    }
    cli_rows_text(j->rows, "error");
    return cli_rows_next(j->rows, err);
}

/* scores: [classes] of this image, NULL when it was skipped. */
static clipspan_status write_row(job *j, size_t index, const float *scores, size_t truth,
                                 const char *reason, clipspan_error *err)
{
    cli_rows *rows = j->rows;
    cli_rows_text(rows, clipspan_inputs_get_paths(j->inputs)[index]);
    cli_rows_text(rows, scores ? "ok" : "skipped");
    cli_rows_text(rows, clipspan_inputs_get_label(j->inputs, index));
    cli_rows_text(rows, clipspan_inputs_get_group(j->inputs, index));
    cli_rows_text(rows, scores ? cli_class_key(j->classes, j->best[0]) : "");
    cli_rows_text(rows, !scores || truth == CLI_NO_CLASS ? "" : truth == j->best[0] ? "1" : "0");
    for (size_t k = 0; k < j->top; k++) {
        if (!scores) {
            cli_rows_text(rows, "");
            cli_rows_text(rows, "");
            cli_rows_text(rows, "");
            continue;
        }
        cli_rows_text(rows, clipspan_texts_get_text(j->classes, j->best[k]));
        cli_rows_real(rows, j->probabilities[j->best[k]]);
        cli_rows_real(rows, (double)scores[j->best[k]]);
    }
    cli_rows_text(rows, reason);
    return cli_rows_next(rows, err);
}

static void emit_image(job *j, size_t index, const float *scores, size_t truth, const char *reason)
{
    cli_json *json = &j->json;
    cli_json_row(json, NULL);
    cli_json_text(json, "path", clipspan_inputs_get_paths(j->inputs)[index]);
    cli_json_text(json, "status", scores ? "ok" : "skipped");
    if (!scores) cli_json_text(json, "error", reason);
    if (j->x->images.labels)
        cli_json_text(json, "label", clipspan_inputs_get_label(j->inputs, index));
    if (j->x->images.groups)
        cli_json_text(json, "group", clipspan_inputs_get_group(j->inputs, index));
    if (scores && truth != CLI_NO_CLASS) cli_json_flag(json, "correct", truth == j->best[0]);
    cli_json_array(json, "classes");
    for (size_t k = 0; scores && k < j->top; k++) {
        cli_json_row(json, NULL);
        cli_json_text(json, "key", cli_class_key(j->classes, j->best[k]));
        cli_json_text(json, "class", clipspan_texts_get_text(j->classes, j->best[k]));
        cli_json_real(json, "probability", j->probabilities[j->best[k]]);
        cli_json_single(json, "score", scores[j->best[k]]);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_end(json);
}

/* An image with its likely classes under it, with bars. */
static void print_block(const job *j, size_t index)
{
    const cli_session *s = j->session;
    char percent[CLI_NUMBER_ROOM];
    size_t cells, widest = 0, k;
    for (k = 0; k < j->top; k++) {
        cells = cli_text_cells(s, clipspan_texts_get_text(j->classes, j->best[k]));
        if (cells > widest) widest = cells;
    }
    if (widest > (size_t)s->columns - BAR - 14) widest = (size_t)s->columns - BAR - 14;
    if (s->bold_out) fputs("\033[1m", stdout);
    cli_print_text(stdout, s, clipspan_inputs_get_paths(j->inputs)[index], 0, 0);
    puts(s->bold_out ? "\033[0m" : "");
    for (k = 0; k < j->top; k++) {
        double p = j->probabilities[j->best[k]];
        fputs("  ", stdout);
        cells = cli_print_text(stdout, s, clipspan_texts_get_text(j->classes, j->best[k]), 2, 4);
        if (cells > widest + 2) {
            putchar('\n');
            cells = 0;
        }
        cli_format_percent(percent, p);
        printf("%*s  %7s  ", (int)(widest + 2 - cells), "", percent);
        cli_print_bar(stdout, s, p, BAR);
        putchar('\n');
    }
    putchar('\n');
}

static clipspan_status add_to_table(job *j, size_t index, size_t truth, clipspan_error *err)
{
    char percent[CLI_NUMBER_ROOM];
    if (j->table.count / j->table.columns >= SHOWN) return CLIPSPAN_OK;
    CS_TRY(cli_table_add(&j->table, clipspan_inputs_get_paths(j->inputs)[index] + j->shared, err));
    if (j->x->images.labels) {
        CS_TRY(cli_table_add(
            &j->table, truth == CLI_NO_CLASS ? "" : clipspan_texts_get_text(j->classes, truth),
            err));
        CS_TRY(cli_table_add(&j->table,
                             truth == CLI_NO_CLASS ? ""
                             : truth == j->best[0] ? "right"
                                                   : "wrong",
                             err));
    }
    for (size_t k = 0; k < 2; k++) {
        cli_format_percent(percent, j->probabilities[j->best[k]]);
        CS_TRY(cli_table_add(&j->table, clipspan_texts_get_text(j->classes, j->best[k]), err));
        CS_TRY(cli_table_add(&j->table, percent, err));
    }
    return CLIPSPAN_OK;
}

/* Images are shown one by one unless a file takes them. */
static clipspan_status report(job *j, size_t index, const float *scores, size_t truth,
                              const char *reason, clipspan_error *err)
{
    if (!j->x->out.output) cli_progress_hide(j->session);
    if (j->rows) return write_row(j, index, scores, truth, reason, err);
    if (j->session->form == CLI_FORM_JSON) {
        emit_image(j, index, scores, truth, reason);
        return CLIPSPAN_OK;
    }
    if (!scores) return CLIPSPAN_OK; /* named on standard error */
    if (clipspan_inputs_get_count(j->inputs) > BLOCKS) return add_to_table(j, index, truth, err);
    print_block(j, index);
    return CLIPSPAN_OK;
}

static clipspan_status classify_piece(void *context, size_t first, size_t count,
                                      clipspan_error *errors, clipspan_error *err)
{
    job *j = context;
    size_t i;
    CS_TRY(clipspan_encoder_run_files(j->embeddings, errors, j->encoder,
                                      clipspan_inputs_get_paths(j->inputs) + first, count, err));
    CS_TRY(clipspan_bank_run_scores(j->scores, j->bank, j->embeddings, count, err));
    for (i = 0; i < count; i++) {
        const float *scores = j->scores + i * j->class_count;
        size_t truth =
            j->score.labelled
                ? cli_score_class(&j->score, clipspan_inputs_get_label(j->inputs, first + i))
                : CLI_NO_CLASS;
        if (errors[i].code != CLIPSPAN_OK) {
            CS_TRY(report(j, first + i, NULL, truth, errors[i].message, err));
            continue;
        }
        soften(j->probabilities, scores, j->class_count, (double)j->scale);
        choose(j->best, j->top, scores, j->class_count);
        if (truth != CLI_NO_CLASS)
            cli_score_add(&j->score, truth, clipspan_inputs_get_group(j->inputs, first + i),
                          place_of(truth, scores, j->class_count));
        CS_TRY(report(j, first + i, scores, truth, "", err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status make_room(job *j, clipspan_error *err)
{
    const size_t piece = cli_piece_most(cli_threads(j->session));
    size_t embeddings, scores;
    if (!cs_size_mul(&embeddings, piece, (size_t)j->info->embed_width) ||
        !cs_size_mul(&scores, piece, j->class_count))
        return cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory: too many classes at once");
    j->embeddings = cs_alloc(embeddings, sizeof *j->embeddings, "embeddings", err);
    j->scores = cs_alloc(scores, sizeof *j->scores, "scores", err);
    j->probabilities = cs_alloc(j->class_count, sizeof *j->probabilities, "scores", err);
    j->best = cs_alloc(j->top, sizeof *j->best, "scores", err);
    return j->embeddings && j->scores && j->probabilities && j->best ? CLIPSPAN_OK
                                                                     : CLIPSPAN_E_NOMEM;
}

static void begin_document(job *j)
{
    const cli_session *s = j->session;
    cli_json_begin(&j->json, stdout, s->form == CLI_FORM_TSV, "clipspan.classify.v1");
    cli_json_flag(&j->json, "dry_run", j->x->out.dry_run);
    cli_json_text(&j->json, "model", j->info->name);
    cli_json_single(&j->json, "logit_scale", j->scale);
    cli_json_whole(&j->json, "classes", j->class_count);
    cli_json_whole(&j->json, "templates", clipspan_texts_get_count(j->templates));
    cli_json_text(&j->json, "output", j->x->out.output);
}

static void end_document(job *j)
{
    cli_json_whole(&j->json, "images", clipspan_inputs_get_count(j->inputs));
    cli_json_whole(&j->json, "skipped", j->session->skipped);
    cli_json_whole(&j->json, "duplicates", clipspan_inputs_get_duplicates(j->inputs));
    if (!j->x->out.dry_run) cli_score_emit(&j->score, &j->json);
    cli_json_finish(&j->json);
}

/* A document on standard output: with --json, and in TSV when the rows go to a file. */
static int has_document(const job *j)
{
    const cli_session *s = j->session;
    return s->form == CLI_FORM_JSON ||
           (s->form == CLI_FORM_TSV && (j->x->out.output || j->x->out.dry_run));
}

/* Bytes of the longest folder that all paths begin with, its slash included. */
static size_t shared_folder(const clipspan_inputs *inputs)
{
    const char *const *paths = clipspan_inputs_get_paths(inputs);
    const char *slash = strrchr(paths[0], '/');
    size_t length = slash ? (size_t)(slash - paths[0]) + 1 : 0, i;
    for (i = 1; i < clipspan_inputs_get_count(inputs) && length; i++)
        while (length && strncmp(paths[0], paths[i], length) != 0)
            do
                length--;
            while (length && paths[0][length - 1] != '/');
    return length;
}

static clipspan_status begin(job *j, clipspan_error *err)
{
    const cli_session *s = j->session;
    const char *output = j->x->out.output;
    static const char labelled[] = "image|label||likeliest|>|second|>";
    static const char unlabelled[] = "image|likeliest|>|second|>";
    if (has_document(j)) {
        begin_document(j);
        if (!output) cli_json_array(&j->json, "predictions");
    } else if (s->form == CLI_FORM_TABLE && !output) {
        cli_table_init(&j->table, j->x->images.labels ? labelled : unlabelled);
        j->shared = shared_folder(j->inputs);
    }
    if (!output && s->form != CLI_FORM_TSV) return CLIPSPAN_OK;
    if (output) cli_signals_hold();
    CS_TRY(cli_rows_open(&j->rows, output, j->x->out.force, err));
    return header(j, err);
}

static clipspan_status finish(job *j, clipspan_error *err)
{
    const cli_session *s = j->session;
    const char *output = j->x->out.output;
    size_t shown = j->table.columns ? j->table.count / j->table.columns : 0;
    size_t used = clipspan_inputs_get_count(j->inputs) - s->skipped;
    if (j->rows) CS_TRY(cli_rows_finish(j->rows, err));
    if (has_document(j)) {
        if (!output) cli_json_end(&j->json);
        end_document(j);
    }
    if (s->form == CLI_FORM_TABLE) {
        if (shown) {
            cli_table_print(&j->table, s, stdout);
            if (used > shown)
                cli_say(s, "  and %zu more (-o FILE.csv keeps every one)", used - shown);
            putchar('\n');
        }
        if (output) printf("%s: %zu image%s\n", output, used, used == 1 ? "" : "s");
        return cli_score_print(&j->score, s, stdout, err);
    }
    /* The rows say nothing of the whole: that goes beside them. */
    if (!has_document(j) && j->score.labelled && !s->quiet)
        return cli_score_print(&j->score, s, stderr, err);
    return CLIPSPAN_OK;
}

static clipspan_status check_arguments(const job *j, clipspan_error *err)
{
    const settings *x = j->x;
    const char *output = x->out.output;
    CS_TRY(cli_check_precision(&x->encoder, err));
    if (x->images.groups && !x->images.labels)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--groups needs --labels: accuracy by group has to know what is right");
    if (!output) return CLIPSPAN_OK;
    if (!cli_ends_in(output, ".csv") && !cli_ends_in(output, ".tsv"))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--output: expected a file name that ends in .csv or .tsv, found \"%s\"",
                       output);
    return cli_target_check(j->session, output, x->out.force, err);
}

static clipspan_status prepare(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const settings *x = j->x;
    CS_TRY(check_arguments(j, err));
    CS_TRY(cli_classes_open(&j->classes, &j->x->classes, err));
    CS_TRY(cli_templates_open(&j->templates, j->x->classes.templates, "openai", err));
    CS_TRY(cli_model_open(&j->model, s, s->arguments.items[0], &j->x->load, err));
    j->info = clipspan_model_get_info(j->model);
    if (!j->info->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, j->info->name,
                          "has no text encoder, so it cannot compare images with class names");
    CS_TRY(clipspan_model_read_logit_scale(&j->scale, j->model, err));
    CS_TRY(cli_images_open(&j->inputs, s, 1, &j->x->images, err));
    j->class_count = clipspan_texts_get_count(j->classes);
    j->top = x->top ? (size_t)x->top : 5;
    if (j->top > j->class_count) j->top = j->class_count;
    return cli_score_init(&j->score, j->inputs, j->classes, x->images.labels != NULL, err);
}

/* With --dry-run: what would be done. */
static void announce(job *j)
{
    if (has_document(j)) {
        begin_document(j);
        end_document(j);
    } else {
        char images[CLI_NUMBER_ROOM], classes[CLI_NUMBER_ROOM], templates[CLI_NUMBER_ROOM];
        cli_count_of(images, clipspan_inputs_get_count(j->inputs), "image");
        cli_count_of(classes, j->class_count, "class");
        cli_count_of(templates, clipspan_texts_get_count(j->templates), "template");
        cli_say(j->session, "would compare %s with %s in %s", images, classes, templates);
    }
}

static clipspan_status classify(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    CS_TRY(prepare(j, err));
    if (j->x->out.dry_run) {
        announce(j);
        return CLIPSPAN_OK;
    }
    CS_TRY(make_room(j, err));
    CS_TRY(cli_bank_open(&j->bank, s, j->model, j->classes, j->templates, j->x->encoder.precision,
                         err));
    CS_TRY(cli_image_encoder(&j->encoder, s, j->model, clipspan_inputs_get_count(j->inputs),
                             &j->x->encoder, &j->x->images, err));
    CS_TRY(begin(j, err));
    CS_TRY(cli_images_run(s, j->inputs, cli_threads(s), classify_piece, j, err));
    cli_stage(s, "images decoded, embedded and compared");
    return finish(j, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    job j = {.session = s, .x = given};
    clipspan_status status = classify(&j, err);
    cli_rows_close(&j.rows);
    cli_table_fini(&j.table);
    cli_score_fini(&j.score);
    clipspan_bank_free(&j.bank);
    clipspan_encoder_free(&j.encoder);
    clipspan_inputs_close(&j.inputs);
    clipspan_texts_free(&j.templates);
    clipspan_texts_free(&j.classes);
    clipspan_model_close(&j.model);
    cs_free(j.embeddings);
    cs_free(j.scores);
    cs_free(j.probabilities);
    cs_free(j.best);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_CLASSES,
    CLI_WHOLE("Classes", "top", 0, "N",
              "how many of the likeliest classes to give for an image (default 5)", top, 1, 1000),
    CLI_OPT_IMAGES,
    CLI_OPT_PRECISION,
    CLI_OPT_SINGLE,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_OPT_ALLOW_NONFINITE,
    CLI_TEXT("Output", "output", 'o', "FILE.csv|FILE.tsv",
             "write a row an image there; standard output then has the figures for the whole",
             out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_classify = {
    .name = "classify",
    .usage = "MODEL INPUT... --classes LIST|FILE",
    .summary = "zero-shot classification, accuracy when labels are known",
    .about = "Compares every image with every class, each class being the mean of its name in many "
             "sentences (--templates). Probabilities use the checkpoint's own logit scale.\n"
             "With --labels it gives top-1 and top-5 accuracy and the accuracy of each class, with "
             "--groups also of each group and the worst; with 95 % intervals (Wilson).",
    .examples =
        "clipspan classify MODEL photo.jpg --classes \"cat,dog,horse\"\tan image\n"
        "clipspan classify MODEL val/ --classes names.txt --labels folder -o val.csv\taccuracy; "
        "folders are labels\n"
        "clipspan classify MODEL birds.csv --classes birds.txt --labels y --groups y,place\tworst "
        "group",
    .arguments = {"MODEL", "INPUT..."},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = "image\tits path, without the folder that all share\n"
               "label\tits class by --labels, and whether the likeliest class is right\n"
               "likeliest, second\tthe two classes with the largest probability, and the "
               "probability: softmax over the classes of logit scale times cosine\n"
               "class, group\tthose with the lowest accuracy first\n"
               "images\twith a known label, in that class or group\n"
               "accuracy\tshare of them whose likeliest class is right\n"
               "95 % interval\tWilson's, of that accuracy",
};
