/* SPDX-License-Identifier: MIT */
/* Pillow's antialiased resize (its Resample.c), byte for byte, of the kept pixels only: two passes,
 * one a direction, each rounded to the mode; a direction whose size does not change has none. As in
 * Pillow 13 the vertical pass comes first when it takes away more than twice as many rows as the
 * other one takes columns; before that version the horizontal one always did.
 *
 * Source rows stream through: each is resampled sideways if that comes first, and added, times its
 * weight, to the output rows that it reaches. Besides the result, memory holds one row, and sums
 * for as many output rows as one source row reaches.
 *
 * 16-bit grey is summed in double, in Pillow's order, rounded half away from zero and clipped. (The
 * clipping, too, is Pillow 13's: older ones clip each byte.) */
#include "image/resize.h"

#include <string.h>

#include "base/memory.h"
#include "image/convert.h"

#define HALF (1 << 21)

/* Everything that one resize has in hand. */
typedef struct resize_work {
    cs_weights x, y;
    unsigned char *row; /* one row between the passes */
    void *sums;         /* [ring, lanes] int32_t, or double for 16-bit grey */
    size_t lanes;       /* samples of a row that are summed */
    size_t skip;        /* bytes of a source row before them */
    int ring;           /* output rows that are unfinished at one time */
    int wide;           /* 16-bit grey */
    int down_first;     /* the vertical pass comes first */
} resize_work;

static uint16_t round16(double sum)
{
    const int whole = (int)(sum >= 0.0 ? sum + 0.5 : sum - 0.5);
    return (uint16_t)(whole < 0 ? 0 : whole > 65535 ? 65535 : whole);
}

static void row16(unsigned char *out, const unsigned char *in, const cs_weights *weights)
{
    int i, j;
    for (i = 0; i < weights->count; i++) {
        const double *weight = weights->real + (size_t)i * (size_t)weights->room;
        const unsigned char *from = in + 2 * (size_t)weights->min[i];
        double sum = 0.0;
        uint16_t value;
        for (j = 0; j < weights->max[i] - weights->min[i]; j++) {
            memcpy(&value, from + 2 * (size_t)j, 2);
            sum += value * weight[j];
        }
        value = round16(sum);
        memcpy(out + 2 * (size_t)i, &value, 2);
    }
}

/* The most output rows that one source row, or two neighbours, reach. min and max never fall. */
static int most_open(const cs_weights *weights)
{
    int most = 1, first, end = 0;
    for (first = 0; first < weights->count; first++) {
        while (end < weights->count && weights->min[end] < weights->max[first])
            end++;
        if (end - first > most) most = end - first;
    }
    return most;
}

static void open_row(resize_work *work, int output)
{
    const size_t start = (size_t)(output % work->ring) * work->lanes;
    size_t i;
    if (work->wide)
        memset((double *)work->sums + start, 0, work->lanes * sizeof(double));
    else
        for (i = 0; i < work->lanes; i++)
            ((int32_t *)work->sums)[start + i] = HALF;
}

static void add_row(resize_work *work, int output, const unsigned char *row, int tap,
                    const cs_resize_kernels *kernels)
{
    const size_t start = (size_t)(output % work->ring) * work->lanes;
    const size_t at = (size_t)output * (size_t)work->y.room + (size_t)tap;
    size_t i;
    if (work->wide) {
        double *sums = (double *)work->sums + start;
        for (i = 0; i < work->lanes; i++) {
            uint16_t value;
            memcpy(&value, row + 2 * i, 2);
            sums[i] += value * work->y.real[at];
        }
    } else
        kernels->add((int32_t *)work->sums + start, row, work->lanes, work->y.fixed[at]);
}

static void close_row(unsigned char *out, const resize_work *work, int output,
                      const cs_resize_kernels *kernels)
{
    const size_t start = (size_t)(output % work->ring) * work->lanes;
    size_t i;
    if (work->wide)
        for (i = 0; i < work->lanes; i++) {
            const uint16_t value = round16(((const double *)work->sums)[start + i]);
            memcpy(out + 2 * i, &value, 2);
        }
    else
        kernels->clip(out, (const int32_t *)work->sums + start, work->lanes);
}

/* The horizontal pass of one row. */
static void across(unsigned char *out, const unsigned char *row, const resize_work *work,
                   const cs_raster *image, const cs_resize_kernels *kernels)
{
    if (work->wide)
        row16(out, row, &work->x);
    else if (cs_mode_bytes(image->mode) == 1)
        kernels->row1(out, row, &work->x);
    else
        kernels->row4(out, row, &work->x);
}

/* The samples of source row y that are summed: after the horizontal pass, unless that comes last or
 * not at all. */
static const unsigned char *source_row(resize_work *work, const cs_raster *image, int y,
                                       const cs_plan *plan, const cs_resize_kernels *kernels)
{
    const size_t size = (size_t)cs_mode_bytes(image->mode);
    const unsigned char *from = image->data + (size_t)y * (size_t)image->width * size;
    if (work->down_first || plan->x.in == plan->x.out) return from + work->skip;
    across(work->row, from, work, image, kernels);
    return work->row;
}

