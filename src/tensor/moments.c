/* SPDX-License-Identifier: MIT */
/* Moments as flat arrays: two passes over rows, and the pairwise merge. */
#include "tensor/moments.h"

#include <string.h>

size_t cs_moments_size(size_t width)
{
    return 1 + width + width * (width + 1) / 2;
}

double cs_moments_count(const double *moments)
{
    return moments[0];
}

const double *cs_moments_mean(const double *moments)
{
    return moments + 1;
}

const double *cs_moments_comoments(const double *moments, size_t width)
{
    return moments + 1 + width;
}

size_t cs_moments_at(size_t i, size_t j, size_t width)
{
    size_t row = i < j ? i : j, column = i < j ? j : i;
    return row * width - row * (row + 1) / 2 + column; /* of 0 … row - 1: width, width - 1 … */
}

/* Subtracts the rows' mean from them and adds it to `mean`. */
static void centre(double *mean, double *rows, size_t count, size_t stride, size_t width)
{
    size_t i, j;
    for (j = 0; j < width; j++) {
        double sum = 0.0;
        for (i = 0; i < count; i++)
            sum += rows[i * stride + j];
        sum /= (double)count;
        mean[j] += sum;
        for (i = 0; i < count; i++)
            rows[i * stride + j] -= sum;
    }
}

void cs_moments_of_rows(double *out, double *rows, size_t count, size_t stride, size_t width)
{
    double *mean = out + 1, *to = out + 1 + width;
    size_t i, j, r;
    memset(out, 0, cs_moments_size(width) * sizeof *out);
    if (count == 0) return;
    out[0] = (double)count;
    centre(mean, rows, count, stride, width);
    centre(mean, rows, count, stride, width); /* what rounding left of the mean */
    for (i = 0; i < width; to += width - i, i++)
        for (r = 0; r < count; r++) {
            const double *row = rows + r * stride;
            for (j = i; j < width; j++)
                to[j - i] += row[i] * row[j];
        }
}

void cs_moments_merge(double *into, const double *other, size_t width)
{
    double *mean = into + 1, *to = into + 1 + width;
    const double *theirs = other + 1, *from = other + 1 + width;
    double n = into[0] + other[0], part, weight;
    size_t i, j;
    if (other[0] == 0.0) return;
    if (into[0] == 0.0) {
        memcpy(into, other, cs_moments_size(width) * sizeof *into);
        return;
    }
    part = other[0] / n;
    weight = into[0] * part;
    for (i = 0; i < width; i++) {
        double step = (theirs[i] - mean[i]) * weight;
        for (j = i; j < width; j++)
            *to++ += *from++ + step * (theirs[j] - mean[j]);
    }
    for (i = 0; i < width; i++)
        mean[i] += (theirs[i] - mean[i]) * part;
    into[0] = n;
}

/* out = M * scale + extra mean mean^T */
static void unpack(double *out, const double *moments, size_t width, double scale, double extra)
{
    const double *mean = moments + 1, *from = moments + 1 + width;
    size_t i, j;
    for (i = 0; i < width; i++)
        for (j = i; j < width; j++)
            out[i * width + j] = out[j * width + i] = *from++ * scale + extra * mean[i] * mean[j];
}

void cs_moments_get_covariance(double *out, const double *moments, size_t width)
{
    unpack(out, moments, width, moments[0] > 1.0 ? 1.0 / (moments[0] - 1.0) : 0.0, 0.0);
}

void cs_moments_get_second(double *out, const double *moments, size_t width)
{
    unpack(out, moments, width, moments[0] > 0.0 ? 1.0 / moments[0] : 0.0, 1.0);
}
