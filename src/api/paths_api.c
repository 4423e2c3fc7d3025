/* SPDX-License-Identifier: MIT */
/* clipspan_paths: traced passes of an encoder with a sweep a lane, directions of an image, results
 * of a few images. */
#include "api/model_handles.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/sweep.h"

#include <clipspan/decompose.h>
#include <clipspan/paths.h>
#include <math.h>
#include <string.h>

#define BLOCK 16 /* directions of one sweep */

typedef struct image_paths {
    clipspan_paths_result result; /* points into the rest */
    cs_sweep_result out;
    float *embedding, *direction;
} image_paths;

struct clipspan_paths {
    clipspan_encoder *encoder;
    clipspan_paths_options options;
    cs_sweep_weights *weights;
    cs_sweep **sweeps; /* [lanes] */
    cs_trace *traces;  /* [lanes] */
    size_t L, H, N, K, M, P, T;
    size_t bank;         /* texts of vectors */
    float *vectors;      /* [bank, P] */
    float *means;        /* [L, H, K] or NULL */
    image_paths *images; /* [most] */
    double *wide;        /* their numbers */
    float *narrow;
    size_t most, count, wide_size, narrow_size; /* sizes of one image */
};

/* ---- Making room ---- */

static void lay_out(image_paths *i, const clipspan_paths *p, double *wide, float *narrow)
{
    const size_t T = p->T, LH = T * p->L * p->H;
    cs_sweep_result *r = &i->out;
    double **const wides[] = {&r->similarity, &r->off,        &r->head,          &r->head_direct,
                              &r->mlp,        &r->mlp_direct, &r->bias,          &r->token,
                              &r->constant,   &r->ablated,    &r->ablated_direct};
    const size_t ablated = p->means ? LH : 0;
    const size_t sizes[] = {
        T, T, LH, LH, T * p->L, T * p->L, T * p->L, T * p->N, T * (p->L + 1), ablated, ablated};
    size_t used = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        *wides[k] = sizes[k] ? wide + used : NULL;
        used += sizes[k];
    }
    i->embedding = narrow;
    i->direction = narrow + p->P;
    narrow += (1 + T) * p->P;
    if (p->options.neurons) {
        r->neuron = narrow;
        narrow += T * p->L * p->M;
    }
    r->map = p->options.maps ? narrow : NULL;
}

static void publish(image_paths *i, size_t T)
{
    const cs_sweep_result *r = &i->out;
    i->result = (clipspan_paths_result){.directions = T,
                                        .embedding = i->embedding,
                                        .direction = i->direction,
                                        .similarity = r->similarity,
                                        .head = r->head,
                                        .head_direct = r->head_direct,
                                        .mlp = r->mlp,
                                        .mlp_direct = r->mlp_direct,
                                        .bias = r->bias,
                                        .token = r->token,
                                        .constant = r->constant,
                                        .ablated = r->ablated,
                                        .ablated_direct = r->ablated_direct,
                                        .neuron = r->neuron,
                                        .map = r->map};
}

static clipspan_status make_room(clipspan_paths *p, clipspan_error *err)
{
    const size_t LH = p->L * p->H, N = p->N;
    size_t wide, narrow;
    p->wide_size = p->T * (2 + (p->means ? 4 : 2) * LH + 4 * p->L + 1 + N);
    p->narrow_size = (1 + p->T) * p->P + (p->options.neurons ? p->T * p->L * p->M : 0) +
                     (p->options.maps ? p->T * LH * N : 0);
    if (!cs_size_mul(&wide, p->most, p->wide_size)) wide = SIZE_MAX;
    if (!cs_size_mul(&narrow, p->most, p->narrow_size)) narrow = SIZE_MAX;
    p->images = cs_alloc_zero(p->most, sizeof *p->images, "effects", err);
    p->wide = cs_alloc_zero(wide, sizeof *p->wide, "effects", err);
    p->narrow = cs_alloc_zero(narrow, sizeof *p->narrow, "effects", err);
    if (!p->images || !p->wide || !p->narrow) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < p->most; i++) {
        lay_out(&p->images[i], p, p->wide + i * p->wide_size, p->narrow + i * p->narrow_size);
        publish(&p->images[i], p->T);
    }
    return CLIPSPAN_OK;
}

