/* SPDX-License-Identifier: MIT */
/* clipspan embed: images or texts to rows of a .npy array, and a table of what each row is. */
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/in/classifier.h"
#include "cli/in/images.h"
#include "cli/in/texts.h"
#include "cli/model/embed_classes.h"
#include "cli/out/numbers.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <string.h>

/* Texts that go through together. A row's bytes depend on the list, so this is part of what they
 * are. */
#define TEXT_PIECE ((size_t)4096)

typedef cli_embed_settings settings;

typedef struct job {
    const settings *x;
    cli_session *session;
    clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_encoder *encoder;
    clipspan_inputs *inputs; /* one of these two */
    clipspan_texts *texts;
    clipspan_npy *array;
    cli_rows *rows;
    char *rows_path;
    float *embeddings; /* [piece, P] */
    size_t written, cut;
    double seconds;
} job;

static clipspan_status check_arguments(const job *j, clipspan_error *err)
{
    const cli_session *s = j->session;
    const settings *x = j->x;
    int texts = x->texts.text.count || x->texts.file;
    if (x->texts.text.count && s->arguments.count > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "images and --text exclude each other; found \"%s\" (every text has a "
                       "--text of its own in front)",
                       s->arguments.items[1]);
    if (texts && s->arguments.count > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "images and --texts exclude each other; found \"%s\"",
                       s->arguments.items[1]);
    if (!texts && s->arguments.count < 2)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "nothing to embed: give images (files, folders, a CSV, - for a list), "
                       "--text TEXT or --texts FILE");
    if (!x->out.output)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "embed writes an array: say where with -o FILE.npy");
    return cli_check_precision(&x->encoder, err);
}

/* After the encoder is packed: until something is written, Ctrl-C leaves at once. */
static clipspan_status open_output(job *j, clipspan_error *err)
{
    const settings *x = j->x;
    uint64_t width = (uint64_t)j->info->embed_width;
    cli_signals_hold();
    CS_TRY(cli_rows_open(&j->rows, j->session, j->rows_path, x->out.force, err));
    CS_TRY(clipspan_npy_open(&j->array, x->out.output, CLIPSPAN_FLOAT32, &width, 1, x->out.force,
                             err));
    return cli_rows_header(j->rows, j->texts ? "row|key|text" : "row|path|label|group|status|error",
                           err);
}

static clipspan_status write_image(job *j, size_t index, const float *embedding,
                                   const clipspan_error *error, clipspan_error *err)
{
    if (error->code == CLIPSPAN_OK) {
        CS_TRY(clipspan_npy_write(j->array, embedding, 1, err));
        cli_rows_whole(j->rows, j->written++);
    } else {
        cli_rows_text(j->rows, "");
    }
    cli_rows_text(j->rows, clipspan_inputs_get_paths(j->inputs)[index]);
    cli_rows_text(j->rows, clipspan_inputs_get_label(j->inputs, index));
    cli_rows_text(j->rows, clipspan_inputs_get_group(j->inputs, index));
    cli_rows_text(j->rows, error->code == CLIPSPAN_OK ? "ok" : "skipped");
    cli_rows_text(j->rows, error->message);
    return cli_rows_next(j->rows, err);
}

static clipspan_status embed_piece(void *context, size_t first, size_t count,
                                   clipspan_error *errors, clipspan_error *err)
{
    job *j = context;
    const size_t P = (size_t)j->info->embed_width;
    CS_TRY(clipspan_encoder_run_files(j->embeddings, errors, j->encoder,
                                      clipspan_inputs_get_paths(j->inputs) + first, count, err));
    for (size_t i = 0; i < count; i++)
        CS_TRY(write_image(j, first + i, j->embeddings + i * P, &errors[i], err));
    return CLIPSPAN_OK;
}

static clipspan_status embed_images(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const int threads = cli_threads(s);
    double start;
    CS_TRY(cli_image_encoder(&j->encoder, s, j->model, clipspan_inputs_get_count(j->inputs),
                             &j->x->encoder, &j->x->images, err));
    CS_TRY(open_output(j, err));
    j->embeddings = cs_alloc(cli_piece_most(threads) * (size_t)j->info->embed_width,
                             sizeof *j->embeddings, "embeddings", err);
    if (!j->embeddings) return CLIPSPAN_E_NOMEM;
    start = cli_seconds();
    CS_TRY(cli_images_run(s, j->inputs, threads, embed_piece, j, err));
    j->seconds = cli_seconds() - start;
    cli_stage(s, "images decoded and embedded");
    return CLIPSPAN_OK;
}

