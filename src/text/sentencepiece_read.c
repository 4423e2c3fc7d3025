/* SPDX-License-Identifier: MIT */
/* SentencePiece's ModelProto, read as a protocol buffer: pieces (1: text 1, score 2, type 3),
 * trainer_spec (2: model_type 3, treat_whitespace_as_suffix 24, byte_fallback 35, ids 40 to 43),
 * normalizer_spec (3: charsmap 2, add_dummy_prefix 3, remove_extra_whitespaces 4,
 * escape_whitespaces 5). Other fields are passed over. And BERT's vocab.txt, a piece a line. */
#include "base/memory.h"
#include "text/file_tokenizer.h"

#include <string.h>

/* A message's bytes and the field at hand. */
struct message {
    const unsigned char *data;
    size_t size, at;
    unsigned field;
    uint64_t number;            /* of a varint */
    const unsigned char *bytes; /* of the others */
    size_t length;
    const char *path;
};

static int read_varint(uint64_t *out, struct message *m)
{
    *out = 0;
    for (int shift = 0; shift < 64 && m->at < m->size; shift += 7) {
        unsigned char byte = m->data[m->at++];
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return 1;
    }
    return 0;
}

/* The next field; *more is 0 at the end. */
static clipspan_status next_field(int *more, struct message *m, clipspan_error *err)
{
    static const char what[] = "is no SentencePiece model, or is damaged";
    uint64_t key, length = 0;
    *more = m->at < m->size;
    if (!*more) return CLIPSPAN_OK;
    if (!read_varint(&key, m) || key >> 3 == 0 || key >> 3 > 536870911)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, m->path, "%s", what);
    m->field = (unsigned)(key >> 3);
    m->number = 0;
    m->length = 0;
    switch (key & 7) {
    case 0:
        if (!read_varint(&m->number, m))
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, m->path, "%s", what);
        return CLIPSPAN_OK;
    case 1: length = 8; break;
    case 5: length = 4; break;
    case 2:
        if (!read_varint(&length, m)) length = UINT64_MAX;
        break;
    default: length = UINT64_MAX;
    }
    if (length > m->size - m->at) return cs_fail_at(err, CLIPSPAN_E_FORMAT, m->path, "%s", what);
    m->bytes = m->data + m->at;
    m->length = (size_t)length;
    m->at += m->length;
    return CLIPSPAN_OK;
}

static clipspan_status read_piece(cs_file_tokenizer *t, const struct message *from,
                                  clipspan_error *err)
{
    struct message m = {from->bytes, from->length, 0, 0, 0, NULL, 0, from->path};
    cs_sentencepiece *s = &t->sentencepiece;
    size_t id = t->vocabulary.count, length = 0;
    const unsigned char *piece = NULL;
    float score = 0;
    uint64_t type = CS_PIECE_NORMAL;
    int more;
    for (;;) {
        CS_TRY(next_field(&more, &m, err));
        if (!more) break;
        if (m.field == 1) {
            piece = m.bytes;
            length = m.length;
        }
        if (m.field == 2 && m.length == 4) memcpy(&score, m.bytes, 4);
        if (m.field == 3) type = m.number;
    }
    if (!piece || cs_utf8_check((const char *)piece, length) != length || score != score ||
        type < CS_PIECE_NORMAL || type > CS_PIECE_BYTE)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, from->path,
                          "piece %zu has no UTF-8 text, no score, or a type that is not known", id);
    CS_TRY(cs_vocabulary_add(&t->vocabulary, (const char *)piece, length, (double)id, 0, from->path,
                             err));
    CS_TRY(cs_grow(&s->scores, &s->scores_room, id + 1, sizeof *s->scores, "scores", err));
    CS_TRY(cs_grow(&s->types, &s->types_room, id + 1, 1, "pieces", err));
    s->scores[id] = score;
    s->types[id] = (unsigned char)type;
    if (type == CS_PIECE_UNKNOWN) s->unknown = (int32_t)id;
    if (type != CS_PIECE_USER) return CLIPSPAN_OK;
    return cs_trie_add(&s->user, (const char *)piece, length, (int32_t)id, from->path, err);
}

static clipspan_status read_trainer(cs_file_tokenizer *t, const struct message *from,
                                    clipspan_error *err)
{
    struct message m = {from->bytes, from->length, 0, 0, 0, NULL, 0, from->path};
    cs_sentencepiece *s = &t->sentencepiece;
    int more;
    for (;;) {
        int32_t number;
        CS_TRY(next_field(&more, &m, err));
        if (!more) return CLIPSPAN_OK;
        number = m.number < CS_VOCABULARY_MOST ? (int32_t)m.number : CS_NO_PIECE;
        if (m.field == 3 && m.number != 1 && m.number != 2)
            return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, from->path,
                              "is a SentencePiece model of type %s, which is not known; known are "
                              "Unigram and BPE",
                              m.number == 3   ? "word"
                              : m.number == 4 ? "char"
                                              : "?");
        if (m.field == 3) s->unigram = m.number == 1;
        if (m.field == 24) s->suffix_spaces = m.number != 0;
        if (m.field == 35) s->byte_fallback = m.number != 0;
        if (m.field == 42) t->end = number;
        if (m.field == 43) t->pad = number;
    }
}