static clipspan_status copy_inputs(clipspan_paths *p, const clipspan_bank *bank,
                                   clipspan_error *err)
{
    const size_t means = p->L * p->H * p->K;
    p->bank = bank ? clipspan_bank_get_count(bank) : 0;
    if (bank) {
        p->vectors = cs_alloc(p->bank, p->P * sizeof *p->vectors, "texts", err);
        if (!p->vectors) return CLIPSPAN_E_NOMEM;
        memcpy(p->vectors, clipspan_bank_get_vectors(bank), p->bank * p->P * sizeof *p->vectors);
    }
    if (p->options.means) {
        p->means = cs_alloc(means, sizeof *p->means, "means of heads", err);
        if (!p->means) return CLIPSPAN_E_NOMEM;
        memcpy(p->means, p->options.means, means * sizeof *p->means);
    }
    return CLIPSPAN_OK;
}

static clipspan_status make(clipspan_paths *p, const clipspan_bank *bank, clipspan_error *err)
{
    const clipspan_encoder *e = p->encoder;
    const cs_config *config = cs_checkpoint_config(e->model->checkpoint);
    const int threads = e->lanes == 1 ? e->options.threads : 1;
    p->L = (size_t)config->image.layers;
    p->H = (size_t)config->image.heads;
    p->K = (size_t)config->image.head_width;
    p->M = (size_t)config->image.mlp_width;
    p->N = (size_t)config->tokens;
    p->P = e->P;
    CS_TRY(copy_inputs(p, bank, err));
    p->T = p->options.direction == CLIPSPAN_PATHS_TEXTS    ? p->bank
           : p->options.direction == CLIPSPAN_PATHS_MARGIN ? 1
           : p->options.random                             ? p->options.random
                                                           : 1;
    p->most = p->options.images ? (size_t)p->options.images : 1;
    CS_TRY(make_room(p, err));
    CS_TRY(
        cs_sweep_weights_new(&p->weights, e->model->checkpoint, e->tower, e->options.threads, err));
    p->sweeps = cs_alloc_zero((size_t)e->lanes, sizeof(cs_sweep *), "sweeps", err);
    p->traces = cs_alloc_zero((size_t)e->lanes, sizeof *p->traces, "traces", err);
    if (!p->sweeps || !p->traces) return CLIPSPAN_E_NOMEM;
    for (int i = 0; i < e->lanes; i++) {
        CS_TRY(cs_trace_init(&p->traces[i], config, err));
        CS_TRY(cs_sweep_new(&p->sweeps[i], p->weights, e->tower, config,
                            p->T < BLOCK ? p->T : BLOCK, threads, e->model->simd, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status check(const clipspan_encoder *encoder, const clipspan_bank *bank,
                             const clipspan_paths_options *o, clipspan_error *err)
{
    if (!encoder->images)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "effects were asked of a text encoder");
    if (encoder->model->info.readout == CLIPSPAN_READ_POOL)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, encoder->model->info.name,
                          "is read out by an attention pool, and effects through later layers end "
                          "at a class token; clipspan_decomposition_run_layers gives what layers' "
                          "heads, patches and MLPs are worth through the pool, effects and ablate "
                          "what its heads are");
    if (encoder->options.precision != CLIPSPAN_F32)
        return cs_fail(
            err, CLIPSPAN_E_UNSUPPORTED,
            "effects through later layers are computed in f32 only; the encoder is bf16");
    if (o->direction < CLIPSPAN_PATHS_TEXTS || o->direction > CLIPSPAN_PATHS_RANDOM)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown direction %d", (int)o->direction);
    if (!bank && o->direction != CLIPSPAN_PATHS_RANDOM)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_paths_new: bank is NULL");
    if (bank && clipspan_bank_get_width(bank) != encoder->P)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the bank's vectors are %zu numbers wide, the model's embeddings %zu",
                       clipspan_bank_get_width(bank), encoder->P);
    if (o->direction == CLIPSPAN_PATHS_MARGIN && clipspan_bank_get_count(bank) < 2)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a margin needs two texts or more");
    if (o->images < 0 || o->images > CLIPSPAN_DECOMPOSITION_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "effects of %d images at a time; 1 to %d are possible", o->images,
                       CLIPSPAN_DECOMPOSITION_MOST);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_paths_new(clipspan_paths **out, clipspan_encoder *encoder,
                                   const clipspan_bank *bank, const clipspan_paths_options *options,
                                   clipspan_error *err)
{
    clipspan_paths_options o;
    clipspan_status status;
    clipspan_paths *p;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !encoder)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_paths_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_paths_options, err));
    CS_TRY(check(encoder, bank, &o, err));
    p = cs_alloc_zero(1, sizeof *p, "effects", err);
    if (!p) return CLIPSPAN_E_NOMEM;
    p->encoder = encoder;
    p->options = o;
    status = make(p, bank, err);
    if (status == CLIPSPAN_OK)
        *out = p;
    else
        clipspan_paths_free(&p);
    return status;
}

