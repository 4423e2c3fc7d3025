/* SPDX-License-Identifier: MIT */
/* Alignment by what a terminal shows; what is wider than its column goes on below itself. */
#define _XOPEN_SOURCE 700 /* wcwidth */
#include "cli/out/table.h"
#include "base/escape.h"
#include "base/memory.h"

#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#define LINE_ROOM 8192
#define GAP       2
#define INDENT    2
#define THINNEST  8  /* cells that a text column keeps */
#define EASY      20 /* and those that it gets, where its texts need them and a panel has them */

static void put(void *out, const char *text, size_t size)
{
    fwrite(text, 1, size, out);
}

void cli_print_tsv_cell(FILE *out, const cli_session *s, const char *text)
{
    if (s->spreadsheet && cs_is_formula(text)) fputc('\'', out);
    cs_escape_put(put, out, text, 1);
}

/* Cells of the character at p, or of its escape, and its bytes in *length. */
static size_t character_cells(const cli_session *s, const char *p, size_t *length)
{
    char escape[CS_ESCAPE_ROOM];
    wchar_t wide;
    mbstate_t state = {0};
    const size_t escaped = cs_escape(escape, p, length);
    int cells;
    if (escaped) return escaped;
    if ((unsigned char)*p < 0x80 || !s->unicode) return 1;
    if (mbrtowc(&wide, p, *length, &state) != *length) return 1;
    cells = wcwidth(wide);
    return cells < 0 ? 1 : (size_t)cells;
}

size_t cli_text_cells(const cli_session *s, const char *text)
{
    size_t cells = 0, length;
    while (*text) {
        cells += character_cells(s, text, &length);
        text += length;
    }
    return cells;
}

/* Bytes of the first line of `text` in `room` cells, and those of the whole up to the next line in
 * *step: a line ends at a space, behind a slash, or where it is full. A number and its " %" stay
 * together. */
static size_t fold(const cli_session *s, const char *text, size_t room, size_t *step, size_t *cells)
{
    size_t used = 0, at = 0, length, good = 0, good_cells = 0, good_step = 0;
    while (text[at]) {
        size_t one;
        if (text[at] == ' ' && text[at + 1] != '%' && at) {
            good = at;
            good_cells = used;
            good_step = at + 1;
        }
        one = character_cells(s, text + at, &length);
        if (at && used + one > room) break;
        used += one;
        at += length;
        if (text[at - 1] == '/' && text[at]) {
            good = good_step = at;
            good_cells = used;
        }
    }
    if (!text[at] || !good) {
        good = good_step = at;
        good_cells = used;
    }
    *step = good_step;
    *cells = good_cells;
    return good;
}

/* Prints `length` bytes, with escapes of what could steer a terminal. */
static void print_safe(FILE *out, const char *text, size_t length)
{
    const char *const end = text + length;
    char escape[CS_ESCAPE_ROOM];
    size_t taken;
    for (; text < end; text += taken) {
        const size_t escaped = cs_escape(escape, text, &taken);
        fwrite(escaped ? escape : text, 1, escaped ? escaped : taken, out);
    }
}

size_t cli_print_text(FILE *out, const cli_session *s, const char *text, size_t at, size_t indent)
{
    const size_t columns =
        (size_t)s->columns > indent + THINNEST ? (size_t)s->columns : indent + THINNEST;
    size_t step, cells, length, word = strcspn(text, " /");
    /* A word that has no room behind what stands there begins a line. */
    if (at > indent && (at >= columns || (word < columns - indent && word > columns - at))) {
        fprintf(out, "\n%*s", (int)indent, "");
        at = indent;
    }
    while (*text) {
        length = fold(s, text, columns - at, &step, &cells);
        print_safe(out, text, length);
        at += cells;
        text += step;
        if (!*text) break;
        fprintf(out, "\n%*s", (int)indent, "");
        at = indent;
    }
    return at;
}

/* Bytes up to the next space that stands in neither quotes nor brackets. */
static size_t word_length(const char *text)
{
    size_t length = 0;
    int depth = 0;
    char quote = '\0';
    for (; text[length] && (text[length] != ' ' || quote || depth); length++) {
        const char c = text[length];
        if (quote)
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'')
            quote = strchr(text + length + 1, c) ? c : '\0';
        else
            depth += (c == '[') - (c == ']' && depth);
    }
    return length;
}

