/* SPDX-License-Identifier: MIT */
/* A state machine over bytes: each is one of separator, quote, line end or other, and what it means
 * depends on whether a field has begun, is quoted, or has just seen a quote. */
#include "formats/csv.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/number_text.h"

#define CHUNK      ((size_t)64 << 10)
#define MAX_RECORD ((size_t)16 << 20)

typedef enum state {
    START,  /* at the beginning of a field */
    PLAIN,  /* inside an unquoted field */
    QUOTED, /* inside quotes */
    CLOSED  /* behind a quote that may have ended them */
} state;

struct cs_csv {
    cs_file *file;
    uint64_t offset;       /* of the next chunk */
    uint64_t line, record; /* the current line, the line on which the record began */
    size_t at, have, expected;
    char separator;
    unsigned char *chunk;
    char *text; /* of the record, fields ended by NUL */
    size_t used, room;
    size_t *starts; /* of fields in text */
    size_t count, start_room;
    const char **fields;
    size_t field_room;
};

clipspan_status cs_csv_open(cs_csv **out, const char *path, char separator, clipspan_error *err)
{
    static const unsigned char mark[3] = {0xEF, 0xBB, 0xBF};
    clipspan_status status;
    unsigned char head[3];
    cs_csv *csv;
    *out = NULL;
    csv = cs_alloc_zero(1, sizeof *csv, "a CSV reader", err);
    if (!csv) return CLIPSPAN_E_NOMEM;
    csv->separator = separator;
    csv->line = 1;
    CS_TRY_DONE(cs_file_open(&csv->file, path, err));
    if (csv->file->size >= 3) {
        CS_TRY_DONE(cs_file_read(head, csv->file, 0, 3, err));
        if (memcmp(head, mark, 3) == 0) csv->offset = 3;
        if ((head[0] == 0xFF && head[1] == 0xFE) || (head[0] == 0xFE && head[1] == 0xFF)) {
            status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                                "is UTF-16, where UTF-8 was expected; save it as UTF-8, or: iconv "
                                "-f UTF-16 -t UTF-8");
            goto done;
        }
    }
    status = CLIPSPAN_E_NOMEM;
    csv->chunk = cs_alloc(CHUNK, 1, "a CSV reader", err);
    if (!csv->chunk) goto done;
    *out = csv;
    csv = NULL;
    status = CLIPSPAN_OK;
done:
    cs_csv_close(&csv);
    return status;
}

void cs_csv_close(cs_csv **csv)
{
    cs_csv *c = csv ? *csv : NULL;
    if (!c) return;
    cs_file_close(&c->file);
    cs_free(c->chunk);
    cs_free(c->text);
    cs_free(c->starts);
    cs_free((void *)c->fields);
    cs_free(c);
    *csv = NULL;
}

uint64_t cs_csv_line(const cs_csv *csv)
{
    return csv->record;
}

/* *byte: the next one, or -1 at the end; it is not consumed. */
static clipspan_status peek(int *byte, cs_csv *csv, clipspan_error *err)
{
    if (csv->at == csv->have) {
        uint64_t left = csv->file->size - csv->offset;
        csv->at = 0;
        csv->have = left < CHUNK ? (size_t)left : CHUNK;
        CS_TRY(cs_file_read(csv->chunk, csv->file, csv->offset, csv->have, err));
        csv->offset += csv->have;
    }
    *byte = csv->at < csv->have ? csv->chunk[csv->at] : -1;
    return CLIPSPAN_OK;
}

static clipspan_status fail_line(const cs_csv *csv, clipspan_status code, const char *what,
                                 clipspan_error *err)
{
    return cs_fail_at(err, code, csv->file->path, "line %llu: %s", (unsigned long long)csv->line,
                      what);
}

static clipspan_status put(cs_csv *csv, int byte, clipspan_error *err)
{
    if (csv->used - csv->starts[csv->count - 1] > CS_CSV_FIELD)
        return fail_line(csv, CLIPSPAN_E_LIMIT, "a field is longer than 1 MiB", err);
    if (csv->used >= MAX_RECORD)
        return fail_line(csv, CLIPSPAN_E_LIMIT, "a record is longer than 16 MiB", err);
    if (csv->used == csv->room)
        CS_TRY(cs_grow(&csv->text, &csv->room, csv->used + 1, 1, "a CSV record", err));
    csv->text[csv->used++] = (char)byte;
    return CLIPSPAN_OK;
}

