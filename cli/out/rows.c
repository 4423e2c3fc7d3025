/* SPDX-License-Identifier: MIT */
/* Rows gather in memory and go out some at a time. */
#include "cli/out/rows.h"
#include "base/escape.h"
#include "base/file.h"
#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

#define FLUSH_AT ((size_t)1 << 16)

struct cli_rows {
    cs_output *output; /* NULL: standard output */
    int tabs, spreadsheet;
    size_t cells; /* of the row so far */
    char *text;
    size_t used, room;
    clipspan_status status; /* of the row so far */
    clipspan_error error;
};

clipspan_status cli_rows_open(cli_rows **out, const cli_session *session, const char *path,
                              int replace, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t length = path ? strlen(path) : 0;
    cli_rows *rows = cs_alloc_zero(1, sizeof *rows, "a table", err);
    *out = NULL;
    if (!rows) return CLIPSPAN_E_NOMEM;
    rows->tabs = !path || (length > 4 && strcmp(path + length - 4, ".tsv") == 0);
    rows->spreadsheet = session->spreadsheet;
    if (path) status = cs_output_open(&rows->output, path, replace, err);
    if (status == CLIPSPAN_OK)
        *out = rows;
    else
        cs_free(rows);
    return status;
}

static void put(cli_rows *rows, const char *text, size_t length)
{
    if (rows->status != CLIPSPAN_OK) return;
    rows->status =
        cs_grow(&rows->text, &rows->room, rows->used + length, 1, "a table", &rows->error);
    if (rows->status != CLIPSPAN_OK) return;
    memcpy(rows->text + rows->used, text, length);
    rows->used += length;
}

static void separate(cli_rows *rows)
{
    if (rows->cells++) put(rows, rows->tabs ? "\t" : ",", 1);
}

static void put_part(void *rows, const char *text, size_t length)
{
    put(rows, text, length);
}

static void put_quoted(cli_rows *rows, const char *text, const char *mark)
{
    const char *quote;
    put(rows, "\"", 1);
    put(rows, mark, strlen(mark));
    while ((quote = strchr(text, '"'))) {
        put(rows, text, (size_t)(quote - text) + 1);
        put(rows, "\"", 1);
        text = quote + 1;
    }
    put(rows, text, strlen(text));
    put(rows, "\"", 1);
}

void cli_rows_text(cli_rows *rows, const char *text)
{
    const int formula = rows->spreadsheet && cs_is_formula(text);
    separate(rows);
    if (rows->tabs) {
        if (formula) put(rows, "'", 1);
        cs_escape_put(put_part, rows, text, 1);
    } else if (formula || text[strcspn(text, ",\"\r\n")]) {
        put_quoted(rows, text, formula ? "'" : "");
    } else {
        put(rows, text, strlen(text));
    }
}

void cli_rows_whole(cli_rows *rows, uint64_t value)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, value);
    cli_rows_text(rows, number);
}

void cli_rows_real(cli_rows *rows, double value)
{
    char number[32];
    snprintf(number, sizeof number, "%.9g", value);
    cli_rows_text(rows, number);
}

static clipspan_status flush(cli_rows *rows, clipspan_error *err)
{
    size_t used = rows->used;
    rows->used = 0;
    if (rows->output) return cs_output_write(rows->output, rows->text, used, err);
    fwrite(rows->text, 1, used, stdout); /* cli_flush sees what went wrong */
    return CLIPSPAN_OK;
}

clipspan_status cli_rows_next(cli_rows *rows, clipspan_error *err)
{
    put(rows, "\n", 1);
    rows->cells = 0;
    if (rows->status != CLIPSPAN_OK) {
        if (err) *err = rows->error;
        return rows->status;
    }
    return !rows->output || rows->used >= FLUSH_AT ? flush(rows, err) : CLIPSPAN_OK;
}

clipspan_status cli_rows_header(cli_rows *rows, const char *names, clipspan_error *err)
{
    for (;;) {
        char name[64];
        size_t length = strcspn(names, "|");
        snprintf(name, sizeof name, "%.*s", (int)length, names);
        cli_rows_text(rows, name);
        if (!names[length]) break;
        names += length + 1;
    }
    return cli_rows_next(rows, err);
}

clipspan_status cli_rows_finish(cli_rows *rows, clipspan_error *err)
{
    CS_TRY(flush(rows, err));
    return rows->output ? cs_output_commit(rows->output, err) : CLIPSPAN_OK;
}

clipspan_status cli_rows_lead(cli_rows *rows, const char *main, clipspan_error *err)
{
    CS_TRY(flush(rows, err));
    return cs_output_lead(rows->output, main, err);
}

void cli_rows_settle(cli_rows *rows)
{
    cs_output_settle(rows->output);
}

void cli_rows_close(cli_rows **rows)
{
    if (!rows || !*rows) return;
    cs_output_close(&(*rows)->output);
    cs_free((*rows)->text);
    cs_free(*rows);
    *rows = NULL;
}
