/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259) as a stream. */
#include "cli/out/json_out.h"
#include "cli/out/table.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void escape(FILE *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    fputc('"', out);
    while (*p) {
        size_t length = cli_character(p);
        if (length == 0) {
            fputs("\xEF\xBF\xBD", out);
            p++;
        } else if (*p == '"' || *p == '\\') {
            fprintf(out, "\\%c", *p++);
        } else if (*p < 0x20 || *p == 0x7F) {
            fprintf(out, "\\u%04x", *p++);
        } else {
            fwrite(p, 1, length, out);
            p += length;
        }
    }
    fputc('"', out);
}

/* The path of a value in flat form: keys and places joined by dots. */
static void flat_path(cli_json *j, const char *key)
{
    for (int i = 1; i <= j->depth; i++) {
        if (j->level[i].key)
            fputs(j->level[i].key, j->out);
        else
            fprintf(j->out, "%zu", j->level[i - 1].count - 1);
        fputc('.', j->out);
    }
    if (key)
        fputs(key, j->out);
    else
        fprintf(j->out, "%zu", j->level[j->depth].count - 1);
    fputc('\t', j->out);
}

static void indent(cli_json *j)
{
    if (j->row)
        fputc(' ', j->out);
    else
        fprintf(j->out, "\n%*s", 2 * (j->depth + 1), "");
}

/* What stands before a value. */
static void lead(cli_json *j, const char *key)
{
    assert((key == NULL) == (j->level[j->depth].array != 0));
    j->level[j->depth].count++;
    if (j->flat) return;
    if (j->level[j->depth].count > 1) fputc(',', j->out);
    if (j->level[j->depth].count > 1 || !j->row) indent(j);
    if (key) {
        escape(j->out, key);
        fputs(": ", j->out);
    }
}

static void open_level(cli_json *j, const char *key, int array, int row)
{
    lead(j, key);
    if (!j->flat) fputc(array ? '[' : '{', j->out);
    j->depth++;
    assert(j->depth < CLI_JSON_DEEP);
    j->level[j->depth].key = key;
    j->level[j->depth].count = 0;
    j->level[j->depth].array = array;
    if (row && !j->row) j->row = j->depth;
}

void cli_json_begin(cli_json *j, FILE *out, int flat, const char *schema)
{
    memset(j, 0, sizeof *j);
    j->out = out;
    j->flat = flat;
    if (!flat) fputc('{', out);
    cli_json_text(j, "schema", schema);
}

void cli_json_finish(cli_json *j)
{
    assert(j->depth == 0);
    if (!j->flat) fputs("\n}\n", j->out);
}

void cli_json_object(cli_json *j, const char *key)
{
    open_level(j, key, 0, 0);
}

void cli_json_row(cli_json *j, const char *key)
{
    open_level(j, key, 0, 1);
}

void cli_json_array(cli_json *j, const char *key)
{
    open_level(j, key, 1, 0);
}

void cli_json_line(cli_json *j, const char *key)
{
    open_level(j, key, 1, 1);
}

void cli_json_end(cli_json *j)
{
    int array = j->level[j->depth].array, empty = j->level[j->depth].count == 0;
    int in_row = j->row != 0;
    if (j->row == j->depth) j->row = 0;
    j->depth--;
    if (j->flat) return;
    if (!in_row && !empty) indent(j);
    fputc(array ? ']' : '}', j->out);
}

void cli_json_text(cli_json *j, const char *key, const char *value)
{
    lead(j, key);
    if (j->flat) {
        flat_path(j, key);
        if (value) cli_print_tsv_cell(j->out, value);
        fputc('\n', j->out);
    } else if (value) {
        escape(j->out, value);
    } else {
        fputs("null", j->out);
    }
}

static void plain(cli_json *j, const char *key, const char *value)
{
    lead(j, key);
    if (j->flat) flat_path(j, key);
    fputs(value, j->out);
    if (j->flat) fputc('\n', j->out);
}

void cli_json_whole(cli_json *j, const char *key, uint64_t value)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, value);
    plain(j, key, number);
}

void cli_json_real(cli_json *j, const char *key, double value)
{
    char number[32];
    if (isfinite(value))
        snprintf(number, sizeof number, "%.9g", value);
    else
        strcpy(number, j->flat ? "" : "null");
    plain(j, key, number);
}

void cli_json_single(cli_json *j, const char *key, float value)
{
    char number[32];
    int digits = 6;
    if (!isfinite(value)) {
        cli_json_real(j, key, (double)value);
        return;
    }
    do
        snprintf(number, sizeof number, "%.*g", digits, (double)value);
    while (digits++ < 9 && strtof(number, NULL) != value);
    plain(j, key, number);
}

void cli_json_flag(cli_json *j, const char *key, int value)
{
    plain(j, key, value ? "true" : "false");
}
