/* SPDX-License-Identifier: MIT */
/* A model from tensors in memory does what one from files does, to the byte: both encoders,
 * decomposition, statistics, checks, edited checkpoints, in both layouts and all number types. */
#define _POSIX_C_SOURCE 200809L
#include "base/file.h"
#include "base/memory.h"
#include "formats/sha256.h"
#include "npy_array.h"
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The tensors of an open model, last first, none on a boundary of its numbers. */
typedef struct tensors {
    clipspan_tensor *item;
    uint64_t (*shape)[8];
    unsigned char **bytes;
    char **names;
    size_t count;
} tensors;

static tensors take_tensors(const clipspan_model *model)
{
    tensors t = {NULL, NULL, NULL, NULL, clipspan_model_get_info(model)->tensors};
    clipspan_error err;
    t.item = calloc(t.count, sizeof *t.item);
    t.shape = calloc(t.count, sizeof *t.shape);
    t.bytes = calloc(t.count, sizeof *t.bytes);
    t.names = calloc(2 * t.count, sizeof *t.names);
    for (size_t i = 0; i < t.count; i++) {
        clipspan_tensor_info info;
        clipspan_tensor *to = &t.item[t.count - 1 - i];
        FILE *file;
        assert_int_equal(clipspan_model_get_tensor(&info, model, i, &err), CLIPSPAN_OK);
        memcpy(t.shape[i], info.shape, sizeof info.shape);
        t.bytes[i] = malloc((size_t)info.bytes + 1);
        file = fopen(info.file, "rb");
        assert_non_null(file);
        fseek(file, (long)info.offset, SEEK_SET);
        assert_int_equal(fread(t.bytes[i] + 1, 1, (size_t)info.bytes, file), info.bytes);
        fclose(file);
        to->name = t.names[2 * i] = strdup(info.name);
        to->dtype = t.names[2 * i + 1] = strdup(info.dtype);
        to->rank = info.rank;
        to->shape = t.shape[i];
        to->data = t.bytes[i] + 1;
        to->size = (size_t)info.bytes;
    }
    return t;
}

static void free_tensors(tensors *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->bytes[i]);
    for (size_t i = 0; i < 2 * t->count; i++)
        free(t->names[i]);
    free(t->names);
    free(t->bytes);
    free(t->shape);
    free(t->item);
}

/* A checkpoint twice. */
typedef struct pair {
    clipspan_model *file, *memory;
    tensors tensors;
} pair;

static unsigned char *read_text(const char *folder, const char *name, size_t *size)
{
    char *path = cs_tiny_path(folder, name);
    unsigned char *text = NULL;
    if (cs_path_kind(path) == 1)
        assert_int_equal(cs_file_read_all(&text, size, path, 1 << 20, NULL), CLIPSPAN_OK);
    free(path);
    return text;
}

static pair open_pair(const char *folder)
{
    clipspan_model_options options = CLIPSPAN_MODEL_OPTIONS_INIT;
    size_t size = 0, processor_size = 0;
    unsigned char *config,
        *processor = read_text(folder, "preprocessor_config.json", &processor_size);
    clipspan_error err;
    pair p;
    config = read_text(folder, "open_clip_config.json", &size);
    if (!config) config = read_text(folder, "config.json", &size);
    options.preprocessor_json = (const char *)processor;
    options.preprocessor_size = processor_size;
    if (clipspan_model_open(&p.file, folder, NULL, &err)) fail_msg("%s", err.message);
    p.tensors = take_tensors(p.file);
    if (clipspan_model_new(&p.memory, "made up", (const char *)config, size, p.tensors.item,
                           p.tensors.count, &options, &err))
        fail_msg("%s: %s", folder, err.message);
    cs_free(config);
    cs_free(processor);
    return p;
}

static void close_pair(pair *p)
{
    clipspan_model_close(&p->memory);
    clipspan_model_close(&p->file);
    free_tensors(&p->tensors);
}

/* ---- The same bytes ---- */

