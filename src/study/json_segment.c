/* SPDX-License-Identifier: MIT */
/* Segmentations as JSON. */
#include <stdio.h>

#include "study/study_json.h"

static void put_real(cs_json_writer *json, const char *key, double value)
{
    cs_json_put_digits(json, key, value, CS_STUDY_DIGITS);
}

static void put_row(cs_json_writer *json, const clipspan_segmentation_row *row)
{
    static const char *const protocols[2] = {"aligned", "published"};
    static const char *const thresholds[2] = {"mean", "otsu"};
    char name[128];
    snprintf(name, sizeof name, "%s%s%.100s", row->method, row->role ? ":" : "",
             row->role ? row->role : "");
    cs_json_put_row(json, NULL);
    cs_json_put_text(json, "method", name);
    if (row->text) cs_json_put_text(json, "text", row->text);
    cs_json_put_text(json, "protocol", protocols[row->protocol]);
    cs_json_put_text(json, "threshold", thresholds[row->threshold]);
    put_real(json, "accuracy", row->accuracy);
    put_real(json, "miou", row->miou);
    put_real(json, "iou_background", row->iou[0]);
    put_real(json, "iou_foreground", row->iou[1]);
    put_real(json, "map", row->map);
    put_real(json, "pointing", row->pointing);
    if (row->runners_up) put_real(json, "nearer", (double)row->nearer / (double)row->runners_up);
    cs_json_put_end(json);
}

void cs_json_put_segmentation(cs_json_writer *json, const cs_mask_study *study,
                              const clipspan_segmentation_document *d)
{
    const clipspan_segmentation_info *x = &study->info;
    size_t i;
    cs_json_put_flag(json, "dry_run", d->dry_run);
    cs_json_put_text(json, "model", x->model);
    cs_json_put_text(json, "output", d->output);
    cs_json_put_text(json, "masks", d->masks);
    cs_json_put_text(json, "contrast", x->contrast);
    cs_json_put_text(json, "run", d->run);
    cs_json_put_text(json, "role", d->role);
    if (x->pool) cs_json_put_text(json, "pool", x->pool);
    cs_json_put_flag(json, "predicted", x->predicted || d->predicted);
    cs_json_put_whole(json, "heads", d->heads);
    cs_json_put_whole(json, "images", d->images ? d->images : x->images);
    cs_json_put_whole(json, "left_out", x->left_out);
    cs_json_put_whole(json, "skipped", d->skipped);
    cs_json_put_array(json, "scores");
    for (i = 0; !d->dry_run && i < x->rows; i++)
        put_row(json, &study->rows[i]);
    cs_json_put_end(json);
}