static clipspan_status write_texts(job *j, size_t first, size_t count, clipspan_error *err)
{
    CS_TRY(clipspan_npy_write(j->array, j->embeddings, count, err));
    for (size_t i = first; i < first + count; i++) {
        cli_rows_whole(j->rows, j->written++);
        cli_rows_text(j->rows, clipspan_texts_get_key(j->texts, i));
        cli_rows_text(j->rows, clipspan_texts_get_text(j->texts, i));
        CS_TRY(cli_rows_next(j->rows, err));
    }
    return CLIPSPAN_OK;
}

/* Progress within one piece as progress of the whole list. */
typedef struct piece_progress {
    cli_session *session;
    size_t before, total;
} piece_progress;

static int step(void *user, size_t done, size_t total)
{
    const piece_progress *p = user;
    (void)total;
    return cli_progress_step(p->session, p->before + done, p->total);
}

static clipspan_status run_texts(job *j, int32_t *ids, clipspan_error *err)
{
    cli_session *s = j->session;
    const size_t total = clipspan_texts_get_count(j->texts), C = (size_t)j->info->context_length;
    piece_progress piece = {s, 0, total};
    clipspan_progress progress = {step, &piece};
    for (; piece.before < total; piece.before += TEXT_PIECE) {
        size_t count = total - piece.before < TEXT_PIECE ? total - piece.before : TEXT_PIECE;
        for (size_t i = 0; i < count; i++) {
            const char *text = clipspan_texts_get_text(j->texts, piece.before + i);
            int cut;
            CS_TRY(
                clipspan_tokens_encode(ids + i * C, NULL, &cut, j->model, text, strlen(text), err));
            j->cut += cut != 0;
        }
        CS_TRY(clipspan_encoder_run_tokens(j->embeddings, j->encoder, ids, count, &progress, err));
        CS_TRY(write_texts(j, piece.before, count, err));
        CS_TRY(cli_keep_going(s, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status embed_texts(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    size_t total = clipspan_texts_get_count(j->texts);
    size_t count = total < TEXT_PIECE ? total : TEXT_PIECE;
    int32_t *ids;
    double start;
    options.modality = CLIPSPAN_TEXT;
    options.precision = j->x->encoder.precision ? CLIPSPAN_BF16 : CLIPSPAN_F32;
    options.threads = (int)s->threads;
    options.raw = j->x->encoder.raw;
    CS_TRY(clipspan_encoder_new(&j->encoder, j->model, &options, err));
    cli_stage(s, "text encoder read and packed");
    CS_TRY(open_output(j, err));
    ids = cs_alloc(count * (size_t)j->info->context_length, sizeof *ids, "token ids", err);
    j->embeddings =
        cs_alloc(count * (size_t)j->info->embed_width, sizeof *j->embeddings, "embeddings", err);
    start = cli_seconds();
    cli_progress_begin(s, "texts");
    if (ids && j->embeddings) status = run_texts(j, ids, err);
    cli_progress_end(s);
    j->seconds = cli_seconds() - start;
    cs_free(ids);
    if (status == CLIPSPAN_OK && j->cut)
        cli_note(s, "cut: %zu of %zu text%s, with more than %d tokens", j->cut, total,
                 total == 1 ? "" : "s", j->info->context_length);
    cli_stage(s, "texts embedded");
    return status;
}

static void summarize(const job *j)
{
    const cli_session *s = j->session;
    const char *unit = j->texts ? "texts" : "images", *output = j->x->out.output;
    const char *times = s->unicode ? "\xC3\x97" : "x";
    const int dry = j->x->out.dry_run;
    char count[CLI_NUMBER_ROOM], rate[CLI_NUMBER_ROOM], speed_words[CLI_NUMBER_ROOM + 32];
    cli_json json;
    double speed = j->seconds > 0 ? (double)(j->written + s->skipped) / j->seconds : 0;
    if (s->form == CLI_FORM_TABLE) {
        cli_format_count(count, j->written);
        cli_format_real(rate, speed);
        snprintf(speed_words, sizeof speed_words, "; %s %s a second", rate, unit);
        cli_say(s, "%s%s: %s %.*s %s %d, float32 %s%s", dry ? "would write " : "", output, count,
                (int)strlen(unit) - (j->written == 1), unit, times, j->info->embed_width,
                j->x->encoder.raw ? "not normalised" : "unit vectors", dry ? "" : speed_words);
        cli_say(s, "%s: what each row is", j->rows_path);
        return;
    }
    cli_json_begin(&json, stdout, cli_flat(s), "clipspan.embed.v1");
    cli_json_flag(&json, "dry_run", dry);
    cli_json_text(&json, "model", j->info->name);
    cli_json_text(&json, "output", output);
    cli_json_text(&json, "rows", j->rows_path);
    cli_json_text(&json, "kind", unit);
    cli_json_line(&json, "shape");
    cli_json_whole(&json, NULL, j->written);
    cli_json_whole(&json, NULL, (uint64_t)j->info->embed_width);
    cli_json_end(&json);
    cli_json_flag(&json, "unit_vectors", !j->x->encoder.raw);
    cli_json_text(&json, "precision", j->x->encoder.precision ? "bf16" : "f32");
    cli_json_whole(&json, "skipped", s->skipped);
    cli_json_whole(&json, "cut", j->cut);
    cli_json_whole(&json, "duplicates", j->inputs ? clipspan_inputs_get_duplicates(j->inputs) : 0);
    cli_json_real(&json, "seconds", j->seconds);
    cli_json_finish(&json);
}

static clipspan_status embed(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const settings *x = j->x;
    CS_TRY(cli_rows_path(&j->rows_path, x->out.output, err));
    CS_TRY(cli_target_check(s, x->out.output, j->x->out.force, err));
    CS_TRY(cli_target_check(s, j->rows_path, j->x->out.force, err));
    CS_TRY(cli_model_open(&j->model, s, s->arguments.items[0], &j->x->load, err));
    j->info = clipspan_model_get_info(j->model);
    if (x->texts.text.count || x->texts.file) {
        if (!j->info->has_text)
            return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, j->info->name,
                              "has no text encoder: it embeds images only");
        CS_TRY(cli_texts_open(&j->texts, s, &j->x->texts, err));
        CS_TRY(cli_texts_check(j->model, j->texts, err));
        j->written = x->out.dry_run ? clipspan_texts_get_count(j->texts) : 0;
    } else {
        CS_TRY(cli_images_open(&j->inputs, s, 1, &j->x->images, err));
        j->written = x->out.dry_run ? clipspan_inputs_get_count(j->inputs) : 0;
    }
    if (!x->out.dry_run) {
        CS_TRY(j->texts ? embed_texts(j, err) : embed_images(j, err));
        CS_TRY(cli_rows_lead(j->rows, x->out.output, err));
        CS_TRY(clipspan_npy_finish(j->array, err));
        cli_rows_settle(j->rows);
        cli_stage(s, "files written");
    }
    summarize(j);
    return CLIPSPAN_OK;
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    job j = {.session = s, .x = given};
    clipspan_status status;
    if (cli_classes_given(&j.x->classes)) return cli_embed_classes(s, given, err);
    status = check_arguments(&j, err);
    if (status == CLIPSPAN_OK) status = embed(&j, err);
    clipspan_npy_close(&j.array);
    cli_rows_close(&j.rows);
    clipspan_encoder_free(&j.encoder);
    clipspan_inputs_close(&j.inputs);
    clipspan_texts_free(&j.texts);
    clipspan_model_close(&j.model);
    cs_free(j.embeddings);
    cs_free(j.rows_path);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_TEXTS,
    CLI_OPT_CLASSES,
    CLI_OPT_IMAGES,
    CLI_FLAG("Computation", "raw", 0, "embeddings before they are normalised to unit length",
             encoder.raw),
    CLI_OPT_PRECISION,
    CLI_OPT_SINGLE,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_OPT_ALLOW_NONFINITE,
    CLI_TEXT("Output", "output", 'o', "FILE.npy",
             "the array to write; FILE.rows.csv beside it describes each row", out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_embed = {
    .name = "embed",
    .usage = "MODEL INPUT... -o FILE.npy\nMODEL --text TEXT... -o FILE.npy\nMODEL --texts FILE -o "
             "FILE.npy\n"
             "MODEL --classes LIST|FILE -o FILE.npy",
    .summary = "embeddings of images or texts, or a classifier, as a NumPy array",
    .about =
        "Writes float32 unit vectors, one per row, and FILE.rows.csv, which describes each row.\n"
        "An image that cannot be used has no row in the array: it is skipped, counted, and listed "
        "in FILE.rows.csv with the reason and no row number, and the exit status is 3.\n"
        "INPUT is an image, a folder (searched to any depth for .jpg .jpeg .jpe .jfif .png .webp; "
        "hidden files are left out), a .csv or .tsv file with a header, or - for paths on standard "
        "input, one per line (-0: NUL-separated).",
    .examples =
        "clipspan embed MODEL --classes imagenet -o classifier.npy\ta classifier, one class per "
        "column, as the published programs read it\n"
        "clipspan embed MODEL photos/ -o photos.npy\tevery image below a folder\n"
        "clipspan embed MODEL --text \"a dog\" --text \"a cat\" -o texts.npy\ttwo texts\n"
        "find . -name '*.jpg' -print0 | clipspan embed MODEL -0 -o all.npy\ta list of paths",
    .arguments = {"MODEL", "[INPUT...]"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