static void compare_facts(const pair *p)
{
    clipspan_model_info a = *clipspan_model_get_info(p->file);
    const clipspan_model_info *b = clipspan_model_get_info(p->memory);
    clipspan_model_check c, d;
    assert_string_equal(b->name, "made up");
    assert_string_equal(b->path, "");
    assert_string_equal(b->tokenizer, "");
    assert_true(b->bytes > 0 && b->bytes < a.bytes); /* a file has a header */
    assert_memory_equal(a.image, b->image, sizeof *a.image);
    assert_memory_equal(a.text, b->text, sizeof *a.text);
    a.name = b->name;
    a.path = b->path;
    a.activation_source = b->activation_source;
    a.tokenizer = b->tokenizer;
    a.bytes = b->bytes;
    a.image = b->image;
    a.text = b->text;
    assert_int_equal(a.layout, b->layout);
    assert_int_equal(a.activation, b->activation);
    assert_int_equal(a.tokens, b->tokens);
    assert_int_equal(a.has_text, b->has_text);
    assert_int_equal(a.tensors, b->tensors);
    assert_int_equal(a.resize, b->resize);
    assert_int_equal(a.kernel, b->kernel);
    assert_memory_equal(a.mean, b->mean, sizeof a.mean);
    assert_memory_equal(a.std, b->std, sizeof a.std);
    assert_int_equal(clipspan_model_run_check(&c, p->file, NULL, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_model_run_check(&d, p->memory, NULL, NULL), CLIPSPAN_OK);
    assert_true(c.values == d.values && c.denormal == d.denormal && d.nan + d.inf == 0);
    for (size_t i = 0; i < a.tensors; i++) {
        clipspan_tensor_info x, y;
        assert_int_equal(clipspan_model_get_tensor(&x, p->file, i, NULL), CLIPSPAN_OK);
        assert_int_equal(clipspan_model_get_tensor(&y, p->memory, i, NULL), CLIPSPAN_OK);
        assert_string_equal(x.name, y.name);
        assert_string_equal(x.dtype, y.dtype);
        assert_string_equal(y.file, "");
        assert_int_equal(y.offset, 0);
        assert_true(x.rank == y.rank && x.bytes == y.bytes);
        assert_memory_equal(x.shape, y.shape, sizeof x.shape);
    }
    if (a.has_text) {
        float x, y;
        assert_int_equal(clipspan_model_read_logit_scale(&x, p->file, NULL), CLIPSPAN_OK);
        assert_int_equal(clipspan_model_read_logit_scale(&y, p->memory, NULL), CLIPSPAN_OK);
        assert_memory_equal(&x, &y, sizeof x);
    }
}

#define IMAGES 3

/* Embeddings, every component and every mean of noise, one after the other: *size bytes, for
 * free. */
static unsigned char *run_images(clipspan_model *model, size_t *size)
{
    const clipspan_model_info *i = clipspan_model_get_info(model);
    const size_t P = (size_t)i->embed_width, L = (size_t)i->image->layers,
                 H = (size_t)i->image->heads;
    const size_t pixels = IMAGES * 3 * (size_t)i->input_height * (size_t)i->input_width;
    const size_t numbers = IMAGES * P + 2 * (L * H + L + L + 1 + L) * P + P;
    float *all = calloc(numbers, sizeof *all), *at = all;
    uint8_t *noise = malloc(pixels);
    clipspan_encoder *encoder;
    clipspan_decomposition *parts;
    clipspan_stats *stats;
    clipspan_error err;
    uint32_t seed = 7;
    double off;
    for (size_t k = 0; k < pixels; k++)
        noise[k] = (uint8_t)((seed = seed * 1664525U + 1013904223U) >> 24);
    if (clipspan_encoder_new(&encoder, model, NULL, &err) ||
        clipspan_decomposition_new(&parts, encoder, NULL, &err) ||
        clipspan_stats_new(&stats, encoder, &err) ||
        clipspan_encoder_run_pixels(at, encoder, noise, IMAGES, &err) ||
        clipspan_decomposition_run_pixels(parts, noise, IMAGES, &err) ||
        clipspan_stats_add(stats, parts, &err))
        fail_msg("%s", err.message);
    at += IMAGES * P;
    assert_int_equal(
        clipspan_decomposition_run_contributions(at, at + L * H * P, at + (L * H + L) * P,
                                                 at + (L * H + 2 * L + 1) * P, parts, 1, &err),
        CLIPSPAN_OK);
    at += (L * H + 3 * L + 1) * P;
    assert_int_equal(clipspan_stats_run_means(at, at + L * H * P, at + (L * H + L) * P,
                                              at + (L * H + 2 * L + 1) * P,
                                              at + (L * H + 3 * L + 1) * P, stats, &err),
                     CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_run_check(&off, parts, 1, &err), CLIPSPAN_OK);
    assert_true(off <= 1e-5);
    clipspan_stats_free(&stats);
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    free(noise);
    *size = numbers * sizeof *all;
    return (unsigned char *)all;
}

static void compare_images(clipspan_model *a, clipspan_model *b)
{
    size_t size, other;
    unsigned char *x = run_images(a, &size), *y = run_images(b, &other);
    assert_int_equal(size, other);
    assert_memory_equal(x, y, size);
    free(x);
    free(y);
}

static float *run_tokens(clipspan_model *model, const cs_npy_array *ids)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    float *out =
        calloc(ids->rows * (size_t)clipspan_model_get_info(model)->embed_width, sizeof *out);
    clipspan_encoder *encoder;
    clipspan_error err;
    o.modality = CLIPSPAN_TEXT;
    if (clipspan_encoder_new(&encoder, model, &o, &err) ||
        clipspan_encoder_run_tokens(out, encoder, ids->data, ids->rows, NULL, &err))
        fail_msg("%s", err.message);
    clipspan_encoder_free(&encoder);
    return out;
}

