/* SPDX-License-Identifier: MIT */
/* Text files: UTF-8, a text a line, an optional key before the line's first tab. */
#include "text/text_list.h"
#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "text/codepoints.h"
#include "text/text_table.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX ((uint64_t)64 << 20)

/* Sets that come with the program: names, and their files in the data folder. */
static const char *const set_names[] = {"openai", "none", "general", "control", "demo"};
static const char *const set_files[] = {"templates_openai.txt", NULL, "pool.txt",
                                        "pool_control.txt", "demo/texts.txt"};
#define SETS (sizeof set_names / sizeof *set_names)

void cs_texts_free(struct clipspan_texts **texts)
{
    if (!texts || !*texts) return;
    cs_free((*texts)->texts);
    cs_free((*texts)->keys);
    cs_free((*texts)->pool);
    cs_free(*texts);
    *texts = NULL;
}

static clipspan_status make(struct clipspan_texts **out, size_t room, clipspan_error *err)
{
    struct clipspan_texts *list = cs_alloc_zero(1, sizeof *list, "a list of texts", err);
    if (!list) return CLIPSPAN_E_NOMEM;
    list->texts = cs_alloc(room, sizeof *list->texts, "a list of texts", err);
    list->keys = cs_alloc(room, sizeof *list->keys, "a list of texts", err);
    if (!list->texts || !list->keys) {
        cs_texts_free(&list);
        return CLIPSPAN_E_NOMEM;
    }
    *out = list;
    return CLIPSPAN_OK;
}

/* Splits one line, which ends in a NUL, and adds it unless it is blank. */
static clipspan_status add_line(struct clipspan_texts *list, char *line, size_t length,
                                const char *path, size_t number, clipspan_error *err)
{
    char *tab;
    size_t bad = cs_utf8_check(line, length);
    if (bad < length)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "line %zu, byte %zu: %s", number, bad + 1,
                          line[bad] ? "is not UTF-8 text" : "is a NUL, which no text holds");
    if (strspn(line, " \t") == length) return CLIPSPAN_OK;
    tab = strchr(line, '\t');
    if (tab) {
        *tab = '\0';
        if (strspn(tab + 1, " \t") == strlen(tab + 1))
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                              "line %zu: key \"%.60s\" has no text behind its tab", number, line);
    }
    list->keys[list->count] = tab ? line : "";
    list->texts[list->count++] = tab ? tab + 1 : line;
    return CLIPSPAN_OK;
}

static clipspan_status read_file(struct clipspan_texts **out, const char *path, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    struct clipspan_texts *list = NULL;
    unsigned char *data = NULL;
    size_t size, at = 0, lines = 1, number, i;
    char *text;
    CS_TRY(cs_file_read_all(&data, &size, path, FILE_MAX, err));
    text = (char *)data;
    for (i = 0; i < size; i++)
        lines += text[i] == '\n';
    status = make(&list, lines, err);
    if (status != CLIPSPAN_OK) {
        cs_free(data);
        return status;
    }
    list->pool = text;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) at = 3;
    for (number = 1; at < size; number++) {
        char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        size_t next = at + length + (end != NULL);
        if (length && text[at + length - 1] == '\r') length--;
        text[at + length] = '\0';
        CS_TRY_DONE(add_line(list, text + at, length, path, number, err));
        at = next;
    }
    if (list->count == 0) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "holds no text: expected one a line");
        goto done;
    }
    *out = list;
    list = NULL;
done:
    cs_texts_free(&list);
    return status;
}

static clipspan_status open_set(struct clipspan_texts **out, const char *file, clipspan_error *err)
{
    static const char *const whole[] = {"{}"};
    clipspan_status status;
    char *path = NULL;
    if (!file) return cs_texts_new(out, whole, NULL, 1, err);
    CS_TRY(cs_data_path(&path, file, err));
    status = read_file(out, path, err);
    cs_free(path);
    return status;
}

