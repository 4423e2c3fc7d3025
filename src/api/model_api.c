/* SPDX-License-Identifier: MIT */
/* clipspan_model: a checkpoint with what is made of it on first use. */
#define _POSIX_C_SOURCE 200809L
#include "api/model_handles.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

#define CHUNK ((size_t)1 << 20) /* numbers read at a time by checks */

static void fill_tower(clipspan_encoder_info *to, const cs_tower_config *from, uint64_t parameters)
{
    to->layers = from->layers;
    to->width = from->width;
    to->heads = from->heads;
    to->head_width = from->head_width;
    to->mlp_width = from->mlp_width;
    to->eps = from->eps;
    to->parameters = parameters;
}

static void fill_info(clipspan_model *model)
{
    const cs_config *c = cs_checkpoint_config(model->checkpoint);
    const cs_safetensors *tensors = cs_checkpoint_tensors(model->checkpoint);
    clipspan_model_info *i = &model->info;
    i->name = cs_checkpoint_name(model->checkpoint);
    i->path = cs_checkpoint_path(model->checkpoint);
    i->layout = c->layout;
    i->activation = c->activation;
    i->activation_source = c->activation_source;
    i->embed_width = c->embed_width;
    i->image = &model->sizes[CLIPSPAN_IMAGE];
    i->text = &model->sizes[CLIPSPAN_TEXT];
    fill_tower(&model->sizes[CLIPSPAN_IMAGE], &c->image,
               cs_checkpoint_parameters(model->checkpoint, CLIPSPAN_IMAGE));
    for (int layer = 0; layer < c->image.layers; layer++)
        i->heads_left += cs_config_heads(c, layer);
    i->input_height = c->input_height;
    i->input_width = c->input_width;
    i->patch_size = c->patch_size;
    i->grid_height = c->grid_height;
    i->grid_width = c->grid_width;
    i->tokens = c->tokens;
    i->has_ln_pre = c->has_ln_pre;
    i->has_text = c->has_text;
    if (c->has_text) {
        fill_tower(&model->sizes[CLIPSPAN_TEXT], &c->text,
                   cs_checkpoint_parameters(model->checkpoint, CLIPSPAN_TEXT));
        i->context_length = c->context_length;
        i->vocab_size = c->vocab_size;
    }
    memcpy(i->mean, c->preprocess.mean, sizeof i->mean);
    memcpy(i->std, c->preprocess.std, sizeof i->std);
    memcpy(i->fill, c->preprocess.fill, sizeof i->fill);
    i->resize = c->preprocess.resize;
    i->kernel = c->preprocess.kernel;
    i->convert_first = c->preprocess.convert_first;
    i->floor_crop = c->preprocess.floor_crop;
    i->tensors = cs_safetensors_count(tensors);
    i->bytes = cs_safetensors_bytes(tensors);
    i->tokenizer = c->has_text ? cs_checkpoint_tokenizer(model->checkpoint) : "";
    i->readout = c->readout;
    i->text_readout = c->has_text ? cs_config_text_readout(c) : 0;
    i->text_activation = c->has_text ? c->text_activation : 0;
    i->class_token = c->class_token;
    i->has_logit_bias = c->has_logit_bias;
    i->split_layers = cs_config_split(c)->layers;
    i->split_heads = cs_config_split(c)->heads;
    i->split_head_width = cs_config_split(c)->head_width;
    i->own_tokenizer = c->has_text && c->foreign_tokenizer;
}

/* Where a model comes from: a name to look up, or tensors. */
typedef struct model_source {
    const char *name;
    const char *config; /* of tensors */
    size_t config_size;
    const clipspan_tensor *tensors; /* NULL: look the name up */
    size_t count;
} model_source;

static clipspan_status open_source(cs_checkpoint **out, const model_source *from,
                                   const clipspan_model_options *options, clipspan_error *err)
{
    if (!from->tensors) return cs_checkpoint_open(out, from->name, options, err);
    return cs_checkpoint_new(out, from->name, from->config, from->config_size, from->tensors,
                             from->count, options, err);
}

