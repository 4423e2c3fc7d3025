/* SPDX-License-Identifier: MIT */
/* Opening a checkpoint: locate it, read the tensor table, tell the layout from the names, find and
 * read the configuration that fits, and give every tensor its part. */
#define _POSIX_C_SOURCE 200809L
#include "model/checkpoint.h"

#include <clipspan/model.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/config_read.h"
#include "model/locate.h"
#include "model/parts.h"
#include "model/tensor_names.h"

/* A text that came from the caller's memory, copied; NULL: none. */
typedef struct kept_text {
    char *text;
    size_t size;
} kept_text;

struct cs_checkpoint {
    char *name, *tokenizer;
    cs_location location; /* of a model in memory: nothing but its name as path, for messages */
    cs_safetensors *tensors;
    char before[32]; /* of every tensor name */
    cs_config config;
    cs_parts parts;
    char *config_path, *preprocessor, *index; /* files beside the weights, or NULL */
    char *config_folder; /* of a configuration that was named; NULL: the location's */
    kept_text config_text, preprocessor_text;
};

/* Where the configuration comes from: a file, or a built-in architecture. */
typedef struct config_choice {
    char *path, *preprocessor;
    const cs_architecture *architecture;
    int quick_gelu; /* the architecture's name says so */
    char merges[512];
} config_choice;

/* ---- Choice of the configuration ---- */

/* The configuration that was asked for by name. */
static clipspan_status choose_asked(config_choice *out, const char *asked, clipspan_error *err)
{
    const char *near;
    if (cs_path_kind(asked) == 1) {
        out->path = cs_strdup(asked, err);
        return out->path ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    }
    out->architecture = cs_architecture_find(asked, &out->quick_gelu);
    if (out->architecture) return CLIPSPAN_OK;
    near = cs_architecture_nearest(asked);
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, asked,
                      "neither a configuration file nor a built-in architecture%s%s%s",
                      near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* The configuration beside the weights: NAME.json of a bare NAME.safetensors, then the usual names,
 * then what the table knows of this checkpoint. */
static clipspan_status choose_beside(config_choice *out, const cs_location *location,
                                     clipspan_layout layout, clipspan_error *err)
{
    int openclip = layout == CLIPSPAN_LAYOUT_OPENCLIP;
    const char *last = cs_path_name(location->path), *dot = strrchr(last, '.');
    char own[260] = "";
    const char *names[3];
    size_t i;
    if (location->is_file && dot && strlen(last) < sizeof own - 8)
        snprintf(own, sizeof own, "%.*s.json", (int)(dot - last), last);
    names[0] = own;
    names[1] = openclip ? "open_clip_config.json" : "config.json";
    names[2] = openclip ? "config.json" : "";
    for (i = 0; i < 3 && !out->path; i++)
        if (names[i][0]) CS_TRY(cs_location_file(&out->path, location, names[i], err));
    if (out->path) return CLIPSPAN_OK;
    if (location->known)
        out->architecture = cs_architecture_find(location->known->architecture, &out->quick_gelu);
    if (out->architecture) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, location->path,
                      "no configuration beside weights with %s names: %s%s%s is not in %.300s; add "
                      "it, or name it or a built-in architecture such as ViT-B-16 (--config)",
                      openclip ? "OpenCLIP" : "Hugging Face", own, own[0] ? " or " : "", names[1],
                      location->folder);
}

/* Files of the preprocessing lie beside the configuration. */
static clipspan_status choose_preprocessor(config_choice *choice, const cs_location *location,
                                           int asked, clipspan_error *err)
{
    static const char *const names[] = {"preprocessor_config.json", "processor_config.json"};
    cs_location beside = *location;
    clipspan_status status = CLIPSPAN_OK;
    size_t i;
    if (asked) {
        beside.folder = cs_path_folder(choice->path, err);
        beside.fence = NULL;
        if (!beside.folder) return CLIPSPAN_E_NOMEM;
    }
    for (i = 0; i < 2 && status == CLIPSPAN_OK && !choice->preprocessor; i++)
        status = cs_location_file(&choice->preprocessor, &beside, names[i], err);
    if (asked) cs_free(beside.folder);
    return status;
}

/* ---- Activation of a bare file ---- */

