/* SPDX-License-Identifier: MIT */
/* Figures of sets from what single images gave: means and medians of distances, shares with their
 * intervals, reasons why images were left out. */
#include "base/memory.h"
#include "base/owned.h"
#include "decompose/compare.h"
#include "study/edit_check.h"

#include <stdlib.h>

void cs_edit_figures_clear(cs_edit_check *e)
{
    const clipspan_share none = {0};
    for (size_t i = 0; e->reasons && i < e->info.reason_count; i++)
        cs_free(e->reasons[i]);
    e->info.asked = e->info.used = e->info.unreadable = e->info.labelled = 0;
    e->info.reason_count = e->info.compared = 0;
    e->info.bytes_after = e->info.parameters_after = 0;
    e->info.off = -1.0;
    e->before = none;
    for (size_t k = 0; k < e->info.sets; k++) {
        clipspan_edit_check_row *row = &e->rows[k];
        row->distance_mean = row->distance_median = row->distance_largest = row->moved_mean = 0.0;
        if (row->predicted) *(clipspan_share *)cs_owned(row->predicted) = none;
        if (row->network) *(clipspan_share *)cs_owned(row->network) = none;
    }
}

clipspan_status cs_edit_figures_unreadable(cs_edit_check *e, const clipspan_error *reason,
                                           clipspan_error *err)
{
    e->info.unreadable++;
    if (e->info.reason_count == CS_EDIT_REASONS) return CLIPSPAN_OK;
    if (!e->reasons)
        e->reasons = cs_alloc_zero(CS_EDIT_REASONS, sizeof *e->reasons, "reasons", err);
    if (!e->reasons) return CLIPSPAN_E_NOMEM;
    e->info.reasons = (const char *const *)e->reasons;
    e->reasons[e->info.reason_count] = cs_strdup(reason->message, err);
    if (!e->reasons[e->info.reason_count]) return CLIPSPAN_E_NOMEM;
    e->info.reason_count++;
    return CLIPSPAN_OK;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void finish_share(const clipspan_share *constant)
{
    clipspan_share *share = cs_owned(constant);
    if (!share || !share->images) return;
    share->share = (double)share->correct / (double)share->images;
    cs_wilson(&share->low, &share->high, share->correct, share->images);
}

static void sum_up(clipspan_edit_check_row *set, double *distances, size_t used)
{
    qsort(distances, used, sizeof *distances, by_size);
    for (size_t i = 0; i < used; i++)
        set->distance_mean += distances[i] / (double)used;
    set->distance_median =
        used % 2 ? distances[used / 2] : 0.5 * (distances[used / 2 - 1] + distances[used / 2]);
    set->distance_largest = distances[used - 1];
    set->moved_mean /= (double)used;
    finish_share(set->predicted);
    finish_share(set->network);
}

void cs_edit_figures_finish(cs_edit_check *e, double *distances, size_t stride)
{
    finish_share(&e->before);
    for (size_t k = 0; k < e->info.sets; k++)
        sum_up(&e->rows[k], distances + k * stride, e->info.used);
}
