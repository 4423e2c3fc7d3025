/* SPDX-License-Identifier: MIT */
/* Matching labels with classes and counting what was right. */
#include "cli/in/score.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/in/texts.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define NAMED 10 /* unknown labels that a message lists */
#define SHOWN 20 /* classes that a table shows */

/* Key order of classes without a global: sorted as pairs. */
typedef struct keyed {
    const char *key;
    size_t index;
} keyed;

static int compare_keyed(const void *a, const void *b)
{
    return strcmp(((const keyed *)a)->key, ((const keyed *)b)->key);
}

static clipspan_status sort_classes(cli_score *score, clipspan_error *err)
{
    size_t count = score->class_count, i;
    keyed *pairs = cs_alloc(count, sizeof *pairs, "classes", err);
    score->order = cs_alloc(count, sizeof *score->order, "classes", err);
    score->per_class = cs_alloc_zero(count, sizeof *score->per_class, "classes", err);
    if (!pairs || !score->order || !score->per_class) {
        cs_free(pairs);
        return CLIPSPAN_E_NOMEM;
    }
    for (i = 0; i < count; i++) {
        pairs[i].key = cli_class_key(score->classes, i);
        pairs[i].index = i;
        score->per_class[i].name = clipspan_texts_get_text(score->classes, i);
    }
    qsort(pairs, count, sizeof *pairs, compare_keyed);
    for (i = 0; i < count; i++)
        score->order[i] = pairs[i].index;
    cs_free(pairs);
    return CLIPSPAN_OK;
}

