/* SPDX-License-Identifier: MIT */
/* clipspan tokens: what the text encoder gets of texts. */
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/in/texts.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <string.h>

typedef struct {
    cli_model_settings load;
    cli_text_settings texts;
    cli_output_settings out;
} settings;

typedef struct job {
    const settings *x;
    cli_session *session;
    clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_texts *texts;
    clipspan_npy *array; /* NULL without -o */
    cli_rows *rows;      /* TSV on standard output */
    cli_json json;
    int32_t *ids; /* [C] */
    size_t cut;   /* texts that were */
} job;

static const char *piece(const job *j, int32_t id)
{
    const char *text = clipspan_tokens_get_piece(j->model, id);
    return text ? text : "";
}

static void emit(job *j, size_t index, size_t count, int cut)
{
    size_t i;
    cli_json_row(&j->json, NULL);
    cli_json_text(&j->json, "key", clipspan_texts_get_key(j->texts, index));
    cli_json_text(&j->json, "text", clipspan_texts_get_text(j->texts, index));
    cli_json_flag(&j->json, "cut", cut);
    cli_json_array(&j->json, "ids");
    for (i = 0; i < count; i++)
        cli_json_whole(&j->json, NULL, (uint64_t)j->ids[i]);
    cli_json_end(&j->json);
    cli_json_array(&j->json, "pieces");
    for (i = 0; i < count; i++)
        cli_json_text(&j->json, NULL, piece(j, j->ids[i]));
    cli_json_end(&j->json);
    cli_json_end(&j->json);
}

/* Ids, or pieces, of a text joined by spaces; NULL when memory is short. */
static char *join(const job *j, size_t count, int pieces, clipspan_error *err)
{
    char *text = NULL;
    size_t used = 0, room = 0;
    for (size_t i = 0; i < count; i++) {
        char number[16];
        const char *word = number;
        size_t length;
        snprintf(number, sizeof number, "%d", (int)j->ids[i]);
        if (pieces) word = piece(j, j->ids[i]);
        length = strlen(word);
        if (cs_grow(&text, &room, used + length + 2, 1, "tokens", err) != CLIPSPAN_OK) {
            cs_free(text);
            return NULL;
        }
        if (i) text[used++] = ' ';
        memcpy(text + used, word, length + 1);
        used += length;
    }
    return text ? text : cs_strdup("", err);
}

