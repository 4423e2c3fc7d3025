/* SPDX-License-Identifier: MIT */
/* Writer of small checkpoints: a weight is a hash of seed, part, layer and place, so both layouts
 * can be written in one pass each without keeping a model in memory. */
#define _XOPEN_SOURCE 700
#include "tiny.h"

#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void stop(const char *what)
{
    perror(what);
    abort();
}

static void *get(size_t size)
{
    void *memory = calloc(size ? size : 1, 1);
    if (!memory) stop("calloc");
    return memory;
}

#if defined(__has_feature)
#    define HAS_FEATURE(name) __has_feature(name)
#else
#    define HAS_FEATURE(name) 0
#endif

int cs_tiny_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 1;
#else
    return HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer) ||
           HAS_FEATURE(memory_sanitizer);
#endif
}

/* ---- Folders and files ---- */

static char *folder_in(const char *base)
{
    char *folder = get(4096);
    snprintf(folder, 4096, "%s/clipspan-test-XXXXXX", base);
    if (!mkdtemp(folder)) stop(folder);
    return folder;
}

char *cs_tiny_folder(void)
{
    const char *base = getenv("TMPDIR");
    return folder_in(base && base[0] ? base : "/tmp");
}

char *cs_tiny_memory_folder(void)
{
    return access("/dev/shm", W_OK | X_OK) == 0 ? folder_in("/dev/shm") : cs_tiny_folder();
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)facts;
    (void)kind;
    (void)place;
    return remove(path);
}

void cs_tiny_remove(char **folder)
{
    if (!*folder) return;
    nftw(*folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*folder);
    *folder = NULL;
}

char *cs_tiny_path(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = get(size);
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static FILE *create(const char *folder, const char *name)
{
    char *path = cs_tiny_path(folder, name), *p;
    FILE *file;
    for (p = path + strlen(folder) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        mkdir(path, 0777);
        *p = '/';
    }
    file = fopen(path, "wb");
    if (!file) stop(path);
    free(path);
    return file;
}

static void put(FILE *file, const void *bytes, size_t size)
{
    if (size && fwrite(bytes, 1, size, file) != size) stop("fwrite");
}

static void finish(FILE *file)
{
    if (fclose(file) != 0) stop("fclose");
}

void cs_tiny_write(const char *folder, const char *name, const void *bytes, size_t size)
{
    FILE *file = create(folder, name);
    put(file, bytes, size);
    finish(file);
}

void cs_tiny_write_text(const char *folder, const char *name, const char *text)
{
    cs_tiny_write(folder, name, text, strlen(text));
}

void cs_tiny_write_raw(const char *folder, const char *name, const char *header, size_t header_size,
                       const void *data, size_t size)
{
    FILE *file = create(folder, name);
    unsigned char length[8];
    int i;
    for (i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)header_size >> (8 * i));
    put(file, length, 8);
    put(file, header, header_size);
    put(file, data, size);
    finish(file);
}

/* ---- A safetensors file, tensor by tensor ---- */

struct cs_tiny_file {
    char *header;
    unsigned char *data;
    size_t header_size, header_room, size, room;
};

cs_tiny_file *cs_tiny_file_new(void)
{
    cs_tiny_file *file = get(sizeof *file);
    file->header = get(file->header_room = 1 << 16);
    file->data = get(file->room = 1 << 16);
    file->header_size =
        (size_t)snprintf(file->header, file->header_room, "{\"__metadata__\":{\"format\":\"pt\"}");
    return file;
}

static void *room_for(void *memory, size_t *room, size_t need)
{
    while (*room < need) {
        memory = realloc(memory, *room *= 2);
        if (!memory) stop("realloc");
    }
    return memory;
}

