/* SPDX-License-Identifier: MIT */
/* Pieces of text and their ids, for tokenizers that spell their vocabulary out. */
#ifndef CLIPSPAN_SRC_TEXT_VOCABULARY_H
#define CLIPSPAN_SRC_TEXT_VOCABULARY_H

#include "base/error.h"

#define CS_VOCABULARY_MOST 2000000 /* ids; XLM-V, the largest known, has 901,629 */
#define CS_PIECE_MOST      4096    /* bytes of a piece */
#define CS_NO_PIECE        (-1)

/* Starts as {0}; ended by cs_vocabulary_fini. Ids may have gaps. */
typedef struct cs_vocabulary {
    char *bytes; /* all pieces, each with its NUL */
    size_t used, bytes_room;
    uint32_t *at, *length; /* [count], length 0: no piece of that id */
    size_t count;          /* one more than the largest id */
    size_t at_room, length_room, pieces;
    uint32_t *slots; /* hash table, id + 1 or 0 */
    size_t slot_count;
} cs_vocabulary;

void cs_vocabulary_fini(cs_vocabulary *vocabulary);

/* Adds a piece of 1 to CS_PIECE_MOST bytes; number: its id. With `again` a piece that is there gets
 * the new id as well, as Hugging Face's readers of lists do. Errors: FORMAT (piece or id twice, an
 * empty or too long one, too many that hash alike), LIMIT, NOMEM; path: for messages. */
clipspan_status cs_vocabulary_add(cs_vocabulary *vocabulary, const char *piece, size_t length,
                                  double number, int again, const char *path, clipspan_error *err);

/* Id of a piece, or CS_NO_PIECE. */
int32_t cs_vocabulary_find(const cs_vocabulary *vocabulary, const char *piece, size_t length);

/* NULL when out of range or a gap. */
const char *cs_vocabulary_piece(const cs_vocabulary *vocabulary, int32_t id);

/* Ids of "<0x00>" to "<0xFF>"; returns 1 when there are all 256. */
int cs_vocabulary_bytes(int32_t ids[256], const cs_vocabulary *vocabulary);

/* A growing list of ids; starts as {0}, at is given back with cs_free. */
typedef struct cs_ids {
    int32_t *at;
    size_t count, room;
} cs_ids;
clipspan_status cs_ids_push(cs_ids *ids, int32_t id, clipspan_error *err);

#endif
