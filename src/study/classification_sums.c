/* SPDX-License-Identifier: MIT */
/* Counts as accuracies with intervals. */
#include <clipspan/encode.h>
#include <math.h>

#include "base/memory.h"
#include "study/classification.h"
#include "study/evaluation.h"

/* Mean over the classes that have images. */
static double mean_of_classes(const cs_classification *c)
{
    double sum = 0;
    size_t with = 0, i;
    for (i = 0; i < c->info.classes; i++) {
        if (!c->classes[i].all) continue;
        sum += (double)c->classes[i].good / (double)c->classes[i].all;
        with++;
    }
    return with ? sum / (double)with : (double)NAN;
}

static int32_t find_worst(const cs_classification *c)
{
    const clipspan_share *groups = c->shares + c->info.classes;
    int32_t worst = -1;
    size_t i;
    for (i = 0; i < c->info.groups; i++)
        if (groups[i].images && (worst < 0 || groups[i].share < groups[worst].share))
            worst = (int32_t)i;
    return worst;
}

clipspan_status cs_classification_sum(cs_classification *c, clipspan_error *err)
{
    const size_t classes = c->info.classes, need = classes + c->info.groups;
    size_t room = c->rows_room, i;
    CS_TRY(cs_grow(&c->shares, &room, need, sizeof *c->shares, "accuracies", err));
    room = c->rows_room;
    CS_TRY(cs_grow(&c->rows, &room, need, sizeof *c->rows, "accuracies", err));
    c->rows_room = room;
    for (i = 0; i < need; i++) {
        const cs_tally *t = i < classes ? &c->classes[i] : &c->groups[i - classes];
        c->shares[i] = cs_share_of(t->good, t->all);
        c->rows[i].accuracy = &c->shares[i];
        c->rows[i].name = i < classes ? clipspan_bank_get_name(c->bank, i) : t->name;
        c->rows[i].key = i < classes ? c->keys[i] : NULL;
    }
    c->total = cs_share_of(c->good, c->all);
    c->among5 = cs_share_of(c->good5, c->all);
    c->info.accuracy = &c->total;
    c->info.top5 = classes > 5 ? &c->among5 : NULL;
    c->info.class_mean = mean_of_classes(c);
    c->info.worst_group = find_worst(c);
    return CLIPSPAN_OK;
}
