/* SPDX-License-Identifier: MIT */
/* Texts and classes from options, files and standard input. */
#ifndef CLIPSPAN_CLI_TEXTS_IN_H
#define CLIPSPAN_CLI_TEXTS_IN_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/frame/settings.h"

/* The texts of --text or --texts. Errors: ARGUMENT when neither or both are given. */
clipspan_status cli_texts_open(clipspan_texts **out, cli_session *session,
                               const cli_text_settings *settings, clipspan_error *err);

/* A file of texts, or, where there is none of that name, a set that comes with the program. */
clipspan_status cli_texts_named(clipspan_texts **out, const char *name, clipspan_error *err);

/* The pool of --texts POOL, with the name it has in a run; "general" when there is none (NULL). */
clipspan_status cli_pool_open(clipspan_texts **out, const char **name, cli_session *session,
                              const char *pool, clipspan_error *err);

/* The classes of --classes and --class: two at least, no key (or name without a key) twice. */
clipspan_status cli_classes_open(clipspan_texts **out, const cli_class_settings *settings,
                                 clipspan_error *err);

/* Whether classes were named. */
int cli_classes_given(const cli_class_settings *settings);

/* The classes of a file, checked the same way. */
clipspan_status cli_class_file_open(clipspan_texts **out, const char *path, clipspan_error *err);

/* What labels say for a class: its key, or its name when it has none. */
const char *cli_class_key(const clipspan_texts *classes, size_t index);

#endif