static void header_text(cs_tiny_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void header_text(cs_tiny_file *file, const char *format, ...)
{
    va_list args;
    file->header = room_for(file->header, &file->header_room, file->header_size + 1024);
    va_start(args, format);
    file->header_size += (size_t)vsnprintf(file->header + file->header_size, 1024, format, args);
    va_end(args);
}

/* float32 to binary16, rounded to nearest even; small weights only, so no overflow. */
static uint16_t to_half(float value)
{
    uint16_t sign = (uint16_t)(signbit(value) ? 0x8000 : 0);
    int exponent;
    float fraction = frexpf(fabsf(value), &exponent); /* [0.5, 1) */
    if (value == 0.0f) return sign;
    if (exponent < -13) return (uint16_t)(sign | (int)nearbyintf(fabsf(value) * 0x1p24f));
    return (uint16_t)(sign | (((exponent + 13) << 10) + (int)nearbyintf(fraction * 2048.0f)));
}

static void put_number(unsigned char *out, const char *dtype, float value)
{
    uint32_t bits;
    uint16_t half;
    double wide = (double)value;
    int64_t whole = (int64_t)value;
    if (strcmp(dtype, "F16") == 0) {
        half = to_half(value);
        memcpy(out, &half, 2);
    } else if (strcmp(dtype, "BF16") == 0) {
        memcpy(&bits, &value, 4);
        half = (uint16_t)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        memcpy(out, &half, 2);
    } else if (strcmp(dtype, "F64") == 0)
        memcpy(out, &wide, 8);
    else if (strcmp(dtype, "I64") == 0)
        memcpy(out, &whole, 8);
    else
        memcpy(out, &value, 4);
}

void cs_tiny_file_add(cs_tiny_file *file, const char *name, const char *dtype,
                      const uint64_t *shape, int rank, const float *values)
{
    size_t width = dtype[0] == 'B' || strcmp(dtype, "F16") == 0 ? 2 : strstr(dtype, "64") ? 8 : 4;
    size_t count = 1, i;
    int r;
    header_text(file, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", name, dtype);
    for (r = 0; r < rank; r++) {
        header_text(file, "%s%llu", r ? "," : "", (unsigned long long)shape[r]);
        count *= (size_t)shape[r];
    }
    header_text(file, "],\"data_offsets\":[%zu,%zu]}", file->size, file->size + count * width);
    file->data = room_for(file->data, &file->room, file->size + count * width);
    for (i = 0; i < count; i++)
        put_number(file->data + file->size + i * width, dtype, values ? values[i] : 0.0f);
    file->size += count * width;
}

void cs_tiny_file_end(cs_tiny_file *file, const char *folder, const char *name)
{
    header_text(file, "}");
    cs_tiny_write_raw(folder, name, file->header, file->header_size, file->data, file->size);
    free(file->header);
    free(file->data);
    free(file);
}

/* ---- Weights ---- */

static uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ x >> 16;
}

/* Uniform in [-1, 1), with 16 bits. */
static float draw(unsigned seed, const char *part, int tower, int layer, size_t place)
{
    uint32_t h = mix(seed * 2654435761u + (uint32_t)(2 * layer + tower));
    for (; *part; part++)
        h = mix(h ^ (unsigned char)*part);
    h = mix(h ^ (uint32_t)place);
    return (float)(int32_t)(h >> 16) / 32768.0f - 1.0f;
}

typedef struct writer {
    cs_tiny_file *file;
    const cs_tiny_model *model;
    unsigned seed;
    int tower, layer;
    char before[64]; /* of every tensor name */
} writer;

/* count numbers base + spread * noise of unit variance, the same for a part in both layouts. */
static void fill(float *values, const writer *w, const char *canonical, size_t count, float base,
                 float spread)
{
    size_t i;
    for (i = 0; i < count; i++)
        values[i] = base + spread * 1.7320508f * draw(w->seed, canonical, w->tower, w->layer, i);
}

/* Adds a tensor, spoilt where the model says so. rows 0: a vector. */
static void emit(const writer *w, const char *name, size_t rows, size_t columns,
                 const float *values)
{
    const cs_tiny_model *m = w->model;
    uint64_t shape[2] = {rows ? rows : columns, columns};
    int rank = rows ? 2 : 1;
    char whole[300];
    snprintf(whole, sizeof whole, "%s%s", w->before, name);
    if (m->missing && strcmp(m->missing, whole) == 0) return;
    if (m->longer && strcmp(m->longer, whole) == 0) {
        shape[rank - 1]++;
        values = NULL;
    }
    if (m->swapped && strcmp(m->swapped, whole) == 0) {
        shape[0] = columns;
        shape[1] = rows;
    }
    cs_tiny_file_add(w->file, whole, rows ? m->dtype : m->small_dtype, shape, rank, values);
}

static void matrix(const writer *w, const char *name, const char *canonical, int rows, int columns)
{
    size_t count = (size_t)rows * (size_t)columns;
    float *values = get(count * sizeof *values);
    fill(values, w, canonical, count, 0.0f, 1.0f / sqrtf((float)columns));
    emit(w, name, (size_t)rows, (size_t)columns, values);
    free(values);
}

static void vector(const writer *w, const char *name, const char *canonical, int count, float base,
                   float spread)
{
    float *values = get((size_t)count * sizeof *values);
    fill(values, w, canonical, (size_t)count, base, spread);
    emit(w, name, 0, (size_t)count, values);
    free(values);
}

/* weight and bias of a LayerNorm or Linear layer; name without its ending. */
static void norm(const writer *w, const char *name, const char *canonical, int width)
{
    char whole[300], key[64];
    snprintf(whole, sizeof whole, "%s.weight", name);
    snprintf(key, sizeof key, "%s.g", canonical);
    vector(w, whole, key, width, 1.0f, 0.2f);
    snprintf(whole, sizeof whole, "%s.bias", name);
    snprintf(key, sizeof key, "%s.b", canonical);
    vector(w, whole, key, width, 0.0f, 0.1f);
}

static void linear(const writer *w, const char *name, const char *canonical, int rows, int columns)
{
    char whole[300], key[64];
    snprintf(whole, sizeof whole, "%s.weight", name);
    matrix(w, whole, canonical, rows, columns);
    snprintf(whole, sizeof whole, "%s.bias", name);
    snprintf(key, sizeof key, "%s.b", canonical);
    vector(w, whole, key, rows, 0.0f, 0.1f);
}

/* The projection to the joint image-text embedding space: canonical [D, P], stored so or turned. */
static void projection(const writer *w, const char *name, int width, int embed, int turned)
{
    size_t rows = (size_t)width, columns = (size_t)embed, i, j;
    float *values = get(rows * columns * sizeof *values);
    float *other = get(rows * columns * sizeof *values);
    fill(values, w, "projection", rows * columns, 0.0f, 1.0f / sqrtf((float)width));
    for (i = 0; i < rows; i++)
        for (j = 0; j < columns; j++)
            other[j * rows + i] = values[i * columns + j];
    emit(w, name, turned ? columns : rows, turned ? rows : columns, turned ? other : values);
    free(values);
    free(other);
}

/* q, k, v as one [3D, D]. */
static void joint_attention(const writer *w, const char *name, int width)
{
    static const char *const keys[] = {"q", "k", "v"};
    static const char *const biases[] = {"q.b", "k.b", "v.b"};
    size_t d = (size_t)width, i;
    float *values = get(3 * d * d * sizeof *values), *bias = get(3 * d * sizeof *bias);
    char whole[200];
    for (i = 0; i < 3; i++) {
        fill(values + i * d * d, w, keys[i], d * d, 0.0f, 1.0f / sqrtf((float)width));
        fill(bias + i * d, w, biases[i], d, 0.0f, 0.1f);
    }
    snprintf(whole, sizeof whole, "%s.attn.in_proj_weight", name);
    emit(w, whole, 3 * d, d, values);
    snprintf(whole, sizeof whole, "%s.attn.in_proj_bias", name);
    emit(w, whole, 0, 3 * d, bias);
    free(values);
    free(bias);
}

static void openclip_blocks(writer *w, const char *name, int layers, int width, int mlp)
{
    char block[128], whole[200];
    for (w->layer = 0; w->layer < layers; w->layer++) {
        snprintf(block, sizeof block, "%s.resblocks.%d", name, w->layer);
        joint_attention(w, block, width);
        snprintf(whole, sizeof whole, "%s.ln_1", block);
        norm(w, whole, "ln1", width);
        snprintf(whole, sizeof whole, "%s.attn.out_proj", block);
        linear(w, whole, "out", width, width);
        snprintf(whole, sizeof whole, "%s.ln_2", block);
        norm(w, whole, "ln2", width);
        snprintf(whole, sizeof whole, "%s.mlp.c_fc", block);
        linear(w, whole, "fc", mlp, width);
        snprintf(whole, sizeof whole, "%s.mlp.c_proj", block);
        linear(w, whole, "mlp", width, mlp);
    }
    w->layer = 0;
}

static void hf_blocks(writer *w, const char *name, int layers, int width, int mlp)
{
    static const struct {
        const char *name, *key;
        int kind; /* 0 norm, 1 [D, D], 2 [M, D], 3 [D, M] */
    } parts[] = {{"layer_norm1", "ln1", 0},
                 {"self_attn.q_proj", "q", 1},
                 {"self_attn.k_proj", "k", 1},
                 {"self_attn.v_proj", "v", 1},
                 {"self_attn.out_proj", "out", 1},
                 {"layer_norm2", "ln2", 0},
                 {"mlp.fc1", "fc", 2},
                 {"mlp.fc2", "mlp", 3}};
    char whole[200];
    size_t i;
    for (w->layer = 0; w->layer < layers; w->layer++)
        for (i = 0; i < sizeof parts / sizeof *parts; i++) {
            int kind = parts[i].kind;
            snprintf(whole, sizeof whole, "%s.encoder.layers.%d.%s", name, w->layer, parts[i].name);
            if (kind == 0)
                norm(w, whole, parts[i].key, width);
            else
                linear(w, whole, parts[i].key, kind == 2 ? mlp : width, kind == 3 ? mlp : width);
        }
    w->layer = 0;
}

static int positions(const cs_tiny_model *m)
{
    return 1 + (m->height / m->patch) * (m->input_width / m->patch);
}

static void patches(const writer *w, const char *name)
{
    const cs_tiny_model *m = w->model;
    uint64_t side = (uint64_t)m->patch, shape[4] = {(uint64_t)m->width, 3, side, side};
    size_t count = (size_t)m->width * 3 * (size_t)(side * side);
    float *values = get(count * sizeof *values);
    char whole[200];
    snprintf(whole, sizeof whole, "%s%s", w->before, name);
    fill(values, w, "patch", count, 0.0f, 1.0f / sqrtf(3.0f * (float)(side * side)));
    if (!m->missing || strcmp(m->missing, whole) != 0)
        cs_tiny_file_add(w->file, whole, m->dtype, shape, 4, values);
    free(values);
}

static void scale(const writer *w)
{
    const float value = 2.6592f;
    const uint64_t one = 1;
    char whole[200];
    snprintf(whole, sizeof whole, "%slogit_scale", w->before);
    if (w->model->missing && strcmp(w->model->missing, whole) == 0) return;
    cs_tiny_file_add(w->file, whole, w->model->small_dtype, &one, w->model->scale_rank, &value);
}

static void extras(const writer *w)
{
    const float one = 1.0f;
    const uint64_t shape[1] = {1};
    if (w->model->extra) cs_tiny_file_add(w->file, w->model->extra, "F32", shape, 1, &one);
}

void cs_tiny_write_openclip_weights(const char *folder, const char *name, const cs_tiny_model *m,
                                    unsigned seed)
{
    writer w = {cs_tiny_file_new(), m, seed, 0, 0, ""};
    snprintf(w.before, sizeof w.before, "%s", m->prefix);
    patches(&w, "visual.conv1.weight");
    vector(&w, "visual.class_embedding", "class", m->width, 0.0f, 0.3f);
    matrix(&w, "visual.positional_embedding", "positions", positions(m), m->width);
    if (!m->no_ln_pre) norm(&w, "visual.ln_pre", "pre", m->width);
    openclip_blocks(&w, "visual.transformer", m->layers, m->width, m->mlp);
    norm(&w, "visual.ln_post", "post", m->width);
    projection(&w, "visual.proj", m->width, m->embed, 0);
    scale(&w);
    if (m->old_extras) {
        const float numbers[3] = {(float)m->height, (float)m->context, (float)m->vocab};
        cs_tiny_file_add(w.file, "input_resolution", "I64", NULL, 0, &numbers[0]);
        cs_tiny_file_add(w.file, "context_length", "I64", NULL, 0, &numbers[1]);
        cs_tiny_file_add(w.file, "vocab_size", "I64", NULL, 0, &numbers[2]);
    }
    if (!m->no_text) {
        w.tower = 1;
        snprintf(w.before, sizeof w.before, "%s%s", m->prefix, m->custom_text ? "text." : "");
        matrix(&w, "token_embedding.weight", "tokens", m->vocab, m->text_width);
        matrix(&w, "positional_embedding", "positions", m->context, m->text_width);
        openclip_blocks(&w, "transformer", m->text_layers, m->text_width, m->text_mlp);
        norm(&w, "ln_final", "post", m->text_width);
        projection(&w, "text_projection", m->text_width, m->embed, 0);
    }
    extras(&w);
    cs_tiny_file_end(w.file, folder, name);
}

void cs_tiny_write_hf_weights(const char *folder, const char *name, const cs_tiny_model *m,
                              unsigned seed)
{
    writer w = {cs_tiny_file_new(), m, seed, 0, 0, ""};
    const uint64_t ids[2] = {1, (uint64_t)positions(m)}, text_ids[2] = {1, (uint64_t)m->context};
    patches(&w, "vision_model.embeddings.patch_embedding.weight");
    vector(&w, "vision_model.embeddings.class_embedding", "class", m->width, 0.0f, 0.3f);
    matrix(&w, "vision_model.embeddings.position_embedding.weight", "positions", positions(m),
           m->width);
    norm(&w, "vision_model.pre_layrnorm", "pre", m->width);
    hf_blocks(&w, "vision_model", m->layers, m->width, m->mlp);
    norm(&w, "vision_model.post_layernorm", "post", m->width);
    projection(&w, "visual_projection.weight", m->width, m->embed, 1);
    if (m->old_extras)
        cs_tiny_file_add(w.file, "vision_model.embeddings.position_ids", "I64", ids, 2, NULL);
    if (!m->no_text) {
        scale(&w);
        w.tower = 1;
        matrix(&w, "text_model.embeddings.token_embedding.weight", "tokens", m->vocab,
               m->text_width);
        matrix(&w, "text_model.embeddings.position_embedding.weight", "positions", m->context,
               m->text_width);
        if (m->old_extras)
            cs_tiny_file_add(w.file, "text_model.embeddings.position_ids", "I64", text_ids, 2,
                             NULL);
        hf_blocks(&w, "text_model", m->text_layers, m->text_width, m->text_mlp);
        norm(&w, "text_model.final_layer_norm", "post", m->text_width);
        projection(&w, "text_projection.weight", m->text_width, m->embed, 1);
    }
    extras(&w);
    cs_tiny_file_end(w.file, folder, name);
}

/* ---- Configurations ---- */

void cs_tiny_write_openclip(const char *folder, const cs_tiny_model *m, unsigned seed)
{
    char text[4000], text_cfg[400] = "";
    double eps = (double)m->eps;
    if (!m->no_text)
        snprintf(text_cfg, sizeof text_cfg,
                 ", \"text_cfg\": {\"context_length\": %d, \"vocab_size\": %d, \"width\": %d, "
                 "\"heads\": %d, \"layers\": %d, \"mlp_ratio\": %.17g, \"norm_kwargs\": "
                 "{\"eps\": %g}}",
                 m->context, m->vocab, m->text_width, m->text_heads, m->text_layers,
                 ((double)m->text_mlp + 0.25) / (double)m->text_width, eps);
    /* The ratio is a little too large, as it may be: width * ratio is rounded down. */
    snprintf(text, sizeof text,
             "{\"model_cfg\": {\"embed_dim\": %d, \"quick_gelu\": %s, %s\"vision_cfg\": "
             "{\"image_size\": [%d, %d], \"layers\": %d, \"width\": %d, \"head_width\": %d, "
             "\"mlp_ratio\": %.17g, \"patch_size\": %d, \"no_ln_pre\": %s, \"norm_kwargs\": "
             "{\"eps\": %g}}%s}, \"preprocess_cfg\": {\"mean\": [0.5, 0.4, 0.3], \"std\": [0.2, "
             "0.25, 0.3], \"interpolation\": \"bicubic\", \"resize_mode\": \"shortest\"}}\n",
             m->embed, m->quick_gelu ? "true" : "false",
             m->custom_text ? "\"custom_text\": true, " : "", m->height, m->input_width, m->layers,
             m->width, m->width / m->heads, ((double)m->mlp + 0.25) / (double)m->width, m->patch,
             m->no_ln_pre ? "true" : "false", eps, text_cfg);
    cs_tiny_write_text(folder, "open_clip_config.json", text);
    cs_tiny_write_openclip_weights(folder, "open_clip_model.safetensors", m, seed);
}

void cs_tiny_write_hf(const char *folder, const cs_tiny_model *m, unsigned seed)
{
    const char *act = m->quick_gelu ? "quick_gelu" : "gelu";
    char text[4000], size[64];
    double eps = (double)m->eps;
    if (m->height == m->input_width)
        snprintf(size, sizeof size, "%d", m->height);
    else
        snprintf(size, sizeof size, "[%d, %d]", m->height, m->input_width);
    snprintf(text, sizeof text,
             "{\"architectures\": [\"%s\"], \"model_type\": \"clip\", \"projection_dim\": %d, "
             "\"vision_config\": {\"hidden_size\": %d, \"intermediate_size\": %d, "
             "\"num_hidden_layers\": %d, \"num_attention_heads\": %d, \"image_size\": %s, "
             "\"patch_size\": %d, \"hidden_act\": \"%s\", \"layer_norm_eps\": %g}, "
             "\"text_config\": {\"hidden_size\": %d, \"intermediate_size\": %d, "
             "\"num_hidden_layers\": %d, \"num_attention_heads\": %d, \"vocab_size\": %d, "
             "\"max_position_embeddings\": %d, \"hidden_act\": \"%s\", \"layer_norm_eps\": %g, "
             "\"eos_token_id\": 2}}\n",
             m->no_text ? "CLIPVisionModelWithProjection" : "CLIPModel", m->embed, m->width, m->mlp,
             m->layers, m->heads, size, m->patch, act, eps, m->text_width, m->text_mlp,
             m->text_layers, m->text_heads, m->vocab, m->context, act, eps);
    cs_tiny_write_text(folder, "config.json", text);
    snprintf(text, sizeof text,
             "{\"image_processor_type\": \"CLIPImageProcessor\", \"do_resize\": true, \"size\": "
             "{\"shortest_edge\": %d}, \"do_center_crop\": true, \"crop_size\": {\"height\": %d, "
             "\"width\": %d}, \"do_convert_rgb\": true, \"do_rescale\": true, \"rescale_factor\": "
             "0.00392156862745098, \"do_normalize\": true, \"image_mean\": [0.5, 0.4, 0.3], "
             "\"image_std\": [0.2, 0.25, 0.3], \"resample\": 3}\n",
             m->height > m->input_width ? m->height : m->input_width, m->height, m->input_width);
    cs_tiny_write_text(folder, "preprocessor_config.json", text);
    cs_tiny_write_hf_weights(folder, "model.safetensors", m, seed);
}