/* ---- Edited checkpoints ---- */

static clipspan_model *write_edited(const clipspan_model *model, int layer, int remove)
{
    clipspan_write_options o = CLIPSPAN_WRITE_OPTIONS_INIT;
    const size_t K = (size_t)clipspan_model_get_info(model)->image->head_width;
    const clipspan_head head = {layer, 0};
    float *z = calloc(K, sizeof *z);
    char *folder = cs_tiny_folder(), *out = cs_tiny_path(folder, "edited");
    clipspan_model *edited = NULL;
    clipspan_error err;
    for (size_t k = 0; k < K; k++)
        z[k] = 0.25F * (float)k - 0.5F;
    o.remove = remove;
    if (clipspan_model_write(out, model, &head, z, 1, &o, NULL, &err) ||
        clipspan_model_open(&edited, out, NULL, &err))
        fail_msg("%s", err.message);
    compare_images(edited, edited); /* reads its weights before the folder goes */
    free(z);
    free(out);
    cs_tiny_remove(&folder);
    return edited;
}

static void compare_edits(const pair *p)
{
    const clipspan_encoder_info *t = clipspan_model_get_info(p->file)->image;
    for (int remove = 0; remove < 1 + (t->heads > 1); remove++) {
        clipspan_model *a, *b;
        if (!clipspan_model_has_head(p->file, t->layers - 1, 0)) return;
        a = write_edited(p->file, t->layers - 1, remove);
        b = write_edited(p->memory, t->layers - 1, remove);
        assert_int_equal(clipspan_model_get_info(a)->heads_left,
                         clipspan_model_get_info(b)->heads_left);
        assert_int_equal(clipspan_model_get_info(a)->activation,
                         clipspan_model_get_info(b)->activation);
        compare_images(a, b);
        clipspan_model_close(&a);
        clipspan_model_close(&b);
    }
}

static void golden_checkpoints_say_the_same_from_memory(void **state)
{
    static const char *const names[] = {
        "hf-gelu-eos",  "hf-quick-sharded",      "image-no-ln-pre", "openclip-f64-unaligned",
        "openclip-odd", "openclip-quick-custom", "openclip-wide"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *folder = cs_tiny_path(getenv("CLIPSPAN_GOLDEN"), names[i]);
        pair p = open_pair(folder);
        cs_npy_array ids;
        compare_facts(&p);
        compare_images(p.file, p.memory);
        if (cs_npy_array_read(&ids, folder, "ids.npy", "'<i4'", 4)) {
            float *a = run_tokens(p.file, &ids), *b = run_tokens(p.memory, &ids);
            const size_t P = (size_t)clipspan_model_get_info(p.file)->embed_width;
            assert_memory_equal(a, b, ids.rows * P * sizeof *a);
            free(a);
            free(b);
            cs_free(ids.bytes);
        }
        compare_edits(&p);
        close_pair(&p);
        free(folder);
    }
}

