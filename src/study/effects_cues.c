/* SPDX-License-Identifier: MIT */
/* What of a component moves with its reading of a cue, among images that get the same answer. Over
 * all images a component's class scores also go along with the cue because the classes do: ducks
 * are seen on water. Taking that out takes out what tells the classes apart.
 *
 * What is taken out is kept within the span of the cue and of the class vectors. The classes'
 * scores are the same as without that; other classifications lose nothing that these classes do not
 * see (docs/math.md, "Effects"). */
#include "base/memory.h"
#include "study/effects_inside.h"
#include "tensor/dot.h"
#include "tensor/eigen.h"
#include "tensor/moments.h"

#include <string.h>

#define TINY 1e-10 /* of the largest eigenvalue: class vectors are float32 */

/* One component and one cue, rows in order, twice over: first where the readings of each answer
 * lie, then how the class scores go with what is left. */
typedef struct slope {
    cs_effects *e;
    size_t component, q; /* q: the cue's column */
    double *middle;      /* [groups] mean reading */
    double *count;       /* [groups] */
    double *gain;        /* [classes] */
    double own;          /* sum of squares of what is left of the reading */
} slope;

static void add_readings(slope *s, const double *said, size_t first, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t group = s->e->groups[first + i];
        s->middle[group] += said[i * s->e->Q + s->q];
        s->count[group] += 1.0;
    }
}

static void add_products(slope *s, const double *said, size_t first, size_t rows)
{
    const cs_effects *e = s->e;
    const double *mean = cs_effects_mean(e, s->component);
    for (size_t i = 0; i < rows; i++) {
        const double *x = said + i * e->Q;
        const double left = x[s->q] - s->middle[e->groups[first + i]];
        s->own += left * left;
        for (size_t c = 0; c < e->classes; c++)
            s->gain[c] += left * (x[c] - mean[c]);
    }
}

typedef void slope_step(slope *s, const double *said, size_t first, size_t rows);

/* What the component says, to `step`: in one piece where it is kept, else some chunks at a time. */
static clipspan_status each_row(slope *s, slope_step *step, clipspan_error *err)
{
    cs_effects *e = s->e;
    const size_t chunks = (size_t)cs_run_tree(e->run)->chunks;
    const size_t step_chunks = cs_effects_stretch(e, 0, e->Q * sizeof(double), e->memory);
    clipspan_status status = CLIPSPAN_OK;
    const double *said = s->component == CS_EDIT_WHOLE ? e->sums : e->kept[s->component];
    double *room;
    cs_effect_fill fill = {
        .e = e, .components = &s->component, .out = &room, .count = 1, .width = e->Q};
    if (said) {
        step(s, said, 0, e->N);
        return CLIPSPAN_OK;
    }
    room = cs_alloc(step_chunks * CS_CHUNK, e->Q * sizeof *room, "scores of a component", err);
    if (!room) return CLIPSPAN_E_NOMEM;
    for (size_t c = 0, end; c < chunks && status == CLIPSPAN_OK; c = end) {
        end = chunks - c < step_chunks ? chunks : c + step_chunks;
        status = cs_effects_fill(&fill, c, end, err);
        if (status == CLIPSPAN_OK)
            step(s, room, e->first_row[c], e->first_row[end] - e->first_row[c]);
    }
    cs_free(room);
    return status;
}

static size_t gain_at(const cs_effects *e, size_t cue, size_t component)
{
    const size_t LH = e->shape.L * e->shape.H;
    return cue * (LH + 1) + (component == CS_EDIT_WHOLE ? LH : component);
}

