/* SPDX-License-Identifier: MIT */
/* G = diag(gain of ln_post) Proj, [D, P], and Gc the same after ln_post's centring, I - 1 1^T / D.
 * What a head shall add to the embedding, g, is written as v = g Gc^+ = Gc (Gc^T Gc)^-1 g: it has
 * no mean, so that ln_post's centring leaves it as it is. Solved by conjugate gradients.
 *
 * What ln_post has the same for every image: with x = gain * n + bias, where n adds up to 0,
 * sum of x / gain = sum of bias / gain. */
#include "model/weight_change.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

#define STEPS 2000
#define CLOSE 1e-13 /* of the squared length of what is left, to the first */

typedef struct maps {
    float *gain, *bias, *projection; /* [D], [D], [D, P] or turned */
    size_t D, P, row, step;
    double *room; /* [D + 3 P] */
} maps;

static clipspan_status read_part(float **out, const cs_checkpoint *c, cs_part part,
                                 cs_tensor_ref *ref, clipspan_error *err)
{
    *ref = cs_checkpoint_part(c, CLIPSPAN_IMAGE, part, 0);
    *out = cs_alloc((size_t)(ref->rows * ref->columns), sizeof **out, "a tensor", err);
    return *out ? cs_checkpoint_read(*out, c, *ref, err) : CLIPSPAN_E_NOMEM;
}

