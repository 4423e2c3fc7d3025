/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259) as a stream. */
#include "formats/json_write.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "formats/base64.h"

#define ROOM 40

static void put(cs_json_writer *j, const char *text)
{
    j->put(j->to, text, strlen(text));
}

static void put_place(cs_json_writer *j, size_t place)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", place);
    put(j, number);
}

/* ---- Texts ---- */

/* The escape of a character, or 0 where it stands for itself. */
static int escape_character(char out[CS_ESCAPE_ROOM], const unsigned char *p, cs_json_form form)
{
    const int marks_up = form == CS_JSON_PAGE && (*p == '<' || *p == '>' || *p == '&');
    if (*p == '"' || *p == '\\') {
        out[0] = '\\';
        out[1] = (char)*p;
        out[2] = '\0';
    } else if (*p < 0x20 || *p == 0x7F || marks_up) {
        snprintf(out, CS_ESCAPE_ROOM, "\\u%04x", *p);
    } else {
        size_t taken, length = cs_escape(out, (const char *)p, &taken);
        out[length] = '\0';
        return length != 0;
    }
    return 1;
}

static void put_string(cs_json_writer *j, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    const char *plain = text; /* not put yet */
    char escape[CS_ESCAPE_ROOM];
    put(j, "\"");
    while (*p) {
        const size_t length = cs_character((const char *)p);
        if (length && !escape_character(escape, p, j->form)) {
            p += length;
            continue;
        }
        j->put(j->to, plain, (size_t)((const char *)p - plain));
        put(j, length ? escape : "\xEF\xBF\xBD");
        p += length ? length : 1;
        plain = (const char *)p;
    }
    j->put(j->to, plain, (size_t)((const char *)p - plain));
    put(j, "\"");
}

/* A cell of tab-separated text: control characters and backslashes escaped. */
static void put_cell(cs_json_writer *j, const char *text)
{
    if (j->spreadsheet && cs_is_formula(text)) put(j, "'");
    cs_escape_put(j->put, j->to, text, 1);
}

/* ---- Layout ---- */

/* The path of a value in flat form: keys and places joined by dots. */
static void put_path(cs_json_writer *j, const char *key)
{
    for (int i = 1; i <= j->depth; i++) {
        if (j->level[i].key)
            put(j, j->level[i].key);
        else
            put_place(j, j->level[i - 1].count - 1);
        put(j, ".");
    }
    if (key)
        put(j, key);
    else
        put_place(j, j->level[j->depth].count - 1);
    put(j, "\t");
}

/* The blank before a value, or before the end of a container that is not in a row. */
static void put_gap(cs_json_writer *j)
{
    if (j->form == CS_JSON_PAGE) {
        if (!j->row && j->depth < 2) put(j, "\n");
    } else if (j->row) {
        put(j, " ");
    } else {
        char blanks[2 * CS_JSON_DEEP + 4];
        snprintf(blanks, sizeof blanks, "\n%*s", 2 * (j->depth + 1), "");
        put(j, blanks);
    }
}

/* What stands before a value. */
static void lead_in(cs_json_writer *j, const char *key)
{
    assert((key == NULL) == (j->level[j->depth].array != 0));
    j->level[j->depth].count++;
    if (j->form == CS_JSON_FLAT) return;
    if (j->level[j->depth].count > 1) put(j, ",");
    if (j->level[j->depth].count > 1 || !j->row) put_gap(j);
    if (!key) return;
    put_string(j, key);
    put(j, j->form == CS_JSON_PAGE ? ":" : ": ");
}

static void open_level(cs_json_writer *j, const char *key, int array, int row)
{
    lead_in(j, key);
    if (j->form != CS_JSON_FLAT) put(j, array ? "[" : "{");
    j->depth++;
    assert(j->depth < CS_JSON_DEEP);
    j->level[j->depth].key = key;
    j->level[j->depth].count = 0;
    j->level[j->depth].array = array;
    if (row && !j->row) j->row = j->depth;
}

cs_json_form cs_json_form_of(int flat)
{
    return flat == 2 ? CS_JSON_SPREADSHEET : flat ? CS_JSON_FLAT : CS_JSON_INDENTED;
}

