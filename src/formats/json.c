/* SPDX-License-Identifier: MIT */
/* Bounds on JSON text before jansson parses it, and getters that say what is wrong where.
 *
 * jansson 2.14 does not survive a failed allocation in every place, and its allocator can be
 * replaced for the whole process only; so enough memory for the document is asked for first. */
#include "formats/json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define MAX_FILE ((uint64_t)4 << 20)

/* Counts what the parser would have to build. */
static clipspan_status scan(const char *text, size_t size, size_t *built,
                            const cs_json_limits *limits, const char *path, clipspan_error *err)
{
    size_t i, objects = 0, elements = 0;
    int depth = 0, quoted = 0;
    for (i = 0; i < size; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = 0;
            continue;
        }
        if (c == '"') quoted = 1;
        if (c == ',') elements++;
        if (c == '{') objects++;
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && depth > 0) depth--;
        if (depth > limits->depth)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                              "%s is nested more than %d deep at byte %zu", limits->what,
                              limits->depth, i + limits->offset);
        if (objects > limits->objects || elements > limits->elements)
            return cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                              "%s has more than %zu objects or %zu elements, which no CLIP "
                              "checkpoint has",
                              limits->what, limits->objects, limits->elements);
    }
    *built = objects + elements + 1;
    return CLIPSPAN_OK;
}

/* A value and its key take some 200 bytes besides their text, an object's table some 300. */
static clipspan_status check_memory(size_t built, size_t size, clipspan_error *err)
{
    void *probe = cs_alloc(built * 500 + 2 * size, 1, "a JSON document", err);
    if (!probe) return CLIPSPAN_E_NOMEM;
    cs_free(probe);
    return CLIPSPAN_OK;
}

static int is_memory(const json_error_t *where)
{
    return json_error_code(where) == json_error_out_of_memory || !where->text[0];
}

/* What is wrong with a text is wrong twice, in the same place; an allocation that failed is not. */
json_t *cs_json_load(int *memory, const char *text, size_t size, size_t flags, json_error_t *where)
{
    json_error_t again;
    json_t *root = json_loadb(text, size, flags, where);
    void *probe;
    *memory = 0;
    if (root) return root;
    root = json_loadb(text, size, flags, &again);
    if (root) return root;
    probe = malloc(size + 4096);
    *memory = !probe || is_memory(where) || is_memory(&again) ||
              where->position != again.position || strcmp(where->text, again.text) != 0;
    free(probe);
    return NULL;
}

json_t *cs_json_string(int *memory, const char *text)
{
    json_t *string = json_string(text), *any = string ? NULL : json_string_nocheck(text);
    if (any) string = json_string(text); /* for the one that failed for want of memory */
    *memory = !string && !any;
    json_decref(any);
    return string;
}

clipspan_status cs_json_parse(json_t **out, const char *text, size_t size,
                              const cs_json_limits *limits, const char *path, clipspan_error *err)
{
    json_error_t where;
    size_t built = 0;
    int memory;
    size_t skip = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *out = NULL;
    CS_TRY(scan(text + skip, size - skip, &built, limits, path, err));
    CS_TRY(check_memory(built, size, err));
    *out = cs_json_load(&memory, text + skip, size - skip, JSON_REJECT_DUPLICATES, &where);
    if (*out) return CLIPSPAN_OK;
    if (memory) return cs_fail_memory(err, size, "a JSON document");
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                      "%s is not valid JSON at byte %zu (line %d): %s", limits->what,
                      (size_t)where.position + skip + limits->offset, where.line, where.text);
}

clipspan_status cs_json_read_text(json_t **out, const char *text, size_t size, const char *path,
                                  clipspan_error *err)
{
    static const cs_json_limits limits = {64, 20000, 100000, 0, "configuration"};
    clipspan_status status;
    *out = NULL;
    if (size > MAX_FILE)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                          "has %zu bytes of configuration; at most %llu are read", size,
                          (unsigned long long)MAX_FILE);
    status = cs_json_parse(out, text, size, &limits, path, err);
    if (status == CLIPSPAN_OK && !json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                            "configuration is no JSON object, where {…} was expected");
    }
    return status;
}

clipspan_status cs_json_read(json_t **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    unsigned char *text;
    size_t size;
    *out = NULL;
    CS_TRY(cs_file_read_all(&text, &size, path, MAX_FILE, err));
    status = cs_json_read_text(out, (const char *)text, size, path, err);
    cs_free(text);
    return status;
}

cs_json cs_json_root(const json_t *root, const char *path)
{
    cs_json in = {root, path, ""};
    return in;
}

static const json_t *find(const cs_json *in, const char *key)
{
    const json_t *value = in->object ? json_object_get(in->object, key) : NULL;
    return value && !json_is_null(value) ? value : NULL;
}

int cs_json_has(const cs_json *in, const char *key)
{
    return find(in, key) != NULL;
}

