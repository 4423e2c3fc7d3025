/* SPDX-License-Identifier: MIT */
/* A cursor over JSON text that hands out members and items one by one, for files whose tree would
 * take many times their size (a tokenizer's vocabulary and merges). Nothing is built but the latest
 * string. */
#ifndef CLIPSPAN_SRC_FORMATS_JSON_PULL_H
#define CLIPSPAN_SRC_FORMATS_JSON_PULL_H

#include "base/error.h"

#define CS_JSON_PULL_DEEP 64 /* nesting of a value that is skipped */

/* Starts as {text, size, 0, path}; ended by cs_json_pull_fini. text is borrowed. */
typedef struct cs_json_pull {
    const char *text;
    size_t size, at;
    const char *path;    /* for messages */
    char *string;        /* the latest string or key, decoded, and a NUL */
    size_t length, room; /* of string */
} cs_json_pull;

void cs_json_pull_fini(cs_json_pull *pull);

/* First character of the next value ('{', '[', '"', a digit …), white space left out; 0 at the end.
 */
char cs_json_pull_kind(cs_json_pull *pull);

/* Goes into an object or a list: open is '{' or '['. Error: FORMAT with the byte. */
clipspan_status cs_json_pull_enter(cs_json_pull *pull, char open, clipspan_error *err);

/* Whether there is a next member or item, `index` of them read before; of an object also its key,
 * in pull->string. With *more 0 the container has been left. */
clipspan_status cs_json_pull_next(int *more, cs_json_pull *pull, char open, size_t index,
                                  clipspan_error *err);

/* The next value. Strings are valid UTF-8, lone surrogates are refused. number: finite. Errors:
 * FORMAT, NOMEM. */
clipspan_status cs_json_pull_string(cs_json_pull *pull, clipspan_error *err);
clipspan_status cs_json_pull_number(double *out, cs_json_pull *pull, clipspan_error *err);

/* Passes over the next value and says where it lies in text. */
clipspan_status cs_json_pull_skip(size_t *first, size_t *length, cs_json_pull *pull,
                                  clipspan_error *err);

/* Fails unless only white space is left. */
clipspan_status cs_json_pull_end(cs_json_pull *pull, clipspan_error *err);

#endif
