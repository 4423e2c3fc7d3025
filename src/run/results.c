/* SPDX-License-Identifier: MIT */
/* Names of results, and their bytes. */
#define _POSIX_C_SOURCE 200809L
#include "run/results.h"
#include "base/memory.h"
#include "formats/json.h"
#include "run/folder.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDING         ".json"
#define NAME_MOST      240 /* bytes of a file's name */
#define NAMES_MOST     10000

#define CS_RESULT_ROOM (NAME_MOST + 16)    /* its name with the folder */
#define WEIGHT_MOST    ((size_t)160 << 20) /* bytes that a parsed document may take */

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

/* Its name in the run's root. */
static clipspan_status find_name(char out[CS_RESULT_ROOM], const char *kind, const char *name,
                                 clipspan_error *err)
{
    char file[NAME_MOST + 1];
    CS_TRY(print_name(file, kind, name, err));
    snprintf(out, CS_RESULT_ROOM, CS_RESULTS_FOLDER "/%s", file);
    return CLIPSPAN_OK;
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

static clipspan_status write_text(const cs_root *root, const char *file, const char *text,
                                  clipspan_error *err)
{
    cs_output *output;
    clipspan_status status;
    CS_TRY(cs_root_output(&output, root, file, 1, err));
    status = cs_output_write(output, text, strlen(text), err);
    if (status == CLIPSPAN_OK) status = cs_output_write(output, "\n", 1, err);
    if (status == CLIPSPAN_OK) status = cs_output_commit(output, err);
    cs_output_close(&output);
    return status;
}

clipspan_status cs_results_write(const cs_root *root, const char *kind, const char *name,
                                 const char *value, clipspan_error *err)
{
    clipspan_status status;
    char file[CS_RESULT_ROOM], *text;
    CS_TRY(find_name(file, kind, name, err));
    if (!value) return cs_root_remove(root, file, err);
    if (strlen(value) > CS_RESULT_MOST - 1)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, file,
                          "would have %zu bytes, more than the %zu that a result may have",
                          strlen(value), CS_RESULT_MOST);
    CS_TRY(to_json(&text, value, err));
    status = cs_root_make_folder(root, CS_RESULTS_FOLDER, err);
    if (status == CLIPSPAN_OK) status = write_text(root, file, text, err);
    free(text);
    return status;
}

/* What a JSON string says, in place of it. */
static clipspan_status from_string(char **value, const char *file, clipspan_error *err)
{
    json_error_t where;
    int memory;
    json_t *string = cs_json_load(&memory, *value, strlen(*value), JSON_DECODE_ANY, &where);
    char *text = json_is_string(string) ? cs_strdup(json_string_value(string), err) : NULL;
    const int wrong = !memory && !json_is_string(string);
    if (memory) cs_fail_memory(err, strlen(*value), "a JSON document");
    json_decref(string);
    cs_free(*value);
    *value = text;
    if (wrong) return cs_fail_at(err, CLIPSPAN_E_FORMAT, file, "is not JSON");
    return text ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* A document takes up to some hundred times its text in memory once it is parsed: an element some
 * 60 bytes, an object with its table some 300. Counted before that. */
static clipspan_status check_weight(const char *text, size_t size, const char *file,
                                    clipspan_error *err)
{
    size_t weight = 0;
    int quoted = 0;
    for (size_t i = 0; i < size; i++) {
        const char c = text[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted)
            weight += c == '{' ? 300 : c == '[' ? 150 : c == ',' ? 60 : 0;
    }
    if (weight <= WEIGHT_MOST) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_LIMIT, file,
                      "has more members than any result that clipspan keeps; it is not read");
}

/* The bytes of a document as the value that they stand for. */
static clipspan_status take_text(char **value, unsigned char *bytes, size_t size, const char *file,
                                 clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    *value = (char *)bytes;
    while (size && (bytes[size - 1] == '\n' || bytes[size - 1] == ' '))
        bytes[--size] = '\0';
    if (memchr(bytes, 0, size))
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, file, "is not JSON: it holds a NUL byte");
    else
        status = check_weight(*value, size, file, err);
    if (status == CLIPSPAN_OK && *bytes == '"') return from_string(value, file, err);
    if (status == CLIPSPAN_OK) return CLIPSPAN_OK;
    cs_free(*value);
    *value = NULL;
    return status;
}

clipspan_status cs_results_read(char **value, const cs_root *root, const char *kind,
                                const char *name, clipspan_error *err)
{
    clipspan_status status;
    unsigned char *bytes = NULL;
    size_t size = 0;
    char file[CS_RESULT_ROOM], *path;
    *value = NULL;
    CS_TRY(find_name(file, kind, name, err));
    switch (cs_root_look(root, file)) {
    case CS_ROOT_NOTHING: return CLIPSPAN_OK;
    case CS_ROOT_FILE: break;
    default:
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, file,
                          "of %.300s is not a regular file of its own; it is not followed",
                          cs_root_path(root));
    }
    path = cs_root_join(root, file, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    status = cs_root_read_all(&bytes, &size, root, file, CS_RESULT_MOST, err);
    if (status == CLIPSPAN_OK) status = take_text(value, bytes, size, path, err);
    cs_free(path);
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

clipspan_status cs_results_names(const cs_root *root, const char *kind,
                                 clipspan_status (*each)(void *context, const char *name,
                                                         clipspan_error *err),
                                 void *context, clipspan_error *err)
{
    clipspan_status status;
    listing *l = cs_alloc_zero(1, sizeof *l, "names of results", err);
    if (!l) return CLIPSPAN_E_NOMEM;
    l->kind = kind;
    status = cs_root_each(root, CS_RESULTS_FOLDER, add_name, l, err);
    qsort(l->names, status == CLIPSPAN_OK ? l->count : 0, sizeof *l->names, compare_names);
    for (size_t i = 0; i < l->count && status == CLIPSPAN_OK; i++)
        status = each(context, l->names[i], err);
    for (size_t i = 0; i < l->count; i++)
        cs_free(l->names[i]);
    cs_free(l);
    return status;
}

int cs_results_is_name(const char *file)
{
    const size_t letters = strspn(file, "abcdefghijklmnopqrstuvwxyz");
    char kind[41], name[NAME_MOST + 1];
    if (letters == 0 || letters >= sizeof kind || file[letters] != '-') return 0;
    memcpy(kind, file, letters);
    kind[letters] = '\0';
    return read_name(name, file, kind);
}

static clipspan_status remove_document(void *context, const char *name, clipspan_error *err)
{
    const cs_root *root = context;
    char file[CS_RESULT_ROOM];
    if (!cs_results_is_name(name)) return CLIPSPAN_OK;
    snprintf(file, sizeof file, CS_RESULTS_FOLDER "/%s", name);
    return cs_root_remove(root, file, err);
}

clipspan_status cs_results_clear(cs_root *root, clipspan_error *err)
{
    return cs_root_each(root, CS_RESULTS_FOLDER, remove_document, root, err);
}
