/* SPDX-License-Identifier: MIT */
/* Random rotations of a head's output space: its covariance V^T L V becomes U^T L U with U
 * uniformly distributed over the orthogonal matrices. The spectrum stays and what the directions
 * mean is gone, so whatever a pool of texts finds in it is chance. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_ROTATION_NULL_H
#define CLIPSPAN_SRC_DECOMPOSE_ROTATION_NULL_H

#include "base/random.h"
#include "tensor/simd.h"

/* out : [q, q] orthonormal rows, uniformly distributed (Haar): normally distributed rows, made
 * orthonormal from the first on (Gram and Schmidt, twice).   work : [q] */
void cs_rotation_draw(double *out, double *work, size_t q, cs_random *random, const cs_simd *simd);

/* The first `rows` rows of such a matrix: out : [rows, q]   work : [rows] */
void cs_rotation_rows(double *out, double *work, size_t rows, size_t q, cs_random *random,
                      const cs_simd *simd);

/* A standard normal number (Box and Muller, one of the pair). */
double cs_random_normal(cs_random *random);

#endif
