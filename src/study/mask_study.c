/* SPDX-License-Identifier: MIT */
/* Figures of every method for an image, and their sums over images. */
#include "study/mask_study.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"

/* ---- One image ---- */

typedef struct judging {
    cs_mask_study *study;
    const cs_mask_image *image;
    clipspan_error errors[CS_MASK_MOST * 4];
} judging;

static clipspan_status judge_map(cs_mask_study *s, size_t method, size_t protocol, size_t threshold,
                                 clipspan_error *err)
{
    cs_mask_method *m = &s->methods[method];
    float *r = cs_alloc(s->pixels, sizeof *r, "a map's pixels", err);
    clipspan_status status;
    if (!r) return CLIPSPAN_E_NOMEM;
    cs_segment_scale(r, m->map, s->pixels, cs_mask_has_text(m));
    status = cs_segment_add(&m->one.score[protocol][threshold], r, s->truth[protocol], s->pixels,
                            (clipspan_threshold)threshold, err);
    cs_free(r);
    return status;
}

static void judge_one(void *context, size_t index, int lane)
{
    judging *all = context;
    const size_t protocol = index / 2 % 2;
    (void)lane;
    cs_clear(&all->errors[index]);
    if (protocol == CLIPSPAN_ALIGNED ? all->image->aligned : all->image->squashed)
        judge_map(all->study, index / 4, protocol, index % 2, &all->errors[index]);
}

/* Squared distances from a pixel to the nearest foreground, and to the nearest other thing of the
 * aligned mask; infinite where there is none. */
static void measure_distances(double *own, double *other, const cs_mask_study *s, size_t at)
{
    const size_t width = (size_t)s->shape.width;
    size_t n;
    *own = *other = (double)INFINITY;
    for (n = 0; n < s->pixels; n++) {
        const uint8_t is = s->truth[CLIPSPAN_ALIGNED][n];
        const long row = (long)(n / width) - (long)(at / width);
        const long column = (long)(n % width) - (long)(at % width);
        const double d = (double)(row * row + column * column);
        if (is && d < *own) *own = d;
        if (!is && s->values[n] && d < *other) *other = d;
    }
}

static void judge_pointing(cs_mask_study *s, cs_mask_method *m)
{
    size_t best = 0, n;
    double own, other;
    for (n = 1; n < s->pixels; n++)
        if (m->map[n] > m->map[best]) best = n;
    m->one.pointed = s->truth[CLIPSPAN_ALIGNED][best];
    measure_distances(&own, &other, s, best);
    if (isinf(own) || isinf(other)) return;
    m->one.runners_up = 1;
    m->one.nearer = own < other;
}

static void take_masks(cs_mask_study *s, const cs_mask_image *image)
{
    const uint16_t *from[2] = {image->aligned, image->squashed};
    size_t n;
    int p;
    for (p = 0; p < 2; p++)
        for (n = 0; n < s->pixels && from[p]; n++)
            s->truth[p][n] = image->value ? from[p][n] == image->value : from[p][n] != 0;
    if (image->aligned) memcpy(s->values, image->aligned, s->pixels * sizeof *s->values);
}

static clipspan_status judge_image(cs_mask_study *s, const cs_mask_image *image,
                                   clipspan_error *err)
{
    judging *all = cs_alloc(1, sizeof *all, "figures of an image", err);
    clipspan_status status = CLIPSPAN_OK;
    size_t i;
    if (!all) return CLIPSPAN_E_NOMEM;
    all->study = s;
    all->image = image;
    take_masks(s, image);
    cs_parallel_for(s->info.methods * 4, s->threads, judge_one, all);
    for (i = 0; i < s->info.methods * 4 && status == CLIPSPAN_OK; i++) {
        status = all->errors[i].code;
        if (status != CLIPSPAN_OK && err) *err = all->errors[i];
    }
    for (i = 0; i < s->info.methods && image->aligned; i++)
        judge_pointing(s, &s->methods[i]);
    cs_free(all);
    return status;
}

/* ---- Sums ---- */

static void add_sums(cs_mask_sums *to, const cs_mask_sums *one)
{
    int k, c;
    for (k = 0; k < 4; k++) {
        clipspan_segment_score *sum = &to->score[k / 2][k % 2];
        const clipspan_segment_score *x = &one->score[k / 2][k % 2];
        sum->images += x->images;
        sum->pixels += x->pixels;
        sum->correct += x->correct;
        sum->precision += x->precision;
        for (c = 0; c < 2; c++) {
            sum->both[c] += x->both[c];
            sum->either[c] += x->either[c];
        }
    }
    to->pointed += one->pointed;
    to->runners_up += one->runners_up;
    to->nearer += one->nearer;
}

clipspan_status cs_mask_add(cs_mask_study *s, const cs_mask_image *image, clipspan_error *err)
{
    const size_t methods = s->info.methods;
    size_t i;
    for (i = 0; i < methods; i++)
        memset(&s->methods[i].one, 0, sizeof s->methods[i].one);
    if (!cs_mask_make_maps(s, image)) {
        s->chosen[0] = CLIPSPAN_NO_TEXT;
        s->info.left_out++;
        return CLIPSPAN_OK;
    }
    CS_TRY(judge_image(s, image, err));
    for (i = 0; i < methods; i++) {
        add_sums(&s->sums[i], &s->methods[i].one);
        if (s->per_text)
            add_sums(&s->per_text[(s->chosen[0] - s->targets[0].first) * methods + i],
                     &s->methods[i].one);
    }
    s->judged[0] |= image->aligned != NULL;
    s->judged[1] |= image->squashed != NULL;
    s->info.predicted |= image->texts == NULL;
    s->info.images++;
    return CLIPSPAN_OK;
}