static clipspan_status emit_tsv(job *j, size_t index, size_t count, int cut, clipspan_error *err)
{
    char *ids = join(j, count, 0, err), *pieces = join(j, count, 1, err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (ids && pieces) {
        cli_rows_text(j->rows, clipspan_texts_get_key(j->texts, index));
        cli_rows_text(j->rows, clipspan_texts_get_text(j->texts, index));
        cli_rows_whole(j->rows, count);
        cli_rows_whole(j->rows, (uint64_t)cut);
        cli_rows_text(j->rows, ids);
        cli_rows_text(j->rows, pieces);
        status = cli_rows_next(j->rows, err);
    }
    cs_free(ids);
    cs_free(pieces);
    return status;
}

/* The text, and under it its ids with their pieces in lines that fit. */
static void print(const job *j, size_t index, size_t count, int cut)
{
    const cli_session *s = j->session;
    char counted[64];
    size_t at;
    snprintf(counted, sizeof counted, "%zu of %d tokens%s", count, j->info->context_length,
             cut ? ", cut" : "");
    if (s->bold_out) fputs("\033[1m", stdout);
    at = cli_print_text(stdout, s, clipspan_texts_get_text(j->texts, index), 0, 0);
    if (s->bold_out) fputs("\033[0m", stdout);
    printf("%s%s\n", at + 2 + strlen(counted) > (size_t)s->columns ? "\n  " : "  ", counted);
    at = 0;
    for (size_t i = 0; i < count; i++) {
        char cell[96];
        size_t width;
        snprintf(cell, sizeof cell, "%d %.80s", (int)j->ids[i], piece(j, j->ids[i]));
        width = cli_text_cells(s, cell);
        if (at && at + 3 + width > (size_t)s->columns) {
            putchar('\n');
            at = 0;
        }
        printf("%s", at ? "   " : "  ");
        at += at ? 3 : 2;
        at = cli_print_text(stdout, s, cell, at, 2);
    }
    putchar('\n');
}

static clipspan_status show(job *j, size_t index, size_t count, int cut, clipspan_error *err)
{
    cli_progress_hide(j->session);
    if (j->session->form == CLI_FORM_TSV) return emit_tsv(j, index, count, cut, err);
    if (j->session->form == CLI_FORM_JSON)
        emit(j, index, count, cut);
    else
        print(j, index, count, cut);
    return CLIPSPAN_OK;
}

static clipspan_status work(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    size_t total = clipspan_texts_get_count(j->texts);
    for (size_t i = 0; i < total; i++) {
        const char *text = clipspan_texts_get_text(j->texts, i);
        size_t count;
        int cut;
        CS_TRY(clipspan_tokens_encode(j->ids, &count, &cut, j->model, text, strlen(text), err));
        j->cut += cut != 0;
        if (j->array)
            CS_TRY(clipspan_npy_write(j->array, j->ids, 1, err));
        else
            CS_TRY(show(j, i, count, cut, err));
        if (i % 1024 == 1023) {
            cli_progress_step(s, i + 1, total);
            CS_TRY(cli_keep_going(s, err));
        }
    }
    return CLIPSPAN_OK;
}

/* With -o: what was written. */
static void summarize(job *j)
{
    const cli_session *s = j->session;
    const char *times = s->unicode ? "\xC3\x97" : "x";
    size_t count = clipspan_texts_get_count(j->texts);
    char number[CLI_NUMBER_ROOM];
    if (s->form == CLI_FORM_TABLE) {
        cli_format_count(number, count);
        cli_say(s, "%s%s: %s text%s %s %d ids, int32", j->x->out.dry_run ? "would write " : "",
                j->x->out.output, number, count == 1 ? "" : "s", times, j->info->context_length);
        return;
    }
    cli_json_flag(&j->json, "dry_run", j->x->out.dry_run);
    cli_json_text(&j->json, "output", j->x->out.output);
    cli_json_line(&j->json, "shape");
    cli_json_whole(&j->json, NULL, count);
    cli_json_whole(&j->json, NULL, (uint64_t)j->info->context_length);
    cli_json_end(&j->json);
    cli_json_whole(&j->json, "cut", j->cut);
    cli_json_finish(&j->json);
}

static clipspan_status run(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const char *output = j->x->out.output;
    uint64_t context = (uint64_t)j->info->context_length;
    clipspan_status status;
    if (s->form != CLI_FORM_TABLE && (output || s->form == CLI_FORM_JSON)) {
        cli_json_begin(&j->json, stdout, cli_flat(s), "clipspan.tokens.v1");
        cli_json_text(&j->json, "model", j->info->name);
    }
    if (output && !j->x->out.dry_run) {
        cli_signals_hold();
        CS_TRY(clipspan_npy_open(&j->array, output, CLIPSPAN_INT32, &context, 1, j->x->out.force,
                                 err));
    }
    if (!output && s->form == CLI_FORM_JSON) {
        cli_json_whole(&j->json, "context_length", context);
        cli_json_array(&j->json, "texts");
    }
    if (!output && s->form == CLI_FORM_TSV) {
        CS_TRY(cli_rows_open(&j->rows, s, NULL, 0, err));
        CS_TRY(cli_rows_header(j->rows, "key|text|tokens|cut|ids|pieces", err));
    }
    cli_progress_begin(s, "texts");
    status = j->x->out.dry_run ? CLIPSPAN_OK : work(j, err);
    cli_progress_end(s);
    CS_TRY(status);
    if (!output && s->form == CLI_FORM_JSON) {
        cli_json_end(&j->json);
        cli_json_whole(&j->json, "cut", j->cut);
        cli_json_finish(&j->json);
    }
    if (j->array) CS_TRY(clipspan_npy_finish(j->array, err));
    if (output) summarize(j);
    if (j->cut)
        cli_note(s, "cut: %zu of %zu text%s, with more than %d tokens", j->cut,
                 clipspan_texts_get_count(j->texts),
                 clipspan_texts_get_count(j->texts) == 1 ? "" : "s", j->info->context_length);
    return CLIPSPAN_OK;
}

static clipspan_status check_arguments(const job *j, clipspan_error *err)
{
    const char *output = j->x->out.output;
    if (!output) {
        if (!j->x->out.dry_run) return CLIPSPAN_OK;
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--dry-run says what would be written; without -o FILE.npy nothing is");
    }
    if (!cli_ends_in(output, ".npy"))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--output: expected a file name that ends in .npy, found \"%s\"", output);
    return cli_target_check(j->session, output, j->x->out.force, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    job j = {.session = s, .x = given};
    clipspan_status status;
    CS_TRY_DONE(check_arguments(&j, err));
    CS_TRY_DONE(cli_model_open(&j.model, s, s->arguments.items[0], &j.x->load, err));
    j.info = clipspan_model_get_info(j.model);
    if (!j.info->has_text) {
        status = cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, j.info->name,
                            "has no text encoder, so it takes no tokens");
        goto done;
    }
    CS_TRY_DONE(cli_texts_open(&j.texts, s, &j.x->texts, err));
    status = CLIPSPAN_E_NOMEM;
    j.ids = cs_alloc((size_t)j.info->context_length, sizeof *j.ids, "token ids", err);
    if (j.ids) status = run(&j, err);
done:
    clipspan_npy_close(&j.array);
    cli_rows_close(&j.rows);
    clipspan_texts_free(&j.texts);
    clipspan_model_close(&j.model);
    cs_free(j.ids);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_TEXTS,
    CLI_OPT_MODEL_FILES,
    CLI_TEXT("Output", "output", 'o', "FILE.npy", "write the ids as an array", out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_tokens = {
    .name = "tokens",
    .usage = "MODEL --text TEXT...\nMODEL --texts FILE",
    .summary = "token ids of texts, the text encoder's input",
    .about = "Prints each text's ids from start to end token, the tokens as text, and whether it "
             "was truncated.",
    .examples = "clipspan tokens MODEL --text \"a photo of a dog\"\tids and tokens\n"
                "clipspan tokens MODEL --texts pool.txt -o ids.npy\tan array [T, C] of int32",
    .arguments = {"MODEL"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
