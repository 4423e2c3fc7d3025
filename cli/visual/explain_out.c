/* SPDX-License-Identifier: MIT */
/* What explain gives to programs: rows or one document. */
#include "cli/in/heads.h"
#include "cli/out/json_out.h"
#include "cli/out/rows.h"
#include "cli/visual/explain.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <string.h>

static const char *const contrasts[] = {"none", "mean", "runner-up"};

/* ---- Rows: text, part, layer, head, row, column, value, role ---- */

static clipspan_status put_row(cli_rows *rows, const char *text, const char *part, long layer,
                               long head, const long *patch, double value, const char *role,
                               clipspan_error *err)
{
    const long numbers[4] = {layer, head, patch ? patch[0] : -1, patch ? patch[1] : -1};
    cli_rows_text(rows, text);
    cli_rows_text(rows, part);
    for (int i = 0; i < 4; i++)
        if (numbers[i] < 0)
            cli_rows_text(rows, "");
        else
            cli_rows_whole(rows, (uint64_t)numbers[i]);
    cli_rows_real(rows, value);
    cli_rows_text(rows, role);
    return cli_rows_next(rows, err);
}

static clipspan_status put_text(cli_rows *rows, const cli_explain_job *j, size_t t,
                                clipspan_error *err)
{
    const clipspan_explanation_info *x = j->facts;
    const long L = x->layers, H = x->heads, width = x->grid_width;
    const char *name = x->names[t];
    const double *attention = x->attention + t * (size_t)L, *mlp = x->mlp + t * (size_t)(L + 1);
    CS_TRY(put_row(rows, name, "similarity", -1, -1, NULL, x->similarity[t], "", err));
    CS_TRY(put_row(rows, name, "explained", -1, -1, NULL, x->value[t], "", err));
    CS_TRY(put_row(rows, name, "input", -1, -1, NULL, mlp[0], "", err));
    for (long l = 0; l < L; l++) {
        CS_TRY(put_row(rows, name, "attention", l, -1, NULL, attention[l], "", err));
        CS_TRY(put_row(rows, name, "class", l, -1, NULL,
                       x->class_self_attention[t * (size_t)L + (size_t)l], "", err));
        CS_TRY(put_row(rows, name, "mlp", l, -1, NULL, mlp[l + 1], "", err));
    }
    for (long i = 0; i < L * H; i++) {
        char role[64];
        cli_explain_role(role, cli_explain_known(j, cli_explain_head(j, (size_t)i)));
        CS_TRY(put_row(rows, name, "head", i / H, i % H, NULL,
                       x->head[t * cli_explain_heads(x) + (size_t)i], role, err));
    }
    for (long i = 0; i < (long)x->tokens - 1; i++) {
        const long patch[2] = {i / width, i % width};
        CS_TRY(put_row(rows, name, "patch", -1, -1, patch, x->token[t * x->tokens + 1 + (size_t)i],
                       "", err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status put_rows(const cli_explain_job *j, clipspan_error *err)
{
    cli_rows *rows = NULL;
    clipspan_status status = cli_rows_open(&rows, NULL, 0, err);
    if (status == CLIPSPAN_OK)
        status = cli_rows_header(rows, "text|part|layer|head|row|column|value|role", err);
    for (size_t k = 0; k < j->facts->texts && status == CLIPSPAN_OK; k++)
        status = put_text(rows, j, j->facts->order[k], err);
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

/* ---- A document ---- */

static void emit_heads(cli_json *json, const cli_explain_job *j, size_t t)
{
    const clipspan_explanation_info *x = j->facts;
    cli_json_array(json, "heads");
    for (size_t i = 0; i < cli_explain_heads(x); i++) {
        const clipspan_atlas_head *known = cli_explain_known(j, cli_explain_head(j, i));
        char name[CLI_HEAD_ROOM], role[64];
        cli_head_name(name, cli_explain_head(j, i));
        cli_explain_role(role, known);
        cli_json_row(json, NULL);
        cli_json_text(json, "head", name);
        cli_json_real(json, "part", x->head[t * cli_explain_heads(x) + i]);
        if (known) cli_json_text(json, "role", role);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void emit_roles(cli_json *json, const cli_explain_job *j, size_t t)
{
    cli_explain_share shares[CLI_EXPLAIN_ROLES];
    const size_t count = cli_explain_shares(shares, CLI_EXPLAIN_ROLES, j, t);
    cli_json_array(json, "roles");
    for (size_t k = 0; k < count; k++) {
        cli_json_row(json, NULL);
        cli_json_text(json, "role", *shares[k].role ? shares[k].role : NULL);
        cli_json_whole(json, "heads", shares[k].heads);
        cli_json_real(json, "part", shares[k].part);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void emit_patches(cli_json *json, const cli_explain_job *j, size_t t)
{
    const clipspan_explanation_info *x = j->facts;
    const double *token = x->token + t * x->tokens;
    const size_t width = (size_t)x->grid_width;
    size_t best[CLI_EXPLAIN_MOST];
    const size_t count = cli_explain_choose(best, j->top, token + 1, x->tokens - 1);
    cli_json_array(json, "patches");
    for (size_t k = 0; k < count; k++) {
        cli_json_row(json, NULL);
        cli_json_whole(json, "row", best[k] / width);
        cli_json_whole(json, "column", best[k] % width);
        cli_json_real(json, "part", token[1 + best[k]]);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void emit_text(cli_json *json, const cli_explain_job *j, size_t t)
{
    const clipspan_explanation_info *x = j->facts;
    const size_t L = (size_t)x->layers;
    cli_json_object(json, NULL);
    cli_json_text(json, "text", x->names[t]);
    cli_json_real(json, "similarity", x->similarity[t]);
    cli_json_real(json, "explained", x->value[t]);
    cli_json_real(json, "attention", cli_explain_sum(x->attention + t * L, L));
    cli_json_real(json, "mlps", cli_explain_sum(x->mlp + t * (L + 1) + 1, L));
    cli_json_real(json, "input", x->mlp[t * (L + 1)]);
    cli_json_array(json, "layers");
    for (size_t l = 0; l < L; l++) {
        cli_json_row(json, NULL);
        cli_json_whole(json, "layer", l);
        cli_json_real(json, "attention", x->attention[t * L + l]);
        cli_json_real(json, "class", x->class_self_attention[t * L + l]);
        cli_json_real(json, "mlp", x->mlp[t * (L + 1) + l + 1]);
        cli_json_end(json);
    }
    cli_json_end(json);
    emit_heads(json, j, t);
    if (j->atlas) emit_roles(json, j, t);
    emit_patches(json, j, t);
    cli_json_end(json);
}

static void emit_figure(cli_json *json, const cli_explain_job *j)
{
    cli_json_array(json, "figure");
    for (size_t i = 0; i < j->row_count; i++) {
        const cli_explain_row *row = &j->rows[i];
        char name[CLI_HEAD_ROOM];
        cli_head_name(name, row->head);
        cli_json_object(json, NULL);
        cli_json_text(json, "head", name);
        cli_json_real(json, "limit", row->limit);
        cli_json_array(json, "texts");
        for (size_t c = 0; c < row->count; c++) {
            cli_json_row(json, NULL);
            cli_json_text(json, "text", row->texts[c]);
            cli_json_real(json, "above_mean", row->scores[c]);
            cli_json_end(json);
        }
        cli_json_end(json);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void emit(const cli_explain_job *j)
{
    const cli_explain_settings *x = j->x;
    cli_json json;
    cli_json_begin(&json, stdout, 0, "clipspan.explain.v1");
    cli_json_flag(&json, "dry_run", x->out.dry_run);
    cli_json_text(&json, "model", j->info->name);
    cli_json_text(&json, "image", j->image);
    cli_json_text(&json, "run", x->run);
    cli_json_flag(&json, "roles", j->atlas != NULL);
    cli_json_text(&json, "output", x->out.output);
    if (j->facts) {
        if (x->out.output) cli_json_whole(&json, "bytes", (uint64_t)j->bytes);
        cli_json_text(&json, "contrast", contrasts[j->contrast]);
        cli_json_real(&json, "off", j->facts->off);
        cli_json_line(&json, "grid");
        cli_json_whole(&json, NULL, (uint64_t)j->facts->grid_height);
        cli_json_whole(&json, NULL, (uint64_t)j->facts->grid_width);
        cli_json_end(&json);
        cli_json_array(&json, "texts");
        for (size_t k = 0; k < j->facts->texts; k++)
            emit_text(&json, j, j->facts->order[k]);
        cli_json_end(&json);
        if (j->rows) emit_figure(&json, j);
    }
    cli_json_finish(&json);
}

clipspan_status cli_explain_show(cli_explain_job *j, clipspan_error *err)
{
    switch (j->session->form) {
    case CLI_FORM_JSON: emit(j); return CLIPSPAN_OK;
    case CLI_FORM_TSV: return j->facts ? put_rows(j, err) : CLIPSPAN_OK;
    case CLI_FORM_TABLE: break;
    }
    if (j->facts) return cli_explain_print(j, err);
    printf("would explain %s with %zu text%s\n", j->image, clipspan_texts_get_count(j->texts),
           clipspan_texts_get_count(j->texts) == 1 ? "" : "s");
    return CLIPSPAN_OK;
}
