/* SPDX-License-Identifier: MIT */
/* One map a method for an image: which texts it is about, and their maps set against each other. */
#include "study/mask_study.h"

#include <math.h>
#include <string.h>

#include "study/map_pixels.h"

int cs_mask_has_text(const cs_mask_method *method)
{
    return method->role ||
           (method->kind != CLIPSPAN_SEGMENT_ATTENTION && method->kind != CLIPSPAN_SEGMENT_ROLLOUT);
}

/* The likeliest of a target's texts. */
static size_t predict(const cs_mask_study *s, const clipspan_segment_target *t,
                      const float *embedding)
{
    const size_t P = s->shape.P;
    double most = -(double)INFINITY;
    size_t best = t->first, i, p;
    for (i = t->first; i < t->first + t->count; i++) {
        const float *vector = s->vectors + i * P;
        double dot = 0.0;
        for (p = 0; p < P; p++)
            dot += (double)embedding[p] * (double)vector[p];
        if (dot > most) {
            most = dot;
            best = i;
        }
    }
    return best;
}

static int choose_texts(cs_mask_study *s, const cs_mask_image *image)
{
    size_t k;
    for (k = 0; k < s->info.targets; k++) {
        s->chosen[k] =
            image->texts ? image->texts[k] : predict(s, &s->targets[k], image->embedding);
        if (s->chosen[k] == CLIPSPAN_NO_TEXT) return 0;
    }
    return 1;
}

/* What a target's text has at a token, less what the contrast takes off. */
static double contrast_at(const cs_mask_study *s, const float *maps, size_t target, size_t token)
{
    const size_t N = s->shape.N;
    const clipspan_segment_target *t = &s->targets[target];
    const double own = (double)maps[s->chosen[target] * N + token];
    double other = 0.0, best = -(double)INFINITY;
    size_t text;
    for (text = t->first; text < t->first + t->count; text++) {
        const double value = (double)maps[text * N + token];
        other += value / (double)t->count;
        if (text != s->chosen[target] && value > best) best = value;
    }
    if (s->contrast == CLIPSPAN_CONTRAST_RUNNER_UP) other = t->count > 1 ? best : 0.0;
    if (t->count < 2 || s->contrast == CLIPSPAN_CONTRAST_NONE) other = 0.0;
    return own - other;
}

/* grid : [rows columns] targets' contrasted maps, added up with their signs. */
static void combine_targets(float *grid, const cs_mask_study *s, const float *maps)
{
    size_t i, k;
    for (i = 0; i + s->shape.first < s->shape.N; i++) {
        double sum = 0.0;
        for (k = 0; k < s->info.targets; k++)
            sum += (double)s->targets[k].sign * contrast_at(s, maps, k, i + s->shape.first);
        grid[i] = (float)sum;
    }
}

int cs_mask_make_maps(cs_mask_study *s, const cs_mask_image *image)
{
    const cs_mask_shape *x = &s->shape;
    size_t i;
    if (!choose_texts(s, image)) return 0;
    for (i = 0; i < s->info.methods; i++) {
        cs_mask_method *m = &s->methods[i];
        if (cs_mask_has_text(m))
            combine_targets(m->grid, s, image->maps[i]);
        else
            memcpy(m->grid, image->maps[i] + x->first, (x->N - x->first) * sizeof *m->grid);
        cs_map_enlarge(m->map, x->height, x->width, m->grid, x->rows, x->columns, x->patch);
    }
    return 1;
}
