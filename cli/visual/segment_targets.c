/* SPDX-License-Identifier: MIT */
/* What is looked for in each image: sentences filled from columns, or a class. */
#include "base/memory.h"
#include "cli/in/class_index.h"
#include "cli/visual/segment.h"

#include <clipspan/clipspan.h>
#include <string.h>

clipspan_status cli_segment_column(clipspan_inputs **out, const cli_segment_job *j,
                                   const char *labels, const char *path_column, clipspan_error *err)
{
    const cli_segment_settings *x = j->x;
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    *out = NULL;
    for (size_t i = 0; i < j->source_count; i++)
        if (j->sources[i][0] == '-')
            return cs_fail(
                err, CLIPSPAN_E_ARGUMENT,
                "columns of standard input cannot be read; put the list into a CSV file");
    options.root = x->images.root;
    options.where = x->images.where.items;
    options.where_count = x->images.where.count;
    options.path_column = path_column ? path_column : x->images.path_column;
    options.labels = labels;
    CS_TRY(clipspan_inputs_open(out, j->sources, j->source_count, &options, err));
    if (clipspan_inputs_get_count(*out) == clipspan_inputs_get_count(j->inputs)) return CLIPSPAN_OK;
    clipspan_inputs_close(out);
    return cs_fail(err, CLIPSPAN_E_IO, "the list of images changed while it was read");
}

/* Texts while they are collected; sorted places for finding equal ones come from a plain search,
 * since there are few different ones. */
typedef struct pool {
    char **items;
    size_t count, room;
} pool;

static void free_pool(pool *p)
{
    for (size_t i = 0; i < p->count; i++)
        cs_free(p->items[i]);
    cs_free(p->items);
}

/* The place of a text among those from `first` on, which are of one target; takes it over. */
static clipspan_status put_text(size_t *out, pool *p, size_t first, char *text, clipspan_error *err)
{
    clipspan_status status;
    for (*out = first; *out < p->count; ++*out)
        if (strcmp(p->items[*out], text) == 0) {
            cs_free(text);
            return CLIPSPAN_OK;
        }
    status = cs_grow(&p->items, &p->room, p->count + 1, sizeof *p->items, "texts", err);
    if (status != CLIPSPAN_OK) {
        cs_free(text);
        return status;
    }
    p->items[p->count++] = text;
    return CLIPSPAN_OK;
}

/* Replaces {column} in every image's sentence; an image without a value there gets NULL. */
static clipspan_status fill_column(char **filled, const cli_segment_job *j, const char *name,
                                   clipspan_error *err)
{
    const size_t count = clipspan_inputs_get_count(j->inputs), room = strlen(name) + 2;
    clipspan_inputs *column = NULL;
    clipspan_status status = cli_segment_column(&column, j, name, NULL, err);
    for (size_t i = 0; status == CLIPSPAN_OK && i < count; i++) {
        const char *value = clipspan_inputs_get_label(column, i);
        char *at = filled[i], *next;
        while (filled[i] && (at = strchr(at, '{')) != NULL) {
            size_t before = (size_t)(at - filled[i]), length = strlen(value);
            if (strncmp(at + 1, name, room - 2) != 0 || at[room - 1] != '}') {
                at++;
                continue;
            }
            next = length ? cs_alloc(strlen(filled[i]) + length + 1, 1, "a sentence", err) : NULL;
            if (length && !next) {
                status = CLIPSPAN_E_NOMEM;
                break;
            }
            if (next) {
                memcpy(next, filled[i], before);
                memcpy(next + before, value, length);
                strcpy(next + before + length, at + room);
            }
            cs_free(filled[i]);
            filled[i] = next;
            at = next ? next + before + length : NULL;
        }
    }
    clipspan_inputs_close(&column);
    return status;
}

/* The sentence with every {column} filled, for each image: [images], NULL without. */
static clipspan_status fill(char **filled, const cli_segment_job *j, const char *sentence,
                            clipspan_error *err)
{
    const size_t count = clipspan_inputs_get_count(j->inputs);
    const char *at = sentence;
    char name[256];
    for (size_t i = 0; i < count; i++) {
        filled[i] = cs_strdup(sentence, err);
        if (!filled[i]) return CLIPSPAN_E_NOMEM;
    }
    while ((at = strchr(at, '{')) != NULL) {
        size_t length = strcspn(++at, "}");
        if (!at[length] || length < 1 || length >= sizeof name)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "\"%.80s\": expected {COLUMN} with a column of the list", sentence);
        memcpy(name, at, length);
        name[length] = '\0';
        CS_TRY(fill_column(filled, j, name, err));
        at += length + 1;
    }
    return CLIPSPAN_OK;
}