static clipspan_status open_maps(maps *m, const cs_checkpoint *c, clipspan_error *err)
{
    const cs_config *config = cs_checkpoint_config(c);
    cs_tensor_ref ref;
    m->D = (size_t)config->image.width;
    m->P = (size_t)config->embed_width;
    CS_TRY(read_part(&m->gain, c, CS_LN_POST_WEIGHT, &ref, err));
    CS_TRY(read_part(&m->bias, c, CS_LN_POST_BIAS, &ref, err));
    CS_TRY(read_part(&m->projection, c, CS_PROJECTION, &ref, err));
    m->row = ref.transposed ? 1 : m->P;
    m->step = ref.transposed ? m->D : 1;
    m->room = cs_alloc(m->D + 3 * m->P, sizeof *m->room, "a vector", err);
    return m->room ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static void close_maps(maps *m)
{
    cs_free(m->gain);
    cs_free(m->bias);
    cs_free(m->projection);
    cs_free(m->room);
}

/* out : [D] = G x, x : [P]; centred: Gc x. */
static void read_back(double *out, const maps *m, const double *x, int centred)
{
    double mean = 0.0;
    for (size_t d = 0; d < m->D; d++) {
        double sum = 0.0;
        for (size_t p = 0; p < m->P; p++)
            sum += (double)m->projection[d * m->row + p * m->step] * x[p];
        out[d] = sum * (double)m->gain[d];
        mean += out[d] / (double)m->D;
    }
    for (size_t d = 0; d < m->D && centred; d++)
        out[d] -= mean;
}

/* out : [P] = Gc^T v, v : [D] of mean 0. */
static void project(double *out, const maps *m, const double *v)
{
    memset(out, 0, m->P * sizeof *out);
    for (size_t d = 0; d < m->D; d++) {
        const double x = v[d] * (double)m->gain[d];
        for (size_t p = 0; p < m->P; p++)
            out[p] += x * (double)m->projection[d * m->row + p * m->step];
    }
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* v : [D] with Gc^T v = g : [P], as near as it comes. */
static clipspan_status invert(double *v, const maps *m, const double *g, clipspan_error *err)
{
    const size_t P = m->P;
    double *x = cs_alloc_zero(P, sizeof *x, "a vector", err), *left = m->room + m->D;
    double *way = left + P, *image = way + P, length = dot(g, g, P), first = length;
    if (!x) return CLIPSPAN_E_NOMEM;
    memcpy(left, g, P * sizeof *left);
    memcpy(way, g, P * sizeof *way);
    for (int i = 0; i < STEPS && length > CLOSE * first; i++) {
        double step, next;
        read_back(m->room, m, way, 1);
        project(image, m, m->room);
        step = dot(way, image, P);
        if (!(step > 0.0)) break;
        step = length / step;
        for (size_t p = 0; p < P; p++) {
            x[p] += step * way[p];
            left[p] -= step * image[p];
        }
        next = dot(left, left, P);
        for (size_t p = 0; p < P; p++)
            way[p] = left[p] + next / length * way[p];
        length = next;
    }
    read_back(v, m, x, 1);
    cs_free(x);
    return CLIPSPAN_OK;
}

/* ---- Changes ---- */

static clipspan_status change_head(cs_head_change *to, const maps *m,
                                   const clipspan_weight_change *c, double *room,
                                   clipspan_error *err)
{
    double *reader = room, *writer = room + m->D, *q = room + 2 * m->D, *g = q + m->P;
    for (size_t p = 0; p < m->P; p++) {
        q[p] = (double)c->cue[p];
        g[p] = (double)c->gain[p];
    }
    read_back(reader, m, q, 0);
    *to = (cs_head_change){c->layer, c->head, reader, writer, c->constant};
    return invert(writer, m, g, err);
}

/* constant : [D]: x . constant = c->constant for all that leaves ln_post. */
static clipspan_status change_projection(cs_projection_change *to, const maps *m,
                                         const clipspan_weight_change *c, double *room,
                                         clipspan_error *err)
{
    double *constant = room, *q = room + 2 * m->D, *g = q + m->P, sum = 0.0, size = 0.0;
    for (size_t p = 0; p < m->P; p++) {
        q[p] = (double)c->cue[p];
        g[p] = (double)c->gain[p];
    }
    *to = (cs_projection_change){q, g, NULL};
    if (c->constant == 0.0) return CLIPSPAN_OK;
    for (size_t d = 0; d < m->D; d++) {
        sum += (double)m->bias[d] / (double)m->gain[d];
        size += fabs((double)m->bias[d] / (double)m->gain[d]);
    }
    if (!(fabs(sum) > 1e-4 * size) || !isfinite(sum))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "what is put back of the embedding needs numbers that ln_post has the same "
                       "for every image, and this model's has none: gains are 0, or biases cancel");
    for (size_t d = 0; d < m->D; d++)
        constant[d] = c->constant / (double)m->gain[d] / sum;
    to->constant = constant;
    return CLIPSPAN_OK;
}

static clipspan_status check(const cs_config *config, const clipspan_weight_change *c,
                             clipspan_error *err)
{
    const int head = c->component == CLIPSPAN_COMPONENT_HEAD;
    if (!head && c->component != CLIPSPAN_COMPONENT_EMBEDDING)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a change of weights is of component kind %d; heads (0) and the embedding "
                       "(3) have one",
                       (int)c->component);
    if (head && (c->layer < 0 || c->layer >= config->image.layers || c->head < 0 ||
                 c->head >= config->image.heads))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "head L%d.H%d was named; the model has layers 0 to %d with heads 0 to %d",
                       c->layer, c->head, config->image.layers - 1, config->image.heads - 1);
    if (!c->cue || !c->gain || !isfinite(c->constant))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a change of weights has no cue or gain, or a constant that is not finite");
    return CLIPSPAN_OK;
}

clipspan_status cs_weight_changes_make(cs_weight_changes *out, const cs_checkpoint *checkpoint,
                                       const clipspan_weight_change *changes, size_t count,
                                       clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    maps m = {0};
    if (count == 0) return CLIPSPAN_OK;
    CS_TRY_DONE(open_maps(&m, checkpoint, err));
    out->heads = cs_alloc(count, sizeof *out->heads, "changes of heads", err);
    out->room = cs_alloc(count, 2 * (m.D + m.P) * sizeof *out->room, "changes of weights", err);
    status = out->heads && out->room ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        double *room = out->room + i * 2 * (m.D + m.P);
        CS_TRY_DONE(check(cs_checkpoint_config(checkpoint), &changes[i], err));
        if (changes[i].component == CLIPSPAN_COMPONENT_HEAD) {
            status = change_head(&out->heads[out->head_count++], &m, &changes[i], room, err);
        } else {
            status = change_projection(&out->projection, &m, &changes[i], room, err);
            out->has_projection = 1;
        }
    }
done:
    close_maps(&m);
    return status;
}

void cs_weight_changes_fini(cs_weight_changes *changes)
{
    cs_free(changes->heads);
    cs_free(changes->room);
    memset(changes, 0, sizeof *changes);
}
