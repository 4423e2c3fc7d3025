/* SPDX-License-Identifier: MIT */
/* Facts of a model and of options, as texts. Numbers are printed so that they read back. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "run/identity.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"
#include "formats/sha256.h"

#include <assert.h>
#include <clipspan/run.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

clipspan_status cs_identity_add(cs_identity *identity, const char *key, int binding,
                                clipspan_error *err, const char *format, ...)
{
    cs_fact *fact = &identity->facts[identity->count];
    va_list arguments;
    int size;
    assert(identity->count < CS_FACTS_MOST);
    va_start(arguments, format);
    size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    fact->value = cs_alloc((size_t)size + 1, 1, "facts of a run", err);
    if (!fact->value) return CLIPSPAN_E_NOMEM;
    va_start(arguments, format);
    vsnprintf(fact->value, (size_t)size + 1, format, arguments);
    va_end(arguments);
    fact->key = key;
    fact->binding = binding;
    identity->count++;
    return CLIPSPAN_OK;
}

/* Bytes hashed so far, over all files. */
typedef struct hash_progress {
    const clipspan_progress *outer;
    uint64_t before, total;
} hash_progress;

static int hash_step(void *user, size_t done, size_t total)
{
    const hash_progress *p = user;
    (void)total;
    return p->outer->step(p->outer->user, (size_t)(p->before + done), (size_t)p->total);
}

/* Names, sizes and hashes of the weight files as JSON, and one hash over theirs. */
static clipspan_status hash_files(char **list, char whole[65], const cs_safetensors *tensors,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    hash_progress inner = {progress, 0, cs_safetensors_bytes(tensors)};
    clipspan_progress step = {hash_step, &inner};
    json_t *files = json_array();
    unsigned char digest[32];
    cs_sha256 all;
    cs_sha256_init(&all);
    for (size_t i = 0; i < cs_safetensors_files(tensors); i++) {
        const char *path = cs_safetensors_path(tensors, i);
        char hash[65];
        json_t *entry, *name;
        uint64_t bytes;
        int memory;
        CS_TRY_DONE(cs_safetensors_hash(hash, &bytes, tensors, i,
                                        progress && progress->step ? &step : NULL, err));
        inner.before += bytes;
        name = cs_json_string(&memory, cs_path_name(path));
        entry = name ? json_pack("{s:o, s:I, s:s}", "name", name, "bytes", (json_int_t)bytes,
                                 "sha256", hash)
                     : json_pack("{s:s}", "sha256", hash); /* a name that is not UTF-8 */
        if (memory || !entry) {
            json_decref(entry);
            CS_TRY_DONE(cs_fail_memory(err, 1, "facts of a run"));
        }
        if (json_array_append_new(files, entry) != 0)
            CS_TRY_DONE(cs_fail_memory(err, 1, "facts of a run"));
        cs_sha256_add(&all, hash, 64);
    }
    cs_sha256_end(digest, &all);
    cs_sha256_print(whole, digest);
    *list = json_dumps(files, 0);
    if (!*list) status = cs_fail_memory(err, 1, "facts of a run");
done:
    json_decref(files);
    return status;
}

static clipspan_status add_preprocess(cs_identity *to, const cs_preprocess *p, clipspan_error *err)
{
    static const char *const resize[] = {"", "shortest", "squash", "longest"};
    static const char *const kernel[] = {"", "bicubic", "bilinear"};
    CS_TRY(cs_identity_add(to, "preprocess.height", 1, err, "%d", p->height));
    CS_TRY(cs_identity_add(to, "preprocess.width", 1, err, "%d", p->width));
    CS_TRY(cs_identity_add(to, "preprocess.crop_to", 1, err, "%d", p->crop_to));
    CS_TRY(cs_identity_add(to, "preprocess.resize", 1, err, "%s", resize[p->resize]));
    CS_TRY(cs_identity_add(to, "preprocess.kernel", 1, err, "%s", kernel[p->kernel]));
    CS_TRY(cs_identity_add(to, "preprocess.convert_first", 1, err, "%d", p->convert_first));
    CS_TRY(cs_identity_add(to, "preprocess.floor_crop", 1, err, "%d", p->floor_crop));
    CS_TRY(cs_identity_add(to, "preprocess.fill", 1, err, "%d %d %d", p->fill[0], p->fill[1],
                           p->fill[2]));
    CS_TRY(cs_identity_add(to, "preprocess.mean", 1, err, "%.9g %.9g %.9g", (double)p->mean[0],
                           (double)p->mean[1], (double)p->mean[2]));
    return cs_identity_add(to, "preprocess.std", 1, err, "%.9g %.9g %.9g", (double)p->std[0],
                           (double)p->std[1], (double)p->std[2]);
}

