/* SPDX-License-Identifier: MIT */
/* SigLIP's image encoders in timm (vision_transformer.py, vit_*_siglip_*): no class token, no first
 * LayerNorm, patches with a bias, epsilon 1e-6 everywhere, an attention pool with as many heads and
 * as wide an MLP as a layer. GELU has the error function but where timm 1.0 says tanh; a
 * configuration's quick_gelu means nothing to timm. */
#include "model/config_timm.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

/* Sizes by the first word of a name: "vit_SIZE_patch16_siglip_256". */
static const struct {
    const char *name;
    int width, layers, heads;
    double mlp_ratio;
} sizes[] = {
    {"base", 768, 12, 12, 4.0},
    {"large", 1024, 24, 16, 4.0},
    {"so400m", 1152, 27, 16, 3.7362},
    {"giantopt", 1536, 40, 16, 4.0},
};

/* Names with the tanh form; those of the other models have the error function. */
static const char *const tanh_names[] = {
    "vit_base_patch32_siglip_256",    "vit_large_patch16_siglip_512",
    "vit_so400m_patch16_siglip_256",  "vit_so400m_patch16_siglip_384",
    "vit_so400m_patch16_siglip_512",  "vit_giantopt_patch16_siglip_256",
    "vit_giantopt_patch16_siglip_384"};

/* What other models of timm's would need, by how their names begin. */
static const struct {
    const char *name, *what;
} others[] = {
    {"vit_pe_core", "rotary positions and a pool with a projection (PE-Core)"},
    {"eva", "rotary positions and an inner LayerNorm (EVA)"},
    {"convnext", "a convolutional image encoder"},
    {"vitamin", "a convolutional image encoder"},
    {"fastvit", "a convolutional image encoder"},
    {"mobilenet", "a convolutional image encoder"},
    {"resnet", "a convolutional image encoder"},
    {"vit_base_mci", "a convolutional stem (MobileCLIP)"},
    {"naflexvit", "images of any shape (NaFlex)"},
};

static clipspan_status refuse_name(const cs_json *vision, const char *name, clipspan_error *err)
{
    char expected[240];
    const char *what = "another image encoder";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(name, others[i].name, strlen(others[i].name)) == 0) what = others[i].what;
    snprintf(expected, sizeof expected,
             "vit_SIZE_patchN_siglip_M of base, large, so400m or giantopt (this model would need "
             "%s, which is not supported)",
             what);
    return cs_json_unexpected(vision, "timm_model_name", expected, CLIPSPAN_E_UNSUPPORTED, err);
}

/* A number of at most four digits behind `before`, which `at` must begin with; NULL without, else
 * what follows. */
static const char *read_number(int *out, const char *at, const char *before)
{
    const size_t n = strlen(before);
    int digits = 0;
    if (strncmp(at, before, n) != 0) return NULL;
    *out = 0;
    for (at += n; digits < 4 && *at >= '0' && *at <= '9'; at++, digits++)
        *out = 10 * *out + (*at - '0');
    return *out > 0 ? at : NULL;
}

/* Everything that the name says; 0 when it is none that is known. */
static int read_name(cs_config *out, double *ratio, const char *name)
{
    const char *rest = strncmp(name, "vit_", 4) == 0 ? strchr(name + 4, '_') : NULL, *size;
    size_t length;
    if (!rest) return 0;
    size = name + 4;
    length = (size_t)(rest - size);
    rest = read_number(&out->patch_size, rest, "_patch");
    if (rest) rest = read_number(&out->input_height, rest, "_siglip_");
    if (!rest || *rest || out->input_height > CS_MAX_IMAGE) return 0;
    out->input_width = out->input_height;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strlen(sizes[i].name) == length && strncmp(size, sizes[i].name, length) == 0) {
            out->image.width = sizes[i].width;
            out->image.layers = sizes[i].layers;
            out->image.heads = sizes[i].heads;
            *ratio = sizes[i].mlp_ratio;
            return 1;
        }
    return 0;
}

/* What the configuration itself says goes before the name. */
static clipspan_status read_keys(cs_config *out, double *ratio, const cs_json *vision,
                                 clipspan_error *err)
{
    int head_width = out->image.width / out->image.heads, other = out->patch_size;
    CS_TRY(cs_json_pair(&out->input_height, &out->input_width, vision, "image_size", 1,
                        CS_MAX_IMAGE, err));
    CS_TRY(cs_json_pair(&out->patch_size, &other, vision, "patch_size", 1, CS_MAX_IMAGE, err));
    CS_TRY(cs_json_int(&out->image.layers, vision, "layers", 1, CS_MAX_LAYERS, err));
    CS_TRY(cs_json_int(&out->image.width, vision, "width", 1, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_int(&head_width, vision, "head_width", 1, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_number(ratio, vision, "mlp_ratio", 0.0, 1024.0, err));
    if (other != out->patch_size)
        return cs_json_unexpected(vision, "patch_size", "square patches", CLIPSPAN_E_UNSUPPORTED,
                                  err);
    if (out->image.width % head_width != 0)
        return cs_json_unexpected(vision, "head_width", "a divisor of the width", CLIPSPAN_E_FORMAT,
                                  err);
    out->image.heads = out->image.width / head_width;
    return CLIPSPAN_OK;
}

clipspan_status cs_config_read_timm(cs_config *out, const cs_json *vision, clipspan_error *err)
{
    const char *name = "", *pool = "", *projection = "linear";
    double ratio = 4.0;
    CS_TRY(cs_json_text(&name, vision, "timm_model_name", err));
    CS_TRY(cs_json_text(&pool, vision, "timm_pool", err));
    CS_TRY(cs_json_text(&projection, vision, "timm_proj", err));
    if (!read_name(out, &ratio, name)) return refuse_name(vision, name, err);
    if (strcmp(pool, "map") != 0)
        return cs_json_unexpected(vision, "timm_pool", "\"map\", an attention pool",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    if (strcmp(projection, "none") != 0)
        return cs_json_unexpected(vision, "timm_proj",
                                  "\"none\" (a projection behind the pool is not supported)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    if (cs_json_has(vision, "heads_per_layer"))
        return cs_json_unexpected(vision, "heads_per_layer",
                                  "no such key (a model with an attention pool has all its heads)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    CS_TRY(read_keys(out, &ratio, vision, err));
    out->image.mlp_width = (int)((double)out->image.width * ratio);
    out->image.eps = 1e-6f;
    cs_config_use_pool(out);
    out->names[CLIPSPAN_IMAGE] = CS_NAMES_TIMM;
    out->activation = CLIPSPAN_GELU;
    for (size_t i = 0; i < sizeof tanh_names / sizeof *tanh_names; i++)
        if (strcmp(name, tanh_names[i]) == 0) out->activation = CLIPSPAN_TANH_GELU;
    snprintf(out->activation_source, sizeof out->activation_source,
             "timm_model_name %.40s in %.60s", name, cs_path_name(vision->path));
    return CLIPSPAN_OK;
}