/* Nothing is assumed: the name of the architecture, the table, or the three integers that only
 * OpenAI's own archives hold must tell. */
static clipspan_status decide_activation(cs_checkpoint *c, const config_choice *choice,
                                         clipspan_error *err)
{
    const cs_known_checkpoint *known = c->location.known;
    char name[64];
    size_t room = sizeof c->config.activation_source;
    snprintf(name, sizeof name, "%sinput_resolution", c->before);
    if (choice->quick_gelu) {
        c->config.activation = CLIPSPAN_QUICK_GELU;
        snprintf(c->config.activation_source, room, "architecture name %s-quickgelu",
                 choice->architecture->name);
    } else if (known) {
        c->config.activation = known->quick_gelu ? CLIPSPAN_QUICK_GELU : CLIPSPAN_GELU;
        snprintf(c->config.activation_source, room, "table of published checkpoints: %.40s/%.60s",
                 known->architecture, known->tag);
    } else if (cs_safetensors_find(c->tensors, name)) {
        c->config.activation = CLIPSPAN_QUICK_GELU;
        snprintf(c->config.activation_source, room,
                 "tensor input_resolution, which OpenAI's own files hold");
    } else
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, c->location.path,
                          "nothing says whether this checkpoint uses QuickGELU, and the wrong "
                          "choice gives wrong embeddings silently: say it (--quick-gelu yes for "
                          "OpenAI, MetaCLIP and DFN weights, no for LAION and DataComp ones), or "
                          "give the configuration file");
    return CLIPSPAN_OK;
}

/* A built-in architecture; without a text encoder where the weights have none. text: before the
 * text encoder's names. */
static clipspan_status take_architecture(cs_checkpoint *c, const cs_architecture *architecture,
                                         clipspan_layout layout, const char *text,
                                         clipspan_error *err)
{
    char name[80];
    CS_TRY(cs_config_from_architecture(&c->config, architecture, layout, err));
    cs_config_apply_known(&c->config, c->location.known);
    snprintf(name, sizeof name, "%s%stoken_embedding.weight", c->before, text);
    if (layout == CLIPSPAN_LAYOUT_HUGGINGFACE)
        snprintf(name, sizeof name, "%stext_model.embeddings.token_embedding.weight", c->before);
    if (cs_safetensors_find(c->tensors, name)) return CLIPSPAN_OK;
    c->config.has_text = 0;
    return cs_config_finish(&c->config, architecture->name, err);
}

/* Configuration and preprocessing that came as texts. */
static clipspan_status parse_texts(cs_checkpoint *c, config_choice *choice, clipspan_layout layout,
                                   clipspan_error *err)
{
    cs_config_texts texts = {NULL, "config_json", NULL, "preprocessor_json", c->config.image_only};
    clipspan_status status =
        cs_json_read_text(&texts.config, c->config_text.text, c->config_text.size, texts.path, err);
    if (status == CLIPSPAN_OK && c->preprocessor_text.text)
        status = cs_json_read_text(&texts.preprocessor, c->preprocessor_text.text,
                                   c->preprocessor_text.size, texts.preprocessor_path, err);
    if (status == CLIPSPAN_OK)
        status = cs_config_parse(&c->config, choice->merges, &texts, layout, NULL, err);
    if (status == CLIPSPAN_OK && choice->merges[0])
        status = cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, c->name,
                            "its configuration names the merges table %.200s (bpe_path); a model "
                            "in memory takes its texts apart with the standard one",
                            choice->merges);
    if (status == CLIPSPAN_OK && c->preprocessor_text.text && layout == CLIPSPAN_LAYOUT_OPENCLIP)
        status = cs_fail_at(err, CLIPSPAN_E_ARGUMENT, c->name,
                            "preprocessor_json goes with a Hugging Face configuration; OpenCLIP's "
                            "has preprocess_cfg in it");
    json_decref(texts.config);
    json_decref(texts.preprocessor);
    return status;
}