/* Of a model with pruned heads, "0 2 5;1 3": those that each layer has left. */
static clipspan_status add_heads(cs_identity *to, const cs_config *c, clipspan_error *err)
{
    const size_t room = 7 * (size_t)c->image.layers * (size_t)c->image.heads + 1;
    clipspan_status status;
    size_t used = 0;
    char *text;
    if (!c->head_counts) return CLIPSPAN_OK;
    text = cs_alloc(room, 1, "facts of a run", err);
    if (!text) return CLIPSPAN_E_NOMEM;
    for (int l = 0; l < c->image.layers; l++)
        for (int i = 0; i < cs_config_heads(c, l); i++)
            used += (size_t)snprintf(text + used, room - used, "%s%d",
                                     i   ? " "
                                     : l ? ";"
                                         : "",
                                     cs_config_head(c, l, i));
    status = cs_identity_add(to, "model.heads_per_layer", 1, err, "%s", text);
    cs_free(text);
    return status;
}

static clipspan_status add_config(cs_identity *to, const cs_config *c, clipspan_error *err)
{
    static const char *const activation[] = {"", "gelu", "quick_gelu", "tanh_gelu"};
    CS_TRY(cs_identity_add(to, "model.layers", 1, err, "%d", cs_config_split(c)->layers));
    CS_TRY(cs_identity_add(to, "model.heads", 1, err, "%d", cs_config_split(c)->heads));
    CS_TRY(add_heads(to, c, err));
    CS_TRY(cs_identity_add(to, "model.head_width", 1, err, "%d", cs_config_split(c)->head_width));
    CS_TRY(cs_identity_add(to, "model.mlp_width", 1, err, "%d", c->image.mlp_width));
    CS_TRY(cs_identity_add(to, "model.embed_width", 1, err, "%d", c->embed_width));
    CS_TRY(cs_identity_add(to, "model.patch_size", 1, err, "%d", c->patch_size));
    CS_TRY(cs_identity_add(to, "model.tokens", 1, err, "%d", c->tokens));
    CS_TRY(cs_identity_add(to, "model.has_ln_pre", 1, err, "%d", c->has_ln_pre));
    CS_TRY(cs_identity_add(to, "model.activation", 1, err, "%s", activation[c->activation]));
    return cs_identity_add(to, "model.eps", 1, err, "%.9g", (double)c->image.eps);
}

/* Paths are kept absolute where they can be: a run is read from anywhere. */
static clipspan_status add_path(cs_identity *to, const char *key, const char *path,
                                clipspan_error *err)
{
    char *whole = cs_path_kind(path) ? realpath(path, NULL) : NULL;
    clipspan_status status = cs_identity_add(to, key, 0, err, "%s", whole ? whole : path);
    free(whole);
    return status;
}