/* The demo's classes and templates: demo/shape is demo/classes/shape.txt of the data folder. *out
 * stays NULL where the name is none of these. */
static clipspan_status open_demo(struct clipspan_texts **out, const char *name, clipspan_error *err)
{
    clipspan_status status;
    char file[80], *path;
    if (strncmp(name, "demo/", 5) != 0 || cs_path_kind(name) != 0) return CLIPSPAN_OK;
    snprintf(file, sizeof file, "demo/classes/%.50s.txt", name + 5);
    CS_TRY(cs_data_demo(&path, file, err));
    if (!path)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, name,
                          "no such file, and no texts of the demo have this name; there are "
                          "demo/shape, demo/colour, demo/texture, demo/size, demo/place, "
                          "demo/count, demo/background and demo/bird, and templates such as "
                          "demo/shape.templates");
    status = read_file(out, path, err);
    cs_free(path);
    return status;
}

clipspan_status cs_texts_open(struct clipspan_texts **out, const char *name, clipspan_error *err)
{
    const char *near;
    size_t i;
    char separator;
    *out = NULL;
    for (i = 0; i < SETS; i++)
        if (strcmp(name, set_names[i]) == 0) return open_set(out, set_files[i], err);
    CS_TRY(open_demo(out, name, err));
    if (*out) return CLIPSPAN_OK;
    if (!strpbrk(name, "/.") && cs_path_kind(name) == 0) {
        near = cs_nearest(name, set_names, SETS);
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, name,
                          "no such file, and no set of texts has this name%s%s%s; there are "
                          "openai, none, general, control and demo, and demo/shape and others",
                          near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    }
    separator = cs_text_table_separator(name);
    return separator ? cs_texts_read_table(out, name, separator, err) : read_file(out, name, err);
}

clipspan_status cs_texts_new(struct clipspan_texts **out, const char *const *texts,
                             const char *const *keys, size_t count, clipspan_error *err)
{
    struct clipspan_texts *list = NULL;
    size_t bytes = 0, i;
    char *put;
    *out = NULL;
    if (count == 0) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a list of texts needs at least one");
    CS_TRY(make(&list, count, err));
    for (i = 0; i < count; i++)
        bytes += strlen(texts[i]) + 1 + (keys && keys[i] ? strlen(keys[i]) + 1 : 0);
    list->pool = put = cs_alloc(bytes, 1, "a list of texts", err);
    if (!put) {
        cs_texts_free(&list);
        return CLIPSPAN_E_NOMEM;
    }
    for (i = 0; i < count; i++) {
        size_t length = strlen(texts[i]) + 1;
        list->texts[i] = memcpy(put, texts[i], length);
        list->keys[i] = "";
        put += length;
        if (!keys || !keys[i]) continue;
        length = strlen(keys[i]) + 1;
        list->keys[i] = memcpy(put, keys[i], length);
        put += length;
    }
    list->count = count;
    *out = list;
    return CLIPSPAN_OK;
}

const char *cs_texts_get_text(const struct clipspan_texts *texts, size_t index)
{
    return index < texts->count ? texts->texts[index] : NULL;
}

const char *cs_texts_get_key(const struct clipspan_texts *texts, size_t index)
{
    return index < texts->count ? texts->keys[index] : "";
}

clipspan_status cs_template_fill(char **out, const char *template, const char *name,
                                 clipspan_error *err)
{
    const char *hole = strstr(template, "{}");
    size_t before, after, length = strlen(name);
    *out = NULL;
    if (!hole)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "template \"%.100s\" has no \"{}\" where the class name goes", template);
    before = (size_t)(hole - template);
    after = strlen(hole + 2);
    *out = cs_alloc(before + length + after + 1, 1, "a prompt", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    memcpy(*out, template, before);
    memcpy(*out + before, name, length);
    memcpy(*out + before + length, hole + 2, after + 1);
    return CLIPSPAN_OK;
}
