/* SPDX-License-Identifier: MIT */
/* What kind of source each name is, and the whole list. */
#define _POSIX_C_SOURCE 200809L
#include "inputs/inputs.h"
#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"
#include "inputs/input_csv.h"
#include "inputs/input_folder.h"
#include "inputs/input_lines.h"
#include "inputs/input_list.h"

#include <clipspan/run.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct clipspan_inputs {
    cs_input_list list;
};

static int ends_in(const char *text, const char *ending)
{
    size_t a = strlen(text), b = strlen(ending);
    return a > b && strcasecmp(text + a - b, ending) == 0;
}

static int is_stream(const char *source)
{
    return strcmp(source, "-") == 0 || strcmp(source, "-0") == 0;
}

/* Files that are certainly no image, whatever they hold. */
static clipspan_status refuse(const char *source, clipspan_error *err)
{
    static const char *const archives[] = {".tar", ".tar.gz", ".tgz", ".tar.zst", ".zip"};
    static const char *const lists[] = {".txt", ".lst", ".list"};
    size_t i;
    for (i = 0; i < sizeof archives / sizeof *archives; i++)
        if (ends_in(source, archives[i]))
            return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, source,
                              "is an archive, which this version does not read; unpack it and name "
                              "the folder");
    for (i = 0; i < sizeof lists / sizeof *lists; i++)
        if (ends_in(source, lists[i]))
            return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, source,
                              "is a text file, where an image, folder or CSV was expected; a list "
                              "of paths is read from standard input: - < LIST");
    return CLIPSPAN_OK;
}

static clipspan_status add_file(cs_input_list *list, const char *source,
                                const clipspan_inputs_options *options, int by_folder,
                                clipspan_error *err)
{
    if (ends_in(source, ".csv")) return cs_input_csv_list(list, source, ',', options, err);
    if (ends_in(source, ".tsv")) return cs_input_csv_list(list, source, '\t', options, err);
    CS_TRY(refuse(source, err));
    return by_folder ? cs_input_list_add_in_folder(list, source, "", err)
                     : cs_input_list_add(list, source, "", "", err);
}

static clipspan_status add_path(cs_input_list *list, const char *source,
                                const clipspan_inputs_options *options, clipspan_error *err)
{
    int by_folder = options->labels && strcmp(options->labels, "folder") == 0;
    struct stat facts;
    if (is_stream(source))
        return cs_input_lines_list(list, STDIN_FILENO, source[1] ? '\0' : '\n', options->root,
                                   by_folder, err);
    if (!*source)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "an empty text, where an image, folder or CSV was expected");
    if (stat(source, &facts) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, source, "no such file or folder");
        return cs_fail_at(err, CLIPSPAN_E_IO, source, "cannot be looked at: %s", strerror(errno));
    }
    if (!S_ISDIR(facts.st_mode)) return add_file(list, source, options, by_folder, err);
    return cs_input_folder_list(list, source, by_folder, err);
}

/* A path, or a name among the demo's files. */
static clipspan_status add_source(cs_input_list *list, const char *source,
                                  const clipspan_inputs_options *options, clipspan_error *err)
{
    clipspan_status status;
    char *path;
    CS_TRY(cs_data_demo(&path, source, err));
    status = add_path(list, path ? path : source, options, err);
    cs_free(path);
    return status;
}

/* Columns were asked for, but no source has any. */
static clipspan_status check_columns(const char *const *sources, size_t count,
                                     const clipspan_inputs_options *options, clipspan_error *err)
{
    const char *labels = options->labels, *asked = options->groups;
    size_t lists = 0, i;
    for (i = 0; i < count; i++)
        lists += (size_t)is_stream(sources[i]);
    if (lists > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "standard input is named %zu times; it can be read once", lists);
    if (labels && strcmp(labels, "folder") != 0) asked = labels;
    if (!asked) asked = options->path_column;
    if (!asked && options->where_count) asked = options->where[0];
    if (!asked && options->columns && strcmp(options->columns, "*") != 0) asked = options->columns;
    if (!asked) return CLIPSPAN_OK;
    for (i = 0; i < count; i++)
        if (ends_in(sources[i], ".csv") || ends_in(sources[i], ".tsv")) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "column \"%s\" was asked for, but no source is a .csv or .tsv file%s", asked,
                   asked == labels ? " (labels from folder names: folder)" : "");
}

clipspan_status cs_inputs_open(clipspan_inputs **out, const char *const *sources, size_t count,
                               const clipspan_inputs_options *options, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    clipspan_inputs *inputs;
    *out = NULL;
    CS_TRY(check_columns(sources, count, options, err));
    inputs = cs_alloc_zero(1, sizeof *inputs, "a list of images", err);
    if (!inputs) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        size_t before = inputs->list.count;
        CS_TRY_DONE(add_source(&inputs->list, sources[i], options, err));
        if (inputs->list.count == before) {
            status = cs_fail_at(
                err, CLIPSPAN_E_NOT_FOUND, is_stream(sources[i]) ? "standard input" : sources[i],
                options->where_count
                    ? "holds no image that was asked for (where)"
                    : "holds no image (.jpg .jpeg .jpe .jfif .png .webp in a folder, "
                      "or paths in a list)");
            goto done;
        }
    }
    CS_TRY_DONE(cs_input_list_finish(&inputs->list, err));
    *out = inputs;
    inputs = NULL;
done:
    cs_inputs_close(&inputs);
    return status;
}

void cs_inputs_close(clipspan_inputs **inputs)
{
    if (!inputs || !*inputs) return;
    cs_input_list_fini(&(*inputs)->list);
    cs_free(*inputs);
    *inputs = NULL;
}

size_t cs_inputs_count(const clipspan_inputs *inputs)
{
    return inputs->list.count;
}

const char *const *cs_inputs_paths(const clipspan_inputs *inputs)
{
    return inputs->list.paths;
}

const char *cs_inputs_label(const clipspan_inputs *inputs, size_t index)
{
    const cs_input_list *list = &inputs->list;
    return index < list->count ? list->names.names[list->labels[index]] : "";
}

const char *cs_inputs_group(const clipspan_inputs *inputs, size_t index)
{
    const cs_input_list *list = &inputs->list;
    return index < list->count ? list->names.names[list->groups[index]] : "";
}

size_t cs_inputs_columns(const clipspan_inputs *inputs)
{
    return inputs->list.column_count;
}

const char *cs_inputs_column(const clipspan_inputs *inputs, size_t column)
{
    return column < inputs->list.column_count ? inputs->list.columns[column].name : NULL;
}

const char *cs_inputs_value(const clipspan_inputs *inputs, size_t index, size_t column)
{
    return cs_input_list_get(&inputs->list, index, column);
}

size_t cs_inputs_duplicates(const clipspan_inputs *inputs)
{
    return inputs->list.duplicates;
}

size_t cs_inputs_thumbnails(const clipspan_inputs *inputs)
{
    return inputs->list.thumbnails;
}

size_t cs_inputs_left_out(const clipspan_inputs *inputs)
{
    return inputs->list.left_out;
}