void clipspan_paths_free(clipspan_paths **paths)
{
    clipspan_paths *p = paths ? *paths : NULL;
    if (!p) return;
    for (int i = 0; p->sweeps && i < p->encoder->lanes; i++)
        cs_sweep_free(&p->sweeps[i]);
    for (int i = 0; p->traces && i < p->encoder->lanes; i++)
        cs_trace_fini(&p->traces[i]);
    cs_free(p->sweeps);
    cs_free(p->traces);
    cs_sweep_weights_free(&p->weights);
    cs_free(p->vectors);
    cs_free(p->means);
    cs_free(p->images);
    cs_free(p->wide);
    cs_free(p->narrow);
    cs_free(p);
    *paths = NULL;
}

/* ---- Directions ---- */

static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void take_margin(image_paths *i, const clipspan_paths *p)
{
    double first = (double)-INFINITY, second = (double)-INFINITY;
    for (size_t t = 0; t < p->bank; t++) {
        const double s = dot(p->vectors + t * p->P, i->embedding, p->P);
        if (s > first) {
            second = first;
            i->result.second = i->result.best;
            first = s;
            i->result.best = t;
        } else if (s > second) {
            second = s;
            i->result.second = t;
        }
    }
    for (size_t k = 0; k < p->P; k++)
        i->direction[k] =
            p->vectors[i->result.best * p->P + k] - p->vectors[i->result.second * p->P + k];
}

/* In (0, 1). */
static double uniform(cs_random *random)
{
    return ((double)(cs_random_next(random) >> 11) + 0.5) / 9007199254740992.0;
}

/* Normal numbers (Box and Muller 1958), less their part along the embedding, of length 1. */
static void draw_directions(image_paths *i, const clipspan_paths *p)
{
    cs_random random = {0};
    for (size_t k = 0; k < p->P; k++) {
        uint32_t bits;
        memcpy(&bits, &i->embedding[k], sizeof bits);
        random.state = (random.state ^ bits) * 0x100000001b3ULL;
    }
    for (size_t t = 0; t < p->T; t++) {
        float *v = i->direction + t * p->P;
        double along, length;
        for (size_t k = 0; k < p->P; k++)
            v[k] = (float)(sqrt(-2.0 * log(uniform(&random))) *
                           cos(6.283185307179586 * uniform(&random)));
        along = dot(v, i->embedding, p->P);
        for (size_t k = 0; k < p->P; k++)
            v[k] = (float)((double)v[k] - along * (double)i->embedding[k]);
        length = sqrt(dot(v, v, p->P));
        for (size_t k = 0; k < p->P && length > 0.0; k++)
            v[k] = (float)((double)v[k] / length);
    }
}

/* ---- Passes ---- */

/* Results of directions [first, ...). */
static cs_sweep_result from(const image_paths *i, const clipspan_paths *p, size_t first)
{
    const size_t LH = first * p->L * p->H, L = first * p->L;
    cs_sweep_result r = i->out;
    r.similarity += first;
    r.off += first;
    r.head += LH;
    r.head_direct += LH;
    r.mlp += L;
    r.mlp_direct += L;
    r.bias += L;
    r.token += first * p->N;
    r.constant += first * (p->L + 1);
    if (r.ablated) r.ablated += LH;
    if (r.ablated_direct) r.ablated_direct += LH;
    if (r.neuron) r.neuron += L * p->M;
    if (r.map) r.map += LH * p->N;
    return r;
}