size_t cli_print_command(FILE *out, const cli_session *s, const char *text, size_t at,
                         size_t indent, const char *turn)
{
    const size_t begin = at;
    while (*text) {
        const size_t length = word_length(text);
        if (at > begin && at > indent && at + 1 + length + strlen(turn) > (size_t)s->columns) {
            fprintf(out, "%s\n%*s", turn, (int)indent, "");
            at = indent;
        } else if (at > begin) {
            fputc(' ', out);
            at++;
        }
        print_safe(out, text, length);
        at += length;
        text += length + strspn(text + length, " ");
    }
    return at;
}

static void say_line(FILE *out, const cli_session *s, const char *format, va_list arguments)
    CS_PRINTF(3, 0);

static void say_line(FILE *out, const cli_session *s, const char *format, va_list arguments)
{
    char text[LINE_ROOM];
    size_t indent;
    vsnprintf(text, sizeof text, format, arguments);
    indent = strspn(text, " ");
    fprintf(out, "%*s", (int)indent, "");
    if (indent && strncmp(text + indent, "clipspan ", 9) == 0)
        cli_print_command(out, s, text + indent, indent, indent + 4, " \\");
    else
        cli_print_text(out, s, text + indent, indent, indent);
    fputc('\n', out);
}

void cli_say(const cli_session *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line(stdout, s, format, arguments);
    va_end(arguments);
}

