/* SPDX-License-Identifier: MIT */
/* Labels, groups and predictions of a run's images, and the accuracy that follows. */
#include "study/evaluation.h"
#include "base/memory.h"
#include "decompose/compare.h"
#include "study/labels.h"

#include <clipspan/run.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

clipspan_share cs_share_of(uint64_t correct, uint64_t images)
{
    const double unknown = (double)NAN;
    clipspan_share out = {images, correct, unknown, unknown, unknown};
    if (images == 0) return out;
    out.share = (double)correct / (double)images;
    cs_wilson(&out.low, &out.high, correct, images);
    return out;
}

void cs_evaluation_answers(uint8_t *answers, const cs_evaluation *ev, const uint32_t *predicted)
{
    for (size_t i = 0; i < ev->N; i++)
        answers[i] = ev->labels[i] < 0 ? CS_NO_ANSWER : predicted[i] == (uint32_t)ev->labels[i];
}

static clipspan_status take_room(cs_evaluation *ev, clipspan_error *err)
{
    ev->N = cs_effects_rows(ev->effects);
    ev->labels = cs_alloc(ev->N, sizeof *ev->labels, "labels", err);
    ev->groups = cs_alloc(ev->N, sizeof *ev->groups, "groups", err);
    ev->predicted = cs_alloc(ev->N, sizeof *ev->predicted, "predictions", err);
    return ev->labels && ev->groups && ev->predicted ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static void copy_labels(cs_evaluation *ev, const cs_evaluation_wish *w, uint64_t *labelled)
{
    for (size_t i = 0; i < ev->N; i++) {
        ev->labels[i] = w->labels[i];
        ev->groups[i] = w->groups ? w->groups[i] : -1;
        *labelled += w->labels[i] >= 0;
    }
}

/* Groups of the texts; those of images without a label only where no image has one. */
static clipspan_status match_groups(cs_evaluation *ev, const cs_label_texts *texts,
                                    uint64_t labelled, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    const char **names = NULL;
    size_t count = 0;
    uint8_t *counted = cs_alloc(ev->N, 1, "labels", err);
    if (!counted) return status;
    for (size_t i = 0; i < ev->N; i++)
        counted[i] = ev->labels[i] >= 0;
    status = cs_labels_group(ev->groups, &names, &count, texts, labelled ? counted : NULL, err);
    if (status == CLIPSPAN_OK) status = cs_facts_groups(&ev->facts, names, count, err);
    cs_free(names);
    cs_free(counted);
    return status;
}

static clipspan_status read_labels(cs_evaluation *ev, const cs_evaluation_wish *w,
                                   uint64_t *labelled, clipspan_error *err)
{
    const char *source = w->source ? w->source : "the list of labels";
    cs_label_texts texts;
    clipspan_status status =
        cs_labels_read(&texts, cs_effects_run_of(ev->effects), w->inputs, source, err);
    CS_TRY_DONE(status);
    CS_TRY_DONE(cs_labels_match(ev->labels, labelled, &texts, w->class_keys,
                                cs_effects_classes(ev->effects), err));
    CS_TRY_DONE(match_groups(ev, &texts, *labelled, err));
    if (w->inputs && *labelled == 0)
        status = cs_fail_at(err, CLIPSPAN_E_ARGUMENT, source, "no image of the run has a label");
done:
    cs_labels_fini(&texts);
    return status;
}

/* "means over the 200 images of RUN, the evaluated images themselves, as published" */
static clipspan_status say_means(cs_evaluation *ev, clipspan_error *err)
{
    const clipspan_run_info *info = cs_run_info(cs_effects_run_of(ev->means));
    char words[512];
    snprintf(words, sizeof words, "means over the %llu image%s of %.300s%s",
             (unsigned long long)info->used, info->used == 1 ? "" : "s", info->path,
             ev->means != ev->effects ? "" : ", the evaluated images themselves, as published");
    return cs_facts_keep(&ev->facts.info.means, &ev->facts, words, err);
}

static clipspan_status say_facts(cs_evaluation *ev, const cs_evaluation_wish *w, uint64_t labelled,
                                 clipspan_error *err)
{
    clipspan_evaluation_info *info = &ev->facts.info;
    const char *source = w->source                ? w->source
                         : w->labels || w->inputs ? "as given"
                                                  : "as the run was scanned";
    info->images = ev->N;
    info->agreement = labelled == 0;
    info->counted = labelled ? labelled : ev->N;
    info->unlabelled = ev->N - info->counted;
    for (size_t i = 0; i < ev->N && info->groups; i++)
        info->ungrouped += ev->labels[i] >= 0 && ev->groups[i] < 0;
    CS_TRY(cs_facts_keep(&info->run, &ev->facts, cs_run_info(cs_effects_run_of(ev->effects))->path,
                         err));
    CS_TRY(cs_facts_keep(&info->source, &ev->facts, labelled ? source : NULL, err));
    return say_means(ev, err);
}

/* Shares of all counted images, of classes and of groups. */
static clipspan_status count_right(cs_evaluation *ev, clipspan_error *err)
{
    const size_t classes = ev->facts.info.classes, groups = ev->facts.info.groups;
    uint64_t all = 0, right = 0;
    ev->per_class = cs_alloc_zero(classes, sizeof *ev->per_class, "classes", err);
    ev->per_group = cs_alloc_zero(groups, sizeof *ev->per_group, "groups", err);
    if (!ev->per_class || !ev->per_group) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < ev->N; i++) {
        const int32_t label = ev->labels[i], group = ev->groups[i];
        const int good = label >= 0 && ev->predicted[i] == (uint32_t)label;
        if (label < 0) continue;
        all++;
        right += (uint64_t)good;
        ev->per_class[label].images++;
        ev->per_class[label].correct += (uint64_t)good;
        if (group < 0) continue;
        ev->per_group[group].images++;
        ev->per_group[group].correct += (uint64_t)good;
    }
    ev->accuracy = cs_share_of(right, all);
    for (size_t c = 0; c < classes; c++)
        ev->per_class[c] = cs_share_of(ev->per_class[c].correct, ev->per_class[c].images);
    ev->worst_group = -1;
    for (size_t g = 0; g < groups; g++) {
        clipspan_share *s = &ev->per_group[g];
        *s = cs_share_of(s->correct, s->images);
        if (s->images && (ev->worst_group < 0 || s->share < ev->per_group[ev->worst_group].share))
            ev->worst_group = (int32_t)g;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_evaluation_make(cs_evaluation *ev, cs_effects *effects, cs_effects *means,
                                   const cs_evaluation_wish *w, clipspan_error *err)
{
    const cs_edit nothing = {NULL, 0};
    uint64_t labelled = 0;
    ev->effects = effects;
    ev->means = means ? means : effects;
    CS_TRY(take_room(ev, err));
    CS_TRY(cs_facts_classes(&ev->facts, w->class_names, cs_effects_classes(effects), err));
    if (w->labels) {
        copy_labels(ev, w, &labelled);
        CS_TRY(cs_facts_groups(&ev->facts, w->group_names, w->groups ? w->group_count : 0, err));
    } else {
        CS_TRY(read_labels(ev, w, &labelled, err));
    }
    CS_TRY(cs_effects_run(ev->predicted, NULL, NULL, effects, &nothing, 1, NULL, err));
    for (size_t i = 0; i < ev->N && labelled == 0; i++)
        ev->labels[i] = (int32_t)ev->predicted[i];
    CS_TRY(say_facts(ev, w, labelled, err));
    return count_right(ev, err);
}

void cs_evaluation_fini(cs_evaluation *ev)
{
    cs_facts_fini(&ev->facts);
    cs_free(ev->labels);
    cs_free(ev->groups);
    cs_free(ev->predicted);
    cs_free(ev->per_class);
    cs_free(ev->per_group);
    memset(ev, 0, sizeof *ev);
}