/* Gains along the own classes, from the images. */
static clipspan_status find_gain(cs_effects *e, size_t cue, size_t component, clipspan_error *err)
{
    const size_t at = gain_at(e, cue, component), classes = e->classes;
    slope s = {.e = e, .component = component, .q = classes + cue, .gain = e->gains + at * classes};
    clipspan_status status;
    s.middle = cs_alloc_zero(2 * e->group_count, sizeof *s.middle, "readings of a cue", err);
    if (!s.middle) return CLIPSPAN_E_NOMEM;
    s.count = s.middle + e->group_count;
    memset(s.gain, 0, classes * sizeof *s.gain);
    CS_TRY_DONE(each_row(&s, add_readings, err));
    for (size_t g = 0; g < e->group_count; g++)
        if (s.count[g] > 0.0) s.middle[g] /= s.count[g];
    CS_TRY_DONE(each_row(&s, add_products, err));
    for (size_t c = 0; c < classes; c++)
        s.gain[c] = s.own > 0.0 ? s.gain[c] / s.own : 0.0;
    e->learned[at] = s.own > 0.0 ? CS_LEARNED : CS_NO_READING;
done:
    cs_free(s.middle);
    return status;
}

/* With the rows of V the cue and the classes of `like`, a vector of their span with V g = y is
 * V^T (V V^T)^+ y. So own classes say W V^T (V V^T)^+ y: that matrix, [classes, n]. */
static clipspan_status confine(cs_effects *e, size_t cue, clipspan_error *err)
{
    const cs_effects *like = e->like;
    const size_t P = e->shape.P, n = 1 + like->classes, classes = e->classes;
    const float **rows = cs_alloc(n, sizeof *rows, "class vectors", err);
    double *out = cs_alloc_zero(classes, n * sizeof *out, "gains", err);
    double *room = cs_alloc(n, (2 * n + 2) * sizeof *room, "products of classes", err);
    double *gram = room, *vectors, *values, *said;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (!rows || !out || !room) goto done;
    vectors = gram + n * n;
    values = vectors + n * n;
    said = values + n;
    for (size_t i = 0; i < n; i++)
        rows[i] = i ? like->vectors + (i - 1) * P : e->vectors + (classes + cue) * P;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i; k < n; k++)
            gram[i * n + k] = cs_dot_f32(rows[i], rows[k], P);
    CS_TRY_DONE(cs_eigen_symmetric(values, vectors, gram, n, err));
    for (size_t c = 0; c < classes; c++) {
        for (size_t i = 0; i < n; i++)
            said[i] = cs_dot_f32(e->vectors + c * P, rows[i], P);
        for (size_t k = 0; k < n && values[k] > TINY * values[0]; k++) {
            const double *v = vectors + k * n;
            double along = 0.0;
            for (size_t i = 0; i < n; i++)
                along += v[i] * said[i];
            for (size_t i = 0; i < n; i++)
                out[c * n + i] += v[i] * along / values[k];
        }
    }
    e->confined[cue] = out;
    out = NULL;
done:
    cs_free(rows);
    cs_free(out);
    cs_free(room);
    return status;
}