void cs_json_begin(cs_json_writer *j, void (*put_text)(void *to, const char *text, size_t size),
                   void *to, cs_json_form form, const char *schema)
{
    memset(j, 0, sizeof *j);
    j->put = put_text;
    j->to = to;
    j->spreadsheet = form == CS_JSON_SPREADSHEET;
    j->form = form == CS_JSON_SPREADSHEET ? CS_JSON_FLAT : form;
    if (j->form != CS_JSON_FLAT) put(j, "{");
    if (schema) cs_json_put_text(j, "schema", schema);
}

void cs_json_finish(cs_json_writer *j)
{
    assert(j->depth == 0);
    if (j->form != CS_JSON_FLAT) put(j, "\n}\n");
}

void cs_json_put_object(cs_json_writer *j, const char *key)
{
    open_level(j, key, 0, 0);
}

void cs_json_put_row(cs_json_writer *j, const char *key)
{
    open_level(j, key, 0, 1);
}

void cs_json_put_array(cs_json_writer *j, const char *key)
{
    open_level(j, key, 1, 0);
}

void cs_json_put_line(cs_json_writer *j, const char *key)
{
    open_level(j, key, 1, 1);
}

void cs_json_put_end(cs_json_writer *j)
{
    const int array = j->level[j->depth].array, empty = j->level[j->depth].count == 0;
    const int in_row = j->row != 0;
    assert(j->depth > 0);
    if (j->row == j->depth) j->row = 0;
    j->depth--;
    if (j->form == CS_JSON_FLAT) return;
    if (!in_row && !empty) put_gap(j);
    put(j, array ? "]" : "}");
}

/* ---- Values ---- */

static void put_plain(cs_json_writer *j, const char *key, const char *value)
{
    const int flat = j->form == CS_JSON_FLAT;
    lead_in(j, key);
    if (flat) put_path(j, key);
    if (value)
        put(j, value);
    else if (!flat)
        put(j, "null");
    if (flat) put(j, "\n");
}

void cs_json_put_text(cs_json_writer *j, const char *key, const char *value)
{
    if (!value) {
        put_plain(j, key, NULL);
        return;
    }
    lead_in(j, key);
    if (j->form == CS_JSON_FLAT) {
        put_path(j, key);
        put_cell(j, value);
        put(j, "\n");
    } else {
        put_string(j, value);
    }
}

/* A point where the locale has a comma. */
static void set_point(char *number)
{
    char *comma = strchr(number, ',');
    if (comma) *comma = '.';
}

void cs_json_put_whole(cs_json_writer *j, const char *key, uint64_t value)
{
    char number[ROOM];
    snprintf(number, sizeof number, "%" PRIu64, value);
    put_plain(j, key, number);
}

void cs_json_put_integer(cs_json_writer *j, const char *key, int64_t value)
{
    char number[ROOM];
    snprintf(number, sizeof number, "%" PRId64, value);
    put_plain(j, key, number);
}

void cs_json_put_digits(cs_json_writer *j, const char *key, double value, int digits)
{
    char number[ROOM];
    snprintf(number, sizeof number, "%.*g", digits, value);
    set_point(number);
    put_plain(j, key, isfinite(value) ? number : NULL);
}

void cs_json_put_real(cs_json_writer *j, const char *key, double value)
{
    char number[ROOM] = "";
    int digits = 15;
    if (isfinite(value)) do
            snprintf(number, sizeof number, "%.*g", digits, value);
        while (digits++ < 17 && strtod(number, NULL) != value);
    set_point(number);
    put_plain(j, key, isfinite(value) ? number : NULL);
}

void cs_json_put_single(cs_json_writer *j, const char *key, float value)
{
    char number[ROOM] = "";
    int digits = 6;
    if (isfinite(value)) do
            snprintf(number, sizeof number, "%.*g", digits, (double)value);
        while (digits++ < 9 && strtof(number, NULL) != value);
    set_point(number);
    put_plain(j, key, isfinite(value) ? number : NULL);
}

void cs_json_put_flag(cs_json_writer *j, const char *key, int value)
{
    put_plain(j, key, value ? "true" : "false");
}

void cs_json_put_base64(cs_json_writer *j, const char *key, const unsigned char *bytes, size_t size)
{
    const char *mark = j->form == CS_JSON_FLAT ? "" : "\"";
    lead_in(j, key);
    if (j->form == CS_JSON_FLAT) put_path(j, key);
    put(j, mark);
    cs_base64_put(j->put, j->to, bytes, size);
    put(j, mark);
    if (j->form == CS_JSON_FLAT) put(j, "\n");
}
