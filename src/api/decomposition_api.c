/* SPDX-License-Identifier: MIT */
/* clipspan_decomposition: traced passes of an encoder, coefficients of one chunk, and components
 * from them. */
#include "api/decomposition_api.h"

#include <clipspan/decompose.h>
#include <string.h>

static clipspan_status make(clipspan_decomposition *p, clipspan_error *err)
{
    clipspan_encoder *e = p->encoder;
    const cs_config *config = cs_checkpoint_config(e->model->checkpoint);
    int i;
    CS_TRY(cs_model_output_map(&p->output_map, e->model, e->options.precision, e->options.threads,
                               err));
    p->traces = cs_alloc_zero((size_t)e->lanes, sizeof *p->traces, "traces", err);
    if (!p->traces) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < e->lanes; i++)
        CS_TRY(cs_trace_init(&p->traces[i], config, err));
    CS_TRY(cs_coefficients_new(&p->coefficients, p->output_map->shape, CS_CHUNK, err));
    if (p->has_layers) {
        CS_TRY(cs_pool_record_init(&p->layers, config, err));
        CS_TRY(cs_pool_split_new(&p->split, e->model->checkpoint, err));
    }
    if (p->has_tokens) CS_TRY(cs_token_record_init(&p->record, p->output_map->shape, err));
    return cs_coder_new(&p->coder, p->output_map, e->tower, CS_CHUNK, CS_COEFFICIENTS_F32, e->lanes,
                        e->model->simd, err);
}

clipspan_status clipspan_decomposition_new(clipspan_decomposition **out, clipspan_encoder *encoder,
                                           const clipspan_decomposition_options *options,
                                           clipspan_error *err)
{
    clipspan_decomposition_options o;
    clipspan_status status;
    clipspan_decomposition *p;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !encoder)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_decomposition_new: out or encoder is NULL");
    if (!encoder->images)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "parts were asked of a text encoder");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_decomposition_options, err));
    if (o.layers && encoder->model->info.readout != CLIPSPAN_READ_POOL)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, encoder->model->info.name,
                          "has no attention pool: its layers' heads are those of every "
                          "decomposition");
    p = cs_alloc_zero(1, sizeof *p, "parts", err);
    if (!p) return CLIPSPAN_E_NOMEM;
    p->encoder = encoder;
    p->has_tokens = o.tokens != 0;
    p->has_layers = o.layers != 0;
    CS_TRY_DONE(make(p, err));
    *out = p;
    p = NULL;
done:
    clipspan_decomposition_free(&p);
    return status;
}

void clipspan_decomposition_free(clipspan_decomposition **parts)
{
    clipspan_decomposition *p = parts ? *parts : NULL;
    int i;
    if (!p) return;
    for (i = 0; p->traces && i < p->encoder->lanes; i++)
        cs_trace_fini(&p->traces[i]);
    cs_free(p->traces);
    cs_token_record_fini(&p->record);
    cs_pool_record_fini(&p->layers);
    cs_pool_split_free(&p->split);
    cs_coefficients_free(&p->coefficients);
    cs_coder_free(&p->coder);
    cs_free(p);
    *parts = NULL;
}

/* ---- Passes ---- */

static clipspan_status take_apart(void *context, size_t index, int lane, const uint8_t *pixels,
                                  clipspan_error *err)
{
    clipspan_decomposition *p = context;
    cs_layer_sink sink = cs_token_record_sink(&p->record);
    if (!p->has_tokens) sink.layer = NULL;
    if (p->has_layers) sink.record = &p->layers;
    if (!pixels) return CLIPSPAN_OK; /* the slot is empty */
    CS_TRY(cs_image_pass_trace(&p->traces[lane], p->encoder->images[lane], pixels,
                               p->has_tokens || p->has_layers ? &sink : NULL, err));
    return cs_coder_put(p->coder, lane, p->coefficients, index, &p->traces[lane], err);
}

static clipspan_status run(clipspan_decomposition *p, const cs_image_list *list,
                           const char *function, clipspan_error *err)
{
    clipspan_status status;
    size_t most;
    if (!p || !(list->pixels || list->paths))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: an argument is NULL", function);
    most = p->has_tokens || p->has_layers ? 1 : CLIPSPAN_DECOMPOSITION_MOST;
    if (list->count < 1 || list->count > most)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: %zu images; 1 to %zu are possible%s",
                       function, list->count, most,
                       p->has_tokens   ? " with tokens"
                       : p->has_layers ? " with layers"
                                       : "");
    cs_coefficients_clear(p->coefficients);
    p->count = list->count;
    status = cs_encoder_images(p->encoder, list, take_apart, p, function, err);
    if (status == CLIPSPAN_OK)
        status = cs_coder_finish(p->coder, p->coefficients, p->encoder->lanes, err);
    if (status != CLIPSPAN_OK) {
        cs_coefficients_clear(p->coefficients);
        p->count = 0;
    }
    return status;
}

clipspan_status clipspan_decomposition_run_pixels(clipspan_decomposition *parts,
                                                  const uint8_t *pixels, size_t count,
                                                  clipspan_error *err)
{
    cs_image_list list = {pixels, NULL, count, NULL};
    cs_clear(err);
    return run(parts, &list, "clipspan_decomposition_run_pixels", err);
}