static clipspan_status read_config(cs_checkpoint *c, config_choice *choice,
                                   const clipspan_model_options *options, clipspan_error *err)
{
    clipspan_layout layout;
    const char *asked = options ? options->config : NULL;
    int quick = options ? options->quick_gelu : 0;
    char text[16];
    CS_TRY(cs_tensor_names_detect(&layout, c->before, text, c->tensors, err));
    if (c->config_text.text)
        CS_TRY(parse_texts(c, choice, layout, err));
    else if (choice->architecture) /* of a model in memory */
        (void)0;
    else if (asked)
        CS_TRY(choose_asked(choice, asked, err));
    else
        CS_TRY(choose_beside(choice, &c->location, layout, err));
    if (choice->architecture) CS_TRY(take_architecture(c, choice->architecture, layout, text, err));
    if (choice->path) {
        if (layout == CLIPSPAN_LAYOUT_HUGGINGFACE)
            CS_TRY(choose_preprocessor(choice, &c->location, asked != NULL, err));
        CS_TRY(cs_config_read(&c->config, choice->merges, choice->path, choice->preprocessor,
                              layout, c->location.known, c->config.image_only, err));
    }
    snprintf(c->config.name_prefix, sizeof c->config.name_prefix, "%s", text);
    if (quick) {
        c->config.activation = quick > 0 ? CLIPSPAN_QUICK_GELU : CLIPSPAN_GELU;
        c->config.text_activation = c->config.activation;
        snprintf(c->config.activation_source, sizeof c->config.activation_source,
                 "the caller's option");
    }
    return CLIPSPAN_OK;
}

/* ---- Tokenizer ---- */

/* The file of a tokenizer of its own, beside the configuration; "" when there is none. Everything
 * that is read there is checked to lie where it may. */
static clipspan_status find_own(cs_checkpoint *c, clipspan_error *err)
{
    char *beside = NULL;
    const char *name;
    for (size_t i = 0; !c->tokenizer && (name = cs_tokenizer_file_name(i)); i++)
        CS_TRY(cs_checkpoint_file(&c->tokenizer, c, name, err));
    if (c->tokenizer) CS_TRY(cs_checkpoint_file(&beside, c, "tokenizer_config.json", err));
    cs_free(beside);
    if (!c->tokenizer) c->tokenizer = cs_strdup("", err);
    return c->tokenizer ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* The model's own merges table: the one its configuration names, or one of the usual names beside
 * the configuration; else the standard one (""). */
static clipspan_status find_tokenizer(cs_checkpoint *c, const config_choice *choice, int asked,
                                      clipspan_error *err)
{
    static const char *const openclip[] = {"merges.txt", "bpe_simple_vocab_16e6.txt.gz",
                                           "bpe_simple_vocab_16e6.txt"};
    static const char *const huggingface[] = {"merges.txt", "tokenizer.json"};
    int hf = c->config.layout == CLIPSPAN_LAYOUT_HUGGINGFACE;
    clipspan_status status = CLIPSPAN_OK;
    char *found = NULL;
    size_t i;
    if (choice->path && asked) {
        c->config_folder = cs_path_folder(choice->path, err);
        if (!c->config_folder) return CLIPSPAN_E_NOMEM;
    }
    if (c->config.has_text && c->config.foreign_tokenizer) return find_own(c, err);
    if (choice->merges[0]) {
        if (choice->merges[0] == '/' || strstr(choice->merges, "..")) {
            status = cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, choice->path,
                                "bpe_path \"%.200s\" leads out of the model's folder; put the file "
                                "there and name it without a path",
                                choice->merges);
            goto done;
        }
        CS_TRY_DONE(cs_checkpoint_file(&found, c, choice->merges, err));
        if (!found) {
            status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, choice->path,
                                "bpe_path \"%.200s\" is not beside it", choice->merges);
            goto done;
        }
    }
    for (i = 0; i < (hf ? 2u : 3u) && choice->path && c->config.has_text && !found; i++)
        CS_TRY_DONE(cs_checkpoint_file(&found, c, hf ? huggingface[i] : openclip[i], err));
    if (found && hf) {
        cs_free(found);
        found = cs_strdup(c->config_folder ? c->config_folder : c->location.folder, err);
    } else if (!found)
        found = cs_strdup("", err);
    c->tokenizer = found;
    found = NULL;
    if (!c->tokenizer) status = CLIPSPAN_E_NOMEM;
done:
    cs_free(found);
    return status;
}

/* ---- The handle ---- */