/* ---- Runs ---- */

static void a_run_is_of_its_model(void **state)
{
    char *golden = cs_tiny_path(getenv("CLIPSPAN_GOLDEN"), "openclip-odd");
    char *folder = cs_tiny_folder(), *path = cs_tiny_path(folder, "run");
    const char *image = getenv("CLIPSPAN_IMAGE");
    pair p = open_pair(golden);
    clipspan_inputs *inputs;
    clipspan_model *again;
    clipspan_run *run;
    clipspan_error err;
    char hash[65];
    (void)state;
    if (clipspan_inputs_open(&inputs, &image, 1, NULL, &err) ||
        clipspan_run_plan(NULL, path, p.memory, inputs, NULL, NULL, &err) ||
        clipspan_run_scan(NULL, path, p.memory, NULL, NULL, &err) ||
        clipspan_run_merge(path, NULL, &err) || clipspan_run_open(&run, path, &err))
        fail_msg("%s", err.message);
    assert_string_equal(clipspan_run_get_info(run)->model_name, "made up");
    assert_int_equal(strlen(clipspan_run_get_info(run)->model_hash), 64);
    assert_int_equal(clipspan_model_run_hash(hash, p.memory, 0, NULL, &err), CLIPSPAN_OK);
    /* the same weights in files have another hash, as they are other bytes */
    assert_int_equal(clipspan_run_scan(NULL, path, p.file, NULL, NULL, &err), CLIPSPAN_E_FORMAT);
    assert_int_not_equal(clipspan_run_open_model(&again, run, NULL, NULL, &err), CLIPSPAN_OK);
    clipspan_run_close(&run);
    clipspan_inputs_close(&inputs);
    close_pair(&p);
    cs_tiny_remove(&folder);
    free(path);
    free(golden);
}

/* ---- What the header says beside that ---- */

static void number(cs_sha256 *hash, uint64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    cs_sha256_add(hash, bytes, 8);
}

static pair open_tiny(void)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    char *folder = cs_tiny_folder();
    pair p;
    tiny.dtype = "F16";
    cs_tiny_write_openclip(folder, &tiny, 5);
    p = open_pair(folder);
    clipspan_model_close(&p.file);
    cs_tiny_remove(&folder); /* nothing of the files is needed any more */
    return p;
}