static clipspan_status add_target(cli_segment_job *j, pool *p, const char *sentence, int sign,
                                  clipspan_error *err)
{
    const size_t count = clipspan_inputs_get_count(j->inputs);
    clipspan_segment_target *t = &j->targets[j->target_count];
    size_t *texts = j->text_of[j->target_count++] =
        cs_alloc(count, sizeof *texts, "texts of images", err);
    char **filled = cs_alloc_zero(count, sizeof *filled, "sentences", err);
    clipspan_status status = filled && texts ? fill(filled, j, sentence, err) : CLIPSPAN_E_NOMEM;
    t->sign = sign;
    t->first = p->count;
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        char *text = filled[i];
        filled[i] = NULL;
        texts[i] = CLIPSPAN_NO_TEXT;
        if (text) status = put_text(&texts[i], p, t->first, text, err);
    }
    t->count = p->count - t->first;
    if (status == CLIPSPAN_OK && t->count == 0)
        status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                         "\"%.80s\": no image of the list has a value in that column", sentence);
    for (size_t i = 0; filled && i < count; i++)
        cs_free(filled[i]);
    cs_free(filled);
    return status;
}

static clipspan_status from_sentences(cli_segment_job *j, clipspan_error *err)
{
    const cli_segment_settings *x = j->x;
    clipspan_status status = CLIPSPAN_OK;
    pool p = {NULL, 0, 0};
    for (size_t i = 0; i < x->target.count && status == CLIPSPAN_OK; i++)
        status = add_target(j, &p, x->target.items[i], 1, err);
    for (size_t i = 0; i < x->against.count && status == CLIPSPAN_OK; i++)
        status = add_target(j, &p, x->against.items[i], -1, err);
    if (status == CLIPSPAN_OK)
        status = clipspan_texts_new(&j->texts, (const char *const *)p.items, NULL, p.count, err);
    free_pool(&p);
    return status;
}

/* One target: the class that the label says, or the likeliest. */
static clipspan_status from_classes(cli_segment_job *j, clipspan_error *err)
{
    const size_t count = clipspan_inputs_get_count(j->inputs);
    clipspan_segment_target *t = &j->targets[j->target_count++];
    clipspan_status status;
    cli_class_index index;
    size_t *texts;
    t->sign = 1;
    t->count = clipspan_texts_get_count(j->classes);
    if (!j->x->images.labels) return CLIPSPAN_OK;
    j->text_of[0] = texts = cs_alloc(count, sizeof *texts, "classes of images", err);
    if (!texts) return CLIPSPAN_E_NOMEM;
    status = cli_class_index_init(&index, j->classes, err);
    if (status == CLIPSPAN_OK) status = cli_class_index_check(&index, j->inputs, err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        texts[i] = cli_class_index_find(&index, clipspan_inputs_get_label(j->inputs, i));
        if (texts[i] == CLI_NO_CLASS) texts[i] = CLIPSPAN_NO_TEXT;
    }
    cli_class_index_fini(&index);
    return status;
}

clipspan_status cli_segment_targets(cli_segment_job *j, clipspan_error *err)
{
    const cli_segment_settings *x = j->x;
    const size_t sentences = x->target.count + x->against.count, count = sentences ? sentences : 1;
    j->targets = cs_alloc_zero(count, sizeof *j->targets, "targets", err);
    j->text_of = cs_alloc_zero(count, sizeof *j->text_of, "targets", err);
    if (!j->targets || !j->text_of) return CLIPSPAN_E_NOMEM;
    return sentences ? from_sentences(j, err) : from_classes(j, err);
}

void cli_segment_targets_free(cli_segment_job *j)
{
    for (size_t i = 0; i < j->target_count; i++)
        cs_free(j->text_of[i]);
    cs_free(j->text_of);
    cs_free(j->targets);
}
