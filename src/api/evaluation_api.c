/* SPDX-License-Identifier: MIT */
/* clipspan_evaluation: argument checks around study/evaluation.h. */
#include "api/evaluation_api.h"
#include "api/option_structs.h"
#include "base/memory.h"
#include "base/progress_part.h"
#include "study/labels.h"

#include <clipspan/run.h>
#include <string.h>

/* Before any work: both runs are merged, kept coefficients, and are of one model. */
static clipspan_status check_runs(const clipspan_run *run, const clipspan_run *means,
                                  clipspan_error *err)
{
    const clipspan_run_info *one = cs_run_info(run->run), *other;
    CS_TRY(cs_run_need_merged(run->run, err));
    CS_TRY(cs_run_need_coefficients(run->run, err));
    if (!means) return CLIPSPAN_OK;
    other = cs_run_info(means->run);
    if (strcmp(other->model_hash, one->model_hash) != 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, other->path,
                          "is a run of model %s (%.12s…), but %s one of %s (%.12s…); means come "
                          "from a run of the same model",
                          other->model_name, other->model_hash, one->path, one->model_name,
                          one->model_hash);
    CS_TRY(cs_run_need_merged(means->run, err));
    return cs_run_need_coefficients(means->run, err);
}

static clipspan_status check_labels(const clipspan_evaluation_options *o, uint64_t images,
                                    size_t classes, clipspan_error *err)
{
    if (o->labels && o->inputs)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "labels and inputs exclude each other: labels are taken from one of them");
    if (o->groups && (!o->labels || !o->group_names || o->group_count > INT32_MAX))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "groups need labels and group_names beside them");
    for (size_t g = 0; o->groups && g < o->group_count; g++)
        if (!o->group_names[g])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "group_names[%zu] is NULL", g);
    for (uint64_t i = 0; o->labels && i < images; i++) {
        if (o->labels[i] < -1 || o->labels[i] >= (int64_t)classes)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "label %ld of image %llu: expected -1 to %zu",
                           (long)o->labels[i], (unsigned long long)i, classes - 1);
        if (o->groups && (o->groups[i] < -1 || o->groups[i] >= (int64_t)o->group_count))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "group %ld of image %llu: expected -1 to %lld",
                           (long)o->groups[i], (unsigned long long)i,
                           (long long)o->group_count - 1);
    }
    return CLIPSPAN_OK;
}

static clipspan_status take_options(clipspan_evaluation_options *to,
                                    const clipspan_evaluation_options *options, clipspan_error *err)
{
    CS_TRY(CS_OPTIONS(to, options, clipspan_evaluation_options, err));
    if (to->effects && to->effects->like)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "an evaluation's effects have cues of their own; like must be NULL");
    return CLIPSPAN_OK;
}

/* keys : [count] what labels say, names : [count] what readers see; NULL: not wanted. */
static void name_classes(const char **keys, const char **names, const clipspan_bank *bank)
{
    for (size_t c = 0; c < clipspan_bank_get_count(bank); c++) {
        const char *name = clipspan_bank_get_name(bank, c), *key = clipspan_bank_get_key(bank, c);
        keys[c] = key && *key ? key : name;
        if (names) names[c] = name;
    }
}

static clipspan_status read_runs(clipspan_evaluation *ev, const clipspan_bank *bank,
                                 const clipspan_effects_options *options,
                                 const clipspan_progress *progress, clipspan_error *err)
{
    const size_t first = (size_t)cs_run_info(ev->run->run)->chunks;
    cs_progress_part part = {.whole = progress, .total = first};
    if (ev->means_run) part.total += (size_t)cs_run_info(ev->means_run->run)->chunks;
    CS_TRY(clipspan_effects_new(&ev->effects, ev->run, bank, options, cs_progress_of(&part), err));
    if (!ev->means_run) return CLIPSPAN_OK;
    part.before = first;
    return clipspan_effects_new(&ev->means, ev->means_run, bank, options, cs_progress_of(&part),
                                err);
}

static clipspan_status make(clipspan_evaluation *ev, const clipspan_bank *bank,
                            const clipspan_evaluation_options *o, const clipspan_progress *progress,
                            clipspan_error *err)
{
    const size_t classes = clipspan_bank_get_count(bank);
    const char **names = cs_alloc(2 * classes, sizeof *names, "classes", err);
    cs_evaluation_wish wish = {
        o->inputs,      o->labels, o->groups, o->group_names,
        o->group_count, o->source, names,     names ? names + classes : NULL};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (!names) return status;
    name_classes(names + classes, names, bank);
    status = read_runs(ev, bank, o->effects, progress, err);
    if (status == CLIPSPAN_OK)
        status = cs_evaluation_make(&ev->evaluation, ev->effects->effects,
                                    ev->means ? ev->means->effects : NULL, &wish, err);
    cs_free(names);
    return status;
}

