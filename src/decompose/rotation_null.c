/* SPDX-License-Identifier: MIT */
/* Haar-distributed orthogonal matrices from a seeded generator. */
#include "decompose/rotation_null.h"

#include <math.h>
#include <string.h>

#define TWO_PI 6.28318530717958647692

double cs_random_normal(cs_random *random)
{
    const double unit = 1.0 / 9007199254740992.0; /* 2^-53 */
    const double u = ((double)(cs_random_next(random) >> 11) + 0.5) * unit;
    const double angle = (double)(cs_random_next(random) >> 11) * unit * TWO_PI;
    return sqrt(-2.0 * log(u)) * cos(angle);
}

/* Takes the directions of the rows before it out of a row; returns the length of what is left. */
static double clear_row(double *row, const double *rows, size_t before, double *along, size_t q,
                        const cs_simd *simd)
{
    double square = 0.0;
    simd->rows_dot(along, rows, q, before, row, q);
    for (size_t j = 0; j < before; j++)
        along[j] = -along[j];
    simd->rows_add(row, rows, q, before, along, q);
    for (size_t j = 0; j < q; j++)
        square += row[j] * row[j];
    return sqrt(square);
}

void cs_rotation_draw(double *out, double *work, size_t q, cs_random *random, const cs_simd *simd)
{
    cs_rotation_rows(out, work, q, q, random, simd);
}

void cs_rotation_rows(double *out, double *work, size_t rows, size_t q, cs_random *random,
                      const cs_simd *simd)
{
    for (size_t i = 0; i < rows; i++) {
        double *row = out + i * q, length;
        do { /* a row without anything of its own has probability 0 */
            for (size_t j = 0; j < q; j++)
                row[j] = cs_random_normal(random);
            length = clear_row(row, out, i, work, q, simd);
        } while (!(length > 1e-6));
        length = clear_row(row, out, i, work, q, simd);
        for (size_t j = 0; j < q; j++)
            row[j] /= length;
    }
}
