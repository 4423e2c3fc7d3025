/* SPDX-License-Identifier: MIT */
/* Sums over images as figures. */
#include "study/mask_study.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "study/evaluation.h"

const char *cs_mask_method_name(clipspan_segment_method method)
{
    static const char *const names[CS_MASK_METHODS] = {"clipspan", "attention", "rollout", "patch",
                                                       "value"};
    return names[method];
}

static double divide(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : 0.0;
}

/* The published figures (clipspan_segment_get). */
static void fill_row(clipspan_segmentation_row *row, const cs_mask_method *m,
                     const cs_mask_sums *sums, int protocol, int threshold)
{
    const clipspan_segment_score *s = &sums->score[protocol][threshold];
    const clipspan_share pointing = cs_share_of(sums->pointed, sums->score[0][0].images);
    memset(row, 0, sizeof *row);
    row->method = m->role ? "role" : cs_mask_method_name(m->kind);
    row->role = m->role;
    row->protocol = (clipspan_protocol)protocol;
    row->threshold = (clipspan_threshold)threshold;
    row->images = s->images;
    row->pixels = s->pixels;
    row->accuracy = divide(s->correct, s->pixels);
    row->iou[0] = divide(s->both[0], s->either[0]);
    row->iou[1] = divide(s->both[1], s->either[1]);
    row->miou = (row->iou[0] + row->iou[1]) / 2.0;
    row->map = s->images ? s->precision / (double)s->images : 0.0;
    row->pointed = sums->pointed;
    row->pointing = pointing.share;
    row->pointing_low = pointing.low;
    row->pointing_high = pointing.high;
    row->runners_up = sums->runners_up;
    row->nearer = sums->nearer;
}

static clipspan_status add_rows(cs_mask_study *s, const cs_mask_sums *sums, const char *text,
                                clipspan_error *err)
{
    size_t i;
    int k;
    for (i = 0; i < s->info.methods; i++)
        for (k = 0; k < 4; k++) {
            if (!s->judged[k / 2] || (text && !sums[i].score[k / 2][k % 2].images)) continue;
            CS_TRY(cs_grow(&s->rows, &s->row_room, s->info.rows + 1, sizeof *s->rows,
                           "figures of masks", err));
            fill_row(&s->rows[s->info.rows], &s->methods[i], &sums[i], k / 2, k % 2);
            s->rows[s->info.rows++].text = text;
        }
    return CLIPSPAN_OK;
}

clipspan_status cs_mask_rows(cs_mask_study *s, clipspan_error *err)
{
    const clipspan_segment_target *t = &s->targets[0];
    size_t i;
    s->info.rows = 0;
    CS_TRY(add_rows(s, s->sums, NULL, err));
    for (i = 0; s->per_text && i < t->count; i++)
        CS_TRY(add_rows(s, s->per_text + i * s->info.methods, s->names[t->first + i], err));
    return CLIPSPAN_OK;
}
