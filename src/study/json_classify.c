/* SPDX-License-Identifier: MIT */
/* Classifications as JSON, while batches pass. */
#include "study/study_json.h"

#include <clipspan/encode.h>

static void put_real(cs_json_writer *json, const char *key, double value)
{
    cs_json_put_digits(json, key, value, CS_STUDY_DIGITS);
}

void cs_json_begin_classification(cs_json_writer *json, const cs_classification *c,
                                  const clipspan_classification_document *d)
{
    cs_json_put_flag(json, "dry_run", d->dry_run);
    cs_json_put_text(json, "model", d->model);
    cs_json_put_single(json, "logit_scale", (float)c->info.scale);
    cs_json_put_whole(json, "classes", c->info.classes);
    cs_json_put_whole(json, "templates", d->templates);
    cs_json_put_text(json, "output", d->output);
    if (d->rows) cs_json_put_array(json, "predictions");
}

static void put_prediction(cs_json_writer *json, const cs_classification *c,
                           const clipspan_prediction *p)
{
    size_t k;
    cs_json_put_row(json, NULL);
    cs_json_put_text(json, "path", p->path);
    cs_json_put_text(json, "status", p->error ? "skipped" : "ok");
    if (p->error) cs_json_put_text(json, "error", p->error);
    if (c->has_labels) cs_json_put_text(json, "label", p->label);
    if (c->has_groups) cs_json_put_text(json, "group", p->group);
    if (!p->error && p->truth >= 0) cs_json_put_flag(json, "correct", p->before == 0);
    cs_json_put_array(json, "classes");
    for (k = 0; k < p->count; k++) {
        cs_json_put_row(json, NULL);
        cs_json_put_text(json, "key", c->keys[p->likely[k].index]);
        cs_json_put_text(json, "class", clipspan_bank_get_name(c->bank, p->likely[k].index));
        put_real(json, "probability", p->likely[k].probability);
        cs_json_put_single(json, "score", p->likely[k].score);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
    cs_json_put_end(json);
}

void cs_json_put_predictions(cs_json_writer *json, const cs_classification *c)
{
    size_t i;
    for (i = 0; i < c->count; i++)
        put_prediction(json, c, &c->predictions[i]);
}

static void put_share(cs_json_writer *json, const clipspan_share *s)
{
    cs_json_put_whole(json, "images", s->images);
    cs_json_put_whole(json, "correct", s->correct);
    if (!s->images) return;
    put_real(json, "accuracy", s->share);
    put_real(json, "low", s->low);
    put_real(json, "high", s->high);
}

static void put_groups(cs_json_writer *json, const cs_classification *c)
{
    const clipspan_classification_row *groups = c->rows + c->info.classes;
    size_t i;
    if (!c->info.groups) return;
    cs_json_put_array(json, "per_group");
    for (i = 0; i < c->info.groups; i++) {
        cs_json_put_row(json, NULL);
        cs_json_put_text(json, "group", groups[i].name);
        put_share(json, groups[i].accuracy);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
    if (c->info.worst_group < 0) return;
    cs_json_put_row(json, "worst_group");
    cs_json_put_text(json, "group", groups[c->info.worst_group].name);
    put_share(json, groups[c->info.worst_group].accuracy);
    cs_json_put_end(json);
}

static void put_accuracy(cs_json_writer *json, const cs_classification *c)
{
    size_t i;
    cs_json_put_object(json, "overall");
    put_share(json, c->info.accuracy);
    put_real(json, "class_mean", c->info.class_mean);
    if (c->info.top5) put_real(json, "top5", c->info.top5->share);
    cs_json_put_end(json);
    cs_json_put_array(json, "per_class");
    for (i = 0; i < c->info.classes; i++) {
        cs_json_put_row(json, NULL);
        cs_json_put_text(json, "key", c->rows[i].key);
        cs_json_put_text(json, "class", c->rows[i].name);
        put_share(json, c->rows[i].accuracy);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
    put_groups(json, c);
}

void cs_json_end_classification(cs_json_writer *json, const cs_classification *c,
                                const clipspan_classification_document *d)
{
    if (d->rows) cs_json_put_end(json);
    cs_json_put_whole(json, "images", d->images ? d->images : c->info.images);
    cs_json_put_whole(json, "skipped", d->images ? d->skipped : c->info.skipped);
    cs_json_put_whole(json, "duplicates", d->duplicates);
    if (!d->dry_run && c->info.labelled) put_accuracy(json, c);
}