static void the_hash_is_the_documented_one(void **state)
{
    pair p = open_tiny();
    char found[65], expected[65];
    unsigned char digest[32];
    clipspan_error err;
    cs_sha256 hash;
    (void)state;
    assert_int_equal(clipspan_model_get_files(p.memory), 1);
    assert_string_equal(clipspan_model_get_file(p.memory, 0), "");
    assert_int_equal(clipspan_model_run_hash(found, p.memory, 0, NULL, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_model_run_hash(expected, p.memory, 1, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    cs_sha256_init(&hash);
    for (size_t i = p.tensors.count; i-- > 0;) { /* by name: they were given the other way round */
        clipspan_tensor_info info;
        const clipspan_tensor *t = &p.tensors.item[i];
        assert_int_equal(clipspan_model_get_tensor(&info, p.memory, p.tensors.count - 1 - i, NULL),
                         CLIPSPAN_OK);
        cs_sha256_add(&hash, info.name, strlen(info.name) + 1);
        cs_sha256_add(&hash, info.dtype, strlen(info.dtype) + 1);
        number(&hash, (uint64_t)info.rank);
        for (int d = 0; d < info.rank; d++)
            number(&hash, info.shape[d]);
        cs_sha256_add(&hash, t->data, t->size);
    }
    cs_sha256_end(digest, &hash);
    cs_sha256_print(expected, digest);
    assert_string_equal(found, expected);
    clipspan_model_close(&p.memory);
    free_tensors(&p.tensors);
}

/* With the merges table that comes with clipspan. */
static void texts_are_embedded(void **state)
{
    const char *words[] = {"a photo of a brick", "two bricks"};
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    pair p = open_tiny();
    clipspan_encoder *encoder;
    clipspan_texts *texts;
    clipspan_error err;
    float out[24];
    (void)state;
    o.modality = CLIPSPAN_TEXT;
    if (clipspan_texts_new(&texts, words, NULL, 2, &err) ||
        clipspan_encoder_new(&encoder, p.memory, &o, &err) ||
        clipspan_encoder_run_texts(out, encoder, texts, NULL, &err))
        fail_msg("%s", err.message);
    assert_memory_not_equal(out, out + 12, 12 * sizeof *out);
    clipspan_encoder_free(&encoder);
    clipspan_texts_free(&texts);
    clipspan_model_close(&p.memory);
    free_tensors(&p.tensors);
}

static const char config[] =
    "{\"embed_dim\": 12, \"vision_cfg\": {\"image_size\": 16, \"layers\": 2, \"width\": 24, "
    "\"head_width\": 8, \"patch_size\": 8, \"mlp_ratio\": 1.7}, \"text_cfg\": {\"layers\": 2, "
    "\"width\": 16, \"heads\": 2, \"mlp_ratio\": 1.5}}";

static void refuse(const tensors *t, clipspan_status code, const char *text)
{
    clipspan_model *model;
    clipspan_error err;
    clipspan_status status = clipspan_model_new(&model, "made up", config, strlen(config), t->item,
                                                t->count, NULL, &err);
    if (!text) {
        if (status) fail_msg("%s", err.message);
        clipspan_model_close(&model);
        return;
    }
    assert_null(model);
    if (status != code || !strstr(err.message, text) || !strstr(err.message, "made up"))
        fail_msg("expected %s: %s; found %s", clipspan_status_name(code), text, err.message);
}

static void what_is_refused(void **state)
{
    clipspan_model_options o = CLIPSPAN_MODEL_OPTIONS_INIT;
    pair p = open_tiny();
    tensors *t = &p.tensors;
    const clipspan_tensor whole = t->item[0];
    clipspan_model *model;
    clipspan_error err;
    (void)state;
    clipspan_model_close(&p.memory);
    assert_int_equal(
        clipspan_model_new(&model, "made up", config, strlen(config), NULL, 0, NULL, &err),
        CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_model_new(&model, "made up", NULL, 0, t->item, t->count, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    o.config = "ViT-B-16";
    assert_int_equal(
        clipspan_model_new(&model, "made up", config, strlen(config), t->item, t->count, &o, &err),
        CLIPSPAN_E_ARGUMENT);
    o.config = "no-such";
    assert_int_equal(clipspan_model_new(&model, "made up", NULL, 0, t->item, t->count, &o, &err),
                     CLIPSPAN_E_NOT_FOUND);
    refuse(t, CLIPSPAN_OK, NULL);
    t->item[0].name = NULL;
    refuse(t, CLIPSPAN_E_ARGUMENT, "tensor 0 has no name");
    t->item[0] = whole;
    t->item[0].name = t->item[1].name;
    refuse(t, CLIPSPAN_E_ARGUMENT, "given twice");
    t->item[0] = whole;
    t->item[0].dtype = "F31";
    refuse(t, CLIPSPAN_E_ARGUMENT, "F31");
    t->item[0] = whole;
    t->item[0].size--;
    refuse(t, CLIPSPAN_E_ARGUMENT, "bytes, size is");
    t->item[0] = whole;
    t->item[0].data = NULL;
    refuse(t, CLIPSPAN_E_ARGUMENT, "data is NULL");
    t->item[0] = whole;
    t->item[0].rank = 9;
    refuse(t, CLIPSPAN_E_ARGUMENT, "9 dimensions");
    t->item[0] = whole;
    t->count--;
    t->item++;
    refuse(t, CLIPSPAN_E_NOT_FOUND, "visual");
    t->item--;
    t->count++;
    free_tensors(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_checkpoints_say_the_same_from_memory),
        cmocka_unit_test(a_run_is_of_its_model),
        cmocka_unit_test(the_hash_is_the_documented_one),
        cmocka_unit_test(texts_are_embedded),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