static void describe(char *out, size_t room, const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT: snprintf(out, room, "an object"); break;
    case JSON_ARRAY: snprintf(out, room, "a list of %zu", json_array_size(value)); break;
    case JSON_STRING: snprintf(out, room, "\"%.60s\"", json_string_value(value)); break;
    case JSON_INTEGER: snprintf(out, room, "%lld", (long long)json_integer_value(value)); break;
    case JSON_REAL: snprintf(out, room, "%.9g", json_real_value(value)); break;
    case JSON_TRUE: snprintf(out, room, "true"); break;
    case JSON_FALSE: snprintf(out, room, "false"); break;
    case JSON_NULL: snprintf(out, room, "nothing"); break;
    }
}

clipspan_status cs_json_unexpected(const cs_json *in, const char *key, const char *expected,
                                   clipspan_status code, clipspan_error *err)
{
    char found[128];
    describe(found, sizeof found, find(in, key));
    return cs_fail_at(err, code, in->path, "%s%s%s: expected %s, found %s", in->name,
                      in->name[0] ? "." : "", key, expected, found);
}

clipspan_status cs_json_object(cs_json *out, const cs_json *in, const char *key,
                               clipspan_error *err)
{
    const json_t *value = find(in, key);
    out->object = NULL;
    out->path = in->path;
    snprintf(out->name, sizeof out->name, "%.60s%s%.30s", in->name, in->name[0] ? "." : "", key);
    if (value && !json_is_object(value))
        return cs_json_unexpected(in, key, "an object", CLIPSPAN_E_FORMAT, err);
    out->object = value;
    return CLIPSPAN_OK;
}

static clipspan_status out_of_range(const cs_json *in, const char *key, const char *kind,
                                    double low, double high, clipspan_error *err)
{
    char expected[128];
    snprintf(expected, sizeof expected, "%s from %.9g to %.9g", kind, low, high);
    return cs_json_unexpected(in, key, expected, CLIPSPAN_E_FORMAT, err);
}

clipspan_status cs_json_int(int *out, const cs_json *in, const char *key, int low, int high,
                            clipspan_error *err)
{
    const json_t *value = find(in, key);
    if (!value) return CLIPSPAN_OK;
    if (!json_is_integer(value) || json_integer_value(value) < low ||
        json_integer_value(value) > high)
        return out_of_range(in, key, "an integer", low, high, err);
    *out = (int)json_integer_value(value);
    return CLIPSPAN_OK;
}

clipspan_status cs_json_number(double *out, const cs_json *in, const char *key, double low,
                               double high, clipspan_error *err)
{
    const json_t *value = find(in, key);
    if (!value) return CLIPSPAN_OK;
    if (!json_is_number(value) ||
        !(json_number_value(value) >= low && json_number_value(value) <= high))
        return out_of_range(in, key, "a number", low, high, err);
    *out = json_number_value(value);
    return CLIPSPAN_OK;
}

clipspan_status cs_json_flag(int *out, const cs_json *in, const char *key, clipspan_error *err)
{
    const json_t *value = find(in, key);
    if (!value) return CLIPSPAN_OK;
    if (!json_is_boolean(value))
        return cs_json_unexpected(in, key, "true or false", CLIPSPAN_E_FORMAT, err);
    *out = json_is_true(value);
    return CLIPSPAN_OK;
}

clipspan_status cs_json_text(const char **out, const cs_json *in, const char *key,
                             clipspan_error *err)
{
    const json_t *value = find(in, key);
    if (!value) return CLIPSPAN_OK;
    if (!json_is_string(value)) return cs_json_unexpected(in, key, "text", CLIPSPAN_E_FORMAT, err);
    *out = json_string_value(value);
    return CLIPSPAN_OK;
}

clipspan_status cs_json_numbers(float *out, int count, const cs_json *in, const char *key,
                                double low, double high, clipspan_error *err)
{
    const json_t *value = find(in, key);
    char expected[128];
    int i;
    if (!value) return CLIPSPAN_OK;
    snprintf(expected, sizeof expected, "a list of %d numbers from %.9g to %.9g", count, low, high);
    if (!json_is_array(value) || json_array_size(value) != (size_t)count)
        return cs_json_unexpected(in, key, expected, CLIPSPAN_E_FORMAT, err);
    for (i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, (size_t)i);
        double number = json_number_value(item);
        if (!json_is_number(item) || !(number >= low && number <= high))
            return cs_json_unexpected(in, key, expected, CLIPSPAN_E_FORMAT, err);
        out[i] = (float)number;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_json_pair(int *first, int *second, const cs_json *in, const char *key, int low,
                             int high, clipspan_error *err)
{
    const json_t *value = find(in, key), *a = value, *b = value;
    char expected[128];
    if (!value) return CLIPSPAN_OK;
    if (json_is_array(value) && json_array_size(value) >= 1 && json_array_size(value) <= 2) {
        a = json_array_get(value, 0);
        b = json_array_get(value, json_array_size(value) - 1);
    }
    snprintf(expected, sizeof expected, "an integer or two, from %d to %d", low, high);
    if (!json_is_integer(a) || !json_is_integer(b) || json_integer_value(a) < low ||
        json_integer_value(a) > high || json_integer_value(b) < low || json_integer_value(b) > high)
        return cs_json_unexpected(in, key, expected, CLIPSPAN_E_FORMAT, err);
    *first = (int)json_integer_value(a);
    *second = (int)json_integer_value(b);
    return CLIPSPAN_OK;
}