clipspan_status clipspan_decomposition_run_files(clipspan_decomposition *parts,
                                                 clipspan_error *errors, const char *const *paths,
                                                 size_t count, clipspan_error *err)
{
    cs_image_list list = {NULL, paths, count, errors};
    cs_clear(err);
    return run(parts, &list, "clipspan_decomposition_run_files", err);
}

size_t clipspan_decomposition_get_count(const clipspan_decomposition *parts)
{
    return parts ? parts->count : 0;
}

const float *clipspan_decomposition_get_embeddings(const clipspan_decomposition *parts)
{
    return parts ? parts->coefficients->embedding : NULL;
}

/* ---- Components ---- */

static clipspan_status check_image(const clipspan_decomposition *parts, size_t image,
                                   const char *function, clipspan_error *err)
{
    cs_clear(err);
    if (!parts) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: an argument is NULL", function);
    if (image >= parts->count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s: image %zu was asked for; the last run had %zu", function, image,
                       parts->count);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_decomposition_run_contributions(float *heads, float *layers, float *mlps,
                                                         float *class_self_attention,
                                                         const clipspan_decomposition *parts,
                                                         size_t image, clipspan_error *err)
{
    CS_TRY(check_image(parts, image, "clipspan_decomposition_run_contributions", err));
    cs_contributions_get(heads, layers, mlps, class_self_attention, parts->output_map,
                         parts->coefficients, image);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_decomposition_run_tokens(float *tokens,
                                                  const clipspan_decomposition *parts, int layer,
                                                  int head, clipspan_error *err)
{
    const char *function = "clipspan_decomposition_run_tokens";
    const cs_shape *s;
    CS_TRY(check_image(parts, 0, function, err));
    s = &parts->output_map->shape;
    if (!tokens) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: an argument is NULL", function);
    if (!parts->has_tokens)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s: the parts were made without the option `tokens`", function);
    if (layer < 0 || (size_t)layer >= s->L || head < 0 || (size_t)head >= s->H)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s: layer %d, head %d was asked for; the model has layers 0 to %zu with "
                       "heads 0 to %zu",
                       function, layer, head, s->L - 1, s->H - 1);
    if (!parts->coefficients->used[0])
        memset(tokens, 0, s->N * s->P * sizeof *tokens);
    else
        cs_contributions_get_tokens(tokens, parts->output_map, &parts->record,
                                    parts->coefficients->scale, (size_t)layer, (size_t)head);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_decomposition_run_check(double *off, const clipspan_decomposition *parts,
                                                 size_t image, clipspan_error *err)
{
    CS_TRY(check_image(parts, image, "clipspan_decomposition_run_check", err));
    if (!off)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_decomposition_run_check: an argument is NULL");
    *off = cs_contributions_residual(parts->output_map, parts->coefficients, image);
    return CLIPSPAN_OK;
}

/* ---- Through an attention pool ---- */

static clipspan_status start_layers(const clipspan_decomposition *parts, int gate,
                                    const char *function, clipspan_error *err)
{
    CS_TRY(check_image(parts, 0, function, err));
    if (!parts->has_layers)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s: the decomposition was made without the option `layers`", function);
    if (!parts->coefficients->used[0])
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: the image could not be used", function);
    cs_pool_split_start(parts->split, &parts->layers, gate != 0);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_decomposition_run_layers(float *heads, float *mlps,
                                                  const clipspan_decomposition *parts, int gate,
                                                  clipspan_error *err)
{
    size_t L, H, P;
    CS_TRY(start_layers(parts, gate, "clipspan_decomposition_run_layers", err));
    L = parts->layers.L;
    P = parts->layers.D;
    H = (size_t)parts->encoder->model->info.image->heads;
    for (size_t i = 0; heads && i < L * H; i++)
        cs_pool_split_head(heads + i * P, NULL, parts->split, i / H, i % H, 1);
    if (mlps) cs_pool_split_mlps(mlps, parts->split, 1);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_decomposition_run_layer_tokens(float *tokens,
                                                        const clipspan_decomposition *parts,
                                                        int layer, int head, int gate,
                                                        clipspan_error *err)
{
    const char *function = "clipspan_decomposition_run_layer_tokens";
    const clipspan_encoder_info *image;
    CS_TRY(start_layers(parts, gate, function, err));
    image = parts->encoder->model->info.image;
    if (!tokens) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: an argument is NULL", function);
    if (layer < 0 || layer >= image->layers || head < 0 || head >= image->heads)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s: layer %d, head %d was asked for; the model has layers 0 to %d with "
                       "heads 0 to %d",
                       function, layer, head, image->layers - 1, image->heads - 1);
    cs_pool_split_head(NULL, tokens, parts->split, (size_t)layer, (size_t)head, 1);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_decomposition_run_layer_scores(float *heads, float *mlps,
                                                        const clipspan_decomposition *parts,
                                                        const float *direction, int gate,
                                                        clipspan_error *err)
{
    const char *function = "clipspan_decomposition_run_layer_scores";
    CS_TRY(start_layers(parts, gate, function, err));
    if (!heads || !mlps || !direction)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: an argument is NULL", function);
    cs_pool_split_scores(heads, mlps, parts->split, direction);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_decomposition_run_pool_mlp(double *share,
                                                    const clipspan_decomposition *parts,
                                                    clipspan_error *err)
{
    const char *function = "clipspan_decomposition_run_pool_mlp";
    CS_TRY(start_layers(parts, 0, function, err));
    if (!share) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: an argument is NULL", function);
    *share = cs_pool_split_mlp_share(parts->split);
    return CLIPSPAN_OK;
}
