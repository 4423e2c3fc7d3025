/* SPDX-License-Identifier: MIT */
/* Models: what checks, hashes and the temperature read from the files, first use by many threads at
 * once, and handles that are NULL after every failure. */
#define _POSIX_C_SOURCE 200809L
#include "formats/sha256.h"
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    char *folder, *weights;
    clipspan_model *model;
} fixture;

static fixture open_tiny(const cs_tiny_model *tiny)
{
    fixture f = {cs_tiny_folder(), NULL, NULL};
    clipspan_error err;
    cs_tiny_write_openclip(f.folder, tiny, 5);
    f.weights = cs_tiny_path(f.folder, "open_clip_model.safetensors");
    if (clipspan_model_open(&f.model, f.folder, NULL, &err)) fail_msg("%s", err.message);
    return f;
}

static void close_tiny(fixture *f)
{
    clipspan_model_close(&f->model);
    assert_null(f->model);
    clipspan_model_close(&f->model);
    free(f->weights);
    cs_tiny_remove(&f->folder);
}

static clipspan_tensor_info find(const fixture *f, const char *name)
{
    clipspan_tensor_info info;
    for (size_t i = 0; clipspan_model_get_tensor(&info, f->model, i, NULL) == CLIPSPAN_OK; i++)
        if (strcmp(info.name, name) == 0) return info;
    fail_msg("no tensor %s", name);
    return info;
}

/* Overwrites number `place` of a float32 tensor in the file. */
static void put(const fixture *f, const char *name, long place, float value)
{
    FILE *file = fopen(f->weights, "r+b");
    assert_non_null(file);
    fseek(file, (long)find(f, name).offset + 4 * place, SEEK_SET);
    assert_int_equal(fwrite(&value, sizeof value, 1, file), 1);
    fclose(file);
}

typedef struct heard {
    size_t calls, done, total;
    int stop;
} heard;

static int hear(void *user, size_t done, size_t total)
{
    heard *h = user;
    assert_true(done > h->done && done <= total);
    h->calls++;
    h->done = done;
    h->total = total;
    return h->stop;
}

static void a_check_counts_what_is_in_the_files(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_model_check check;
    const clipspan_model_info *info;
    clipspan_error err;
    char hash[65];
    fixture f;
    heard h = {0};
    clipspan_progress progress = {hear, &h};
    (void)state;
    tiny.vocab = 600;
    tiny.old_extras = 1; /* integers, which are no weights */
    f = open_tiny(&tiny);
    info = clipspan_model_get_info(f.model);
    assert_int_equal(clipspan_model_run_check(&check, f.model, &progress, NULL), CLIPSPAN_OK);
    assert_true(check.values == info->image->parameters + info->text->parameters);
    assert_true(check.nan + check.inf + check.denormal == 0);
    assert_string_equal(check.first_bad, "");
    assert_true(h.calls > 0);
    assert_int_equal(h.done, h.total);
    put(&f, "visual.proj", 3, NAN);
    put(&f, "visual.proj", 4, -INFINITY);
    put(&f, "positional_embedding", 0, 1e-42F);
    put(&f, "visual.ln_post.bias", 1, INFINITY);
    assert_int_equal(clipspan_model_run_check(&check, f.model, NULL, NULL), CLIPSPAN_OK);
    assert_int_equal(check.nan, 1);
    assert_int_equal(check.inf, 2);
    assert_int_equal(check.denormal, 1);
    assert_string_equal(check.first_bad, "visual.ln_post.bias");
    for (int stop = -1; stop <= 1; stop += 2) {
        h = (heard){.stop = stop};
        assert_int_equal(clipspan_model_run_check(&check, f.model, &progress, NULL),
                         CLIPSPAN_E_INTERRUPTED);
    }
    h = (heard){.stop = CLIPSPAN_E_NOMEM}; /* what the callback ran into comes back as it is */
    assert_int_equal(clipspan_model_run_check(&check, f.model, &progress, &err), CLIPSPAN_E_NOMEM);
    assert_non_null(strstr(err.message, "out of memory"));
    h = (heard){.stop = CLIPSPAN_E_WRITE};
    assert_int_equal(clipspan_model_run_hash(hash, f.model, 0, &progress, &err), CLIPSPAN_E_WRITE);
    h = (heard){.stop = 1};
    assert_int_equal(clipspan_model_run_check(&check, f.model, &progress, NULL),
                     CLIPSPAN_E_INTERRUPTED);
    assert_int_equal(h.calls, 1);
    close_tiny(&f);
}

