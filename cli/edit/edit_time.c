/* SPDX-License-Identifier: MIT */
/* How long an image's pass takes before and after heads are removed. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "cli/edit/edit_work.h"

#include <clipspan/clipspan.h>
#include <string.h>
#include <time.h>

#define SECONDS 2.0 /* that all runs together take, about */
#define LEAST   5   /* runs of each at least */

static clipspan_status open_encoder(clipspan_encoder **out, clipspan_model *model,
                                    const cli_edit_job *e, clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    options.precision = e->info->precision;
    options.threads = 1;
    return clipspan_encoder_new(out, model, &options, err);
}

/* Seconds that this process has computed: others on the machine do not count. */
static double computed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* In turns, so that both meet the same load; the least time is the one that was disturbed least. */
static clipspan_status run(cli_edit_job *e, clipspan_encoder *const *encoders,
                           const uint8_t *pixels, float *embedding, clipspan_error *err)
{
    const double start = cli_seconds();
    for (int turn = 0; turn < LEAST || cli_seconds() - start < SECONDS; turn++)
        for (int i = 0; i < 2; i++) {
            const double begin = computed();
            double took;
            CS_TRY(clipspan_encoder_run_pixels(embedding, encoders[i], pixels, 1, err));
            took = computed() - begin;
            if (turn == 0 || took < e->seconds[i]) e->seconds[i] = took;
        }
    return cli_keep_going(e->session, err);
}

clipspan_status cli_edit_time(cli_edit_job *e, const char *written, clipspan_error *err)
{
    const clipspan_model_info *info = clipspan_model_get_info(e->model);
    const size_t count = 3 * (size_t)info->input_height * (size_t)info->input_width;
    clipspan_encoder *encoders[2] = {NULL, NULL};
    clipspan_model *model = NULL;
    uint8_t *pixels = cs_alloc_zero(count, 1, "pixels", err);
    float *embedding = cs_alloc((size_t)info->embed_width, sizeof *embedding, "a vector", err);
    clipspan_status status = pixels && embedding ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; status == CLIPSPAN_OK && i < count; i++)
        pixels[i] = (uint8_t)(i * 37 % 251);
    if (status == CLIPSPAN_OK) status = clipspan_model_open(&model, written, NULL, err);
    if (status == CLIPSPAN_OK) status = open_encoder(&encoders[0], e->model, e, err);
    if (status == CLIPSPAN_OK) status = open_encoder(&encoders[1], model, e, err);
    if (status == CLIPSPAN_OK) status = run(e, encoders, pixels, embedding, err);
    clipspan_encoder_free(&encoders[0]);
    clipspan_encoder_free(&encoders[1]);
    clipspan_model_close(&model);
    cs_free(pixels);
    cs_free(embedding);
    cli_stage(e->session, "passes timed");
    return status;
}
