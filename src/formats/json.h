/* SPDX-License-Identifier: MIT */
/* Bounded reading of configuration JSON. Parsing refuses what jansson refuses (bad UTF-8, lone
 * surrogates, NaN and Infinity, text behind the document), duplicate keys, and documents whose
 * nesting or number of elements is beyond its limits before anything is built from them. */
#ifndef CLIPSPAN_SRC_FORMATS_JSON_H
#define CLIPSPAN_SRC_FORMATS_JSON_H

#include <jansson.h>

#include "base/error.h"

typedef struct cs_json_limits {
    int depth;        /* of nesting */
    size_t objects;   /* in the document */
    size_t elements;  /* commas in the document */
    size_t offset;    /* where the text begins in its file, for messages */
    const char *what; /* "header", "configuration" */
} cs_json_limits;

/* json_loadb that tells want of memory from what is no JSON: Jansson's lexer gives a failed
 * allocation out as a syntax error. NULL with *memory 1: there was not enough; with 0: *where says
 * what is wrong with the text. */
json_t *cs_json_load(int *memory, const char *text, size_t size, size_t flags, json_error_t *where);

/* A text. NULL with *memory 1: there was not enough; with 0: it is not UTF-8. */
json_t *cs_json_string(int *memory, const char *text);

/* Parses `size` bytes; a byte order mark is skipped. The result is given back with json_decref.
 * Errors: FORMAT with byte and line, LIMIT, NOMEM. */
clipspan_status cs_json_parse(json_t **out, const char *text, size_t size,
                              const cs_json_limits *limits, const char *path, clipspan_error *err);

/* Reads a configuration file of at most 4 MB whose root is an object. Errors: NOT_FOUND, IO too. */
clipspan_status cs_json_read(json_t **out, const char *path, clipspan_error *err);

/* The same from text in memory; path: for messages. */
clipspan_status cs_json_read_text(json_t **out, const char *text, size_t size, const char *path,
                                  clipspan_error *err);

/* An object inside a configuration file: `name` leads to it ("vision_cfg"), "" for the root. object
 * may be NULL, then it has no keys. */
typedef struct cs_json {
    const json_t *object;
    const char *path;
    char name[96];
} cs_json;

cs_json cs_json_root(const json_t *root, const char *path);

/* 1 when the key is there and not null. */
int cs_json_has(const cs_json *in, const char *key);

/* The object at a key; one with object NULL when the key is missing or null. Error: FORMAT. */
clipspan_status cs_json_object(cs_json *out, const cs_json *in, const char *key,
                               clipspan_error *err);

/* Each leaves *out as it was when the key is missing or null, so the caller sets the default first.
 * Errors: FORMAT naming file, key, what was expected and what was found. Numbers are integers
 * (cs_json_int) or any finite ones (cs_json_number) within [low, high]. Texts live as long as the
 * document. */
clipspan_status cs_json_int(int *out, const cs_json *in, const char *key, int low, int high,
                            clipspan_error *err);
clipspan_status cs_json_number(double *out, const cs_json *in, const char *key, double low,
                               double high, clipspan_error *err);
clipspan_status cs_json_flag(int *out, const cs_json *in, const char *key, clipspan_error *err);
clipspan_status cs_json_text(const char **out, const cs_json *in, const char *key,
                             clipspan_error *err);
/* A list of exactly `count` numbers. */
clipspan_status cs_json_numbers(float *out, int count, const cs_json *in, const char *key,
                                double low, double high, clipspan_error *err);
/* One integer, used twice, or a list of two (or of one). */
clipspan_status cs_json_pair(int *first, int *second, const cs_json *in, const char *key, int low,
                             int high, clipspan_error *err);

/* Fails with "FILE: NAME.KEY: expected EXPECTED, found …". */
clipspan_status cs_json_unexpected(const cs_json *in, const char *key, const char *expected,
                                   clipspan_status code, clipspan_error *err);

#endif
