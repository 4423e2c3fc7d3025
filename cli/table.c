/* SPDX-License-Identifier: MIT */
/* Alignment by what a terminal shows, shortening from the widest text column down. */
#define _XOPEN_SOURCE 700 /* wcwidth */
#include "table.h"
#include "base/memory.h"

#include <string.h>
#include <wchar.h>

#define GAP       2
#define INDENT    2
#define THINNEST  8 /* cells that a text column keeps */
#define UNLIMITED ((size_t)-1)

size_t cli_character(const unsigned char *p)
{
    size_t length = p[0] == 0     ? 0
                    : p[0] < 0x80 ? 1
                    : p[0] < 0xC2 ? 0
                    : p[0] < 0xE0 ? 2
                    : p[0] < 0xF0 ? 3
                    : p[0] < 0xF5 ? 4
                                  : 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return length;
}

void cli_print_tsv_cell(FILE *out, const char *text)
{
    static const char raw[] = "\\\t\n\r", letters[] = "\\tnr";
    while (*text) {
        size_t length = strcspn(text, raw);
        fwrite(text, 1, length, out);
        text += length;
        if (*text) fprintf(out, "\\%c", letters[strchr(raw, *text++) - raw]);
    }
}

/* Cells of the character at p and its bytes in *length; 1 for what is shown as "?" (*shown 0). */
static size_t character_cells(const cli_session *s, const unsigned char *p, size_t *length,
                              int *shown)
{
    wchar_t wide;
    mbstate_t state = {0};
    int cells;
    *length = cli_character(p);
    *shown = *length != 0 && *p >= 0x20 && *p != 0x7F;
    if (*length == 0) *length = 1;
    if (!*shown || *p < 0x80) return 1;
    if (p[0] == 0xC2 && p[1] < 0xA0) { /* control characters U+0080 to U+009F */
        *shown = 0;
        return 1;
    }
    if (!s->unicode) return 1;
    if (mbrtowc(&wide, (const char *)p, *length, &state) != *length) return 1;
    cells = wcwidth(wide);
    return cells < 0 ? 1 : (size_t)cells;
}

size_t cli_text_cells(const cli_session *s, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t cells = 0, length;
    int shown;
    while (*p) {
        cells += character_cells(s, p, &length, &shown);
        p += length;
    }
    return cells;
}

/* Prints the characters from p on while they fit `most` cells (to = NULL) or up to `to`. */
static const unsigned char *print_some(FILE *out, const cli_session *s, const unsigned char *p,
                                       const unsigned char *to, size_t most, size_t *used)
{
    size_t length;
    int shown;
    while (*p && p != to) {
        size_t cells = character_cells(s, p, &length, &shown);
        if (!to && *used + cells > most) break;
        if (shown)
            fwrite(p, 1, length, out);
        else
            fputc('?', out);
        *used += cells;
        p += length;
    }
    return p;
}

void cli_print_text(FILE *out, const cli_session *s, const char *text, size_t most, size_t *cells)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t total = cli_text_cells(s, text), head, rest, length;
    int shown;
    *cells = 0;
    if (total <= most) {
        print_some(out, s, p, NULL, most, cells);
        return;
    }
    head = (most - 1) / 3;
    p = print_some(out, s, p, NULL, head, cells);
    rest = total - *cells;
    while (*p && rest > most - 1 - *cells) { /* the end of a path tells more than its beginning */
        rest -= character_cells(s, p, &length, &shown);
        p += length;
    }
    fputs(s->unicode ? "\xE2\x80\xA6" : "~", out);
    ++*cells;
    print_some(out, s, p, NULL, UNLIMITED, cells);
}

void cli_print_wrapped(FILE *out, const char *text, int at, int indent, int width)
{
    while (*text) {
        size_t length = strcspn(text, " \n");
        int cells = 0;
        if (strncmp(text + length, " %", 2) == 0) length += 2 + strcspn(text + length + 2, " \n");
        for (size_t i = 0; i < length; i++)
            cells += ((unsigned char)text[i] & 0xC0) != 0x80;
        if (at > indent && at + 1 + cells > width) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        } else if (at < indent) {
            fprintf(out, "%*s", indent - at, "");
            at = indent;
        }
        fwrite(text, 1, length, out);
        at += cells;
        text += length;
        if (*text == '\n') {
            fprintf(out, "\n\n%*s", indent, "");
            at = indent;
        }
        if (*text) text++;
    }
    fputc('\n', out);
}

