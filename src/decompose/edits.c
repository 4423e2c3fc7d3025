/* SPDX-License-Identifier: MIT */
/* Additions to class scores, and who wins. */
#include "decompose/edits.h"

void cs_edit_add(double *scores, const cs_edit_item *item, const double *said, size_t rows,
                 size_t classes, size_t Q)
{
    for (size_t i = 0; i < rows; i++) {
        double *to = scores + i * classes;
        const double *e = said + i * Q;
        if (item->own != 0.0)
            for (size_t c = 0; c < classes; c++)
                to[c] += item->own * e[c];
        if (item->constant)
            for (size_t c = 0; c < classes; c++)
                to[c] += item->constant[c];
        if (item->gain)
            for (size_t c = 0; c < classes; c++)
                to[c] -= e[item->column] * item->gain[c];
    }
}

size_t cs_best_class(const double *scores, size_t classes)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (scores[c] > scores[best]) best = c;
    return best;
}

double cs_margin_of(const double *scores, size_t classes, int32_t label)
{
    const size_t own = label < 0 ? cs_best_class(scores, classes) : (size_t)label;
    size_t other = own == 0 ? 1 : 0;
    for (size_t c = 0; c < classes; c++)
        if (c != own && scores[c] > scores[other]) other = c;
    return scores[own] - scores[other];
}