static clipspan_status read_normalizer(cs_sentencepiece *s, const struct message *from,
                                       clipspan_error *err)
{
    struct message m = {from->bytes, from->length, 0, 0, 0, NULL, 0, from->path};
    int more;
    for (;;) {
        CS_TRY(next_field(&more, &m, err));
        if (!more) return CLIPSPAN_OK;
        if (m.field == 2 && m.length) {
            cs_charsmap_fini(&s->map);
            CS_TRY(cs_charsmap_read(&s->map, m.bytes, m.length, from->path, err));
        }
        if (m.field == 3) s->dummy_prefix = m.number != 0;
        if (m.field == 4) s->remove_spaces = m.number != 0;
        if (m.field == 5) s->escape_spaces = m.number != 0;
    }
}

/* The tree of pieces and the scores that the search for the best path takes. A user-defined symbol
 * counts so much that it always wins. */
static clipspan_status make_unigram(cs_file_tokenizer *t, const char *path, clipspan_error *err)
{
    const cs_sentencepiece *s = &t->sentencepiece;
    cs_unigram *u = &t->unigram;
    float least = 3.402823466e+38F, most = 1.175494351e-38F;
    size_t count = t->vocabulary.count, i;
    u->vocabulary = &t->vocabulary;
    u->sentencepiece = 1;
    u->unknown = s->unknown;
    u->byte_fallback = s->byte_fallback;
    memcpy(u->bytes, s->bytes, sizeof u->bytes);
    CS_TRY(cs_grow(&u->scores, &u->scores_room, count, sizeof *u->scores, "scores", err));
    for (i = 0; i < count; i++) {
        if (s->types[i] != CS_PIECE_NORMAL) continue;
        if (s->scores[i] < least) least = s->scores[i];
        if (s->scores[i] > most) most = s->scores[i];
    }
    for (i = 0; i < count; i++) {
        const char *piece = cs_vocabulary_piece(&t->vocabulary, (int32_t)i);
        size_t length = t->vocabulary.length[i];
        u->scores[i] = (double)s->scores[i];
        if (s->types[i] == CS_PIECE_USER) u->scores[i] = (double)((float)length * most) - 0.1;
        if (s->types[i] != CS_PIECE_NORMAL && s->types[i] != CS_PIECE_USER) continue;
        CS_TRY(cs_trie_add(&u->trie, piece, length, (int32_t)i, path, err));
    }
    u->unknown_score = (double)(least - 10.0F);
    return CLIPSPAN_OK;
}

clipspan_status cs_sentencepiece_read(cs_file_tokenizer *out, const unsigned char *data,
                                      size_t size, const char *path, clipspan_error *err)
{
    struct message m = {data, size, 0, 0, 0, NULL, 0, path};
    cs_sentencepiece *s = &out->sentencepiece;
    int more, all;
    out->model = CS_MODEL_SENTENCEPIECE;
    out->start = out->pad = CS_NO_PIECE;
    out->end = 2;
    s->vocabulary = &out->vocabulary;
    s->unigram = s->dummy_prefix = s->remove_spaces = s->escape_spaces = 1;
    s->unknown = CS_NO_PIECE;
    for (;;) {
        CS_TRY(next_field(&more, &m, err));
        if (!more) break;
        if (m.field == 1) CS_TRY(read_piece(out, &m, err));
        if (m.field == 2) CS_TRY(read_trainer(out, &m, err));
        if (m.field == 3) CS_TRY(read_normalizer(s, &m, err));
    }
    if (s->unknown == CS_NO_PIECE)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "has no unknown piece: it is no SentencePiece model, or is cut short");
    all = cs_vocabulary_bytes(s->bytes, &out->vocabulary);
    if (s->byte_fallback && !all)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "falls back to bytes, but lacks some of <0x00> to <0xFF>");
    if (out->end != CS_NO_PIECE && (size_t)out->end >= out->vocabulary.count)
        out->end = CS_NO_PIECE;
    return s->unigram ? make_unigram(out, path, err) : CLIPSPAN_OK;
}

clipspan_status cs_vocab_txt_read(cs_file_tokenizer *out, const char *data, size_t size,
                                  const char *path, clipspan_error *err)
{
    static const char *const specials[] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};
    size_t at = 0, i;
    out->model = CS_MODEL_WORD_PIECE;
    while (at < size) {
        const char *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at : size - at, next = at + length + 1;
        if (length && data[at + length - 1] == '\r') length--;
        if (cs_utf8_check(data + at, length) != length)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "line %zu is no UTF-8 text",
                              out->vocabulary.count + 1);
        CS_TRY(cs_vocabulary_add(&out->vocabulary, data + at, length, (double)out->vocabulary.count,
                                 0, path, err));
        at = next;
    }
    CS_TRY(cs_text_steps_add(&out->normalizers, CS_STEP_BERT, path, err));
    for (i = 0; i < 4; i++)
        out->normalizers.at[0].flags[i] = 1;
    CS_TRY(cs_text_steps_add(&out->pre_tokenizers, CS_STEP_BERT_SPLIT, path, err));
    for (i = 0; i < 5; i++)
        CS_TRY(cs_added_put(&out->added, specials[i], &out->vocabulary, path, err));
    out->word_pieces.vocabulary = &out->vocabulary;
    out->word_pieces.longest = 100;
    strcpy(out->word_pieces.prefix, "##");
    out->word_pieces.unknown = cs_file_tokenizer_find(out, specials[0]);
    out->start = cs_file_tokenizer_find(out, specials[1]);
    out->end = cs_file_tokenizer_find(out, specials[2]);
    out->pad = cs_file_tokenizer_find(out, specials[3]);
    if (out->word_pieces.unknown != CS_NO_PIECE) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "has no line [UNK]: it is no BERT vocabulary");
}
