/* SPDX-License-Identifier: MIT */
/* Columns by name, then record by record in constant memory. */
#include "inputs/input_csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "formats/csv.h"

#include <clipspan/run.h>
#include <stdio.h>
#include <string.h>

#define GROUP_COLUMNS 16
#define WHERE_COLUMNS 16

typedef struct csv_reader {
    cs_input_list *list;
    const char *file, *root;
    size_t path, label; /* columns */
    int has_label, label_by_folder;
    size_t groups[GROUP_COLUMNS], group_count;
    size_t where[WHERE_COLUMNS], where_count;
    const char *wanted[WHERE_COLUMNS];              /* value of each, borrowed */
    size_t more[CS_INPUT_COLUMNS_MOST], more_count; /* further columns: in the file, */
    size_t kept[CS_INPUT_COLUMNS_MOST];             /* and in the list */
    char *group;                                    /* the joined group of a record */
    size_t group_room;
} csv_reader;

/* "path, label, place": the columns there are, as far as they fit. */
static void name_columns(char *out, size_t room, const char *const *fields, size_t count)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && used + 1 < room; i++) {
        int put = snprintf(out + used, room - used, "%s%s", i ? ", " : "", fields[i]);
        used += put > 0 ? (size_t)put : 0;
    }
}

static clipspan_status find_column(size_t *out, const csv_reader *r, const char *name,
                                   const char *role, const char *const *fields, size_t count,
                                   clipspan_error *err)
{
    char columns[512];
    const char *meant;
    size_t found = 0, i;
    for (i = 0; i < count; i++)
        if (strcmp(fields[i], name) == 0 && found++ == 0) *out = i;
    if (found == 1) return CLIPSPAN_OK;
    if (found > 1)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, r->file, "column \"%s\" is there %zu times", name,
                          found);
    name_columns(columns, sizeof columns, fields, count);
    meant = cs_nearest(name, fields, count);
    return cs_fail_at(
        err, CLIPSPAN_E_ARGUMENT, r->file, "has no column \"%s\" for %s%s%s%s; its columns: %s",
        name, role, meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "", columns);
}

static clipspan_status find_path(csv_reader *r, const char *asked, const char *const *fields,
                                 size_t count, clipspan_error *err)
{
    static const char *const usual[] = {"path", "image", "file"};
    char columns[512];
    size_t u, i;
    if (asked) return find_column(&r->path, r, asked, "paths", fields, count, err);
    for (u = 0; u < sizeof usual / sizeof *usual; u++)
        for (i = 0; i < count; i++)
            if (strcmp(fields[i], usual[u]) == 0)
                return find_column(&r->path, r, usual[u], "paths", fields, count, err);
    name_columns(columns, sizeof columns, fields, count);
    if (count == 1 && strchr(fields[0], '\t'))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, r->file,
                          "is separated by tabs, where commas were expected; name it .tsv");
    return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, r->file,
                      "has no column path, image or file; name the one with paths "
                      "(--path-column); its columns: %s",
                      columns);
}

static clipspan_status find_groups(csv_reader *r, const char *names, const char *const *fields,
                                   size_t count, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *copy = cs_strdup(names, err), *name = copy;
    if (!copy) return CLIPSPAN_E_NOMEM;
    while (name && status == CLIPSPAN_OK) {
        char *comma = strchr(name, ',');
        if (comma) *comma++ = '\0';
        if (r->group_count == GROUP_COLUMNS)
            status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                             "groups of more than %d columns were asked for: \"%s\"", GROUP_COLUMNS,
                             names);
        else
            status =
                find_column(&r->groups[r->group_count++], r, name, "groups", fields, count, err);
        name = comma;
    }
    cs_free(copy);
    return status;
}

/* "COLUMN=VALUE": the first "=" ends the name. */
static clipspan_status find_where(csv_reader *r, const char *condition, const char *const *fields,
                                  size_t count, clipspan_error *err)
{
    const char *equals = strchr(condition, '=');
    clipspan_status status;
    char *name;
    if (!equals || equals == condition)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "where: expected COLUMN=VALUE, found \"%.80s\"",
                       condition);
    if (r->where_count == WHERE_COLUMNS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "where: at most %d conditions are taken",
                       WHERE_COLUMNS);
    name = cs_strndup(condition, (size_t)(equals - condition), err);
    if (!name) return CLIPSPAN_E_NOMEM;
    status = find_column(&r->where[r->where_count], r, name, "where", fields, count, err);
    r->wanted[r->where_count++] = equals + 1;
    cs_free(name);
    return status;
}

static int is_wanted(const csv_reader *r, const char *const *fields)
{
    for (size_t i = 0; i < r->where_count; i++)
        if (strcmp(fields[r->where[i]], r->wanted[i]) != 0) return 0;
    return 1;
}

