/* SPDX-License-Identifier: MIT */
/* clipspan classify: every image against every class, streamed. */
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/in/class_index.h"
#include "cli/in/classifier.h"
#include "cli/in/images.h"
#include "cli/in/texts.h"
#include "cli/model/accuracy_out.h"
#include "cli/out/numbers.h"
#include "cli/out/put.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
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
    clipspan_classification *classification;
    cli_rows *rows;    /* a row an image, to a file or standard output */
    cli_table table;   /* the first SHOWN images */
    size_t shared;     /* bytes of the folders that all paths begin with, left out in tables */
    float *embeddings; /* [piece, P] */
    const char **labels, **groups; /* [piece] */
} job;

static const char *class_name(const job *j, size_t index)
{
    return clipspan_classification_get_class(j->classification, index)->name;
}

static clipspan_status header(job *j, clipspan_error *err)
{
    const size_t top = clipspan_classification_get_info(j->classification)->top;
    char name[48];
    cli_rows_text(j->rows, "path");
    cli_rows_text(j->rows, "status");
    cli_rows_text(j->rows, "label");
    cli_rows_text(j->rows, "group");
    cli_rows_text(j->rows, "predicted");
    cli_rows_text(j->rows, "correct");
    for (size_t k = 1; k <= top; k++) {
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

static clipspan_status write_row(job *j, const clipspan_prediction *p, clipspan_error *err)
{
    const size_t top = clipspan_classification_get_info(j->classification)->top;
    cli_rows *rows = j->rows;
    cli_rows_text(rows, p->path);
    cli_rows_text(rows, p->error ? "skipped" : "ok");
    cli_rows_text(rows, p->label);
    cli_rows_text(rows, p->group);
    cli_rows_text(
        rows, p->error
                  ? ""
                  : clipspan_classification_get_class(j->classification, p->likely[0].index)->key);
    cli_rows_text(rows, p->error || p->truth < 0 ? "" : p->before ? "0" : "1");
    for (size_t k = 0; k < top; k++) {
        if (p->error) {
            cli_rows_text(rows, "");
            cli_rows_text(rows, "");
            cli_rows_text(rows, "");
            continue;
        }
        cli_rows_text(rows, class_name(j, p->likely[k].index));
        cli_rows_real(rows, p->likely[k].probability);
        cli_rows_real(rows, (double)p->likely[k].score);
    }
    cli_rows_text(rows, p->error ? p->error : "");
    return cli_rows_next(rows, err);
}

/* An image with its likely classes under it, with bars. */
static void print_block(const job *j, const clipspan_prediction *p)
{
    const cli_session *s = j->session;
    char percent[CLI_NUMBER_ROOM];
    size_t cells, widest = 0, k;
    for (k = 0; k < p->count; k++) {
        cells = cli_text_cells(s, class_name(j, p->likely[k].index));
        if (cells > widest) widest = cells;
    }
    if (widest > (size_t)s->columns - BAR - 14) widest = (size_t)s->columns - BAR - 14;
    if (s->bold_out) fputs("\033[1m", stdout);
    cli_print_text(stdout, s, p->path, 0, 0);
    puts(s->bold_out ? "\033[0m" : "");
    for (k = 0; k < p->count; k++) {
        fputs("  ", stdout);
        cells = cli_print_text(stdout, s, class_name(j, p->likely[k].index), 2, 4);
        if (cells > widest + 2) {
            putchar('\n');
            cells = 0;
        }
        cli_format_percent(percent, p->likely[k].probability);
        printf("%*s  %7s  ", (int)(widest + 2 - cells), "", percent);
        cli_print_bar(stdout, s, p->likely[k].probability, BAR);
        putchar('\n');
    }
    putchar('\n');
}

static clipspan_status add_to_table(job *j, const clipspan_prediction *p, clipspan_error *err)
{
    char percent[CLI_NUMBER_ROOM];
    if (j->table.count / j->table.columns >= SHOWN) return CLIPSPAN_OK;
    CS_TRY(cli_table_add(&j->table, p->path + j->shared, err));
    if (j->x->images.labels) {
        CS_TRY(cli_table_add(&j->table, p->truth < 0 ? "" : class_name(j, (size_t)p->truth), err));
        CS_TRY(cli_table_add(&j->table, p->truth < 0 ? "" : p->before ? "wrong" : "right", err));
    }
    for (size_t k = 0; k < 2; k++) {
        if (k == p->count) { /* --top 1 */
            CS_TRY(cli_table_add(&j->table, "", err));
            CS_TRY(cli_table_add(&j->table, "", err));
            continue;
        }
        cli_format_percent(percent, p->likely[k].probability);
        CS_TRY(cli_table_add(&j->table, class_name(j, p->likely[k].index), err));
        CS_TRY(cli_table_add(&j->table, percent, err));
    }
    return CLIPSPAN_OK;
}

/* The last batch. Images are shown one by one unless a file takes them. */
static clipspan_status report(job *j, clipspan_error *err)
{
    const clipspan_prediction *p;
    if (!j->x->out.output) cli_progress_hide(j->session);
    if (!j->rows && j->session->form == CLI_FORM_JSON)
        return clipspan_classification_batch_json(j->classification, err);
    for (size_t i = 0; (p = clipspan_classification_get_prediction(j->classification, i)) != NULL;
         i++) {
        if (j->rows)
            CS_TRY(write_row(j, p, err));
        else if (p->error)
            continue; /* named on standard error */
        else if (clipspan_inputs_get_count(j->inputs) > BLOCKS)
            CS_TRY(add_to_table(j, p, err));
        else
            print_block(j, p);
    }
    return CLIPSPAN_OK;
}

static clipspan_status classify_piece(void *context, size_t first, size_t count,
                                      clipspan_error *errors, clipspan_error *err)
{
    job *j = context;
    clipspan_classification_batch b = CLIPSPAN_CLASSIFICATION_BATCH_INIT;
    b.count = count;
    b.embeddings = j->embeddings;
    b.errors = errors;
    b.paths = clipspan_inputs_get_paths(j->inputs) + first;
    b.labels = j->x->images.labels ? j->labels : NULL;
    b.groups = j->x->images.groups ? j->groups : NULL;
    CS_TRY(clipspan_encoder_run_files(j->embeddings, errors, j->encoder, b.paths, count, err));
    for (size_t i = 0; i < count; i++) {
        j->labels[i] = clipspan_inputs_get_label(j->inputs, first + i);
        j->groups[i] = clipspan_inputs_get_group(j->inputs, first + i);
    }
    CS_TRY(clipspan_classification_add(j->classification, &b, err));
    return report(j, err);
}

static clipspan_status make_room(job *j, clipspan_error *err)
{
    const size_t piece = cli_piece_most(cli_threads(j->session));
    j->embeddings =
        cs_alloc(piece, (size_t)j->info->embed_width * sizeof *j->embeddings, "embeddings", err);
    j->labels = cs_alloc(piece, sizeof *j->labels, "labels", err);
    j->groups = cs_alloc(piece, sizeof *j->groups, "groups", err);
    return j->embeddings && j->labels && j->groups ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* ---- Documents ---- */

static clipspan_classification_document describe(const job *j)
{
    clipspan_classification_document d = CLIPSPAN_CLASSIFICATION_DOCUMENT_INIT;
    d.dry_run = j->x->out.dry_run;
    d.rows = !j->x->out.output && !j->x->out.dry_run;
    d.model = j->info->name;
    d.output = j->x->out.output;
    d.templates = clipspan_texts_get_count(j->templates);
    d.images = clipspan_inputs_get_count(j->inputs);
    d.skipped = j->session->skipped;
    d.duplicates = clipspan_inputs_get_duplicates(j->inputs);
    return d;
}

static clipspan_status begin_document(job *j, clipspan_error *err)
{
    const clipspan_classification_document d = describe(j);
    return clipspan_classification_begin_json(j->classification, &d, cli_flat(j->session), cli_put,
                                              stdout, err);
}

static clipspan_status end_document(job *j, clipspan_error *err)
{
    const clipspan_classification_document d = describe(j);
    return clipspan_classification_end_json(j->classification, &d, err);
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
        CS_TRY(begin_document(j, err));
    } else if (s->form == CLI_FORM_TABLE && !output) {
        cli_table_init(&j->table, j->x->images.labels ? labelled : unlabelled);
        j->shared = shared_folder(j->inputs);
    }
    if (!output && s->form != CLI_FORM_TSV) return CLIPSPAN_OK;
    if (output) cli_signals_hold();
    CS_TRY(cli_rows_open(&j->rows, s, output, j->x->out.force, err));
    return header(j, err);
}

static clipspan_status finish(job *j, clipspan_error *err)
{
    const cli_session *s = j->session;
    const char *output = j->x->out.output;
    size_t shown = j->table.columns ? j->table.count / j->table.columns : 0;
    size_t used = clipspan_inputs_get_count(j->inputs) - s->skipped;
    if (j->rows) CS_TRY(cli_rows_finish(j->rows, err));
    if (has_document(j)) CS_TRY(end_document(j, err));
    if (s->form == CLI_FORM_TABLE) {
        if (shown) {
            cli_table_print(&j->table, s, stdout);
            if (used > shown)
                cli_say(s, "  and %zu more (-o FILE.csv has every one)", used - shown);
            putchar('\n');
        }
        if (output) cli_say(s, "%s: %zu image%s", output, used, used == 1 ? "" : "s");
        return cli_accuracy_print(j->classification, s, stdout, err);
    }
    /* The rows say nothing of the whole: that goes beside them. */
    if (!has_document(j) && !s->quiet) return cli_accuracy_print(j->classification, s, stderr, err);
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

static clipspan_status check_labels(const job *j, clipspan_error *err)
{
    cli_class_index index;
    clipspan_status status = cli_class_index_init(&index, j->classes, err);
    if (status == CLIPSPAN_OK) status = cli_class_index_check(&index, j->inputs, err);
    cli_class_index_fini(&index);
    return status;
}

static clipspan_status prepare(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const settings *x = j->x;
    CS_TRY(check_arguments(j, err));
    CS_TRY(cli_classes_open(&j->classes, &x->classes, err));
    CS_TRY(cli_templates_open(&j->templates, x->classes.templates, "openai", err));
    CS_TRY(cli_model_open(&j->model, s, s->arguments.items[0], &x->load, err));
    j->info = clipspan_model_get_info(j->model);
    if (!j->info->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, j->info->name,
                          "has no text encoder, so it cannot compare images with class names");
    CS_TRY(cli_images_open(&j->inputs, s, 1, &x->images, err));
    return x->images.labels ? check_labels(j, err) : CLIPSPAN_OK;
}

/* The classes as a bank, blank with --dry-run, and what images are compared in. */
static clipspan_status open_classes(job *j, clipspan_error *err)
{
    const settings *x = j->x;
    clipspan_classification_options o = CLIPSPAN_CLASSIFICATION_OPTIONS_INIT;
    float scale, bias = 0.0F;
    CS_TRY(clipspan_model_read_logit_scale(&scale, j->model, err));
    CS_TRY(x->out.dry_run ? cli_bank_blank(&j->bank, j->model, j->classes, err)
                          : cli_bank_open(&j->bank, j->session, j->model, j->classes, j->templates,
                                          x->encoder.precision, err));
    o.sigmoid = clipspan_model_get_info(j->model)->has_logit_bias;
    if (o.sigmoid) CS_TRY(clipspan_model_read_logit_bias(&bias, j->model, err));
    o.scale = (double)scale;
    o.bias = (double)bias;
    o.top = (size_t)x->top;
    return clipspan_classification_new(&j->classification, j->bank, &o, err);
}

/* With --dry-run: what would be done. */
static clipspan_status announce(job *j, clipspan_error *err)
{
    char images[CLI_NUMBER_ROOM], classes[CLI_NUMBER_ROOM], templates[CLI_NUMBER_ROOM];
    if (has_document(j)) {
        CS_TRY(begin_document(j, err));
        return end_document(j, err);
    }
    cli_count_of(images, clipspan_inputs_get_count(j->inputs), "image");
    cli_count_of(classes, clipspan_texts_get_count(j->classes), "class");
    cli_count_of(templates, clipspan_texts_get_count(j->templates), "template");
    cli_say(j->session, "would compare %s with %s in %s", images, classes, templates);
    return CLIPSPAN_OK;
}

static clipspan_status classify(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    CS_TRY(prepare(j, err));
    CS_TRY(open_classes(j, err));
    if (j->x->out.dry_run) return announce(j, err);
    CS_TRY(make_room(j, err));
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
    clipspan_classification_free(&j.classification);
    clipspan_bank_free(&j.bank);
    clipspan_encoder_free(&j.encoder);
    clipspan_inputs_close(&j.inputs);
    clipspan_texts_free(&j.templates);
    clipspan_texts_free(&j.classes);
    clipspan_model_close(&j.model);
    cs_free(j.embeddings);
    cs_free(j.labels);
    cs_free(j.groups);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_CLASSES,
    CLI_WHOLE("Classes", "top", 0, "N",
              "how many of the likeliest classes to print for each image (default 5)", top, 1,
              1000),
    CLI_OPT_IMAGES,
    CLI_OPT_PRECISION,
    CLI_OPT_SINGLE,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_OPT_ALLOW_NONFINITE,
    CLI_TEXT("Output", "output", 'o', "FILE.csv|FILE.tsv",
             "write one row per image there; standard output then has the overall figures",
             out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_classify = {
    .name = "classify",
    .usage = "MODEL INPUT... --classes LIST|FILE",
    .summary = "zero-shot classification, with accuracy where labels are known",
    .about =
        "Compares every image with every class; the vector of a class is the mean over prompt "
        "templates (--templates). Probabilities use the checkpoint's own logit scale.\n"
        "With --labels it reports top-1 and top-5 accuracy and the accuracy of each class, and "
        "with --groups that of each group and of the worst, all with 95 % intervals (Wilson).",
    .examples = "clipspan classify MODEL photo.jpg --classes \"cat,dog,horse\"\tone image\n"
                "clipspan classify MODEL val/ --classes names.txt --labels folder -o "
                "val.csv\taccuracy; folder names are labels\n"
                "clipspan classify MODEL birds.csv --classes birds.txt --labels y --groups "
                "y,place\tworst group",
    .arguments = {"MODEL", "INPUT..."},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "image\tits path, without the folder common to all\n"
        "label\tits class according to --labels, and whether the likeliest class is correct\n"
        "likeliest, second\tthe two classes of highest probability, with it: softmax over the "
        "classes of logit scale times cosine\n"
        "class, group\tlowest accuracy first\n"
        "images\tlabelled images in that class or group\n"
        "accuracy\tpercentage of them whose likeliest class is correct\n"
        "95 % interval\tWilson's, of that accuracy",
};