void cli_say_to(FILE *out, const cli_session *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line(out, s, format, arguments);
    va_end(arguments);
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
        print_safe(out, text, length);
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

void cli_table_init(cli_table *table, const char *headers)
{
    char *at = table->headers;
    memset(table, 0, sizeof *table);
    snprintf(table->headers, sizeof table->headers, "%s", headers);
    while (at && table->columns < CLI_COLUMNS_MOST) {
        char *bar = strchr(at, '|');
        if (bar) *bar++ = '\0';
        table->right[table->columns] = *at == '>';
        table->header[table->columns++] = (size_t)(at - table->headers) + (*at == '>');
        at = bar;
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

/* Columns that are printed beside each other. */
typedef struct {
    size_t columns[CLI_COLUMNS_MOST], count;
} panel;

static const char *header_of(const cli_table *table, size_t column)
{
    return table->headers + table->header[column];
}

/* Cells of the longest word, which a column keeps as long as it can. */
static size_t longest_word(const cli_session *s, const char *text)
{
    size_t most = 0, step, cells = 0, length;
    while (*text) {
        length = strcspn(text, " /");
        if (strncmp(text + length, " %", 2) == 0) length += 2;
        if (text[length] == '/') length++;
        for (size_t at = 0; at < length; at += step) { /* cells of the word alone */
            if (at == 0) cells = 0;
            cells += character_cells(s, text + at, &step);
            if (cells > most) most = cells;
        }
        text += length + strspn(text + length, " ");
    }
    return most;
}

/* Makes the widest column that is wider than `least` one cell narrower; 0 when none is. */
static int narrow(size_t *widths, const size_t *least, size_t columns)
{
    size_t widest = columns;
    for (size_t i = 0; i < columns; i++)
        if (widths[i] > least[i] && (widest == columns || widths[i] > widths[widest])) widest = i;
    if (widest == columns) return 0;
    widths[widest]--;
    return 1;
}

/* Cells of the widest word of a column, header included; of a column of numbers, of the widest
 * number. */
static size_t widest_word(const cli_table *table, const cli_session *s, size_t column)
{
    size_t most = longest_word(s, header_of(table, column));
    for (size_t at = column; at < table->count; at += table->columns) {
        const char *text = table->cells[at];
        const size_t word = table->right[column] ? cli_text_cells(s, text) : longest_word(s, text);
        if (word > most) most = word;
    }
    return most;
}

/* Lines that a text takes in so many cells. */
static size_t count_lines(const cli_session *s, const char *text, size_t room)
{
    size_t lines = 0, step, cells;
    while (*text) {
        fold(s, text, room, &step, &cells);
        text += step;
        lines++;
    }
    return lines;
}

/* Cells in which no text of a column takes more than two lines, as far as EASY cells allow that:
 * a text that goes on for longer is hard to read, and keeps its row tall. */
static size_t easy_width(const cli_table *table, const cli_session *s, size_t column)
{
    size_t width = widest_word(table, s, column);
    for (size_t at = column; at < table->count && !table->right[column]; at += table->columns)
        while (width < EASY && count_lines(s, table->cells[at], width) > 2)
            width++;
    return width;
}

/* Widths of the columns of a panel, and the gap between them as the result: as wide as the widest
 * cell; where that does not fit, headers go on below themselves, then texts between words, then
 * gaps are one cell, then words are cut. */
static size_t fit(size_t *widths, const panel *p, const cli_table *table, const cli_session *s)
{
    size_t cells[CLI_COLUMNS_MOST], easy[CLI_COLUMNS_MOST], words[CLI_COLUMNS_MOST],
        least[CLI_COLUMNS_MOST];
    const size_t most = (size_t)s->columns;
    size_t gap = GAP, total = INDENT;
    for (size_t i = 0; i < p->count; i++) {
        const size_t column = p->columns[i], header = cli_text_cells(s, header_of(table, column));
        words[i] = widest_word(table, s, column);
        easy[i] = easy_width(table, s, column);
        cells[i] = longest_word(s, header_of(table, column));
        for (size_t at = column; at < table->count; at += table->columns) {
            const size_t one = cli_text_cells(s, table->cells[at]);
            if (one > cells[i]) cells[i] = one;
        }
        widths[i] = header > cells[i] ? header : cells[i];
        least[i] = table->right[column] || words[i] < THINNEST ? words[i] : THINNEST;
        total += widths[i] + (i ? gap : 0);
    }
    while (total > most && narrow(widths, cells, p->count))
        total--;
    while (total > most && narrow(widths, easy, p->count))
        total--;
    if (total > most && total - (p->count - 1) <= most) {
        total -= p->count - 1;
        gap = 1;
    }
    while (total > most && narrow(widths, words, p->count))
        total--;
    if (total > most && gap > 1) {
        total -= p->count - 1;
        gap = 1;
    }
    while (total > most && narrow(widths, least, p->count))
        total--;
    return gap;
}

/* One line of a row; texts[i] go on to their next line. Returns whether any is left. */
static int print_line(FILE *out, const cli_session *s, const cli_table *table, const panel *p,
                      const size_t *widths, size_t gap, const char **texts)
{
    size_t owed = INDENT, used, step, length, i;
    int left = 0;
    for (i = 0; i < p->count; i++) {
        const int right = table->right[p->columns[i]];
        if (i) owed += gap;
        if (!*texts[i]) {
            owed += widths[i];
            continue;
        }
        length = fold(s, texts[i], widths[i], &step, &used);
        if (right && used < widths[i]) owed += widths[i] - used;
        fprintf(out, "%*s", (int)owed, "");
        print_safe(out, texts[i], length);
        owed = !right && used < widths[i] ? widths[i] - used : 0;
        texts[i] += step;
        left |= *texts[i] != '\0';
    }
    fputc('\n', out);
    return left;
}

static void print_row(FILE *out, const cli_session *s, const cli_table *table, const panel *p,
                      const size_t *widths, size_t gap, char *const *cells)
{
    const char *texts[CLI_COLUMNS_MOST];
    for (size_t i = 0; i < p->count; i++)
        texts[i] = cells ? cells[p->columns[i]] : header_of(table, p->columns[i]);
    while (print_line(out, s, table, p, widths, gap, texts))
        ;
}

/* The next panel, from column *next on: as many columns as can be read with ease, behind the first
 * column, which every panel repeats. Returns 0 when none is left. */
static int next_panel(panel *p, size_t *next, const cli_table *table, const cli_session *s)
{
    size_t total = INDENT + easy_width(table, s, 0);
    if (*next >= table->columns && *next > 1) return 0;
    p->columns[0] = 0;
    p->count = 1;
    for (; *next < table->columns; ++*next) {
        const size_t more = easy_width(table, s, *next) + 1;
        if (p->count > 1 && total + more > (size_t)s->columns) return 1;
        total += more;
        p->columns[p->count++] = *next;
    }
    *next = CLI_COLUMNS_MOST + 1;
    return 1;
}

void cli_table_print(const cli_table *table, const cli_session *s, FILE *out)
{
    size_t next = 1, panels = 0;
    panel p;
    while (next_panel(&p, &next, table, s)) {
        size_t widths[CLI_COLUMNS_MOST];
        const size_t gap = fit(widths, &p, table, s);
        if (panels++) fputc('\n', out);
        if (s->bold_out) fputs("\033[1m", out);
        print_row(out, s, table, &p, widths, gap, NULL);
        if (s->bold_out) fputs("\033[0m", out);
        for (size_t at = 0; at + table->columns <= table->count; at += table->columns)
            print_row(out, s, table, &p, widths, gap, table->cells + at);
    }
}
