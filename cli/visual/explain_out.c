/* SPDX-License-Identifier: MIT */
/* What explain gives to programs: rows or one document. */
#include "cli/out/put.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/visual/explain.h"

#include <clipspan/clipspan.h>

/* A row: text, part, layer, head, row, column, value, role, and the text pool that the role is by.
 */
typedef struct role_text {
    char role[64];
    const char *pool;
} role_text;

static clipspan_status put_row(cli_rows *rows, const char *text, const char *part, long layer,
                               long head, const long *patch, double value, const role_text *role,
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
    cli_rows_text(rows, role ? role->role : "");
    cli_rows_text(rows, role ? role->pool : "");
    return cli_rows_next(rows, err);
}

static clipspan_status put_text(cli_rows *rows, const cli_explain_job *j, const clipspan_finding *f,
                                clipspan_error *err)
{
    const clipspan_explanation_info *x = j->facts;
    const long L = x->layers, H = x->heads, width = x->grid_width;
    const double *attention = x->attention + f->text * (size_t)L;
    const double *own = x->class_self_attention + f->text * (size_t)L;
    const double *mlp = x->mlp + f->text * (size_t)(L + 1);
    const double *token = x->token + f->text * x->tokens;
    CS_TRY(put_row(rows, f->name, "similarity", -1, -1, NULL, f->similarity, NULL, err));
    CS_TRY(put_row(rows, f->name, "explained", -1, -1, NULL, f->value, NULL, err));
    CS_TRY(put_row(rows, f->name, "input", -1, -1, NULL, f->input, NULL, err));
    for (long l = 0; l < L; l++) {
        CS_TRY(put_row(rows, f->name, "attention", l, -1, NULL, attention[l], NULL, err));
        if (x->class_token) CS_TRY(put_row(rows, f->name, "class", l, -1, NULL, own[l], NULL, err));
        CS_TRY(put_row(rows, f->name, "mlp", l, -1, NULL, mlp[l + 1], NULL, err));
    }
    for (long i = 0; i < L * H; i++) {
        const clipspan_finding_head *head = &f->every[i];
        role_text role = {.pool = j->atlas ? clipspan_atlas_get_info(j->atlas)->pool : ""};
        cli_explain_role(role.role, head->role, head->leaning);
        CS_TRY(put_row(rows, f->name, "head", head->head.layer, head->head.head, NULL, head->part,
                       &role, err));
    }
    for (long i = 0; i < (long)x->tokens - x->class_token; i++) {
        const long patch[2] = {i / width, i % width};
        CS_TRY(
            put_row(rows, f->name, "patch", -1, -1, patch, token[x->class_token + i], NULL, err));
    }
    return CLIPSPAN_OK;
}

/* Effects through later layers. */
static clipspan_status put_through(cli_rows *rows, const cli_explain_job *j,
                                   const clipspan_finding *f, clipspan_error *err)
{
    const clipspan_paths_result *r = clipspan_paths_get(j->paths, 0);
    const clipspan_explanation_info *x = j->facts;
    const long L = x->layers, H = x->heads, width = x->grid_width;
    const size_t t = f->text;
    for (long l = 0; l < L; l++)
        CS_TRY(put_row(rows, f->name, "mlp through", l, -1, NULL, r->mlp[t * (size_t)L + (size_t)l],
                       NULL, err));
    for (long i = 0; i < L * H; i++)
        CS_TRY(put_row(rows, f->name, "head through", i / H, i % H, NULL,
                       r->head[t * (size_t)(L * H) + (size_t)i], NULL, err));
    for (long i = 0; i < (long)x->tokens; i++) {
        const long patch[2] = {(i - 1) / width, (i - 1) % width};
        CS_TRY(put_row(rows, f->name, i ? "patch through" : "class through", -1, -1,
                       i ? patch : NULL, r->token[t * x->tokens + (size_t)i], NULL, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status put_rows(const cli_explain_job *j, clipspan_error *err)
{
    const clipspan_finding *f;
    cli_rows *rows = NULL;
    clipspan_status status = cli_rows_open(&rows, j->session, NULL, 0, err);
    if (status == CLIPSPAN_OK)
        status = cli_rows_header(rows, "text|part|layer|head|row|column|value|role|pool", err);
    for (size_t k = 0; status == CLIPSPAN_OK && (f = clipspan_findings_get(j->findings, k)); k++)
        if ((status = put_text(rows, j, f, err)) == CLIPSPAN_OK && j->paths)
            status = put_through(rows, j, f, err);
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

static clipspan_status put_document(const cli_explain_job *j, clipspan_error *err)
{
    clipspan_explain_document d = CLIPSPAN_EXPLAIN_DOCUMENT_INIT;
    d.dry_run = j->x->out.dry_run;
    d.model = j->info->name;
    d.image = j->image;
    d.run = j->x->run;
    d.output = j->x->out.output;
    d.bytes = (uint64_t)j->bytes;
    d.roles = j->atlas != NULL;
    d.paths = j->paths;
    d.top = j->x->top ? (int)j->x->top : 5;
    return clipspan_findings_write_json(j->findings, j->joint, &d, 0, cli_put, stdout, err);
}

clipspan_status cli_explain_show(cli_explain_job *j, clipspan_error *err)
{
    switch (j->session->form) {
    case CLI_FORM_JSON: return put_document(j, err);
    case CLI_FORM_TSV: return j->facts ? put_rows(j, err) : CLIPSPAN_OK;
    case CLI_FORM_TABLE: break;
    }
    if (j->facts) return cli_explain_print(j, err);
    cli_say(j->session, "would explain %s with %zu text%s", j->image,
            clipspan_texts_get_count(j->texts), clipspan_texts_get_count(j->texts) == 1 ? "" : "s");
    return CLIPSPAN_OK;
}