static clipspan_status make_model(clipspan_model **out, const model_source *from,
                                  const clipspan_model_options *options, clipspan_error *err)
{
    clipspan_model_options o;
    clipspan_status status;
    clipspan_model *model;
    CS_TRY(CS_OPTIONS(&o, options, clipspan_model_options, err));
    if (o.quick_gelu < -1 || o.quick_gelu > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "quick_gelu is %d; -1, 0 and 1 are known",
                       o.quick_gelu);
    model = cs_alloc_zero(1, sizeof *model, "a model", err);
    if (!model) return CLIPSPAN_E_NOMEM;
    model->simd = cs_simd_best();
    model->quick_gelu = o.quick_gelu;
    model->allow_nonfinite = o.allow_nonfinite;
    model->config = cs_strdup(o.config ? o.config : "", err);
    status = model->config ? open_source(&model->checkpoint, from, &o, err) : CLIPSPAN_E_NOMEM;
    if (status != CLIPSPAN_OK) {
        cs_free(model->config);
        cs_free(model);
        return status;
    }
    cs_lock_init(&model->lock);
    fill_info(model);
    *out = model;
    return CLIPSPAN_OK;
}

clipspan_status clipspan_model_open(clipspan_model **out, const char *name,
                                    const clipspan_model_options *options, clipspan_error *err)
{
    const model_source from = {name, NULL, 0, NULL, 0};
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !name)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_model_open: out or name is NULL");
    return make_model(out, &from, options, err);
}

clipspan_status clipspan_model_new(clipspan_model **out, const char *name, const char *config_json,
                                   size_t config_size, const clipspan_tensor *tensors, size_t count,
                                   const clipspan_model_options *options, clipspan_error *err)
{
    const model_source from = {name, config_json, config_size, tensors, count};
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !name || !tensors)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_model_new: out, name or tensors is NULL");
    return make_model(out, &from, options, err);
}

void clipspan_model_close(clipspan_model **model)
{
    clipspan_model *m = model ? *model : NULL;
    int i;
    if (!m) return;
    for (i = 0; i < 4; i++)
        cs_tower_free(&m->towers[i / 2][i % 2]);
    for (i = 0; i < 2; i++)
        cs_output_map_free(&m->bases[i]);
    cs_tokenizer_close(&m->tokenizer);
    if (m->identity) m->identity_free(&m->identity);
    cs_free(m->config);
    cs_checkpoint_close(&m->checkpoint);
    cs_lock_fini(&m->lock);
    cs_free(m);
    *model = NULL;
}

const clipspan_model_info *clipspan_model_get_info(const clipspan_model *model)
{
    return model ? &model->info : NULL;
}

int clipspan_model_has_head(const clipspan_model *model, int layer, int head)
{
    if (!model || layer < 0 || layer >= model->info.split_layers || head < 0) return 0;
    if (model->info.readout == CLIPSPAN_READ_POOL) return head < model->info.split_heads;
    return cs_config_has_head(cs_checkpoint_config(model->checkpoint), layer, head);
}

clipspan_status clipspan_model_get_tensor(clipspan_tensor_info *out, const clipspan_model *model,
                                          size_t index, clipspan_error *err)
{
    const cs_safetensors *tensors;
    const cs_tensor_entry *e;
    cs_clear(err);
    if (!out || !model)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_model_get_tensor: out or model is NULL");
    tensors = cs_checkpoint_tensors(model->checkpoint);
    if (index >= cs_safetensors_count(tensors))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "tensor %zu was asked for; the model has %zu",
                       index, cs_safetensors_count(tensors));
    e = cs_safetensors_at(tensors, index);
    out->name = e->name;
    out->dtype = e->dtype_name;
    out->file = clipspan_model_get_file(model, e->file);
    out->rank = e->rank;
    memcpy(out->shape, e->shape, sizeof out->shape);
    out->offset = cs_safetensors_in_memory(tensors) ? 0 : e->offset;
    out->bytes = e->bytes;
    return CLIPSPAN_OK;
}

