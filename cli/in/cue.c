/* SPDX-License-Identifier: MIT */
/* Embedding cues, pools and further classes. */
#include "cli/in/cue.h"
#include "base/memory.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>
#include <string.h>

clipspan_status cli_pool_embed(clipspan_bank **out, cli_evaluation *ev, const clipspan_texts *pool,
                               clipspan_error *err)
{
    cli_session *s = ev->session;
    clipspan_progress progress = {cli_progress_step, s};
    const size_t P = clipspan_bank_get_width(ev->bank);
    clipspan_status status;
    float *vectors = cs_alloc(clipspan_texts_get_count(pool), P * sizeof *vectors, "texts", err);
    *out = NULL;
    if (!vectors) return CLIPSPAN_E_NOMEM;
    cli_progress_begin(s, "texts");
    status = clipspan_encoder_run_texts(vectors, ev->encoder, pool, &progress, err);
    cli_progress_end(s);
    if (status == CLIPSPAN_OK) status = clipspan_bank_new_vectors(out, pool, vectors, P, err);
    cs_free(vectors);
    return status;
}

/* Adds sign times the mean vector of one side's texts. side is cut up. */
static clipspan_status add_side(float *direction, cli_evaluation *ev, char *side, float sign,
                                clipspan_error *err)
{
    const size_t P = clipspan_bank_get_width(ev->bank);
    const char *texts[64];
    clipspan_texts *list;
    clipspan_bank *bank = NULL;
    clipspan_status status;
    size_t count = 0;
    while (side) {
        char *bar = strchr(side, '|');
        if (bar) *bar++ = '\0';
        side += strspn(side, " ");
        if (!*side || count == 64)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--cue: expected two sides such as \"water|sea;grass|field\", each of 1 "
                           "to 64 texts joined by |");
        texts[count++] = side;
        side = bar;
    }
    CS_TRY(clipspan_texts_new(&list, texts, NULL, count, err));
    status = cli_pool_embed(&bank, ev, list, err);
    for (size_t i = 0; status == CLIPSPAN_OK && i < count * P; i++)
        direction[i % P] += sign / (float)count * clipspan_bank_get_vectors(bank)[i];
    clipspan_bank_free(&bank);
    clipspan_texts_free(&list);
    return status;
}

clipspan_status cli_cue_direction(float *direction, cli_evaluation *ev, const char *text,
                                  clipspan_error *err)
{
    char *copy = cs_strdup(text, err), *second;
    clipspan_status status;
    if (!copy) return CLIPSPAN_E_NOMEM;
    second = strchr(copy, ';');
    if (!second || strchr(second + 1, ';')) {
        cs_free(copy);
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--cue: expected two sides joined by one \";\", such as \"water;grass\", "
                       "found \"%.80s\"",
                       text);
    }
    *second++ = '\0';
    memset(direction, 0, clipspan_bank_get_width(ev->bank) * sizeof *direction);
    status = add_side(direction, ev, copy, 1.0F, err);
    if (status == CLIPSPAN_OK) status = add_side(direction, ev, second, -1.0F, err);
    cs_free(copy);
    return status;
}

static clipspan_status open_also(cli_also *also, cli_evaluation *ev, const float *cue, char *copy,
                                 clipspan_error *err)
{
    clipspan_effects_options options = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    const cli_evaluation_settings *x = ev->x;
    char *file = strchr(copy, '='), *templates;
    const char *column = file ? copy : NULL;
    size_t labelled;
    if (file)
        *file++ = '\0';
    else
        file = copy;
    templates = strchr(file, ':');
    if (templates) *templates++ = '\0';
    if (column && !x->from)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--also %s=…: a column of which file? Give it with --from FILE.csv", column);
    CS_TRY(cli_class_file_open(&also->classes, file, err));
    CS_TRY(cli_classifier_make(&also->bank, ev->session, ev->encoder, also->classes,
                               templates ? templates : x->classes.templates, err));
    options.cues = cue;
    options.cue_count = 1;
    options.threads = (int)ev->session->threads;
    options.like = ev->effects;
    CS_TRY(clipspan_effects_new(&also->effects, ev->run, also->bank, &options, NULL, err));
    options.like = ev->mean_effects;
    if (ev->mean_run)
        CS_TRY(clipspan_effects_new(&also->means, ev->mean_run, also->bank, &options, NULL, err));
    if (!column) return CLIPSPAN_OK;
    also->labels = cs_alloc(ev->N, sizeof *also->labels, "labels", err);
    if (!also->labels) return CLIPSPAN_E_NOMEM;
    return cli_labels_column(also->labels, &labelled, ev, also->classes, column, err);
}

clipspan_status cli_also_open(cli_also *also, cli_evaluation *ev, const float *cue,
                              const char *text, clipspan_error *err)
{
    char *copy = cs_strdup(text, err);
    clipspan_status status = copy ? open_also(also, ev, cue, copy, err) : CLIPSPAN_E_NOMEM;
    cs_free(copy);
    return status;
}

void cli_also_close(cli_also *also)
{
    clipspan_effects_free(&also->effects);
    clipspan_effects_free(&also->means);
    clipspan_bank_free(&also->bank);
    clipspan_texts_free(&also->classes);
    cs_free(also->labels);
}

clipspan_status cli_also_compare(clipspan_comparison *overall, const cli_also *also,
                                 const cli_evaluation *ev, const uint32_t *predicted,
                                 clipspan_error *err)
{
    const cli_evaluation_settings *x = ev->x;
    uint8_t *answers = cs_alloc(2 * ev->N, 1, "answers", err);
    clipspan_status status;
    if (!answers) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < 2 * ev->N; i++) {
        const int32_t label = also->labels[i % ev->N];
        answers[i] = label < 0 ? CLIPSPAN_NO_ANSWER : predicted[i] == (uint32_t)label;
    }
    status = clipspan_compare_run(overall, NULL, NULL, answers, answers + ev->N, NULL, ev->N, 0,
                                  x->resamples ? (int)x->resamples : 1000, x->seed, err);
    cs_free(answers);
    return status;
}