static void resample(unsigned char *out, resize_work *work, const cs_raster *image,
                     const cs_plan *plan, const cs_resize_kernels *kernels)
{
    const size_t bytes = (size_t)plan->x.count * (size_t)cs_mode_bytes(image->mode);
    int y, i, first = 0, opened = 0;
    if (plan->y.in == plan->y.out) {
        for (y = 0; y < plan->y.count; y++)
            memcpy(out + (size_t)y * bytes,
                   source_row(work, image, plan->y.first + y, plan, kernels), bytes);
        return;
    }
    for (y = work->y.min[0]; first < plan->y.count; y++) {
        const unsigned char *row = source_row(work, image, y, plan, kernels);
        while (opened < plan->y.count && work->y.min[opened] <= y)
            open_row(work, opened++);
        for (i = first; i < opened; i++)
            if (y < work->y.max[i]) add_row(work, i, row, y - work->y.min[i], kernels);
        for (; first < opened && work->y.max[first] <= y + 1; first++) {
            unsigned char *to = out + (size_t)first * bytes;
            if (work->down_first) {
                close_row(work->row + work->skip, work, first, kernels);
                across(to, work->row, work, image, kernels);
            } else
                close_row(to, work, first, kernels);
        }
    }
}

static clipspan_status prepare(resize_work *work, const cs_raster *image, const cs_plan *plan,
                               clipspan_error *err)
{
    const size_t size = (size_t)cs_mode_bytes(image->mode);
    const int has_x = plan->x.in != plan->x.out, has_y = plan->y.in != plan->y.out;
    const int64_t fewer_x = (int64_t)plan->x.in - plan->x.out;
    const int64_t fewer_y = (int64_t)plan->y.in - plan->y.out;
    size_t pixels = (size_t)plan->x.count;
    work->wide = image->mode == CS_MODE_GREY16;
    work->down_first = has_x && has_y && fewer_y > 0 && fewer_y > 2 * fewer_x;
    if (has_x) CS_TRY(cs_weights_init(&work->x, &plan->x, plan->kernel, image->mode, err));
    if (has_y) CS_TRY(cs_weights_init(&work->y, &plan->y, plan->kernel, image->mode, err));
    if (work->down_first) { /* the columns that the kept ones are made of */
        work->skip = (size_t)work->x.min[0] * size;
        pixels = (size_t)(work->x.max[plan->x.count - 1] - work->x.min[0]);
    } else if (!has_x)
        work->skip = (size_t)plan->x.first * size;
    work->lanes = pixels * (work->wide ? 1 : size);
    if (has_y) {
        work->ring = most_open(&work->y);
        work->sums =
            cs_alloc(work->lanes * (size_t)work->ring,
                     work->wide ? sizeof(double) : sizeof(int32_t), "sums of resampled rows", err);
        if (!work->sums) return CLIPSPAN_E_NOMEM;
    }
    work->row = cs_alloc_zero(work->skip + pixels * size + CS_RASTER_SLACK, 1,
                              "a row between two passes", err);
    return work->row ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* Where each kept pixel lies in the source, or -1 behind its end. Pillow adds the step up from the
 * first pixel on, so its rounding errors are part of the result. */
static int *nearest_table(const cs_span *span, clipspan_error *err)
{
    const double step = (double)span->in / span->out;
    double at = step * 0.5;
    int i, *table = cs_alloc((size_t)span->count, sizeof *table, "a table of pixels", err);
    if (!table) return NULL;
    for (i = 0; i < span->first + span->count; i++, at += step)
        if (i >= span->first) table[i - span->first] = at < span->in ? (int)at : -1;
    return table;
}

static clipspan_status nearest(unsigned char *out, const cs_raster *image, const cs_plan *plan,
                               clipspan_error *err)
{
    int *from_x = nearest_table(&plan->x, err);
    int *from_y = from_x ? nearest_table(&plan->y, err) : NULL;
    int x, y;
    for (y = 0; from_y && y < plan->y.count; y++)
        for (x = 0; x < plan->x.count; x++)
            *out++ =
                from_x[x] < 0 || from_y[y] < 0
                    ? 0
                    : image->data[(size_t)from_y[y] * (size_t)image->width + (size_t)from_x[x]];
    cs_free(from_x);
    cs_free(from_y);
    return from_y ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_resize(unsigned char **out, cs_raster *image, const cs_plan *plan,
                          const cs_resize_kernels *kernels, clipspan_error *err)
{
    const size_t count = (size_t)plan->x.count * (size_t)plan->y.count;
    const int weighted =
        image->mode == CS_MODE_RGBA && (plan->x.in != plan->x.out || plan->y.in != plan->y.out);
    resize_work work;
    clipspan_status status;
    memset(&work, 0, sizeof work);
    *out = cs_alloc(count, (size_t)cs_mode_bytes(image->mode), "a resized image", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    if (!kernels) kernels = cs_resize_best();
    if (image->mode == CS_MODE_BIT || image->mode == CS_MODE_INDEX) {
        status = nearest(*out, image, plan, err);
    } else {
        status = prepare(&work, image, plan, err);
        if (status == CLIPSPAN_OK) {
            if (weighted) cs_premultiply(image->data, (size_t)image->width * (size_t)image->height);
            resample(*out, &work, image, plan, kernels);
            if (weighted) cs_unpremultiply(*out, count);
        }
        cs_weights_fini(&work.x);
        cs_weights_fini(&work.y);
        cs_free(work.row);
        cs_free(work.sums);
    }
    if (status != CLIPSPAN_OK) {
        cs_free(*out);
        *out = NULL;
    }
    return status;
}