static clipspan_status keep_column(csv_reader *r, size_t at, const char *name, clipspan_error *err)
{
    if (r->more_count == CS_INPUT_COLUMNS_MOST)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, r->file,
                          "more than %d further columns were asked for", CS_INPUT_COLUMNS_MOST);
    r->more[r->more_count] = at;
    return cs_input_list_column(&r->kept[r->more_count++], r->list, name, err);
}

/* "*": all columns but that of paths; a name that is there twice is taken once. */
static clipspan_status keep_all(csv_reader *r, const char *const *fields, size_t count,
                                clipspan_error *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t before = 0;
        while (before < i && strcmp(fields[before], fields[i]) != 0)
            before++;
        if (i != r->path && before == i && *fields[i]) CS_TRY(keep_column(r, i, fields[i], err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status find_more(csv_reader *r, const char *names, const char *const *fields,
                                 size_t count, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *copy, *name;
    if (strcmp(names, "*") == 0) return keep_all(r, fields, count, err);
    name = copy = cs_strdup(names, err);
    if (!copy) return CLIPSPAN_E_NOMEM;
    while (name && status == CLIPSPAN_OK) {
        char *comma = strchr(name, ',');
        size_t at = 0;
        if (comma) *comma++ = '\0';
        status = find_column(&at, r, name, "columns to keep", fields, count, err);
        if (status == CLIPSPAN_OK) status = keep_column(r, at, name, err);
        name = comma;
    }
    cs_free(copy);
    return status;
}

static clipspan_status read_header(csv_reader *r, cs_csv *csv,
                                   const clipspan_inputs_options *options, clipspan_error *err)
{
    const char *const *fields;
    size_t count;
    CS_TRY(cs_csv_next(&fields, &count, csv, err));
    if (count == 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, r->file,
                          "is empty, where a header with the names of the columns was expected");
    CS_TRY(find_path(r, options->path_column, fields, count, err));
    r->label_by_folder = options->labels && strcmp(options->labels, "folder") == 0;
    r->has_label = options->labels && !r->label_by_folder;
    if (r->has_label)
        CS_TRY(find_column(&r->label, r, options->labels, "labels", fields, count, err));
    for (size_t i = 0; i < options->where_count; i++)
        CS_TRY(find_where(r, options->where[i], fields, count, err));
    if (options->groups) CS_TRY(find_groups(r, options->groups, fields, count, err));
    return options->columns ? find_more(r, options->columns, fields, count, err) : CLIPSPAN_OK;
}

static clipspan_status join_group(csv_reader *r, const char *const *fields, clipspan_error *err)
{
    size_t used = 0;
    for (size_t i = 0; i < r->group_count; i++) {
        const char *value = fields[r->groups[i]];
        size_t length = strlen(value);
        CS_TRY(cs_grow(&r->group, &r->group_room, used + length + 2, 1, "a group", err));
        if (i) r->group[used++] = '/';
        memcpy(r->group + used, value, length + 1);
        used += length;
    }
    return CLIPSPAN_OK;
}

static clipspan_status add_record(csv_reader *r, const char *const *fields, uint64_t line,
                                  clipspan_error *err)
{
    clipspan_status status;
    const char *group;
    char *path;
    if (!*fields[r->path])
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, r->file, "line %llu: the path is empty",
                          (unsigned long long)line);
    CS_TRY(join_group(r, fields, err));
    group = r->group_count ? r->group : "";
    path = cs_path_join(r->root, fields[r->path], err);
    if (!path) return CLIPSPAN_E_NOMEM;
    if (r->label_by_folder)
        status = cs_input_list_add_in_folder(r->list, path, group, err);
    else
        status = cs_input_list_add(r->list, path, r->has_label ? fields[r->label] : "", group, err);
    cs_free(path);
    for (size_t i = 0; i < r->more_count && status == CLIPSPAN_OK; i++)
        status = cs_input_list_set(r->list, r->kept[i], fields[r->more[i]], err);
    return status;
}

clipspan_status cs_input_csv_list(cs_input_list *list, const char *path, char separator,
                                  const clipspan_inputs_options *options, clipspan_error *err)
{
    clipspan_status status;
    csv_reader reader = {.list = list, .file = path};
    const char *const *fields;
    char *folder = NULL;
    cs_csv *csv;
    size_t count;
    CS_TRY(cs_csv_open(&csv, path, separator, err));
    status = CLIPSPAN_E_NOMEM;
    /* A CSV in the current folder leaves its paths as they are. */
    folder = strchr(path, '/') ? cs_path_folder(path, err) : cs_strdup("", err);
    if (!folder) goto done;
    reader.root = options->root ? options->root : folder;
    CS_TRY_DONE(read_header(&reader, csv, options, err));
    for (;;) {
        CS_TRY_DONE(cs_csv_next(&fields, &count, csv, err));
        if (count == 0) break;
        if (!is_wanted(&reader, fields)) continue;
        CS_TRY_DONE(add_record(&reader, fields, cs_csv_line(csv), err));
    }
done:
    cs_free(reader.group);
    cs_free(folder);
    cs_csv_close(&csv);
    return status;
}