static void a_hash_is_that_of_the_file(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_error err;
    unsigned char digest[32], *bytes;
    char expected[65], found[65];
    cs_sha256 hash;
    size_t size;
    FILE *file;
    heard h = {0};
    clipspan_progress progress = {hear, &h};
    fixture f = open_tiny(&tiny);
    (void)state;
    file = fopen(f.weights, "rb");
    bytes = malloc(1 << 23);
    size = fread(bytes, 1, 1 << 23, file);
    assert_true(size > 1 << 20 && size < 1 << 23); /* more than is read at a time */
    fclose(file);
    cs_sha256_init(&hash);
    cs_sha256_add(&hash, bytes, size);
    cs_sha256_end(digest, &hash);
    cs_sha256_print(expected, digest);
    free(bytes);
    assert_int_equal(clipspan_model_get_files(f.model), 1);
    assert_non_null(strstr(clipspan_model_get_file(f.model, 0), "open_clip_model.safetensors"));
    assert_null(clipspan_model_get_file(f.model, 1));
    assert_int_equal(clipspan_model_run_hash(found, f.model, 0, &progress, NULL), CLIPSPAN_OK);
    assert_string_equal(found, expected);
    assert_int_equal(h.done, size);
    assert_int_equal(h.total, size);
    h = (heard){.stop = 1};
    assert_int_equal(clipspan_model_run_hash(found, f.model, 0, &progress, NULL),
                     CLIPSPAN_E_INTERRUPTED);
    assert_int_equal(clipspan_model_run_hash(found, f.model, 1, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "it has 1"));
    assert_int_equal(clipspan_model_run_hash(NULL, f.model, 0, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "NULL"));
    assert_int_equal(clipspan_model_run_hash(found, NULL, 0, NULL, NULL), CLIPSPAN_E_ARGUMENT);
    close_tiny(&f);
}

static void the_temperature_is_read_from_either_shape(void **state)
{
    (void)state;
    for (int rank = 0; rank < 2; rank++) {
        cs_tiny_model tiny = CS_TINY_MODEL_INIT;
        clipspan_error err;
        float scale = 0.0F;
        fixture f;
        tiny.scale_rank = rank;
        tiny.vocab = 600;
        f = open_tiny(&tiny);
        put(&f, "logit_scale", 0, 4.5F);
        assert_int_equal(clipspan_model_read_logit_scale(&scale, f.model, NULL), CLIPSPAN_OK);
        assert_true(fabsf(scale - 90.0171313F) < 1e-4F);
        put(&f, "logit_scale", 0, 100.0F); /* e^100 is beyond float32 */
        assert_int_equal(clipspan_model_read_logit_scale(&scale, f.model, &err),
                         CLIPSPAN_E_NUMBERS);
        assert_non_null(strstr(err.message, "logit_scale"));
        assert_int_equal(clipspan_model_read_logit_scale(NULL, f.model, NULL), CLIPSPAN_E_ARGUMENT);
        close_tiny(&f);
    }
}

