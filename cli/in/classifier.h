/* SPDX-License-Identifier: MIT */
/* Texts as unit vectors, and heads that options choose. */
#ifndef CLIPSPAN_CLI_BANK_IN_H
#define CLIPSPAN_CLI_BANK_IN_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

/* Each text in all templates, averaged, with the model's text encoder. Errors: UNSUPPORTED without
 * one. */
clipspan_status cli_bank_open(clipspan_bank **out, cli_session *session, clipspan_model *model,
                              const clipspan_texts *texts, const clipspan_texts *templates,
                              int precision, clipspan_error *err);

/* The same without vectors, for documents of what would be done (--dry-run). */
clipspan_status cli_bank_blank(clipspan_bank **out, const clipspan_model *model,
                               const clipspan_texts *texts, clipspan_error *err);

/* The templates that --templates names (NULL: `otherwise`), each with a place for the text. */
clipspan_status cli_templates_open(clipspan_texts **out, const char *name, const char *otherwise,
                                   clipspan_error *err);

/* ARGUMENT for a text of which the tokenizer leaves nothing. */
clipspan_status cli_texts_check(const clipspan_model *model, const clipspan_texts *texts,
                                clipspan_error *err);

/* The heads of --heads or --layers, by layer; all when neither is given. Back with cs_free. */
clipspan_status cli_heads_open(clipspan_head **heads, size_t *count, const char *names,
                               const char *in_layers, const clipspan_model_info *info,
                               clipspan_error *err);

#endif
