/* SPDX-License-Identifier: MIT */
/* Likely classes of a batch, and which of them are right. */
#include "study/classification.h"

#include <clipspan/encode.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/top.h"
#include "study/labels.h"

/* ---- Making one ---- */

void cs_classification_use_sigmoid(cs_classification *classification, double bias)
{
    classification->info.sigmoid = 1;
    classification->info.bias = bias;
}

void cs_classification_free(cs_classification **classification)
{
    cs_classification *c = classification ? *classification : NULL;
    size_t i;
    if (!c) return;
    for (i = 0; i < c->info.groups; i++)
        cs_free(c->groups[i].name);
    cs_free(c->groups);
    cs_free(c->classes);
    cs_free(c->keys);
    cs_free(c->shares);
    cs_free(c->rows);
    cs_free(c->predictions);
    cs_free(c->likely);
    cs_free(c);
    *classification = NULL;
}

clipspan_status cs_classification_new(cs_classification **out, const clipspan_bank *bank,
                                      double scale, size_t top, clipspan_error *err)
{
    const size_t count = clipspan_bank_get_count(bank);
    const cs_label_texts none = {NULL, NULL, NULL, 0};
    cs_classification *c = cs_alloc_zero(1, sizeof *c, "a classification", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    uint64_t labelled;
    int32_t nothing;
    size_t i;
    *out = NULL;
    if (!c) return CLIPSPAN_E_NOMEM;
    c->bank = bank;
    c->info.classes = count;
    c->info.top = top;
    c->info.scale = scale;
    c->keys = cs_alloc(count, sizeof *c->keys, "classes", err);
    c->classes = cs_alloc_zero(count, sizeof *c->classes, "classes", err);
    if (!c->keys || !c->classes) goto done;
    for (i = 0; i < count; i++) {
        const char *key = clipspan_bank_get_key(bank, i);
        c->keys[i] = key && *key ? key : clipspan_bank_get_name(bank, i);
    }
    CS_TRY_DONE(
        cs_labels_match(&nothing, &labelled, &none, c->keys, count, err)); /* no two equal */
    CS_TRY_DONE(cs_classification_sum(c, err));
    *out = c;
    c = NULL;
done:
    cs_classification_free(&c);
    return status;
}

/* ---- Labels ---- */

static int is_skipped(const clipspan_classification_batch *b, size_t i)
{
    return b->errors && b->errors[i].code != CLIPSPAN_OK;
}

static const char *text_of(const char *const *texts, size_t i)
{
    return texts && texts[i] ? texts[i] : "";
}

/* truth : [count] classes of the batch's labels. */
static clipspan_status match_labels(int32_t *truth, const cs_classification *c,
                                    const clipspan_classification_batch *b, clipspan_error *err)
{
    cs_label_texts texts = {NULL, NULL, NULL, b->count};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    uint64_t labelled;
    size_t bytes = 0, i;
    for (i = 0; i < b->count; i++)
        truth[i] = -1;
    if (!b->labels) return CLIPSPAN_OK;
    for (i = 0; i < b->count; i++)
        bytes += strlen(text_of(b->labels, i)) + 1;
    texts.text = cs_alloc(bytes, 1, "labels", err);
    texts.label = cs_alloc(b->count, sizeof *texts.label, "labels", err);
    if (texts.text && texts.label) {
        for (i = 0, bytes = 0; i < b->count; i++) {
            const char *label = text_of(b->labels, i);
            texts.label[i] = bytes;
            memcpy(texts.text + bytes, label, strlen(label) + 1);
            bytes += strlen(label) + 1;
        }
        status = cs_labels_match(truth, &labelled, &texts, c->keys, c->info.classes, err);
    }
    cs_free(texts.text);
    cs_free(texts.label);
    return status;
}

/* ---- Groups ---- */

static size_t find_group(const cs_classification *c, const char *name, int *found)
{
    size_t low = 0, high = c->info.groups;
    *found = 0;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(c->groups[middle].name, name);
        if (order == 0) {
            *found = 1;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Groups that the batch is the first to name; they count nothing yet. One that is not known in full
 * is none as long as no image of it counts. */
static clipspan_status list_groups(cs_classification *c, const clipspan_classification_batch *b,
                                   const int32_t *truth, clipspan_error *err)
{
    size_t i;
    for (i = 0; i < b->count; i++) {
        const char *name = text_of(b->groups, i);
        int found;
        const size_t at = find_group(c, name, &found);
        char *copy;
        if (!*name || found) continue;
        if (cs_labels_partly_empty(name) && (truth[i] < 0 || is_skipped(b, i))) continue;
        CS_TRY(cs_grow(&c->groups, &c->group_room, c->info.groups + 1, sizeof *c->groups, "groups",
                       err));
        copy = cs_strdup(name, err);
        if (!copy) return CLIPSPAN_E_NOMEM;
        memmove(c->groups + at + 1, c->groups + at, (c->info.groups - at) * sizeof *c->groups);
        memset(&c->groups[at], 0, sizeof *c->groups);
        c->groups[at].name = copy;
        c->info.groups++;
    }
    return CLIPSPAN_OK;
}

/* ---- One image ---- */

/* probability[c] = 1 / (1 + exp(-(scale score[c] + bias))): each class by itself */
static void sigmoids(double *probabilities, const float *scores, size_t count, double scale,
                     double bias)
{
    for (size_t i = 0; i < count; i++)
        probabilities[i] = 1.0 / (1.0 + exp(-(scale * (double)scores[i] + bias)));
}

/* probability[c] = exp(scale * (score[c] - max)) / sum */
static void soften(double *probabilities, const float *scores, size_t count, double scale)
{
    double most = (double)scores[0], sum = 0;
    size_t i;
    for (i = 1; i < count; i++)
        if ((double)scores[i] > most) most = (double)scores[i];
    for (i = 0; i < count; i++)
        sum += probabilities[i] = exp(scale * ((double)scores[i] - most));
    for (i = 0; i < count; i++)
        probabilities[i] /= sum;
}

/* How many classes come before `truth` among the likely ones. */
static size_t count_before(size_t truth, const float *scores, size_t count)
{
    size_t before = 0, i;
    for (i = 0; i < count; i++)
        before += scores[i] > scores[truth] || (i < truth && scores[i] >= scores[truth]);
    return before;
}

/* numbers : [classes + top]   best : [top] */
static void predict(clipspan_prediction *p, clipspan_likely_class *likely,
                    const cs_classification *c, const float *scores, double *numbers, size_t *best)
{
    const size_t classes = c->info.classes;
    cs_top top = {best, numbers + classes, c->info.top, 0};
    size_t i;
    if (c->info.sigmoid)
        sigmoids(numbers, scores, classes, c->info.scale, c->info.bias);
    else
        soften(numbers, scores, classes, c->info.scale);
    for (i = 0; i < classes; i++)
        cs_top_add(&top, i, (double)scores[i]);
    for (i = 0; i < top.count; i++) {
        likely[i].index = best[i];
        likely[i].probability = numbers[best[i]];
        likely[i].score = scores[best[i]];
    }
    p->likely = likely;
    p->count = top.count;
    if (p->truth >= 0) p->before = count_before((size_t)p->truth, scores, classes);
}

/* ---- A batch ---- */

typedef struct work {
    float *scores;   /* [count, classes] */
    int32_t *truth;  /* [count] */
    double *numbers; /* [classes + top] */
    size_t *best;    /* [top] */
} work;

static void free_work(work *w)
{
    cs_free(w->scores);
    cs_free(w->truth);
    cs_free(w->numbers);
    cs_free(w->best);
}

static clipspan_status make_room(work *w, cs_classification *c, size_t count, clipspan_error *err)
{
    const size_t top = c->info.top, classes = c->info.classes;
    size_t numbers, likely;
    if (!cs_size_mul(&numbers, count, classes) || !cs_size_mul(&likely, count, top)) {
        cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory: too many classes at once");
        return CLIPSPAN_E_NOMEM;
    }
    w->scores = cs_alloc(numbers, sizeof *w->scores, "scores", err);
    w->truth = cs_alloc(count, sizeof *w->truth, "labels", err);
    w->numbers = cs_alloc(classes + top, sizeof *w->numbers, "scores", err);
    w->best = cs_alloc(top, sizeof *w->best, "scores", err);
    if (!w->scores || !w->truth || !w->numbers || !w->best) return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_grow(&c->predictions, &c->batch_room, count, sizeof *c->predictions, "predictions",
                   err));
    return cs_grow(&c->likely, &c->likely_room, likely, sizeof *c->likely, "predictions", err);
}

static void count_image(cs_classification *c, const clipspan_prediction *p)
{
    int found;
    const size_t group = find_group(c, p->group, &found);
    const int good = p->before == 0;
    if (p->truth < 0) return;
    c->all++;
    c->good += (uint64_t)good;
    c->good5 += p->before < 5;
    c->classes[p->truth].all++;
    c->classes[p->truth].good += (uint64_t)good;
    if (!found) return;
    c->groups[group].all++;
    c->groups[group].good += (uint64_t)good;
}

static clipspan_status check_scores(const work *w, const cs_classification *c,
                                    const clipspan_classification_batch *b, clipspan_error *err)
{
    size_t i, k;
    for (i = 0; i < b->count; i++)
        for (k = 0; k < c->info.classes && !is_skipped(b, i); k++)
            if (!isfinite(w->scores[i * c->info.classes + k]))
                return cs_fail(err, CLIPSPAN_E_NUMBERS,
                               "the score of image %zu of the batch with class %zu is not finite",
                               i, k);
    return CLIPSPAN_OK;
}

static void classify(cs_classification *c, const clipspan_classification_batch *b, const work *w)
{
    size_t i;
    for (i = 0; i < b->count; i++) {
        clipspan_prediction *p = &c->predictions[i];
        memset(p, 0, sizeof *p);
        p->path = text_of(b->paths, i);
        p->label = text_of(b->labels, i);
        p->group = text_of(b->groups, i);
        p->truth = w->truth[i];
        c->info.images++;
        c->info.skipped += (uint64_t)is_skipped(b, i);
        if (is_skipped(b, i)) {
            p->error = b->errors[i].message;
            continue;
        }
        predict(p, c->likely + i * c->info.top, c, w->scores + i * c->info.classes, w->numbers,
                w->best);
        count_image(c, p);
    }
    c->count = b->count;
    c->has_labels = b->labels != NULL;
    c->has_groups = b->groups != NULL;
    c->info.labelled |= c->has_labels;
}

clipspan_status cs_classification_add(cs_classification *c, const clipspan_classification_batch *b,
                                      clipspan_error *err)
{
    clipspan_status status;
    work w = {NULL, NULL, NULL, NULL};
    c->count = 0;
    CS_TRY_DONE(make_room(&w, c, b->count, err));
    CS_TRY_DONE(match_labels(w.truth, c, b, err));
    CS_TRY_DONE(clipspan_bank_run_scores(w.scores, c->bank, b->embeddings, b->count, err));
    CS_TRY_DONE(check_scores(&w, c, b, err));
    CS_TRY_DONE(list_groups(c, b, w.truth, err));
    classify(c, b, &w);
    status = cs_classification_sum(c, err);
done:
    free_work(&w);
    return status;
}