static void an_image_tower_alone_has_no_text_side(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_model_check check;
    clipspan_error err;
    float scale;
    int32_t ids[77];
    fixture f;
    (void)state;
    tiny.no_text = 1;
    o.modality = CLIPSPAN_TEXT;
    f = open_tiny(&tiny);
    assert_int_equal(clipspan_model_read_logit_scale(&scale, f.model, &err),
                     CLIPSPAN_E_UNSUPPORTED);
    assert_int_equal(clipspan_tokens_encode(ids, NULL, NULL, f.model, "a", 1, &err),
                     CLIPSPAN_E_UNSUPPORTED);
    assert_null(clipspan_tokens_get_piece(f.model, 0));
    assert_int_equal(clipspan_encoder_new(&encoder, f.model, &o, &err), CLIPSPAN_E_UNSUPPORTED);
    assert_null(encoder);
    assert_int_equal(clipspan_model_run_check(&check, f.model, NULL, NULL), CLIPSPAN_OK);
    close_tiny(&f);
}

/* What a caller never set must be NULL, so that closing it is safe. */
static void every_failure_leaves_null(void **state)
{
    static const char *const words[] = {"a", NULL};
    clipspan_model_options options = CLIPSPAN_MODEL_OPTIONS_INIT;
    union {
        int *place;
        clipspan_model *model;
        clipspan_encoder *encoder;
        clipspan_texts *texts;
        clipspan_bank *bank;
    } out;
    int somewhere;
    (void)state;
#define LEAVES_NULL(status, call, member)                                                          \
    do {                                                                                           \
        out.place = &somewhere;                                                                    \
        assert_int_equal(call, status);                                                            \
        assert_null(out.member);                                                                   \
    } while (0)
    LEAVES_NULL(CLIPSPAN_E_ARGUMENT, clipspan_model_open(&out.model, NULL, NULL, NULL), model);
    LEAVES_NULL(CLIPSPAN_E_NOT_FOUND, clipspan_model_open(&out.model, "/no/where", NULL, NULL),
                model);
    options.quick_gelu = 2;
    LEAVES_NULL(CLIPSPAN_E_ARGUMENT, clipspan_model_open(&out.model, "x", &options, NULL), model);
    options.struct_size = 1;
    LEAVES_NULL(CLIPSPAN_E_ARGUMENT, clipspan_model_open(&out.model, "x", &options, NULL), model);
    LEAVES_NULL(CLIPSPAN_E_ARGUMENT, clipspan_encoder_new(&out.encoder, NULL, NULL, NULL), encoder);
    LEAVES_NULL(CLIPSPAN_E_ARGUMENT, clipspan_texts_open(&out.texts, NULL, NULL), texts);
    LEAVES_NULL(CLIPSPAN_E_NOT_FOUND, clipspan_texts_open(&out.texts, "/no/where", NULL), texts);
    LEAVES_NULL(CLIPSPAN_E_ARGUMENT, clipspan_texts_new(&out.texts, NULL, NULL, 1, NULL), texts);
    LEAVES_NULL(CLIPSPAN_E_ARGUMENT, clipspan_texts_new(&out.texts, words, NULL, 0, NULL), texts);
    LEAVES_NULL(CLIPSPAN_E_ARGUMENT, clipspan_texts_new(&out.texts, words, NULL, 2, NULL), texts);
    LEAVES_NULL(CLIPSPAN_E_ARGUMENT,
                clipspan_bank_new_classes(&out.bank, NULL, NULL, NULL, NULL, NULL), bank);
#undef LEAVES_NULL
}

/* ---- First use by several threads ---- */

#define THREADS 6

typedef struct user {
    const fixture *f;
    pthread_barrier_t *start;
    int tower;
    float out[12];
    int32_t ids[77];
    clipspan_status status;
} user;

