/* SPDX-License-Identifier: MIT */
/* Texts of SigLIP by the tokenizer beside the checkpoint: ids as transformers and open_clip give
 * them for the same files (ref/make_siglip_tokenizers.py), probabilities as sigmoid(scale cos +
 * bias) of ref/siglip_forward.py in float64, and what is said where files are missing or do not
 * fit. */
#include "base/file.h"
#include "base/memory.h"
#include "npy_array.h"
#include "tiny.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 32, CONTEXT = 9 };

/* A cosine in float32 is off by some 1e-6, the score by ten times that, and so is the logarithm of
 * a small probability. */
#define TOLERANCE 1e-4

typedef struct golden {
    char folder[512];
    char *table; /* texts.tsv, cut into the texts */
    const char *texts[MOST];
    int32_t ids[MOST][CONTEXT];
    size_t count;
    clipspan_model *model;
} golden;

/* "\xHH" to its byte, in place. */
static void unspell(char *text)
{
    char *out = text;
    while (*text) {
        if (text[0] == '\\' && text[1] == 'x') {
            const char digits[] = {text[2], text[3], '\0'};
            *out++ = (char)strtoul(digits, NULL, 16);
            text += 4;
        } else
            *out++ = *text++;
    }
    *out = '\0';
}

static golden open_golden(const char *name)
{
    golden g = {.count = 0};
    clipspan_error err;
    unsigned char *bytes;
    char path[600], *line, *next;
    size_t size;
    snprintf(g.folder, sizeof g.folder, "%s/%s", getenv("CLIPSPAN_GOLDEN"), name);
    snprintf(path, sizeof path, "%s/texts.tsv", g.folder);
    assert_int_equal(cs_file_read_all(&bytes, &size, path, 1 << 20, &err), CLIPSPAN_OK);
    g.table = malloc(size + 1);
    memcpy(g.table, bytes, size);
    g.table[size] = '\0';
    cs_free(bytes);
    for (line = g.table; *line; line = next, g.count++) {
        char *numbers = strchr(line, '\t') + 1;
        assert_true(g.count < MOST);
        next = strchr(line, '\n') + 1;
        for (int i = 0; i < CONTEXT; i++)
            g.ids[g.count][i] = (int32_t)strtol(numbers, &numbers, 10);
        *strchr(line, '\t') = '\0';
        unspell(line);
        g.texts[g.count] = line;
    }
    assert_true(g.count > 9);
    if (clipspan_model_open(&g.model, g.folder, NULL, &err)) fail_msg("%s", err.message);
    return g;
}

static void close_golden(golden *g)
{
    clipspan_model_close(&g->model);
    free(g->table);
}