static clipspan_status begin_field(cs_csv *csv, clipspan_error *err)
{
    if (csv->count == CS_CSV_COLUMNS)
        return fail_line(csv, CLIPSPAN_E_LIMIT, "a record has more than 4096 fields", err);
    CS_TRY(cs_grow(&csv->starts, &csv->start_room, csv->count + 1, sizeof *csv->starts,
                   "a CSV record", err));
    csv->starts[csv->count++] = csv->used;
    return CLIPSPAN_OK;
}

/* Consumes a line end of one or two bytes. */
static clipspan_status end_line(cs_csv *csv, int byte, clipspan_error *err)
{
    csv->at++;
    csv->line++;
    if (byte != '\r') return CLIPSPAN_OK;
    CS_TRY(peek(&byte, csv, err));
    if (byte == '\n') csv->at++;
    return CLIPSPAN_OK;
}

/* A byte that is neither separator nor line end nor (outside of a TSV) meant as a quote. */
static clipspan_status take(cs_csv *csv, state *now, int byte, clipspan_error *err)
{
    int quote = byte == '"' && csv->separator != '\t';
    csv->at++;
    if (byte == '\0') return fail_line(csv, CLIPSPAN_E_FORMAT, "holds a NUL byte", err);
    if (*now == START && quote) {
        *now = QUOTED;
        return CLIPSPAN_OK;
    }
    if (*now == QUOTED && quote) {
        *now = CLOSED;
        return CLIPSPAN_OK;
    }
    if (*now == CLOSED) {
        if (!quote)
            return fail_line(csv, CLIPSPAN_E_FORMAT,
                             "text behind a closing quote, where a separator or line end was "
                             "expected (a quote inside quotes is written twice)",
                             err);
        *now = QUOTED;
    } else if (*now == START)
        *now = PLAIN;
    /* Lines inside quotes are counted; a CRLF there is kept as it is. */
    if (*now == QUOTED && byte == '\n') csv->line++;
    return put(csv, byte, err);
}

/* The fields of a record, from its first byte to its line end. */
static clipspan_status read_record(cs_csv *csv, clipspan_error *err)
{
    uint64_t opened = csv->line;
    state now = START;
    int byte;
    CS_TRY(begin_field(csv, err));
    for (;;) {
        CS_TRY(peek(&byte, csv, err));
        if (now == QUOTED && byte < 0) {
            csv->line = opened;
            return fail_line(csv, CLIPSPAN_E_FORMAT,
                             "a quote opens here that is not closed until the end of the file",
                             err);
        }
        if (now != QUOTED && (byte < 0 || byte == '\n' || byte == '\r')) {
            CS_TRY(put(csv, '\0', err));
            return byte < 0 ? CLIPSPAN_OK : end_line(csv, byte, err);
        }
        if (now != QUOTED && byte == csv->separator) {
            csv->at++;
            CS_TRY(put(csv, '\0', err));
            CS_TRY(begin_field(csv, err));
            now = START;
            continue;
        }
        if (now == START) opened = csv->line;
        CS_TRY(take(csv, &now, byte, err));
    }
}

clipspan_status cs_csv_next(const char *const **fields, size_t *count, cs_csv *csv,
                            clipspan_error *err)
{
    size_t i;
    int byte;
    *fields = NULL;
    *count = 0;
    for (;;) {
        CS_TRY(peek(&byte, csv, err));
        if (byte < 0) return CLIPSPAN_OK;
        if (byte != '\n' && byte != '\r') break;
        CS_TRY(end_line(csv, byte, err));
    }
    csv->used = csv->count = 0;
    csv->record = csv->line;
    CS_TRY(read_record(csv, err));
    if (csv->expected == 0) csv->expected = csv->count;
    if (csv->count != csv->expected)
        return cs_fail_at(
            err, CLIPSPAN_E_FORMAT, csv->file->path, "line %llu: %s, where the first line has %zu",
            (unsigned long long)csv->record, cs_number_of(csv->count, "field").text, csv->expected);
    CS_TRY(cs_grow(&csv->fields, &csv->field_room, csv->count, sizeof *csv->fields, "a CSV record",
                   err));
    for (i = 0; i < csv->count; i++)
        csv->fields[i] = csv->text + csv->starts[i];
    *fields = csv->fields;
    *count = csv->count;
    return CLIPSPAN_OK;
}
