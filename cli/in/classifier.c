/* SPDX-License-Identifier: MIT */
/* The text encoder's work for commands that compare images with texts; heads by name or layer. */
#include "cli/in/classifier.h"
#include "base/memory.h"
#include "cli/in/heads.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>
#include <string.h>

clipspan_status cli_bank_open(clipspan_bank **out, cli_session *s, clipspan_model *model,
                              const clipspan_texts *texts, const clipspan_texts *templates,
                              int precision, clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_encoder *encoder;
    clipspan_status status;
    *out = NULL;
    options.modality = CLIPSPAN_TEXT;
    options.precision = precision ? CLIPSPAN_BF16 : CLIPSPAN_F32;
    options.threads = (int)s->threads;
    CS_TRY(clipspan_encoder_new(&encoder, model, &options, err));
    cli_stage(s, "text encoder read and packed");
    cli_progress_begin(s, "texts");
    status = clipspan_bank_new_classes(out, encoder, texts, templates, &progress, err);
    cli_progress_end(s);
    clipspan_encoder_free(&encoder);
    cli_stage(s, "texts embedded");
    return status;
}

clipspan_status cli_bank_blank(clipspan_bank **out, const clipspan_model *model,
                               const clipspan_texts *texts, clipspan_error *err)
{
    const size_t P = (size_t)clipspan_model_get_info(model)->embed_width;
    float *zeros =
        cs_alloc_zero(clipspan_texts_get_count(texts), P * sizeof *zeros, "texts' vectors", err);
    clipspan_status status;
    *out = NULL;
    if (!zeros) return CLIPSPAN_E_NOMEM;
    status = clipspan_bank_new_vectors(out, texts, zeros, P, err);
    cs_free(zeros);
    return status;
}

clipspan_status cli_templates_open(clipspan_texts **out, const char *name, const char *otherwise,
                                   clipspan_error *err)
{
    const char *source = name ? name : otherwise;
    CS_TRY(cli_texts_named(out, source, err));
    for (size_t i = 0; i < clipspan_texts_get_count(*out); i++)
        if (!strstr(clipspan_texts_get_text(*out, i), "{}"))
            return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, source,
                              "template \"%.80s\" has no {} where the text goes",
                              clipspan_texts_get_text(*out, i));
    return CLIPSPAN_OK;
}

clipspan_status cli_texts_check(const clipspan_model *model, const clipspan_texts *texts,
                                clipspan_error *err)
{
    const size_t C = (size_t)clipspan_model_get_info(model)->context_length;
    clipspan_status status = CLIPSPAN_OK;
    int32_t *ids = cs_alloc(C, sizeof *ids, "token ids", err);
    if (!ids) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < clipspan_texts_get_count(texts) && status == CLIPSPAN_OK; i++) {
        const char *text = clipspan_texts_get_text(texts, i);
        size_t count = 0;
        status = clipspan_tokens_encode(ids, &count, NULL, model, text, strlen(text), err);
        if (status == CLIPSPAN_OK && count <= 2)
            status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                             "text %zu, \"%.40s\", has no tokens: the tokenizer leaves nothing of "
                             "it; give words",
                             i + 1, text);
    }
    cs_free(ids);
    return status;
}

clipspan_status cli_heads_open(clipspan_head **heads, size_t *count, const char *names,
                               const char *in_layers, const clipspan_model_info *info,
                               clipspan_error *err)
{
    const int L = info->split_layers, H = info->split_heads;
    int first = 0, layers = L;
    *heads = NULL;
    if (names && in_layers)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--heads and --layers exclude each other");
    if (names) return cli_heads_read(heads, count, names, L, H, err);
    if (in_layers) CS_TRY(cli_layers_read(&first, &layers, in_layers, L, err));
    *count = (size_t)layers * (size_t)H;
    *heads = cs_alloc(*count, sizeof **heads, "heads", err);
    if (!*heads) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < *count; i++) {
        (*heads)[i].layer = first + (int)(i / (size_t)H);
        (*heads)[i].head = (int)(i % (size_t)H);
    }
    return CLIPSPAN_OK;
}