/* What follows once the tensors are known. */
static clipspan_status find_parts(cs_checkpoint *c, config_choice *choice,
                                  const clipspan_model_options *options, clipspan_error *err)
{
    CS_TRY(read_config(c, choice, options, err));
    CS_TRY(cs_parts_find(&c->parts, &c->config, c->tensors, c->before,
                         choice->path           ? choice->path
                         : choice->architecture ? choice->architecture->name
                                                : "config_json",
                         err));
    if (!c->config.activation) CS_TRY(decide_activation(c, choice, err));
    if (!c->config.text_activation) c->config.text_activation = c->config.activation;
    return CLIPSPAN_OK;
}

static clipspan_status open_checkpoint(cs_checkpoint *c, const char *name,
                                       const clipspan_model_options *options, config_choice *choice,
                                       cs_weight_files *files, clipspan_error *err)
{
    CS_TRY(cs_locate(&c->location, name, err));
    c->name = cs_strdup(name, err);
    if (!c->name) return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_location_weights(files, &c->location, err));
    c->index = files->index;
    files->index = NULL;
    CS_TRY(cs_safetensors_open(&c->tensors, (const char *const *)files->paths, files->count, err));
    CS_TRY(find_parts(c, choice, options, err));
    return find_tokenizer(c, choice, options && options->config, err);
}

clipspan_status cs_checkpoint_open(cs_checkpoint **out, const char *name,
                                   const clipspan_model_options *options, clipspan_error *err)
{
    clipspan_status status;
    config_choice choice = {0};
    cs_weight_files files = {0};
    cs_checkpoint *c;
    *out = NULL;
    c = cs_alloc_zero(1, sizeof *c, "a checkpoint", err);
    if (!c) return CLIPSPAN_E_NOMEM;
    status = open_checkpoint(c, name, options, &choice, &files, err);
    c->config_path = choice.path;
    c->preprocessor = choice.preprocessor;
    cs_weight_files_fini(&files);
    if (status == CLIPSPAN_OK)
        *out = c;
    else
        cs_checkpoint_close(&c);
    return status;
}

static clipspan_status keep_text(kept_text *to, const char *text, size_t size, clipspan_error *err)
{
    to->text = cs_strndup(text, size, err);
    to->size = size;
    return to->text ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* c with everything that does not come from the tensors. */
static clipspan_status take_memory(cs_checkpoint *c, config_choice *choice, const char *name,
                                   const char *text, size_t size,
                                   const clipspan_model_options *options, clipspan_error *err)
{
    const char *architecture = options ? options->config : NULL;
    c->name = cs_strdup(name, err);
    c->location.path = cs_strdup(name, err);
    c->tokenizer = cs_strdup("", err);
    if (!c->name || !c->location.path || !c->tokenizer) return CLIPSPAN_E_NOMEM;
    if (!text == !architecture || (architecture && options->preprocessor_json))
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, name,
                          "a model in memory has either the text of a configuration, with one of "
                          "preprocessing or without, or the name of a built-in architecture in its "
                          "options");
    if (text) CS_TRY(keep_text(&c->config_text, text, size, err));
    if (options && options->preprocessor_json)
        CS_TRY(keep_text(&c->preprocessor_text, options->preprocessor_json,
                         options->preprocessor_size, err));
    if (text) return CLIPSPAN_OK;
    choice->architecture = cs_architecture_find(architecture, &choice->quick_gelu);
    if (choice->architecture) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, architecture,
                      "is no built-in architecture; a model in memory has one, or the text of a "
                      "configuration");
}

clipspan_status cs_checkpoint_new(cs_checkpoint **out, const char *name, const char *text,
                                  size_t size, const clipspan_tensor *tensors, size_t count,
                                  const clipspan_model_options *options, clipspan_error *err)
{
    clipspan_status status;
    config_choice choice = {0};
    cs_checkpoint *c = cs_alloc_zero(1, sizeof *c, "a checkpoint", err);
    *out = NULL;
    if (!c) return CLIPSPAN_E_NOMEM;
    status = take_memory(c, &choice, name, text, size, options, err);
    if (status == CLIPSPAN_OK)
        status = cs_safetensors_from_memory(&c->tensors, name, tensors, count, err);
    if (status == CLIPSPAN_OK) status = find_parts(c, &choice, options, err);
    if (status == CLIPSPAN_OK)
        *out = c;
    else
        cs_checkpoint_close(&c);
    return status;
}

