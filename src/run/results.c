/* SPDX-License-Identifier: MIT */
/* Names of results, and their bytes. */
#define _POSIX_C_SOURCE 200809L
#include "run/results.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"
#include "run/folder.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING     ".json"
#define NAME_MOST  240 /* bytes of a file's name */
#define NAMES_MOST 10000

static int is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_';
}

/* "KIND-NAME.json" */
static clipspan_status print_name(char out[NAME_MOST + 1], const char *kind, const char *name,
                                  clipspan_error *err)
{
    size_t used = strlen(kind);
    if (used == 0 || used > 40 || strspn(kind, "abcdefghijklmnopqrstuvwxyz") != used || !*name)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a result needs a kind of small letters and a name, not \"%.40s\" and "
                       "\"%.40s\"",
                       kind, name);
    sprintf(out, "%s-", kind);
    used++;
    for (; *name && used + 3 + sizeof ENDING <= NAME_MOST; name++)
        used +=
            (size_t)sprintf(out + used, is_plain(*name) ? "%c" : "%%%02X", (unsigned char)*name);
    if (*name)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a result's name is longer than the %d bytes that its file's name may have",
                       NAME_MOST);
    strcpy(out + used, ENDING);
    return CLIPSPAN_OK;
}

/* The name of a result of that kind from its file's name; 0 for other files. */
static int read_name(char out[NAME_MOST + 1], const char *file, const char *kind)
{
    const size_t prefix = strlen(kind);
    size_t length = strlen(file), used = 0;
    if (length > NAME_MOST || length <= prefix + sizeof ENDING || file[prefix] != '-' ||
        strncmp(file, kind, prefix) != 0 ||
        strcmp(file + length - (sizeof ENDING - 1), ENDING) != 0)
        return 0;
    length -= sizeof ENDING - 1;
    for (size_t i = prefix + 1; i < length; i++) {
        char hex[3] = {0}, *end;
        if (file[i] != '%') {
            if (!is_plain(file[i])) return 0;
            out[used++] = file[i];
            continue;
        }
        if (i + 2 >= length) return 0;
        memcpy(hex, file + i + 1, 2);
        out[used] = (char)strtoul(hex, &end, 16);
        if (*end || !out[used++]) return 0;
        i += 2;
    }
    out[used] = '\0';
    return 1;
}

/* For cs_free. */
static clipspan_status find_path(char **out, const char *path, const char *kind, const char *name,
                                 clipspan_error *err)
{
    char file[NAME_MOST + 1], whole[NAME_MOST + 16];
    *out = NULL;
    CS_TRY(print_name(file, kind, name, err));
    snprintf(whole, sizeof whole, CS_RESULTS_FOLDER "/%s", file);
    *out = cs_path_join(path, whole, err);
    return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status make_folder(const char *path, clipspan_error *err)
{
    clipspan_status status;
    char *folder = cs_path_join(path, CS_RESULTS_FOLDER, err);
    if (!folder) return CLIPSPAN_E_NOMEM;
    status = cs_make_folder(folder, err);
    cs_free(folder);
    return status;
}

/* As JSON: what is no object or array becomes a string. For free. */
static clipspan_status to_json(char **out, const char *value, clipspan_error *err)
{
    json_t *string = *value == '{' || *value == '[' ? NULL : json_string(value);
    *out = string                           ? json_dumps(string, JSON_ENCODE_ANY)
           : *value == '{' || *value == '[' ? strdup(value)
                                            : NULL;
    json_decref(string);
    if (*out) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a result is not UTF-8, or memory is short");
}

static clipspan_status write_text(const char *file, const char *text, clipspan_error *err)
{
    cs_output *output;
    clipspan_status status;
    CS_TRY(cs_output_open(&output, file, 1, err));
    status = cs_output_write(output, text, strlen(text), err);
    if (status == CLIPSPAN_OK) status = cs_output_write(output, "\n", 1, err);
    if (status == CLIPSPAN_OK) status = cs_output_commit(output, err);
    cs_output_close(&output);
    return status;
}

clipspan_status cs_results_write(const char *path, const char *kind, const char *name,
                                 const char *value, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *file, *text = NULL;
    CS_TRY(find_path(&file, path, kind, name, err));
    if (!value) {
        if (unlink(file) != 0 && errno != ENOENT)
            status =
                cs_fail_at(err, CLIPSPAN_E_WRITE, file, "cannot be removed: %s", strerror(errno));
        goto done;
    }
    if (strlen(value) > CS_RESULT_MOST - 1) {
        status = cs_fail_at(err, CLIPSPAN_E_LIMIT, file,
                            "would have %zu bytes, more than the %zu that a result may have",
                            strlen(value), CS_RESULT_MOST);
        goto done;
    }
    CS_TRY_DONE(to_json(&text, value, err));
    CS_TRY_DONE(make_folder(path, err));
    CS_TRY_DONE(write_text(file, text, err));
done:
    free(text);
    cs_free(file);
    return status;
}

/* What a JSON string says, in place of it. */
static clipspan_status from_string(char **value, const char *file, clipspan_error *err)
{
    json_error_t where;
    json_t *string = json_loads(*value, JSON_DECODE_ANY, &where);
    char *text = json_is_string(string) ? cs_strdup(json_string_value(string), err) : NULL;
    const int wrong = string ? !json_is_string(string) : !cs_json_is_memory(&where);
    if (!string && !wrong) cs_fail_memory(err, strlen(*value), "a JSON document");
    json_decref(string);
    cs_free(*value);
    *value = text;
    if (wrong) return cs_fail_at(err, CLIPSPAN_E_FORMAT, file, "is not JSON");
    return text ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_results_read(char **value, const char *path, const char *kind, const char *name,
                                clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    unsigned char *bytes = NULL;
    struct stat facts;
    size_t size = 0;
    char *file;
    *value = NULL;
    CS_TRY(find_path(&file, path, kind, name, err));
    if (lstat(file, &facts) != 0 && (errno == ENOENT || errno == ENOTDIR)) goto done;
    if (lstat(file, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, file, "is not a regular file");
        goto done;
    }
    CS_TRY_DONE(cs_file_read_all(&bytes, &size, file, CS_RESULT_MOST, err));
    while (size && (bytes[size - 1] == '\n' || bytes[size - 1] == ' '))
        bytes[--size] = '\0';
    *value = (char *)bytes;
    if (memchr(bytes, 0, size)) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, file, "is not JSON: it holds a NUL byte");
        cs_free(*value);
        *value = NULL;
    } else if (*bytes == '"') {
        status = from_string(value, file, err);
    }
done:
    cs_free(file);
    return status;
}

