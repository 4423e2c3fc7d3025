/* SPDX-License-Identifier: MIT */
/* Texts and keys by the names of columns. */
#include "text/text_table.h"
#include "base/memory.h"
#include "formats/csv.h"
#include "text/codepoints.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NONE ((size_t)-1)

typedef struct table {
    const char *path;
    size_t text, key; /* columns; key may be NONE */
    char **texts, **keys;
    size_t count, text_room, key_room;
} table;

char cs_text_table_separator(const char *path)
{
    const size_t length = strlen(path);
    if (length > 4 && strcasecmp(path + length - 4, ".csv") == 0) return ',';
    if (length > 4 && strcasecmp(path + length - 4, ".tsv") == 0) return '\t';
    return 0;
}

/* The column of the first of these names that is there, or NONE. */
static size_t find_column(const char *const *fields, size_t count, const char *const names[3])
{
    for (size_t n = 0; n < 3; n++)
        for (size_t i = 0; i < count; i++)
            if (strcasecmp(fields[i], names[n]) == 0) return i;
    return NONE;
}

static clipspan_status read_header(table *t, cs_csv *csv, clipspan_error *err)
{
    static const char *const texts[3] = {"text", "name", "class"};
    static const char *const keys[3] = {"key", "label", "category"};
    const char *const *fields;
    char columns[300] = "";
    size_t count, used = 0;
    CS_TRY(cs_csv_next(&fields, &count, csv, err));
    t->text = find_column(fields, count, texts);
    t->key = find_column(fields, count, keys);
    if (t->text != NONE) return CLIPSPAN_OK;
    for (size_t i = 0; i < count && used < sizeof columns; i++)
        used += (size_t)snprintf(columns + used, sizeof columns - used, "%s%.60s", i ? ", " : "",
                                 fields[i]);
    return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, t->path,
                      "is a table, whose header has no column text, name or class; its columns: "
                      "%s. Texts that stand one a line are a .txt file",
                      count ? columns : "none");
}

static clipspan_status add_record(table *t, const char *const *fields, uint64_t line,
                                  clipspan_error *err)
{
    const char *text = fields[t->text], *key = t->key == NONE ? "" : fields[t->key];
    if (strspn(text, " \t") == strlen(text))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, t->path, "line %llu: the text is empty",
                          (unsigned long long)line);
    if (cs_utf8_check(text, strlen(text)) < strlen(text) ||
        cs_utf8_check(key, strlen(key)) < strlen(key))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, t->path, "line %llu: is not UTF-8 text",
                          (unsigned long long)line);
    CS_TRY(cs_grow(&t->texts, &t->text_room, t->count + 1, sizeof *t->texts, "texts", err));
    CS_TRY(cs_grow(&t->keys, &t->key_room, t->count + 1, sizeof *t->keys, "texts", err));
    t->texts[t->count] = cs_strdup(text, err);
    t->keys[t->count] = cs_strdup(key, err);
    t->count++;
    return t->texts[t->count - 1] && t->keys[t->count - 1] ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_texts_read_table(struct clipspan_texts **out, const char *path, char separator,
                                    clipspan_error *err)
{
    table t = {.path = path};
    const char *const *fields;
    clipspan_status status;
    size_t count;
    cs_csv *csv;
    *out = NULL;
    CS_TRY(cs_csv_open(&csv, path, separator, err));
    CS_TRY_DONE(read_header(&t, csv, err));
    for (;;) {
        CS_TRY_DONE(cs_csv_next(&fields, &count, csv, err));
        if (count == 0) break;
        CS_TRY_DONE(add_record(&t, fields, cs_csv_line(csv), err));
    }
    status = t.count ? cs_texts_new(out, (const char *const *)t.texts, (const char *const *)t.keys,
                                    t.count, err)
                     : cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "holds no text below its header");
done:
    for (size_t i = 0; i < t.count; i++) {
        cs_free(t.texts[i]);
        cs_free(t.keys[i]);
    }
    cs_free(t.texts);
    cs_free(t.keys);
    cs_csv_close(&csv);
    return status;
}