clipspan_status clipspan_model_read_logit_scale(float *out, const clipspan_model *model,
                                                clipspan_error *err)
{
    cs_tensor_ref ref;
    float value;
    cs_clear(err);
    if (!out || !model)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_model_read_logit_scale: out or model is NULL");
    ref = cs_checkpoint_part(model->checkpoint, CLIPSPAN_TEXT, CS_LOGIT_SCALE, 0);
    if (!ref.entry)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, model->info.name,
                          "has no text encoder and so no logit_scale");
    CS_TRY(cs_checkpoint_read(&value, model->checkpoint, ref, err));
    value = expf(value);
    if (!isfinite(value))
        return cs_fail_at(err, CLIPSPAN_E_NUMBERS, model->info.name, "logit_scale is not finite");
    *out = value;
    return CLIPSPAN_OK;
}

clipspan_status clipspan_model_read_logit_bias(float *out, const clipspan_model *model,
                                               clipspan_error *err)
{
    cs_tensor_ref ref;
    cs_clear(err);
    if (!out || !model)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_model_read_logit_bias: out or model is NULL");
    ref = cs_checkpoint_part(model->checkpoint, CLIPSPAN_TEXT, CS_LOGIT_BIAS, 0);
    if (!ref.entry)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, model->info.name,
                          "has no logit_bias: its scores are no sigmoids");
    CS_TRY(cs_checkpoint_read(out, model->checkpoint, ref, err));
    if (!isfinite(*out))
        return cs_fail_at(err, CLIPSPAN_E_NUMBERS, model->info.name, "logit_bias is not finite");
    return CLIPSPAN_OK;
}

static int is_real(const cs_tensor_entry *e)
{
    return e->dtype != CS_I64 && e->dtype != CS_OTHER;
}

clipspan_status clipspan_model_run_check(clipspan_model_check *out, const clipspan_model *model,
                                         const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const cs_safetensors *tensors;
    float *values;
    uint64_t done = 0, total = 0;
    size_t i;
    int stop = 0;
    cs_clear(err);
    if (!out || !model)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_model_run_check: out or model is NULL");
    tensors = cs_checkpoint_tensors(model->checkpoint);
    for (i = 0; i < cs_safetensors_count(tensors); i++)
        if (is_real(cs_safetensors_at(tensors, i))) total += cs_safetensors_at(tensors, i)->bytes;
    memset(out, 0, sizeof *out);
    values = cs_alloc(CHUNK, sizeof *values, "a check of the weights", err);
    if (!values) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < cs_safetensors_count(tensors); i++) {
        const cs_tensor_entry *e = cs_safetensors_at(tensors, i);
        uint64_t first, odd[3] = {0, 0, 0};
        if (!is_real(e)) continue;
        for (first = 0; first < e->count; first += CHUNK) {
            size_t n = e->count - first < CHUNK ? (size_t)(e->count - first) : CHUNK;
            CS_TRY_DONE(cs_safetensors_read(values, tensors, e, first, n, err));
            model->simd->count_odd(odd, values, n);
            done += n * (e->bytes / e->count);
            if (progress && progress->step)
                stop = progress->step(progress->user, (size_t)done, (size_t)total);
            if (stop) {
                status = cs_stopped(err, stop, "the check was stopped");
                goto done;
            }
        }
        out->values += e->count;
        out->nan += odd[0];
        out->inf += odd[1];
        out->denormal += odd[2];
        if (odd[0] + odd[1] > 0 && !out->first_bad[0])
            strncpy(out->first_bad, e->name, sizeof out->first_bad - 1);
    }
done:
    cs_free(values);
    return status;
}

size_t clipspan_model_get_files(const clipspan_model *model)
{
    return model ? cs_safetensors_files(cs_checkpoint_tensors(model->checkpoint)) : 0;
}

const char *clipspan_model_get_file(const clipspan_model *model, size_t file)
{
    if (file >= clipspan_model_get_files(model)) return NULL;
    if (cs_safetensors_in_memory(cs_checkpoint_tensors(model->checkpoint))) return "";
    return cs_safetensors_path(cs_checkpoint_tensors(model->checkpoint), file);
}