clipspan_status cs_identity_init(cs_identity *identity, const cs_model_source *source,
                                 const clipspan_progress *progress, clipspan_error *err)
{
    const cs_config *config = cs_checkpoint_config(source->checkpoint);
    const cs_safetensors *tensors = cs_checkpoint_tensors(source->checkpoint);
    clipspan_status status;
    char *files, whole[65];
    memset(identity, 0, sizeof *identity);
    CS_TRY(cs_identity_add(identity, "version", 1, err, "%s", CLIPSPAN_VERSION));
    CS_TRY(cs_identity_add(identity, "model.name", 0, err, "%s",
                           cs_checkpoint_name(source->checkpoint)));
    CS_TRY(add_path(identity, "model.path", cs_checkpoint_path(source->checkpoint), err));
    CS_TRY(add_path(identity, "model.config", source->config ? source->config : "", err));
    CS_TRY(cs_identity_add(identity, "model.quick_gelu", 0, err, "%d", source->quick_gelu));
    CS_TRY(
        cs_identity_add(identity, "model.allow_nonfinite", 0, err, "%d", source->allow_nonfinite));
    CS_TRY(hash_files(&files, whole, tensors, progress, err));
    status = cs_identity_add(identity, "model.sha256", 1, err, "%s", whole);
    if (status == CLIPSPAN_OK)
        status = cs_identity_add(identity, "model.files", 0, err, "%s", files);
    free(files);
    CS_TRY(status);
    CS_TRY(add_config(identity, config, err));
    CS_TRY(add_preprocess(identity, &config->preprocess, err));
    CS_TRY(cs_identity_add(identity, "modality", 1, err, "image"));
    CS_TRY(cs_identity_add(identity, "readout", 1, err, "class token"));
    CS_TRY(cs_identity_add(identity, "readout.rows", 1, err, "1"));
    CS_TRY(cs_identity_add(identity, "cpu", 1, err, "%s", source->cpu_level));
    return cs_identity_add(identity, "product", 1, err, "%s", source->product);
}

/* Whose coefficients are kept. Contributions of MLPs and of class-token self-attention belong to
 * the sum over all layers, and are kept with all of them. */
static clipspan_status add_layers(cs_identity *identity, const clipspan_plan_options *options,
                                  int layers, clipspan_error *err)
{
    const int count = options->layer_count ? options->layer_count : layers - options->first_layer;
    const int kept = options->coefficients != CLIPSPAN_COEFFICIENTS_NONE;
    if (kept)
        CS_TRY(cs_identity_add(identity, "coefficients.layers", 1, err, "%d %d",
                               options->first_layer, options->first_layer + count - 1));
    else
        CS_TRY(cs_identity_add(identity, "coefficients.layers", 1, err, "none"));
    return cs_identity_add(identity, "contributions", 1, err, "%s",
                           kept && count == layers ? "all" : "none");
}

clipspan_status cs_identity_add_options(cs_identity *identity, const clipspan_plan_options *options,
                                        int layers, clipspan_error *err)
{
    static const char *const coefficients[] = {"f32", "f16", "none"};
    CS_TRY(cs_identity_add(identity, "precision", 1, err, "%s",
                           options->precision == CLIPSPAN_BF16 ? "bf16" : "f32"));
    CS_TRY(cs_identity_add(identity, "coefficients", 1, err, "%s",
                           coefficients[options->coefficients]));
    CS_TRY(add_layers(identity, options, layers, err));
    CS_TRY(cs_identity_add(identity, "preprocess.exif_orient", 1, err, "%d",
                           options->image->exif_orient != 0));
    return cs_identity_add(identity, "preprocess.max_pixels", 1, err, "%llu",
                           (unsigned long long)options->image->max_pixels);
}

clipspan_status cs_identity_copy(cs_identity *to, const cs_identity *from, clipspan_error *err)
{
    memset(to, 0, sizeof *to);
    for (size_t i = 0; i < from->count; i++) {
        const cs_fact *fact = &from->facts[i];
        CS_TRY(cs_identity_add(to, fact->key, fact->binding, err, "%s", fact->value));
    }
    return CLIPSPAN_OK;
}

void cs_identity_fini(cs_identity *identity)
{
    for (size_t i = 0; i < identity->count; i++)
        cs_free(identity->facts[i].value);
    memset(identity, 0, sizeof *identity);
}

void cs_identity_hash(char out[65], const cs_identity *identity)
{
    unsigned char digest[32];
    cs_sha256 hash;
    cs_sha256_init(&hash);
    for (size_t i = 0; i < identity->count; i++) {
        const cs_fact *fact = &identity->facts[i];
        if (!fact->binding) continue;
        cs_sha256_add(&hash, fact->key, strlen(fact->key));
        cs_sha256_add(&hash, "=", 1);
        cs_sha256_add(&hash, fact->value, strlen(fact->value));
        cs_sha256_add(&hash, "\n", 1);
    }
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
}
