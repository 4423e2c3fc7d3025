/* SPDX-License-Identifier: MIT */
/* clipspan embed --classes: a zero-shot classifier as an array, as the published programs keep
 * it. */
#include "cli/model/embed_classes.h"
#include "base/memory.h"
#include "cli/frame/signals.h"
#include "cli/in/evaluation.h"
#include "cli/in/texts.h"
#include "cli/out/json_out.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>

typedef cli_embed_settings settings;

typedef struct job {
    const settings *x;
    cli_session *session;
    clipspan_model *model;
    clipspan_encoder *encoder;
    clipspan_texts *classes;
    clipspan_bank *bank;
    cli_rows *rows;
    char *rows_path;
} job;

static clipspan_status check_arguments(const cli_session *s, const settings *x, clipspan_error *err)
{
    if (s->arguments.count > 1 || x->texts.text.count || x->texts.file)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--classes makes a classifier of class names; images and texts are "
                       "embedded in a call of their own");
    if (x->encoder.raw)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--raw: the vectors of classes are unit vectors");
    if (!x->out.output)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "say where the array goes with -o FILE.npy (the file beside it, "
                       "FILE.rows.csv, says what each column is)");
    return CLIPSPAN_OK;
}

static clipspan_status write_rows(job *j, clipspan_error *err)
{
    CS_TRY(cli_rows_open(&j->rows, j->session, j->rows_path, j->x->out.force, err));
    CS_TRY(cli_rows_header(j->rows, "column|key|class", err));
    for (size_t i = 0; i < clipspan_texts_get_count(j->classes); i++) {
        cli_rows_whole(j->rows, i);
        cli_rows_text(j->rows, cli_class_key(j->classes, i));
        cli_rows_text(j->rows, clipspan_texts_get_text(j->classes, i));
        CS_TRY(cli_rows_next(j->rows, err));
    }
    return CLIPSPAN_OK;
}

static void summarize(const job *j)
{
    const cli_session *s = j->session;
    const clipspan_model_info *info = clipspan_model_get_info(j->model);
    const size_t count = clipspan_texts_get_count(j->classes);
    cli_json json;
    if (s->form == CLI_FORM_TABLE) {
        cli_say(s, "%s%s: float32 [%d, %zu], one class per column",
                j->x->out.dry_run ? "would write " : "", j->x->out.output, info->embed_width,
                count);
        cli_say(s, "%s: what each column is", j->rows_path);
        return;
    }
    cli_json_begin(&json, stdout, cli_flat(s), "clipspan.embed.v1");
    cli_json_flag(&json, "dry_run", j->x->out.dry_run);
    cli_json_text(&json, "model", info->name);
    cli_json_text(&json, "output", j->x->out.output);
    cli_json_text(&json, "rows", j->rows_path);
    cli_json_text(&json, "kind", "classes");
    cli_json_line(&json, "shape");
    cli_json_whole(&json, NULL, (uint64_t)info->embed_width);
    cli_json_whole(&json, NULL, count);
    cli_json_end(&json);
    cli_json_finish(&json);
}

static clipspan_status embed(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const settings *x = j->x;
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    CS_TRY(check_arguments(s, x, err));
    CS_TRY(cli_rows_path(&j->rows_path, x->out.output, err));
    CS_TRY(cli_target_check(s, x->out.output, j->x->out.force, err));
    CS_TRY(cli_target_check(s, j->rows_path, j->x->out.force, err));
    CS_TRY(cli_classes_open(&j->classes, &j->x->classes, err));
    CS_TRY(cli_model_open(&j->model, s, s->arguments.items[0], &j->x->load, err));
    if (!clipspan_model_get_info(j->model)->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, clipspan_model_get_info(j->model)->name,
                          "has no text encoder: it embeds images only");
    if (!x->out.dry_run) {
        options.modality = CLIPSPAN_TEXT;
        options.precision = x->encoder.precision ? CLIPSPAN_BF16 : CLIPSPAN_F32;
        options.threads = (int)s->threads;
        CS_TRY(clipspan_encoder_new(&j->encoder, j->model, &options, err));
        CS_TRY(cli_classifier_make(&j->bank, s, j->encoder, j->classes, x->classes.templates, err));
        cli_signals_hold();
        CS_TRY(write_rows(j, err));
        CS_TRY(cli_rows_lead(j->rows, x->out.output, err));
        CS_TRY(clipspan_bank_write(x->out.output, j->bank, x->out.force, err));
        cli_rows_settle(j->rows);
    }
    summarize(j);
    return CLIPSPAN_OK;
}

clipspan_status cli_embed_classes(cli_session *s, const settings *given, clipspan_error *err)
{
    job j = {.session = s, .x = given};
    clipspan_status status = embed(&j, err);
    cli_rows_close(&j.rows);
    clipspan_bank_free(&j.bank);
    clipspan_encoder_free(&j.encoder);
    clipspan_texts_free(&j.classes);
    clipspan_model_close(&j.model);
    cs_free(j.rows_path);
    return status;
}