void cli_bar(char out[CLI_BAR_ROOM], const cli_session *s, double share, int cells)
{
    static const char *const eighths[] = {"",
                                          "\xE2\x96\x8F",
                                          "\xE2\x96\x8E",
                                          "\xE2\x96\x8D",
                                          "\xE2\x96\x8C",
                                          "\xE2\x96\x8B",
                                          "\xE2\x96\x8A",
                                          "\xE2\x96\x89"};
    int steps, i;
    *out = '\0';
    if (!(share > 0)) share = 0;
    if (share > 1) share = 1;
    steps = (int)(share * 8 * cells + 0.5);
    for (i = 0; i < steps / 8; i++)
        strcat(out, s->unicode ? "\xE2\x96\x88" : "#");
    if (s->unicode) strcat(out, eighths[steps % 8]);
}

void cli_print_bar(FILE *out, const cli_session *s, double share, int cells)
{
    char bar[CLI_BAR_ROOM];
    cli_bar(bar, s, share, cells);
    fputs(bar, out);
}

void cli_table_init(cli_table *table, char *headers)
{
    memset(table, 0, sizeof *table);
    while (headers && table->columns < CLI_COLUMNS_MOST) {
        char *bar = strchr(headers, '|');
        if (bar) *bar++ = '\0';
        table->right[table->columns] = *headers == '>';
        table->headers[table->columns++] = headers + (*headers == '>');
        headers = bar;
    }
}

void cli_table_fini(cli_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        cs_free(table->cells[i]);
    cs_free(table->cells);
    memset(table, 0, sizeof *table);
}

clipspan_status cli_table_add(cli_table *table, const char *text, clipspan_error *err)
{
    char *copy;
    CS_TRY(cs_grow(&table->cells, &table->room, table->count + 1, sizeof *table->cells, "a table",
                   err));
    copy = cs_strdup(text, err);
    if (!copy) return CLIPSPAN_E_NOMEM;
    table->cells[table->count++] = copy;
    return CLIPSPAN_OK;
}

static void fit(size_t *widths, const cli_table *table, const cli_session *s)
{
    size_t total = INDENT, i;
    for (i = 0; i < table->columns; i++) {
        widths[i] = cli_text_cells(s, table->headers[i]);
        for (size_t at = i; at < table->count; at += table->columns) {
            size_t cells = cli_text_cells(s, table->cells[at]);
            if (cells > widths[i]) widths[i] = cells;
        }
        total += widths[i] + (i ? GAP : 0);
    }
    while (total > (size_t)s->columns) {
        size_t widest = table->columns;
        for (i = 0; i < table->columns; i++)
            if (!table->right[i] && widths[i] > THINNEST &&
                (widest == table->columns || widths[i] > widths[widest]))
                widest = i;
        if (widest == table->columns) break;
        widths[widest]--;
        total--;
    }
}

static void print_row(FILE *out, const cli_session *s, const cli_table *table, const size_t *widths,
                      char *const *cells)
{
    size_t owed = INDENT, used, i;
    for (i = 0; i < table->columns; i++) {
        const char *text = cells ? cells[i] : table->headers[i];
        size_t width = cli_text_cells(s, text);
        if (i) owed += GAP;
        if (table->right[i] && width < widths[i]) owed += widths[i] - width;
        if (*text) {
            fprintf(out, "%*s", (int)owed, "");
            owed = 0;
            cli_print_text(out, s, text, widths[i], &used);
        } else {
            used = 0;
            if (table->right[i]) continue;
        }
        if (!table->right[i]) owed += widths[i] - used;
    }
    fputc('\n', out);
}

void cli_table_print(const cli_table *table, const cli_session *s, FILE *out)
{
    size_t widths[CLI_COLUMNS_MOST];
    fit(widths, table, s);
    if (s->bold_out) fputs("\033[1m", out);
    print_row(out, s, table, widths, NULL);
    if (s->bold_out) fputs("\033[0m", out);
    for (size_t at = 0; at + table->columns <= table->count; at += table->columns)
        print_row(out, s, table, widths, table->cells + at);
}
