/* SPDX-License-Identifier: MIT */
/* Texts in batches, as a prefix tree: texts that begin alike share nodes, and a node is computed
 * once. Because the mask is causal, a token's activations depend on its ancestors only. In a text
 * encoder without mask they depend on the whole text, padding included: then texts share nothing,
 * and each is as many nodes in a row as the context has positions. */
#ifndef CLIPSPAN_SRC_MODEL_TEXT_BATCH_H
#define CLIPSPAN_SRC_MODEL_TEXT_BATCH_H

#include "base/memory.h"
#include "model/config.h"

#define CS_NO_NODE UINT32_MAX

/* One batch. Parents come before children; roots have parent CS_NO_NODE. */
typedef struct cs_text_batch {
    size_t room, nodes, texts;
    uint32_t *parent;  /* [room] */
    int32_t *token;    /* [room] */
    uint32_t *depth;   /* [room] position in the text, from 0 */
    uint32_t *end;     /* [room] of text i: the node it is read out at */
    uint32_t *slots;   /* hash table of nodes by (parent, token) */
    size_t slot_count; /* a power of two */
} cs_text_batch;

/* room: nodes, and texts, that a batch holds at most. */
void cs_text_batch_plan(cs_text_batch *batch, cs_arena *arena, size_t room);
void cs_text_batch_clear(cs_text_batch *batch);

/* Where a text is read out: the first largest id, or the first end token, as the model's family
 * does. */
size_t cs_text_end(const int32_t *tokens, const cs_config *config);

/* Adds one text's tokens up to its end; 0 and nothing changed when the batch has no room for it. */
int cs_text_batch_add(cs_text_batch *batch, const int32_t *tokens, const cs_config *config);

#endif