/* ---- Listing ---- */

typedef struct listing {
    const char *kind;
    char *names[NAMES_MOST];
    size_t count;
} listing;

static clipspan_status add_name(void *context, const char *file, clipspan_error *err)
{
    listing *l = context;
    char name[NAME_MOST + 1];
    if (l->count == NAMES_MOST || !read_name(name, file, l->kind)) return CLIPSPAN_OK;
    l->names[l->count] = cs_strdup(name, err);
    return l->names[l->count++] ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

clipspan_status cs_results_names(const char *path, const char *kind,
                                 clipspan_status (*each)(void *context, const char *name,
                                                         clipspan_error *err),
                                 void *context, clipspan_error *err)
{
    clipspan_status status;
    char *folder = cs_path_join(path, CS_RESULTS_FOLDER, err);
    listing *l = cs_alloc_zero(1, sizeof *l, "names of results", err);
    if (!folder || !l) {
        cs_free(folder);
        cs_free(l);
        return CLIPSPAN_E_NOMEM;
    }
    l->kind = kind;
    status = cs_folder_each(folder, add_name, l, err);
    qsort(l->names, status == CLIPSPAN_OK ? l->count : 0, sizeof *l->names, compare_names);
    for (size_t i = 0; i < l->count && status == CLIPSPAN_OK; i++)
        status = each(context, l->names[i], err);
    for (size_t i = 0; i < l->count; i++)
        cs_free(l->names[i]);
    cs_free(l);
    cs_free(folder);
    return status;
}

static clipspan_status remove_document(void *context, const char *name, clipspan_error *err)
{
    const size_t length = strlen(name);
    clipspan_status status = CLIPSPAN_OK;
    char *file;
    if (length < sizeof ENDING || strcmp(name + length - (sizeof ENDING - 1), ENDING) != 0)
        return CLIPSPAN_OK;
    file = cs_path_join(context, name, err);
    if (!file) return CLIPSPAN_E_NOMEM;
    if (unlink(file) != 0 && errno != ENOENT)
        status = cs_fail_at(err, CLIPSPAN_E_WRITE, file, "cannot be removed: %s", strerror(errno));
    cs_free(file);
    return status;
}

clipspan_status cs_results_clear(const char *path, clipspan_error *err)
{
    clipspan_status status;
    char *folder = cs_path_join(path, CS_RESULTS_FOLDER, err);
    struct stat facts;
    if (!folder) return CLIPSPAN_E_NOMEM;
    status = lstat(folder, &facts) == 0 && S_ISDIR(facts.st_mode)
                 ? cs_folder_each(folder, remove_document, folder, err)
                 : CLIPSPAN_OK;
    cs_free(folder);
    return status;
}
