/* SPDX-License-Identifier: MIT */
/* data/published.tsv: a header and a figure a line, cells separated by tabs. */
#include "cli/reproduce/figures.h"
#include "base/datadir.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/reproduce/published.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME  "published.tsv"
#define LIMIT ((uint64_t)1 << 20)

enum { TABLE, PLACE, MODEL, WHAT, METRIC, VALUE, READ, CELLS };

static const char header[] = "table\tpublished_as\tmodel\twhat\tmetric\tvalue\tread";

/* Cuts a line at its tabs. Returns how many cells it has. */
static size_t split_line(char *cells[CELLS], char *line)
{
    size_t count = 0;
    for (char *tab; line; line = tab) {
        tab = strchr(line, '\t');
        if (tab) *tab++ = '\0';
        if (count < CELLS) cells[count] = line;
        count++;
    }
    return count;
}

static int is_table(const char *name)
{
    size_t count;
    const cli_paper_table *tables = cli_paper_tables(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(tables[i].name, name) == 0) return 1;
    return 0;
}

static clipspan_status read_figure(cli_figure *out, char *line, size_t number, const char *path,
                                   clipspan_error *err)
{
    char *cells[CELLS] = {NULL}, *end;
    const size_t count = split_line(cells, line);
    if (count != CELLS)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "line %zu has %zu cells where %d were expected", number, count, CELLS);
    if (!is_table(cells[TABLE]))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "line %zu: \"%.40s\" is not a table that clipspan reproduce lists",
                          number, cells[TABLE]);
    if (!cli_paper_model_named(cells[MODEL]))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "line %zu: \"%.40s\" is not a model of the paper", number, cells[MODEL]);
    out->value = strtod(cells[VALUE], &end);
    if (end == cells[VALUE] || *end || !isfinite(out->value) || out->value < 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "line %zu: the value is \"%.40s\" where a number was expected", number,
                          cells[VALUE]);
    if (!*cells[READ])
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "line %zu does not say where its figure was read", number);
    out->table = cells[TABLE];
    out->model = cells[MODEL];
    out->what = cells[WHAT];
    out->metric = cells[METRIC];
    out->read = cells[READ];
    return CLIPSPAN_OK;
}

static clipspan_status read_lines(cli_figures *f, const char *path, clipspan_error *err)
{
    size_t room = 0, number = 0;
    for (char *line = f->text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        if (number++ == 0) {
            if (strcmp(line, header) != 0) break;
            continue;
        }
        CS_TRY(cs_grow(&f->items, &room, f->count + 1, sizeof *f->items, "figures", err));
        CS_TRY(read_figure(&f->items[f->count], line, number, path, err));
        f->count++;
    }
    if (f->count) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                      "expected a line \"table published_as model what metric value read\", "
                      "separated by tabs, and figures below it: install the file that comes with "
                      "the program");
}

clipspan_status cli_figures_read(cli_figures *f, clipspan_error *err)
{
    unsigned char *data = NULL;
    char *path = NULL;
    size_t size;
    clipspan_status status;
    memset(f, 0, sizeof *f);
    CS_TRY_DONE(cs_data_path(&path, NAME, err));
    CS_TRY_DONE(cs_file_read_all(&data, &size, path, LIMIT, err));
    f->text = (char *)data;
    status = strlen(f->text) == size
                 ? read_lines(f, path, err)
                 : cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "has a NUL byte and is no text");
done:
    if (status != CLIPSPAN_OK) cli_figures_fini(f);
    cs_free(path);
    return status;
}

void cli_figures_fini(cli_figures *f)
{
    cs_free(f->items);
    cs_free(f->text);
    memset(f, 0, sizeof *f);
}

const cli_figure *cli_figure_find(const cli_figures *f, const char *table, const char *model,
                                  const char *what, const char *metric)
{
    for (size_t i = 0; i < f->count; i++) {
        const cli_figure *one = &f->items[i];
        if (strcmp(one->table, table) == 0 && strcmp(one->model, model) == 0 &&
            strcmp(one->what, what) == 0 && strcmp(one->metric, metric) == 0)
            return one;
    }
    return NULL;
}

int cli_figures_of(const cli_figures *f, const char *table, const char *model)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].table, table) == 0 &&
            (!model || strcmp(f->items[i].model, model) == 0))
            return 1;
    return 0;
}
