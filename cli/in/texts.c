/* SPDX-License-Identifier: MIT */
/* Reading texts and classes. */
#define _POSIX_C_SOURCE 200809L
#include "cli/in/texts.h"
#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STDIN_MOST ((size_t)256 << 20)

/* Texts and keys as clipspan_texts_new wants them; the strings lie elsewhere. */
typedef struct pairs {
    const char **texts, **keys;
    size_t count, text_room, key_room;
    char (*numbers)[4]; /* keys of ImageNet's classes, or NULL */
} pairs;

static clipspan_status add_pair(pairs *p, const char *text, const char *key, clipspan_error *err)
{
    CS_TRY(cs_grow(&p->texts, &p->text_room, p->count + 1, sizeof *p->texts, "texts", err));
    CS_TRY(cs_grow(&p->keys, &p->key_room, p->count + 1, sizeof *p->keys, "texts", err));
    p->texts[p->count] = text;
    p->keys[p->count++] = key;
    return CLIPSPAN_OK;
}

static void free_pairs(pairs *p)
{
    cs_free(p->texts);
    cs_free(p->keys);
    cs_free(p->numbers);
}

/* All of standard input and a NUL, or NULL with *status and err set. */
static char *read_stdin(size_t *size, clipspan_status *status, clipspan_error *err)
{
    char *text = NULL;
    size_t used = 0, room = 0;
    for (;;) {
        ssize_t got;
        *status = cs_grow(&text, &room, used + 65536, 1, "texts from standard input", err);
        if (*status != CLIPSPAN_OK) break;
        got = read(STDIN_FILENO, text + used, room - used - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            *status =
                cs_fail(err, CLIPSPAN_E_IO, "standard input cannot be read: %s", strerror(errno));
            break;
        }
        if (got == 0) {
            text[used] = '\0';
            *size = used;
            return text;
        }
        used += (size_t)got;
        if (used > STDIN_MOST) {
            *status = cs_fail(err, CLIPSPAN_E_LIMIT,
                              "standard input has more than the %zu bytes of texts that are read "
                              "at once; split it",
                              STDIN_MOST);
            break;
        }
    }
    cs_free(text);
    return NULL;
}

/* Lines as in a text file: an optional key before a tab, empty lines skipped. */
static clipspan_status texts_from_stdin(clipspan_texts **out, clipspan_error *err)
{
    clipspan_status status;
    pairs p = {0};
    char *text, *line;
    size_t size;
    text = read_stdin(&size, &status, err);
    if (!text) return status;
    if (memchr(text, '\0', size)) {
        status = cs_fail(err, CLIPSPAN_E_FORMAT,
                         "standard input holds a NUL byte, where lines of text were expected");
        goto done;
    }
    line = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
    while (*line) {
        char *end = line + strcspn(line, "\n"), *next = *end ? end + 1 : end, *tab;
        if (end > line && end[-1] == '\r') end--;
        *end = '\0';
        tab = strchr(line, '\t');
        if (tab) *tab = '\0';
        if (*line || tab) CS_TRY_DONE(add_pair(&p, tab ? tab + 1 : line, tab ? line : NULL, err));
        line = next;
    }
    if (p.count == 0)
        status = cs_fail(err, CLIPSPAN_E_NOT_FOUND, "standard input holds no text");
    else
        status = clipspan_texts_new(out, p.texts, p.keys, p.count, err);
done:
    free_pairs(&p);
    cs_free(text);
    return status;
}

/* A file, even one that is called like a set that comes with the program. */
static clipspan_status texts_from_file(clipspan_texts **out, const char *path, clipspan_error *err)
{
    char *local;
    clipspan_status status;
    if (strchr(path, '/')) return clipspan_texts_open(out, path, err);
    local = cs_path_join(".", path, err);
    if (!local) return CLIPSPAN_E_NOMEM;
    status = clipspan_texts_open(out, local, err);
    cs_free(local);
    return status;
}