static void *use(void *argument)
{
    user *u = argument;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    uint8_t pixels[3 * 16 * 16];
    memset(pixels, 77, sizeof pixels);
    o.modality = (clipspan_modality)u->tower;
    o.threads = 1;
    pthread_barrier_wait(u->start);
    u->status = clipspan_tokens_encode(u->ids, NULL, NULL, u->f->model, "a red cat", 9, NULL);
    if (!u->status) u->status = clipspan_encoder_new(&encoder, u->f->model, &o, NULL);
    if (!u->status && u->tower == 0)
        u->status = clipspan_encoder_run_pixels(u->out, encoder, pixels, 1, NULL);
    else if (!u->status)
        u->status = clipspan_encoder_run_tokens(u->out, encoder, u->ids, 1, NULL, NULL);
    clipspan_encoder_free(&encoder);
    return NULL;
}

static void a_model_is_shared_from_its_first_use(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    fixture f = open_tiny(&tiny);
    pthread_barrier_t start;
    pthread_t threads[THREADS];
    user users[THREADS];
    (void)state;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        users[i] = (user){.f = &f, .start = &start, .tower = i % 2};
        assert_int_equal(pthread_create(&threads[i], NULL, use, &users[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(users[i].status, CLIPSPAN_OK);
        assert_true(users[i].out[0] != 0.0F);
        assert_memory_equal(users[i].ids, users[0].ids, sizeof users[0].ids);
        assert_memory_equal(users[i].out, users[i % 2].out, sizeof users[0].out);
    }
    close_tiny(&f);
}

/* Two encoders of one model, from one thread each, after one of them is gone. */
static void encoders_share_a_tower_and_outlive_each_other(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_encoder *one = NULL, *other = NULL;
    uint8_t pixels[3 * 16 * 16] = {1, 2, 3};
    float a[12], b[12];
    fixture f;
    (void)state;
    tiny.vocab = 600;
    f = open_tiny(&tiny);
    assert_int_equal(clipspan_encoder_new(&one, f.model, NULL, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_encoder_new(&other, f.model, NULL, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_encoder_get_weights(one), clipspan_encoder_get_weights(other));
    assert_true(clipspan_encoder_get_workspace(one) > 0);
    assert_int_equal(clipspan_encoder_run_pixels(a, one, pixels, 1, NULL), CLIPSPAN_OK);
    clipspan_encoder_free(&one);
    assert_null(one);
    assert_int_equal(clipspan_encoder_run_pixels(b, other, pixels, 1, NULL), CLIPSPAN_OK);
    assert_memory_equal(a, b, sizeof a);
    clipspan_encoder_free(&other);
    clipspan_encoder_free(&other);
    close_tiny(&f);
}

/* A small file may ask for much: a hidden layer that cannot be cut into slices, for every token, on
 * every thread: 4 TB. */
static void more_memory_than_there_is_is_refused(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_model *model = NULL;
    clipspan_error err;
    char *folder = cs_tiny_folder();
    (void)state;
    tiny.layers = tiny.patch = 1;
    tiny.height = tiny.input_width = 64;
    tiny.width = tiny.heads = tiny.embed = 2;
    tiny.mlp = 1048573; /* a prime */
    tiny.vocab = 600;
    cs_tiny_write_hf(folder, &tiny, 5);
    if (clipspan_model_open(&model, folder, NULL, &err)) fail_msg("%s", err.message);
    o.threads = 256;
    assert_int_equal(clipspan_encoder_new(&encoder, model, &o, &err), CLIPSPAN_E_NOMEM);
    assert_non_null(strstr(err.message, "fewer threads"));
    assert_null(encoder);
    clipspan_model_close(&model);
    cs_tiny_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_counts_what_is_in_the_files),
        cmocka_unit_test(a_hash_is_that_of_the_file),
        cmocka_unit_test(the_temperature_is_read_from_either_shape),
        cmocka_unit_test(an_image_tower_alone_has_no_text_side),
        cmocka_unit_test(every_failure_leaves_null),
        cmocka_unit_test(a_model_is_shared_from_its_first_use),
        cmocka_unit_test(encoders_share_a_tower_and_outlive_each_other),
        cmocka_unit_test(more_memory_than_there_is_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