clipspan_status clipspan_evaluation_new(clipspan_evaluation **out, const clipspan_run *run,
                                        const clipspan_bank *bank,
                                        const clipspan_evaluation_options *options,
                                        const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_evaluation_options o;
    clipspan_evaluation *ev;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_evaluation_new: an argument is NULL");
    CS_TRY(take_options(&o, options, err));
    CS_TRY(check_runs(run, o.means, err));
    CS_TRY(check_labels(&o, cs_run_info(run->run)->used, clipspan_bank_get_count(bank), err));
    ev = cs_alloc_zero(1, sizeof *ev, "an evaluation", err);
    if (!ev) return CLIPSPAN_E_NOMEM;
    ev->run = run;
    ev->means_run = o.means;
    status = make(ev, bank, &o, progress, err);
    if (status != CLIPSPAN_OK) clipspan_evaluation_free(&ev);
    *out = ev;
    return status;
}

void clipspan_evaluation_free(clipspan_evaluation **evaluation)
{
    if (!evaluation || !*evaluation) return;
    cs_evaluation_fini(&(*evaluation)->evaluation);
    clipspan_effects_free(&(*evaluation)->effects);
    clipspan_effects_free(&(*evaluation)->means);
    cs_free(*evaluation);
    *evaluation = NULL;
}

const clipspan_evaluation_info *clipspan_evaluation_get_info(const clipspan_evaluation *ev)
{
    return ev ? &ev->evaluation.facts.info : NULL;
}

const int32_t *clipspan_evaluation_get_labels(const clipspan_evaluation *ev)
{
    return ev ? ev->evaluation.labels : NULL;
}

const int32_t *clipspan_evaluation_get_groups(const clipspan_evaluation *ev)
{
    return ev ? ev->evaluation.groups : NULL;
}

const uint32_t *clipspan_evaluation_get_predicted(const clipspan_evaluation *ev)
{
    return ev ? ev->evaluation.predicted : NULL;
}

const clipspan_share *clipspan_evaluation_get_accuracy(const clipspan_evaluation *ev)
{
    return ev ? &ev->evaluation.accuracy : NULL;
}

const clipspan_share *clipspan_evaluation_get_class(const clipspan_evaluation *ev, size_t index)
{
    return ev && index < ev->evaluation.facts.info.classes ? &ev->evaluation.per_class[index]
                                                           : NULL;
}

const clipspan_share *clipspan_evaluation_get_group(const clipspan_evaluation *ev, size_t index)
{
    return ev && index < ev->evaluation.facts.info.groups ? &ev->evaluation.per_group[index] : NULL;
}

int32_t clipspan_evaluation_get_worst_group(const clipspan_evaluation *ev)
{
    return ev ? ev->evaluation.worst_group : -1;
}

clipspan_effects *clipspan_evaluation_get_effects(const clipspan_evaluation *ev)
{
    return ev ? ev->effects : NULL;
}

clipspan_effects *clipspan_evaluation_get_means(const clipspan_evaluation *ev)
{
    return ev ? ev->means : NULL;
}

void clipspan_evaluation_read_answers(uint8_t *answers, const clipspan_evaluation *ev,
                                      const uint32_t *predicted)
{
    if (answers && ev && predicted) cs_evaluation_answers(answers, &ev->evaluation, predicted);
}

clipspan_status clipspan_evaluation_read_labels(int32_t *labels, uint64_t *labelled,
                                                const clipspan_evaluation *ev,
                                                const clipspan_bank *bank,
                                                const clipspan_inputs *inputs, clipspan_error *err)
{
    const size_t classes = clipspan_bank_get_count(bank);
    cs_label_texts texts = {0};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    const char **keys;
    uint64_t known = 0;
    cs_clear(err);
    if (!labels || !ev || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_evaluation_read_labels: an argument is NULL");
    keys = cs_alloc(classes, sizeof *keys, "classes", err);
    if (!keys) return status;
    name_classes(keys, NULL, bank);
    CS_TRY_DONE(cs_labels_read(&texts, ev->run->run, inputs, "the list of labels", err));
    status = cs_labels_match(labels, &known, &texts, keys, classes, err);
done:
    if (labelled) *labelled = known;
    cs_labels_fini(&texts);
    cs_free(keys);
    return status;
}
