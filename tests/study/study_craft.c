/* SPDX-License-Identifier: MIT */
/* Making the run and the bank. */
#include "study_craft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

clipspan_bank *study_craft_bank(const study_craft *study, size_t count, uint32_t seed)
{
    const size_t P = (size_t)clipspan_run_get_info(study->run)->embed_width;
    float *vectors = malloc(count * P * sizeof *vectors);
    char(*words)[2][8] = malloc(count * sizeof *words);
    const char **names = malloc(2 * count * sizeof *names);
    clipspan_texts *texts;
    clipspan_bank *bank;
    for (size_t i = 0; i < count * P; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / (float)(1 << 24) - 0.5F;
    }
    for (size_t i = 0; i < count; i++) {
        const unsigned number = (unsigned)(i % 1000);
        if (count == STUDY_CLASSES)
            snprintf(words[i][0], 8, "%c", (char)('a' + number));
        else
            snprintf(words[i][0], 8, "t%u", number);
        snprintf(words[i][1], 8, "l%u", number);
        names[i] = words[i][0];
        names[count + i] = words[i][1];
    }
    assert_int_equal(clipspan_texts_new(&texts, names, names + count, count, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, vectors, P, NULL), 0);
    clipspan_texts_free(&texts);
    free(vectors);
    free(words);
    free(names);
    return bank;
}

void study_craft_init(study_craft *study, size_t rows)
{
    run_craft_init(&study->craft, rows);
    study->path = run_craft_path(&study->craft, "run");
    run_craft_plan(&study->craft, study->path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&study->craft, study->path, 2, 0, 0);
    run_craft_merge(study->path);
    assert_int_equal(clipspan_run_open(&study->run, study->path, NULL), 0);
    study->bank = study_craft_bank(study, STUDY_CLASSES, 5);
}

void study_craft_fini(study_craft *study)
{
    clipspan_bank_free(&study->bank);
    clipspan_run_close(&study->run);
    free(study->path);
    run_craft_fini(&study->craft);
}

clipspan_evaluation *study_craft_evaluate(const study_craft *study,
                                          const clipspan_evaluation_options *options)
{
    clipspan_evaluation *ev;
    clipspan_error err;
    if (clipspan_evaluation_new(&ev, study->run, study->bank, options, NULL, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    return ev;
}

void study_text_put(void *to, const char *text, size_t size)
{
    study_text *t = to;
    t->text = realloc(t->text, t->used + size + 1);
    memcpy(t->text + t->used, text, size);
    t->used += size;
    t->text[t->used] = '\0';
}
