/* SPDX-License-Identifier: MIT */
/* The library's JSON writer on a stream: one document, or the same facts as lines of
 * "path.to.key<TAB>value". Keys come out in the order of the calls. */
#ifndef CLIPSPAN_CLI_JSON_OUT_H
#define CLIPSPAN_CLI_JSON_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "formats/json_write.h"

typedef struct cli_json {
    cs_json_writer writer;
    cs_json_writer *copy; /* gets everything too; NULL: none */
} cli_json;

/* Begins the document with its `schema` field, and ends it. flat: cli_flat(session), 0 for one
 * document. out: NULL for nowhere. A copy is set
 * afterwards. */
void cli_json_begin(cli_json *json, FILE *out, int flat, const char *schema);
void cli_json_finish(cli_json *json);

/* Keys are NULL for the items of an array. cli_json_row: an object that stands in one line. */
void cli_json_object(cli_json *json, const char *key);
void cli_json_row(cli_json *json, const char *key);
void cli_json_array(cli_json *json, const char *key);
void cli_json_line(cli_json *json, const char *key); /* an array in one line */
void cli_json_end(cli_json *json);

/* Text that is not UTF-8 (a file name) has U+FFFD for each byte that does not fit. NULL is null, as
 * are numbers that are not finite. */
void cli_json_text(cli_json *json, const char *key, const char *value);
void cli_json_whole(cli_json *json, const char *key, uint64_t value);
void cli_json_real(cli_json *json, const char *key, double value);
void cli_json_single(cli_json *json, const char *key,
                     float value); /* the shortest that reads back */
void cli_json_flag(cli_json *json, const char *key, int value);

#endif