static clipspan_status sweep_image(image_paths *i, clipspan_paths *p, int lane,
                                   const uint8_t *pixels, clipspan_error *err)
{
    const cs_layer_sink sink = cs_sweep_sink(p->sweeps[lane]);
    cs_trace *trace = &p->traces[lane];
    cs_image_pass *pass = p->encoder->images[lane];
    CS_TRY(cs_image_pass_trace(trace, pass, pixels, &sink, err));
    memcpy(i->embedding, trace->embedding, p->P * sizeof *i->embedding);
    if (p->options.direction == CLIPSPAN_PATHS_MARGIN)
        take_margin(i, p);
    else if (p->options.direction == CLIPSPAN_PATHS_RANDOM)
        draw_directions(i, p);
    else
        memcpy(i->direction, p->vectors, p->T * p->P * sizeof *i->direction);
    for (size_t first = 0; first < p->T; first += BLOCK) {
        const cs_sweep_result out = from(i, p, first);
        CS_TRY(cs_sweep_run(&out, p->sweeps[lane], trace, i->direction + first * p->P,
                            p->T - first < BLOCK ? p->T - first : BLOCK, p->means,
                            cs_image_pass_fixed(pass), err));
    }
    for (size_t t = 0; t < p->T; t++)
        if (!(i->out.off[t] <= i->result.off)) i->result.off = i->out.off[t];
    return CLIPSPAN_OK;
}

static clipspan_status run_image(void *context, size_t index, int lane, const uint8_t *pixels,
                                 clipspan_error *err)
{
    clipspan_paths *p = context;
    image_paths *i = &p->images[index];
    clipspan_status status = CLIPSPAN_OK;
    i->result.best = i->result.second = 0;
    i->result.off = 0.0;
    if (pixels) status = sweep_image(i, p, lane, pixels, err);
    if (pixels && status == CLIPSPAN_OK) return CLIPSPAN_OK;
    memset(p->wide + index * p->wide_size, 0, p->wide_size * sizeof *p->wide);
    memset(p->narrow + index * p->narrow_size, 0, p->narrow_size * sizeof *p->narrow);
    return status;
}

static clipspan_status run(clipspan_paths *p, const cs_image_list *list, const char *function,
                           clipspan_error *err)
{
    clipspan_status status;
    if (!p || !(list->pixels || list->paths))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: an argument is NULL", function);
    if (list->count < 1 || list->count > p->most)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: %zu images; 1 to %zu are possible", function,
                       list->count, p->most);
    status = cs_encoder_images(p->encoder, list, run_image, p, function, err);
    p->count = status == CLIPSPAN_OK ? list->count : 0;
    return status;
}

clipspan_status clipspan_paths_run_pixels(clipspan_paths *paths, const uint8_t *pixels,
                                          size_t count, clipspan_error *err)
{
    const cs_image_list list = {pixels, NULL, count, NULL};
    cs_clear(err);
    return run(paths, &list, "clipspan_paths_run_pixels", err);
}

clipspan_status clipspan_paths_run_files(clipspan_paths *paths, clipspan_error *errors,
                                         const char *const *files, size_t count,
                                         clipspan_error *err)
{
    const cs_image_list list = {NULL, files, count, errors};
    cs_clear(err);
    return run(paths, &list, "clipspan_paths_run_files", err);
}

const clipspan_paths_result *clipspan_paths_get(const clipspan_paths *paths, size_t image)
{
    return paths && image < paths->count ? &paths->images[image].result : NULL;
}

size_t clipspan_paths_get_neurons(clipspan_neuron *out, size_t count, const clipspan_paths *paths,
                                  size_t image, size_t direction)
{
    const clipspan_paths_result *r = clipspan_paths_get(paths, image);
    size_t used = 0, at;
    if (!out || !count || !r || !r->neuron || direction >= r->directions) return 0;
    for (size_t i = 0; i < paths->L * paths->M; i++) {
        const double effect = (double)r->neuron[direction * paths->L * paths->M + i];
        if (used == count && !(fabs(effect) > fabs(out[used - 1].effect))) continue;
        for (at = used < count ? used++ : used - 1;
             at > 0 && fabs(effect) > fabs(out[at - 1].effect); at--)
            out[at] = out[at - 1];
        out[at] = (clipspan_neuron){(int)(i / paths->M), (int)(i % paths->M), effect};
    }
    return used;
}
