/* SPDX-License-Identifier: MIT */
/* clipspan: CLIP's image representation, decomposed exactly.
 *
 * These headers are the whole contract: what they do not state is not promised. A complete program:
 *
 *     #include <clipspan/clipspan.h>
 *     #include <stdio.h>
 *
 *     int main(int argc, char **argv)
 *     {
 *         clipspan_error err;
 *         clipspan_model *model = NULL;
 *         clipspan_encoder *encoder = NULL;
 *         clipspan_encoder_options opt = CLIPSPAN_ENCODER_OPTIONS_INIT;
 *         float embedding[4096];
 *         const char *path = argv[argc - 1];
 *         int failed = clipspan_model_open(&model, argv[1], NULL, &err);
 *         opt.single = 1;
 *         if (!failed) failed = clipspan_encoder_new(&encoder, model, &opt, &err);
 *         if (!failed)
 *             failed = clipspan_encoder_run_files(embedding, NULL, encoder, &path, 1, &err);
 *         if (failed) fprintf(stderr, "%s\n", err.message);
 *         else printf("first number of the unit embedding: %g\n", (double)embedding[0]);
 *         clipspan_encoder_free(&encoder);
 *         clipspan_model_close(&model);
 *         return failed != CLIPSPAN_OK;
 *     }
 *
 * Conventions
 *   Errors     A call that can fail returns a clipspan_status (0 is success) and fills the caller's
 *              clipspan_error, which may be NULL: one sentence that names the file, tensor or
 *              option, what was expected and what was found.
 *   Ownership  `const T *` arguments are borrowed for the call. Constructors write a handle to *out
 *              (NULL on failure); `free` and `close` take T **, set it to NULL and accept NULL.
 *              Strings that a handle returns live as long as it. Buffers for results are yours.
 *   Threads    A model, texts, bank, span, inputs, run and atlas handle is immutable once made and
 *              shared freely between threads; others where their header says so. An encoder, a
 *              decomposition, statistics, maps and an npy handle is used by one thread at a time.
 *   Options    Option structs start with struct_size; initialise them with their ..._INIT macro.
 *              Zero means default. They grow at the end: a struct of an older header lacks what
 *              came later and gets zeros; one of a newer header is accepted while what this
 *              library does not know is zero. One in another is given by pointer, NULL: defaults.
 *   Results    What a getter points to lives as long as the handle. Result structs may grow at
 *              their end and hold other structs by pointer; those that stay as they are say so.
 *   Process    The library never prints, exits, installs signal handlers or changes anything of the
 *              whole process, the threads of a BLAS or the level of oneDNN included. A program
 *              that links an OpenBLAS with threads of its own starts with OPENBLAS_NUM_THREADS=1
 *              or calls openblas_set_num_threads(1): they compete with the library's, and their
 *              number shows in last bits. CLIPSPAN_CPU forces the library's kernels down;
 *              ONEDNN_MAX_CPU_ISA (AVX2, SSE41), set before the first call, forces oneDNN down.
 *              Do not fork after the first call that computes: worker threads do not follow.
 *   Shapes     B images, T texts, L layers, H heads, N tokens (class token first), D width,
 *              K head width (D = H K), P width of the joint image-text embedding space, C context
 *              length. Arrays are row-major; shapes are written outermost first. */
#ifndef CLIPSPAN_CLIPSPAN_H
#define CLIPSPAN_CLIPSPAN_H

#include <clipspan/atlas.h>
#include <clipspan/base.h>
#include <clipspan/classify.h>
#include <clipspan/decompose.h>
#include <clipspan/draw.h>
#include <clipspan/edit.h>
#include <clipspan/effects.h>
#include <clipspan/encode.h>
#include <clipspan/explain.h>
#include <clipspan/model.h>
#include <clipspan/npy.h>
#include <clipspan/paths.h>
#include <clipspan/remedy.h>
#include <clipspan/report.h>
#include <clipspan/run.h>
#include <clipspan/search.h>
#include <clipspan/segment.h>
#include <clipspan/span.h>
#include <clipspan/study.h>

#endif
