/* SPDX-License-Identifier: MIT */
/* Tables of accuracy by class and by group. */
#include "cli/model/accuracy_out.h"
#include "base/memory.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN 20 /* rows of a table */

typedef const clipspan_classification_row *(*get_row)(const clipspan_classification *, size_t);

/* The lowest accuracy first, those without images last. */
static int compare_rows(const void *a, const void *b)
{
    const clipspan_classification_row *x = *(const clipspan_classification_row *const *)a;
    const clipspan_classification_row *y = *(const clipspan_classification_row *const *)b;
    if (!x->accuracy->images != !y->accuracy->images) return x->accuracy->images ? -1 : 1;
    if (x->accuracy->images && x->accuracy->share != y->accuracy->share)
        return x->accuracy->share < y->accuracy->share ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void format_interval(char out[3 * CLI_NUMBER_ROOM], const clipspan_share *share)
{
    char from[CLI_NUMBER_ROOM], to[CLI_NUMBER_ROOM];
    cli_format_percent(from, share->low);
    cli_format_percent(to, share->high);
    snprintf(out, 3 * CLI_NUMBER_ROOM, "%s to %s", from, to);
}

static clipspan_status add_row(cli_table *table, const clipspan_classification_row *row,
                               clipspan_error *err)
{
    char cell[3 * CLI_NUMBER_ROOM];
    CS_TRY(cli_table_add(table, row->name, err));
    cli_format_count(cell, row->accuracy->images);
    CS_TRY(cli_table_add(table, cell, err));
    if (row->accuracy->images)
        cli_format_percent(cell, row->accuracy->share);
    else
        snprintf(cell, sizeof cell, "no images");
    CS_TRY(cli_table_add(table, cell, err));
    format_interval(cell, row->accuracy);
    return cli_table_add(table, row->accuracy->images ? cell : "", err);
}

/* empty: rows without images are shown as well. */
static clipspan_status print_rows(const clipspan_classification *c, get_row get, size_t total,
                                  const char *what, int empty, const cli_session *s, FILE *out,
                                  clipspan_error *err)
{
    const clipspan_classification_row **sorted = cs_alloc(total, sizeof *sorted, "accuracies", err);
    clipspan_status status = CLIPSPAN_OK;
    size_t with = 0, i;
    char headers[96];
    cli_table table;
    if (!sorted) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < total; i++) {
        sorted[with] = get(c, i);
        with += empty || sorted[with]->accuracy->images;
    }
    qsort(sorted, with, sizeof *sorted, compare_rows);
    snprintf(headers, sizeof headers, "%s|>images|>accuracy|>95 %% interval", what);
    cli_table_init(&table, headers);
    for (i = 0; i < with && i < SHOWN && status == CLIPSPAN_OK; i++)
        status = add_row(&table, sorted[i], err);
    if (status == CLIPSPAN_OK) {
        cli_table_print(&table, s, out);
        if (with > SHOWN)
            fprintf(out, "  and %zu more, none below (--json has every one)\n", with - SHOWN);
        fputc('\n', out);
    }
    cli_table_fini(&table);
    cs_free(sorted);
    return status;
}

static void say_total(const clipspan_classification_info *info, const cli_session *s, FILE *out)
{
    char part[CLI_NUMBER_ROOM], interval[3 * CLI_NUMBER_ROOM], all[CLI_NUMBER_ROOM],
        mean[CLI_NUMBER_ROOM], five[CLI_NUMBER_ROOM];
    const clipspan_share *accuracy = info->accuracy;
    if (!accuracy->images) {
        cli_say_to(out, s, "accuracy: no images with a label");
        return;
    }
    cli_format_percent(part, accuracy->share);
    format_interval(interval, accuracy);
    cli_count_of(all, accuracy->images, "image");
    cli_format_percent(mean, info->class_mean);
    if (info->top5) cli_format_percent(five, info->top5->share);
    cli_say_to(out, s, "accuracy %s of %s (95 %% interval %s), mean of classes %s%s%s", part, all,
               interval, mean, info->top5 ? ", among the first five " : "", info->top5 ? five : "");
}

clipspan_status cli_accuracy_print(const clipspan_classification *c, const cli_session *s,
                                   FILE *out, clipspan_error *err)
{
    const clipspan_classification_info *info = clipspan_classification_get_info(c);
    const clipspan_classification_row *worst = NULL;
    char part[CLI_NUMBER_ROOM];
    if (!info->labelled) return CLIPSPAN_OK;
    CS_TRY(
        print_rows(c, clipspan_classification_get_class, info->classes, "class", 0, s, out, err));
    if (info->groups)
        CS_TRY(print_rows(c, clipspan_classification_get_group, info->groups, "group", 1, s, out,
                          err));
    say_total(info, s, out);
    if (info->worst_group < 0) return CLIPSPAN_OK;
    worst = clipspan_classification_get_group(c, (size_t)info->worst_group);
    cli_format_percent(part, worst->accuracy->share);
    cli_say_to(out, s, "worst group %s: %s", worst->name, part);
    return CLIPSPAN_OK;
}
