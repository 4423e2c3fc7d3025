/* SPDX-License-Identifier: MIT */
/* Weights of Pillow's resampling (its Resample.c): a kernel stretched by the reduction, so that it
 * smooths what it drops.
 *
 *   scale = in / out,  s = max(scale, 1),  centre = (i + 1/2) scale
 *   pixels int(centre - support s + 1/2) to int(centre + support s + 1/2) - 1, inside the image
 *   w_j = kernel((j - centre + 1/2) / s), divided by their sum, in double
 *   bicubic   Keys' cubic with a = -1/2, support 2       bilinear   a triangle, support 1
 *
 * Weights of 8-bit images are rounded to 22 fractional bits, half away from zero. Only those of
 * the kept pixels are computed: about 4 times the image's edge in numbers at most. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "image/resize.h"

#define FRACTION 22

static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static int32_t fix(double weight)
{
    const double scaled = weight * (1 << FRACTION);
    return (int32_t)(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* The weights of output pixel i in line[0 …], zeros behind them up to room. */
static void weigh(double *line, int room, int *min, int *max, int i, const cs_span *span,
                  clipspan_kernel kernel)
{
    const double scale = (double)span->in / span->out;
    const double stretch = scale < 1.0 ? 1.0 : scale;
    const double support = (kernel == CLIPSPAN_BICUBIC ? 2.0 : 1.0) * stretch;
    const double centre = (i + 0.5) * scale, step = 1.0 / stretch;
    double sum = 0.0;
    int j, first = (int)(centre - support + 0.5), end = (int)(centre + support + 0.5);
    if (first < 0) first = 0;
    if (end > span->in) end = span->in;
    for (j = 0; j < end - first; j++) {
        const double x = (j + first - centre + 0.5) * step;
        line[j] = kernel == CLIPSPAN_BICUBIC ? bicubic(x) : bilinear(x);
        sum += line[j];
    }
    if (sum != 0.0)
        for (j = 0; j < end - first; j++)
            line[j] /= sum;
    for (j = end - first; j < room; j++)
        line[j] = 0.0;
    *min = first;
    *max = end;
}

clipspan_status cs_weights_init(cs_weights *weights, const cs_span *span, clipspan_kernel kernel,
                                cs_mode mode, clipspan_error *err)
{
    const double scale = (double)span->in / span->out;
    const double support = (kernel == CLIPSPAN_BICUBIC ? 2.0 : 1.0) * (scale < 1.0 ? 1.0 : scale);
    const int real = mode == CS_MODE_GREY16;
    /* Never more than the image itself, made even for kernels that take two at a time. */
    const double widest = ceil(support) * 2 + 1;
    const int room = ((widest < span->in ? (int)widest : span->in) + 1) / 2 * 2;
    const size_t count = (size_t)span->count;
    size_t numbers;
    double *line = NULL;
    int i, j;
    memset(weights, 0, sizeof *weights);
    weights->count = span->count;
    weights->room = room;
    if (!cs_size_mul(&numbers, count, (size_t)room))
        return cs_fail_memory(err, SIZE_MAX, "resampling weights");
    weights->min = cs_alloc(count, sizeof *weights->min, "resampling weights", err);
    weights->max = cs_alloc(count, sizeof *weights->max, "resampling weights", err);
    line = cs_alloc(real ? numbers : (size_t)room, sizeof *line, "resampling weights", err);
    if (!real)
        weights->fixed = cs_alloc(numbers, sizeof *weights->fixed, "resampling weights", err);
    if (!weights->min || !weights->max || !line || (!real && !weights->fixed)) {
        cs_free(line);
        cs_weights_fini(weights);
        return CLIPSPAN_E_NOMEM;
    }
    for (i = 0; i < span->count; i++) {
        double *to = real ? line + (size_t)i * (size_t)room : line;
        weigh(to, room, &weights->min[i], &weights->max[i], span->first + i, span, kernel);
        for (j = 0; !real && j < room; j++)
            weights->fixed[(size_t)i * (size_t)room + (size_t)j] = fix(line[j]);
    }
    if (real)
        weights->real = line;
    else
        cs_free(line);
    return CLIPSPAN_OK;
}

void cs_weights_fini(cs_weights *weights)
{
    cs_free(weights->min);
    cs_free(weights->max);
    cs_free(weights->fixed);
    cs_free(weights->real);
    memset(weights, 0, sizeof *weights);
}