/* Gains along the own classes, of the edit that `like` makes. */
static clipspan_status take_gain(cs_effects *e, size_t cue, size_t component, clipspan_error *err)
{
    const size_t at = gain_at(e, cue, component), n = 1 + e->like->classes;
    const double *theirs, *row;
    double *gain = e->gains + at * e->classes;
    CS_TRY(cs_effects_learn_cue(e->like, cue, component, err));
    if (!e->confined[cue]) CS_TRY(confine(e, cue, err));
    theirs = cs_effects_gain(e->like, cue, component);
    e->learned[at] = e->like->learned[at];
    row = e->confined[cue];
    for (size_t c = 0; c < e->classes && e->learned[at] == CS_LEARNED; c++, row += n) {
        gain[c] = row[0]; /* of the cue itself one is taken */
        for (size_t i = 1; i < n; i++)
            gain[c] += row[i] * theirs[i - 1];
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_effects_learn_cue(cs_effects *e, size_t cue, size_t component,
                                     clipspan_error *err)
{
    const size_t at = gain_at(e, cue, component);
    if (e->learned[at] != CS_NOT_LEARNED) return CLIPSPAN_OK;
    CS_TRY(e->like ? take_gain(e, cue, component, err) : find_gain(e, cue, component, err));
    for (size_t c = 0; c < e->classes; c++)
        e->shifts[at * e->classes + c] =
            cs_effects_mean(e, component)[e->classes + cue] * e->gains[at * e->classes + c];
    return CLIPSPAN_OK;
}

void cs_effects_project(cs_effects *e)
{
    const size_t P = e->shape.P;
    for (size_t cue = 0; cue < e->cues; cue++) {
        const float *q = e->vectors + (e->classes + cue) * P;
        const double length = cs_dot_f32(q, q, P);
        for (size_t c = 0; c < e->classes; c++)
            e->projection[cue * e->classes + c] =
                length > 0.0 ? cs_dot_f32(q, e->vectors + c * P, P) / length : 0.0;
    }
}

const double *cs_effects_gain(const cs_effects *e, size_t cue, size_t component)
{
    return e->gains + gain_at(e, cue, component) * e->classes;
}

const double *cs_effects_shift(const cs_effects *e, size_t cue, size_t component)
{
    return e->shifts + gain_at(e, cue, component) * e->classes;
}

const double *cs_effects_projection(const cs_effects *e, size_t cue)
{
    return e->projection + cue * e->classes;
}

/* With the rows of V the cue and the own classes and y what they read of g, 1 and the gains, g is
 * V^T (V V^T)^+ y. */
clipspan_status cs_effects_gain_vector(double *out, const cs_effects *e, size_t cue,
                                       size_t component, clipspan_error *err)
{
    const size_t P = e->shape.P, n = 1 + e->classes, at = gain_at(e, cue, component);
    const double *gain = e->gains + at * e->classes;
    double *room = cs_alloc(n, (2 * n + 2) * sizeof *room, "products of classes", err);
    const float **rows = cs_alloc(n, sizeof *rows, "class vectors", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    double *vectors, *values, *weights;
    memset(out, 0, P * sizeof *out);
    if (!room || !rows) goto done;
    status = CLIPSPAN_OK;
    if (e->learned[at] != CS_LEARNED) goto done;
    vectors = room + n * n;
    values = vectors + n * n;
    weights = values + n;
    for (size_t i = 0; i < n; i++)
        rows[i] = i ? e->vectors + (i - 1) * P : e->vectors + (e->classes + cue) * P;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i; k < n; k++)
            room[i * n + k] = cs_dot_f32(rows[i], rows[k], P);
    CS_TRY_DONE(cs_eigen_symmetric(values, vectors, room, n, err));
    memset(weights, 0, n * sizeof *weights);
    for (size_t k = 0; k < n && values[k] > TINY * values[0]; k++) {
        const double *v = vectors + k * n;
        double along = v[0];
        for (size_t i = 1; i < n; i++)
            along += v[i] * gain[i - 1];
        for (size_t i = 0; i < n; i++)
            weights[i] += v[i] * along / values[k];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t p = 0; p < P; p++)
            out[p] += weights[i] * (double)rows[i][p];
done:
    cs_free(room);
    cs_free(rows);
    return status;
}

double cs_effects_constant(const cs_effects *e, size_t cue, size_t component)
{
    const size_t K = e->shape.K, q = e->classes + cue;
    const int whole = component == CS_EDIT_WHOLE;
    const size_t head = whole ? 0 : component;
    const double *y = cs_moments_mean(
        cs_head_stats_head(e->stats, e->shape, head / e->shape.H, head % e->shape.H));
    double sum = 0.0;
    if (whole) return y[K + 2] > 0.0 ? cs_effects_mean(e, CS_EDIT_WHOLE)[q] / y[K + 2] : 0.0;
    for (size_t k = 0; k < K; k++)
        sum += y[k] * e->readers[(head * e->shape.C + k) * e->Q + q];
    return y[K] > 0.0 ? sum / y[K] : 0.0;
}