clipspan_status cli_texts_named(clipspan_texts **out, const char *name, clipspan_error *err)
{
    return cs_path_kind(name) == 1 ? texts_from_file(out, name, err)
                                   : clipspan_texts_open(out, name, err);
}

clipspan_status cli_texts_open(clipspan_texts **out, cli_session *s,
                               const cli_text_settings *settings, clipspan_error *err)
{
    *out = NULL;
    if (settings->text.count && settings->file)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--text and --texts exclude each other");
    if (!settings->text.count && !settings->file)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "no texts: give them with --text TEXT, or in a file with --texts FILE "
                       "(- for standard input)");
    if (settings->text.count)
        CS_TRY(clipspan_texts_new(out, settings->text.items, NULL, settings->text.count, err));
    else if (strcmp(settings->file, "-") == 0)
        CS_TRY(texts_from_stdin(out, err));
    else
        CS_TRY(cli_texts_named(out, settings->file, err));
    if (clipspan_texts_get_count(*out) == 0) {
        clipspan_texts_free(out);
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, settings->file ? settings->file : "--text",
                          "holds no text");
    }
    cli_stage(s, "texts read");
    return CLIPSPAN_OK;
}

clipspan_status cli_pool_open(clipspan_texts **out, const char **name, cli_session *s,
                              const char *pool, clipspan_error *err)
{
    if (!pool) pool = "general";
    *out = NULL;
    *name = pool;
    if (strcmp(pool, "-") == 0) {
        *name = "standard input";
        CS_TRY(texts_from_stdin(out, err));
    } else {
        CS_TRY(cli_texts_named(out, pool, err));
    }
    cli_stage(s, "texts read");
    return CLIPSPAN_OK;
}

/* The names of a list joined by commas, in `copy`, which is cut up. */
static clipspan_status split_list(pairs *p, char *copy, clipspan_error *err)
{
    char *name = copy;
    while (name) {
        char *comma = strchr(name, ','), *end;
        if (comma) *comma++ = '\0';
        while (*name == ' ')
            name++;
        end = name + strlen(name);
        while (end > name && end[-1] == ' ')
            *--end = '\0';
        if (!*name)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--classes: an empty name between commas; a name that holds a comma is "
                           "given with --class");
        CS_TRY(add_pair(p, name, NULL, err));
        name = comma;
    }
    return CLIPSPAN_OK;
}

/* Whether --classes names a file rather than a list: it is one, or looks like nothing else. */
static int means_file(const char *value)
{
    return cs_path_kind(value) != 0 || cli_ends_in(value, ".txt") || cli_ends_in(value, ".tsv") ||
           cli_ends_in(value, ".csv") || (strchr(value, '/') && !strchr(value, ','));
}

/* ImageNet's classes: two names stand there twice, so labels say their numbers, 0 to 999. */
static clipspan_status add_numbered(pairs *p, const clipspan_texts *names, clipspan_error *err)
{
    size_t count = clipspan_texts_get_count(names);
    if (count > 1000)
        return cs_fail(err, CLIPSPAN_E_FORMAT,
                       "imagenet_classes.txt holds %zu names, where 1000 were expected", count);
    p->numbers = cs_alloc(count, sizeof *p->numbers, "classes", err);
    if (!p->numbers) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        snprintf(p->numbers[i], sizeof p->numbers[i], "%u", (unsigned)i % 1000);
        CS_TRY(add_pair(p, clipspan_texts_get_text(names, i), p->numbers[i], err));
    }
    return CLIPSPAN_OK;
}

/* Sets that come with the program, none of which is a set of classes. */
static clipspan_status check_set(const char *value, clipspan_error *err)
{
    static const char *const sets[] = {"demo", "general", "control"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (strcmp(value, sets[i]) == 0)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--classes: %s is a set of texts whose keys are categories, not "
                           "classes; give class names, a file of them or imagenet, and the set "
                           "where a command takes --texts",
                           value);
    if (strcmp(value, "openai") == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--classes: openai is a set of templates, not of classes; give it with "
                       "--templates");
    return CLIPSPAN_OK;
}