size_t cli_score_class(const cli_score *score, const char *label)
{
    size_t low = 0, high = score->class_count;
    if (!*label) return CLI_NO_CLASS;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(cli_class_key(score->classes, score->order[middle]), label);
        if (order == 0) return score->order[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return CLI_NO_CLASS;
}

/* The tally with this name, put in its place when it is new; NULL when memory is short. */
static cli_tally *find_group(cli_score *score, size_t *room, const char *name, clipspan_error *err)
{
    size_t low = 0, high = score->group_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(score->per_group[middle].name, name);
        if (order == 0) return &score->per_group[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (!room) return NULL;
    if (cs_grow(&score->per_group, room, score->group_count + 1, sizeof *score->per_group, "groups",
                err) != CLIPSPAN_OK)
        return NULL;
    memmove(score->per_group + low + 1, score->per_group + low,
            (score->group_count - low) * sizeof *score->per_group);
    memset(&score->per_group[low], 0, sizeof *score->per_group);
    score->per_group[low].name = name;
    score->group_count++;
    return &score->per_group[low];
}

/* The labels that no class has, the first of them with the class that may be meant. */
static clipspan_status check_labels(const cli_score *score, const clipspan_inputs *inputs,
                                    clipspan_error *err)
{
    const char *unknown[NAMED], **keys, *meant;
    char list[600];
    size_t count = 0, known = 0, used = 0, total = clipspan_inputs_get_count(inputs), i, k;
    for (i = 0; i < total; i++) {
        const char *label = clipspan_inputs_get_label(inputs, i);
        if (*label) known += cli_score_class(score, label) != CLI_NO_CLASS;
        if (!*label || cli_score_class(score, label) != CLI_NO_CLASS) continue;
        for (k = 0; k < count && strcmp(unknown[k], label) != 0; k++)
            ;
        if (k == count && count < NAMED) unknown[count++] = label;
    }
    if (count == 0 && known == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--labels: no image has a label");
    if (count == 0) return CLIPSPAN_OK;
    for (k = 0; k < count && used < sizeof list; k++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%.80s\"", k ? ", " : "",
                                 unknown[k]);
    keys = cs_alloc(score->class_count, sizeof *keys, "classes", err);
    if (!keys) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < score->class_count; i++)
        keys[i] = cli_class_key(score->classes, i);
    meant = cs_nearest(unknown[0], keys, score->class_count);
    cs_fail(err, CLIPSPAN_E_ARGUMENT,
            "labels that no class has: %s%s%s%s%s%s; a class file says what labels mean, a line a "
            "class: label, tab, name",
            list, count == NAMED ? " and more" : "", meant ? " (did you mean \"" : "",
            meant ? meant : "", meant ? "\" for the first?)" : "", "");
    cs_free(keys);
    return CLIPSPAN_E_ARGUMENT;
}

clipspan_status cli_score_init(cli_score *score, const clipspan_inputs *inputs,
                               const clipspan_texts *classes, int labelled, clipspan_error *err)
{
    size_t room = 0, total = clipspan_inputs_get_count(inputs), i;
    memset(score, 0, sizeof *score);
    score->classes = classes;
    score->class_count = clipspan_texts_get_count(classes);
    score->labelled = labelled;
    score->has5 = score->class_count > 5;
    CS_TRY(sort_classes(score, err));
    if (!labelled) return CLIPSPAN_OK;
    CS_TRY(check_labels(score, inputs, err));
    for (i = 0; i < total; i++) {
        const char *group = clipspan_inputs_get_group(inputs, i);
        if (*group && !find_group(score, &room, group, err)) return CLIPSPAN_E_NOMEM;
    }
    return CLIPSPAN_OK;
}

void cli_score_fini(cli_score *score)
{
    cs_free(score->order);
    cs_free(score->per_class);
    cs_free(score->per_group);
    memset(score, 0, sizeof *score);
}

static void count(cli_tally *tally, int good)
{
    tally->all++;
    tally->good += (uint64_t)good;
}

void cli_score_add(cli_score *score, size_t truth, const char *group, size_t place)
{
    cli_tally *tally;
    score->all++;
    score->good += place == 0;
    score->good5 += place < 5;
    count(&score->per_class[truth], place == 0);
    tally = find_group(score, NULL, group, NULL);
    if (tally) count(tally, place == 0);
}

static double share(uint64_t good, uint64_t all)
{
    return all ? (double)good / (double)all : 0;
}

/* Of all groups with images the one with the lowest accuracy, or NULL. */
static const cli_tally *worst(const cli_score *score)
{
    const cli_tally *found = NULL;
    for (size_t i = 0; i < score->group_count; i++) {
        const cli_tally *t = &score->per_group[i];
        if (t->all && (!found || share(t->good, t->all) < share(found->good, found->all)))
            found = t;
    }
    return found;
}

/* Mean over the classes that have images. */
static double balanced(const cli_score *score)
{
    double sum = 0;
    size_t with = 0;
    for (size_t i = 0; i < score->class_count; i++) {
        if (!score->per_class[i].all) continue;
        sum += share(score->per_class[i].good, score->per_class[i].all);
        with++;
    }
    return with ? sum / (double)with : 0;
}

static void emit_tally(cli_json *j, uint64_t good, uint64_t all)
{
    double low, high;
    cli_interval(&low, &high, good, all);
    cli_json_whole(j, "images", all);
    cli_json_whole(j, "correct", good);
    if (!all) return;
    cli_json_real(j, "accuracy", share(good, all));
    cli_json_real(j, "low", low);
    cli_json_real(j, "high", high);
}

void cli_score_emit(const cli_score *score, cli_json *j)
{
    const cli_tally *lowest = worst(score);
    size_t i;
    if (!score->labelled) return;
    cli_json_object(j, "overall");
    emit_tally(j, score->good, score->all);
    cli_json_real(j, "class_mean", balanced(score));
    if (score->has5) cli_json_real(j, "top5", share(score->good5, score->all));
    cli_json_end(j);
    cli_json_array(j, "per_class");
    for (i = 0; i < score->class_count; i++) {
        cli_json_row(j, NULL);
        cli_json_text(j, "key", cli_class_key(score->classes, i));
        cli_json_text(j, "class", score->per_class[i].name);
        emit_tally(j, score->per_class[i].good, score->per_class[i].all);
        cli_json_end(j);
    }
    cli_json_end(j);
    if (!score->group_count) return;
    cli_json_array(j, "per_group");
    for (i = 0; i < score->group_count; i++) {
        cli_json_row(j, NULL);
        cli_json_text(j, "group", score->per_group[i].name);
        emit_tally(j, score->per_group[i].good, score->per_group[i].all);
        cli_json_end(j);
    }
    cli_json_end(j);
    if (!lowest) return;
    cli_json_row(j, "worst_group");
    cli_json_text(j, "group", lowest->name);
    emit_tally(j, lowest->good, lowest->all);
    cli_json_end(j);
}

static clipspan_status add_tally(cli_table *table, const cli_tally *t, clipspan_error *err)
{
    char text[4 * CLI_NUMBER_ROOM], part[CLI_NUMBER_ROOM], until[CLI_NUMBER_ROOM];
    double low, high;
    cli_interval(&low, &high, t->good, t->all);
    CS_TRY(cli_table_add(table, t->name, err));
    cli_format_count(part, t->all);
    CS_TRY(cli_table_add(table, part, err));
    cli_format_percent(part, share(t->good, t->all));
    CS_TRY(cli_table_add(table, part, err));
    cli_format_percent(part, low);
    cli_format_percent(until, high);
    snprintf(text, sizeof text, "%s to %s", part, until);
    return cli_table_add(table, text, err);
}

static int compare_accuracy(const void *a, const void *b)
{
    const cli_tally *x = a, *y = b;
    double p = share(x->good, x->all), q = share(y->good, y->all);
    return p < q ? -1 : p > q ? 1 : strcmp(x->name, y->name);
}

/* Tallies with images, the lowest accuracy first. */
static clipspan_status print_tallies(const cli_session *s, FILE *out, const char *what,
                                     const cli_tally *tallies, size_t total, clipspan_error *err)
{
    char headers[96];
    clipspan_status status = CLIPSPAN_OK;
    size_t with = 0, i;
    cli_table table;
    cli_tally *sorted = cs_alloc(total, sizeof *sorted, "accuracies", err);
    if (!sorted) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < total; i++)
        if (tallies[i].all) sorted[with++] = tallies[i];
    qsort(sorted, with, sizeof *sorted, compare_accuracy);
    snprintf(headers, sizeof headers, "%s|>images|>accuracy|>95 %% interval", what);
    cli_table_init(&table, headers);
    for (i = 0; i < with && i < SHOWN && status == CLIPSPAN_OK; i++)
        status = add_tally(&table, &sorted[i], err);
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

clipspan_status cli_score_print(const cli_score *score, const cli_session *s, FILE *out,
                                clipspan_error *err)
{
    char part[CLI_NUMBER_ROOM], from[CLI_NUMBER_ROOM], to[CLI_NUMBER_ROOM], all[CLI_NUMBER_ROOM],
        mean[CLI_NUMBER_ROOM], five[CLI_NUMBER_ROOM];
    const cli_tally *lowest = worst(score);
    double low, high;
    if (!score->labelled) return CLIPSPAN_OK;
    CS_TRY(print_tallies(s, out, "class", score->per_class, score->class_count, err));
    if (score->group_count)
        CS_TRY(print_tallies(s, out, "group", score->per_group, score->group_count, err));
    cli_interval(&low, &high, score->good, score->all);
    cli_format_percent(part, share(score->good, score->all));
    cli_format_percent(from, low);
    cli_format_percent(to, high);
    cli_format_count(all, score->all);
    cli_format_percent(mean, balanced(score));
    cli_format_percent(five, share(score->good5, score->all));
    cli_say_to(out, s,
               "accuracy %s of %s image%s (95 %% interval %s to %s), mean of classes %s%s%s", part,
               all, score->all == 1 ? "" : "s", from, to, mean,
               score->has5 ? ", among the first five " : "", score->has5 ? five : "");
    if (lowest) {
        cli_format_percent(part, share(lowest->good, lowest->all));
        cli_say_to(out, s, "worst group %s: %s", lowest->name, part);
    }
    return CLIPSPAN_OK;
}
