/* SPDX-License-Identifier: MIT */
/* How long an image's pass takes before and after heads are removed: processor time on one core, so
 * that others on the machine do not count; in turns, so that both networks meet the same load; the
 * least, which was disturbed least. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "study/edit_check.h"

#include <clipspan/encode.h>
#include <clipspan/model.h>
#include <clipspan/run.h>
#include <time.h>

#define SECONDS 2.0 /* that all passes together take, about */
#define LEAST   5   /* passes of each at least */

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static clipspan_status open_encoder(clipspan_encoder **out, clipspan_model *model,
                                    const cs_edit_check *e, clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    options.precision = e->facts->precision;
    options.threads = 1;
    return clipspan_encoder_new(out, model, &options, err);
}

static clipspan_status take_turns(double seconds[2], clipspan_encoder *const *encoders,
                                  const uint8_t *pixels, float *embedding, clipspan_error *err)
{
    const double start = seconds_of(CLOCK_MONOTONIC);
    for (int turn = 0; turn < LEAST || seconds_of(CLOCK_MONOTONIC) - start < SECONDS; turn++)
        for (int i = 0; i < 2; i++) {
            const double begin = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
            double took;
            CS_TRY(clipspan_encoder_run_pixels(embedding, encoders[i], pixels, 1, err));
            took = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - begin;
            if (turn == 0 || took < seconds[i]) seconds[i] = took;
        }
    return CLIPSPAN_OK;
}

clipspan_status cs_edit_check_time(cs_edit_check *e, const char *written, clipspan_error *err)
{
    const clipspan_model_info *info = clipspan_model_get_info(e->model);
    const size_t count = 3 * (size_t)info->input_height * (size_t)info->input_width;
    clipspan_encoder *encoders[2] = {NULL, NULL};
    clipspan_model *model = NULL;
    double seconds[2] = {0.0, 0.0};
    uint8_t *pixels = cs_alloc_zero(count, 1, "pixels", err);
    float *embedding = cs_alloc((size_t)info->embed_width, sizeof *embedding, "a vector", err);
    clipspan_status status = pixels && embedding ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; status == CLIPSPAN_OK && i < count; i++)
        pixels[i] = (uint8_t)(i * 37 % 251);
    if (status == CLIPSPAN_OK) status = clipspan_model_open(&model, written, NULL, err);
    if (status == CLIPSPAN_OK) status = open_encoder(&encoders[0], e->model, e, err);
    if (status == CLIPSPAN_OK) status = open_encoder(&encoders[1], model, e, err);
    if (status == CLIPSPAN_OK) status = take_turns(seconds, encoders, pixels, embedding, err);
    if (status == CLIPSPAN_OK) {
        e->info.seconds_before = seconds[0];
        e->info.seconds_after = seconds[1];
    }
    clipspan_encoder_free(&encoders[0]);
    clipspan_encoder_free(&encoders[1]);
    clipspan_model_close(&model);
    cs_free(pixels);
    cs_free(embedding);
    return status;
}