clipspan_status clipspan_model_run_hash(char out[65], const clipspan_model *model, size_t file,
                                        const clipspan_progress *progress, clipspan_error *err)
{
    cs_clear(err);
    if (!out || !model)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_model_run_hash: out or model is NULL");
    if (file >= clipspan_model_get_files(model))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "file %zu of the model was asked for; it has %zu",
                       file, clipspan_model_get_files(model));
    return cs_safetensors_hash(out, NULL, cs_checkpoint_tensors(model->checkpoint), file, progress,
                               err);
}

/* The tokenizer beside a model's configuration, used as the model's family does. */
static clipspan_status open_own_tokenizer(cs_tokenizer **out, const clipspan_model *model,
                                          clipspan_error *err)
{
    const cs_config *config = cs_checkpoint_config(model->checkpoint);
    cs_tokenizer_options o = CS_TOKENIZER_OPTIONS_INIT;
    char looked[256] = "";
    const char *name;
    o.kind = CS_TOKENIZER_FILE;
    o.cleaning = config->cleaning;
    o.vocab = config->vocab_size;
    o.siglip = config->pool == CS_POOL_LAST;
    if (*model->info.tokenizer) return cs_tokenizer_open_as(out, model->info.tokenizer, &o, err);
    for (size_t i = 0; (name = cs_tokenizer_file_name(i)); i++)
        snprintf(looked + strlen(looked), sizeof looked - strlen(looked), "%s%s",
                 i == 0                          ? ""
                 : cs_tokenizer_file_name(i + 1) ? ", "
                                                 : " and ",
                 name);
    return cs_fail_at(
        err, CLIPSPAN_E_NOT_FOUND, model->info.name,
        "has a tokenizer of its own, and no file of it lies beside its configuration: "
        "looked for %s; put it there, with its tokenizer_config.json, or give "
        "clipspan_encoder_run_tokens token ids",
        looked);
}

clipspan_status cs_model_tokenizer(const cs_tokenizer **out, const clipspan_model *model,
                                   clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    union {
        const clipspan_model *shared;
        clipspan_model *own;
    } m;
    *out = NULL;
    if (!model->info.has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, model->info.name,
                          "has only an image encoder; texts need a model with a text encoder");
    m.shared = model; /* the lock makes this first use safe */
    cs_lock_enter(&m.own->lock);
    if (!model->tokenizer && model->info.own_tokenizer)
        status = open_own_tokenizer(&m.own->tokenizer, model, err);
    else if (!model->tokenizer)
        status = cs_tokenizer_open(&m.own->tokenizer, model->info.tokenizer, model->info.vocab_size,
                                   err);
    cs_lock_leave(&m.own->lock);
    if (status == CLIPSPAN_OK) *out = model->tokenizer;
    return status;
}

clipspan_status cs_check_layer_heads(const clipspan_model *model, clipspan_error *err)
{
    if (model->info.readout != CLIPSPAN_READ_POOL) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, model->info.name,
                      "is read out by an attention pool, whose heads are the ones that runs know; "
                      "heads of layers are what is changed in a network, and of those a run has no "
                      "means. In a run, ablate and surgery change the pool's heads");
}

clipspan_status cs_model_tower(cs_tower **out, clipspan_model *model, clipspan_modality which,
                               clipspan_precision precision, int threads, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_tower **slot = &model->towers[which][precision];
    cs_lock_enter(&model->lock);
    if (!*slot)
        status = cs_tower_load(slot, model->checkpoint, which, precision, model->allow_nonfinite,
                               threads, model->simd, err);
    *out = *slot;
    cs_lock_leave(&model->lock);
    return status;
}

clipspan_status cs_model_output_map(cs_output_map **out, clipspan_model *model,
                                    clipspan_precision precision, int threads, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_output_map **slot = &model->bases[precision];
    cs_lock_enter(&model->lock);
    if (!*slot)
        status = cs_output_map_new(slot, model->checkpoint, precision, threads, model->simd, err);
    *out = *slot;
    cs_lock_leave(&model->lock);
    return status;
}
