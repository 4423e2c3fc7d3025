/* SPDX-License-Identifier: MIT */
/* LAPACK's symmetric eigen-problem, from a library that is loaded when it is first needed.
 *
 * The library, for wheels and packages, which have to bring it or depend on it:
 *
 *     liblapacke.so.3     LAPACKE 3.x with 32-bit integers (LP64): LAPACKE_dsyevd. Debian:
 *                         liblapacke. It brings in a BLAS and LAPACK, such as OpenBLAS.
 *
 * A BLAS that is linked is set up before main begins: an OpenBLAS starts its threads there, and
 * where it cannot have them or their memory it ends the process or tries for ever. Loaded late, it
 * is only there for commands that need it, after OPENBLAS_NUM_THREADS could be set, and with room.
 * Builds without CLIPSPAN_LATE (scripts/build-plain, other systems than Linux) link it. */
#ifndef CLIPSPAN_SRC_TENSOR_LAPACK_H
#define CLIPSPAN_SRC_TENSOR_LAPACK_H

#include "base/error.h"

#define CS_LAPACK_NO_MEMORY (-1010) /* LAPACK_WORK_MEMORY_ERROR */

/* LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', n, a, n, w), its result in *info. Errors: NOMEM;
 * UNSUPPORTED: the library is not there. */
clipspan_status cs_lapack_syevd(int *info, double *a, double *w, int n, clipspan_error *err);

#endif