static void ids_are_those_of_its_own_library(void **state)
{
    golden g = open_golden(*state);
    clipspan_error err;
    assert_int_equal(clipspan_model_get_info(g.model)->own_tokenizer, 1);
    assert_int_equal(clipspan_model_get_info(g.model)->context_length, CONTEXT);
    for (size_t t = 0; t < g.count; t++) {
        int32_t ids[CONTEXT];
        size_t count;
        if (clipspan_tokens_encode(ids, &count, NULL, g.model, g.texts[t], strlen(g.texts[t]),
                                   &err))
            fail_msg("%s", err.message);
        for (int i = 0; i < CONTEXT; i++)
            if (ids[i] != g.ids[t][i])
                fail_msg("\"%s\", id %d: %d for %d", g.texts[t], i, (int)ids[i], (int)g.ids[t][i]);
        for (size_t i = 0; i < count; i++)
            assert_non_null(clipspan_tokens_get_piece(g.model, ids[i]));
    }
    close_golden(&g);
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void probabilities_are_those_of_the_reference(void **state)
{
    golden g = open_golden(*state);
    const size_t P = (size_t)clipspan_model_get_info(g.model)->embed_width;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *image = NULL, *text = NULL;
    clipspan_texts *texts = NULL;
    cs_npy_array pixels, right;
    float *vectors = malloc(g.count * P * sizeof *vectors), *pictures, scale = 0.0F, bias = 0.0F;
    clipspan_error err;
    o.modality = CLIPSPAN_TEXT;
    assert_true(cs_npy_array_read(&pixels, g.folder, "pixels.npy", "'|u1'", 1));
    assert_true(cs_npy_array_read(&right, g.folder, "probabilities.npy", "'<f8'", sizeof(double)));
    pictures = malloc(pixels.rows * P * sizeof *pictures);
    assert_true(right.rows == pixels.rows && right.row_size == g.count);
    if (clipspan_model_read_logit_scale(&scale, g.model, &err) ||
        clipspan_model_read_logit_bias(&bias, g.model, &err) ||
        clipspan_encoder_new(&image, g.model, NULL, &err) ||
        clipspan_encoder_new(&text, g.model, &o, &err) ||
        clipspan_texts_new(&texts, g.texts, NULL, g.count, &err) ||
        clipspan_encoder_run_texts(vectors, text, texts, NULL, &err) ||
        clipspan_encoder_run_pixels(pictures, image, pixels.data, pixels.rows, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < right.rows; i++)
        for (size_t t = 0; t < g.count; t++) {
            const float *a = pictures + i * P, *b = vectors + t * P;
            const double cosine = dot(a, b, P) / sqrt(dot(a, a, P) * dot(b, b, P));
            const double p = 1 / (1 + exp(-((double)scale * cosine + (double)bias)));
            const double want = ((const double *)right.data)[i * g.count + t];
            if (!(fabs(p - want) <= TOLERANCE * want))
                fail_msg("image %zu, \"%s\": %.9g for %.9g", i, g.texts[t], p, want);
        }
    clipspan_texts_free(&texts);
    clipspan_encoder_free(&image);
    clipspan_encoder_free(&text);
    free(vectors), free(pictures);
    cs_free(pixels.bytes), cs_free(right.bytes);
    close_golden(&g);
}

static void control_texts_are_as_long(void **state)
{
    golden g = open_golden(*state);
    clipspan_texts *like = NULL, *control = NULL;
    clipspan_error err;
    if (clipspan_texts_new(&like, g.texts, NULL, g.count, &err) ||
        clipspan_texts_new_control(&control, like, g.model, 2, 7, &err))
        fail_msg("%s", err.message);
    assert_int_equal(clipspan_texts_get_count(control), 2 * g.count);
    for (size_t t = 0; t < 2 * g.count; t++) {
        const char *text = clipspan_texts_get_text(control, t);
        int32_t ids[CONTEXT];
        size_t count, wanted;
        assert_int_equal(clipspan_tokens_encode(ids, &wanted, NULL, g.model, g.texts[t % g.count],
                                                strlen(g.texts[t % g.count]), NULL),
                         0);
        assert_int_equal(
            clipspan_tokens_encode(ids, &count, NULL, g.model, text, strlen(text), NULL), 0);
        if (count > wanted || count + 1 < wanted)
            fail_msg("\"%s\" has %zu tokens for %zu", text, count, wanted);
    }
    clipspan_texts_free(&like);
    clipspan_texts_free(&control);
    close_golden(&g);
}

/* ---- Files that are missing or do not fit ---- */

static void copy(const char *to, const char *from, const char *name)
{
    unsigned char *bytes;
    char path[600];
    size_t size;
    snprintf(path, sizeof path, "%s/%s", from, name);
    assert_int_equal(cs_file_read_all(&bytes, &size, path, 1 << 20, NULL), CLIPSPAN_OK);
    cs_tiny_write(to, name, bytes, size);
    cs_free(bytes);
}

static clipspan_status try_folder(const char *folder, clipspan_error *err)
{
    clipspan_model *model = NULL;
    int32_t ids[CONTEXT];
    clipspan_status status = clipspan_model_open(&model, folder, NULL, err);
    if (status != CLIPSPAN_OK) fail_msg("%s", err->message);
    status = clipspan_tokens_encode(ids, NULL, NULL, model, "snow", 4, err);
    if (status == CLIPSPAN_OK) assert_int_equal(ids[CONTEXT - 1], 1);
    clipspan_model_close(&model);
    return status;
}

static void missing_and_foreign_files(void **state)
{
    char *folder = cs_tiny_folder(), from[512];
    char text[1024] = "{\"model\":{\"type\":\"BPE\",\"vocab\":{";
    int at = (int)strlen(text);
    clipspan_error err;
    (void)state;
    snprintf(from, sizeof from, "%s/siglip-hf", getenv("CLIPSPAN_GOLDEN"));
    copy(folder, from, "config.json");
    copy(folder, from, "preprocessor_config.json");
    copy(folder, from, "model.safetensors");
    assert_int_equal(try_folder(folder, &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "tokenizer.json, spiece.model, "));
    assert_non_null(strstr(err.message, " and vocab.txt"));
    copy(folder, from,
         "spiece.model"); /* and no tokenizer_config.json: padded with 1 all the same */
    assert_int_equal(try_folder(folder, &err), CLIPSPAN_OK);
    for (int i = 0; i < 51; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s\"%d\":%d", i ? "," : "", i, i);
    snprintf(text + at, sizeof text - (size_t)at, "},\"merges\":[]}}");
    cs_tiny_write_text(folder, "tokenizer.json", text);
    if (try_folder(folder, &err) != CLIPSPAN_E_SHAPE) fail_msg("%s", err.message);
    assert_non_null(strstr(err.message, "has 51 ids where the model's table has 50 rows"));
    cs_tiny_write_text(folder, "tokenizer.json", "{}");
    assert_int_equal(try_folder(folder, &err), CLIPSPAN_E_FORMAT);
    cs_tiny_remove(&folder);
}

int main(void)
{
    static char timm[] = "siglip-timm", hf[] = "siglip-hf";
    const struct CMUnitTest tests[] = {
        {"ids, timm", ids_are_those_of_its_own_library, NULL, NULL, timm},
        {"ids, HF", ids_are_those_of_its_own_library, NULL, NULL, hf},
        {"probabilities, timm", probabilities_are_those_of_the_reference, NULL, NULL, timm},
        {"probabilities, HF", probabilities_are_those_of_the_reference, NULL, NULL, hf},
        {"control texts, timm", control_texts_are_as_long, NULL, NULL, timm},
        {"control texts, HF", control_texts_are_as_long, NULL, NULL, hf},
        cmocka_unit_test(missing_and_foreign_files),
    };
    return cmocka_run_group_tests_name("texts of SigLIP", tests, NULL, NULL);
}