void cs_checkpoint_close(cs_checkpoint **checkpoint)
{
    cs_checkpoint *c = checkpoint ? *checkpoint : NULL;
    if (!c) return;
    cs_parts_fini(&c->parts);
    cs_safetensors_close(&c->tensors);
    cs_location_fini(&c->location);
    cs_config_fini(&c->config);
    cs_free(c->name);
    cs_free(c->tokenizer);
    cs_free(c->config_path);
    cs_free(c->preprocessor);
    cs_free(c->index);
    cs_free(c->config_folder);
    cs_free(c->config_text.text);
    cs_free(c->preprocessor_text.text);
    cs_free(c);
    *checkpoint = NULL;
}

const cs_config *cs_checkpoint_config(const cs_checkpoint *checkpoint)
{
    return &checkpoint->config;
}

const cs_safetensors *cs_checkpoint_tensors(const cs_checkpoint *checkpoint)
{
    return checkpoint->tensors;
}

const char *cs_checkpoint_name(const cs_checkpoint *checkpoint)
{
    return checkpoint->name;
}

const char *cs_checkpoint_path(const cs_checkpoint *checkpoint)
{
    return cs_safetensors_in_memory(checkpoint->tensors) ? "" : checkpoint->location.path;
}

const char *cs_checkpoint_folder(const cs_checkpoint *checkpoint)
{
    return checkpoint->location.folder ? checkpoint->location.folder : "";
}

const char *cs_checkpoint_config_text(const cs_checkpoint *checkpoint, size_t *size)
{
    *size = checkpoint->config_text.size;
    return checkpoint->config_text.text;
}

const char *cs_checkpoint_preprocessor_text(const cs_checkpoint *checkpoint, size_t *size)
{
    *size = checkpoint->preprocessor_text.size;
    return checkpoint->preprocessor_text.text;
}

const char *cs_checkpoint_config_path(const cs_checkpoint *checkpoint)
{
    return checkpoint->config_path;
}

const char *cs_checkpoint_preprocessor(const cs_checkpoint *checkpoint)
{
    return checkpoint->preprocessor;
}

const char *cs_checkpoint_index(const cs_checkpoint *checkpoint)
{
    return checkpoint->index;
}

clipspan_status cs_checkpoint_file(char **out, const cs_checkpoint *checkpoint, const char *name,
                                   clipspan_error *err)
{
    cs_location beside = checkpoint->location;
    *out = NULL;
    if (cs_safetensors_in_memory(checkpoint->tensors)) return CLIPSPAN_OK;
    if (checkpoint->config_folder) {
        beside.folder = checkpoint->config_folder;
        beside.fence = NULL;
    }
    return cs_location_file(out, &beside, name, err);
}

const char *cs_checkpoint_tokenizer(const cs_checkpoint *checkpoint)
{
    return checkpoint->tokenizer;
}

cs_tensor_ref cs_checkpoint_part(const cs_checkpoint *checkpoint, clipspan_modality tower,
                                 cs_part part, int layer)
{
    const cs_config *config = &checkpoint->config;
    int layers = tower == CLIPSPAN_IMAGE ? config->image.layers : config->text.layers;
    cs_tensor_ref none = {0};
    if (part < CS_LN1_WEIGHT) return checkpoint->parts.once[tower][part];
    if (layer < 0 || layer >= layers || !checkpoint->parts.layers[tower]) return none;
    return checkpoint->parts.layers[tower][layer][part - CS_LN1_WEIGHT];
}

clipspan_status cs_checkpoint_read(float *out, const cs_checkpoint *checkpoint, cs_tensor_ref ref,
                                   clipspan_error *err)
{
    if (!ref.entry)
        return cs_fail_at(err, CLIPSPAN_E_INTERNAL, checkpoint->location.path,
                          "a part that this model does not have was asked for");
    return cs_safetensors_read(out, checkpoint->tensors, ref.entry, ref.first * ref.columns,
                               ref.rows * ref.columns, err);
}

uint64_t cs_checkpoint_parameters(const cs_checkpoint *checkpoint, clipspan_modality tower)
{
    return checkpoint->parts.parameters[tower];
}