static clipspan_status add_classes(pairs *p, clipspan_texts **file, char *copy,
                                   const cli_class_settings *settings, clipspan_error *err)
{
    const char *value = settings->list;
    if (strcmp(value, "imagenet") == 0) {
        char *path;
        clipspan_status status = cs_data_path(&path, "imagenet_classes.txt", err);
        if (status == CLIPSPAN_OK) status = clipspan_texts_open(file, path, err);
        cs_free(path);
        CS_TRY(status);
        return add_numbered(p, *file, err);
    }
    if (cs_path_kind(value) == 0) CS_TRY(check_set(value, err));
    if (means_file(value)) {
        CS_TRY(texts_from_file(file, value, err));
    } else if (!strchr(value, ',') && settings->names.count == 0) {
        const char *const names[] = {"imagenet"};
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--classes: \"%s\" is neither a file nor a list of names joined by commas%s",
                       value, cs_nearest(value, names, 1) ? " (did you mean imagenet?)" : "");
    } else {
        return split_list(p, copy, err);
    }
    for (size_t i = 0; i < clipspan_texts_get_count(*file); i++)
        CS_TRY(
            add_pair(p, clipspan_texts_get_text(*file, i), clipspan_texts_get_key(*file, i), err));
    return CLIPSPAN_OK;
}

const char *cli_class_key(const clipspan_texts *classes, size_t index)
{
    const char *key = clipspan_texts_get_key(classes, index);
    return *key ? key : clipspan_texts_get_text(classes, index);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static clipspan_status check_keys(const clipspan_texts *classes, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t count = clipspan_texts_get_count(classes), i;
    const char **keys;
    if (count < 2)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--classes: expected at least two classes to choose from, found %zu", count);
    keys = cs_alloc(count, sizeof *keys, "classes", err);
    if (!keys) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < count; i++)
        keys[i] = cli_class_key(classes, i);
    qsort(keys, count, sizeof *keys, compare);
    for (i = 1; i < count && status == CLIPSPAN_OK; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                             "--classes: \"%s\" appears twice; classes of the same name need "
                             "different keys (key, tab, name)",
                             keys[i]);
    cs_free(keys);
    return status;
}

int cli_classes_given(const cli_class_settings *settings)
{
    return settings->list || settings->names.count;
}

clipspan_status cli_classes_open(clipspan_texts **out, const cli_class_settings *settings,
                                 clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    clipspan_texts *file = NULL;
    pairs p = {0};
    char *copy = NULL;
    *out = NULL;
    if (!settings->list && settings->names.count == 0)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "no classes: give --classes \"cat,dog\", --classes FILE, or --class NAME for "
            "each");
    if (settings->list) {
        copy = cs_strdup(settings->list, err);
        status = copy ? add_classes(&p, &file, copy, settings, err) : CLIPSPAN_E_NOMEM;
    }
    for (size_t i = 0; status == CLIPSPAN_OK && i < settings->names.count; i++)
        status = add_pair(&p, settings->names.items[i], NULL, err);
    if (status == CLIPSPAN_OK) status = clipspan_texts_new(out, p.texts, p.keys, p.count, err);
    if (status == CLIPSPAN_OK) status = check_keys(*out, err);
    if (status != CLIPSPAN_OK) clipspan_texts_free(out);
    clipspan_texts_free(&file);
    free_pairs(&p);
    cs_free(copy);
    return status;
}

clipspan_status cli_class_file_open(clipspan_texts **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    CS_TRY(texts_from_file(out, path, err));
    status = check_keys(*out, err);
    if (status != CLIPSPAN_OK) clipspan_texts_free(out);
    return status;
}
