/* SPDX-License-Identifier: MIT */
/* Hugging Face's tokenizer.json. The vocabulary and the merges are read item by item; the rest of
 * the document is small and is parsed as trees, each with its own bounds. */
#include "base/memory.h"
#include "formats/json.h"
#include "formats/json_pull.h"
#include "text/file_tokenizer.h"

#include <string.h>

struct span {
    size_t first, length;
};
enum { MODEL, ADDED, NORMALIZER, PRE_TOKENIZER, POST, PADDING, PARTS };
static const char *const part_names[PARTS] = {"model",         "added_tokens",   "normalizer",
                                              "pre_tokenizer", "post_processor", "padding"};

/* The members of an object by name; those of other names are passed over. A NULL name ends. */
static clipspan_status find_members(struct span *out, const char *const *names, size_t count,
                                    cs_json_pull *pull, clipspan_error *err)
{
    int more;
    memset(out, 0, count * sizeof *out);
    CS_TRY(cs_json_pull_enter(pull, '{', err));
    for (size_t i = 0;; i++) {
        struct span here;
        size_t k = 0;
        CS_TRY(cs_json_pull_next(&more, pull, '{', i, err));
        if (!more) return CLIPSPAN_OK;
        while (k < count && strcmp(pull->string, names[k]) != 0)
            k++;
        CS_TRY(cs_json_pull_skip(&here.first, &here.length, pull, err));
        if (k < count) out[k] = here;
    }
}

/* A member as a tree; *out is NULL when it is missing. */
static clipspan_status parse_part(json_t **out, const char *data, struct span part,
                                  const char *path, clipspan_error *err)
{
    static const cs_json_limits limits = {32, 200000, 2000000, 0, "tokenizer"};
    cs_json_limits here = limits;
    char *whole;
    clipspan_status status;
    *out = NULL;
    if (part.length == 0) return CLIPSPAN_OK;
    here.offset = part.first;
    /* jansson takes objects and lists only. */
    if (data[part.first] != '{' && data[part.first] != '[') {
        if (part.length == 4 && memcmp(data + part.first, "null", 4) == 0) return CLIPSPAN_OK;
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "has a plain value at byte %zu where an object was expected", part.first);
    }
    whole = cs_strndup(data + part.first, part.length, err);
    if (!whole) return CLIPSPAN_E_NOMEM;
    status = cs_json_parse(out, whole, part.length, &here, path, err);
    cs_free(whole);
    return status;
}

/* ---- The model ---- */

struct settings {
    char type[24];
    char unknown[64];
    double unknown_id; /* -1: none */
    int byte_fallback, fuse_unknown, ignore_merges;
    char prefix[32], suffix[32];
    size_t longest;
    struct span vocab, merges;
};

static clipspan_status copy_text(char *out, size_t room, cs_json_pull *pull, const char *key,
                                 clipspan_error *err)
{
    CS_TRY(cs_json_pull_string(pull, err));
    if (pull->length >= room)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, pull->path, "model.%s is over %zu bytes long",
                          key, room - 1);
    memcpy(out, pull->string, pull->length + 1);
    return CLIPSPAN_OK;
}

static clipspan_status read_flag(int *out, cs_json_pull *pull, const char *key, clipspan_error *err)
{
    struct span here;
    CS_TRY(cs_json_pull_skip(&here.first, &here.length, pull, err));
    *out = here.length == 4 && memcmp(pull->text + here.first, "true", 4) == 0;
    if (*out || (here.length == 5 && memcmp(pull->text + here.first, "false", 5) == 0))
        return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, pull->path, "model.%s is neither true nor false",
                      key);
}

static clipspan_status read_setting(struct settings *s, cs_json_pull *pull, const char *key,
                                    clipspan_error *err)
{
    struct span here;
    double number = 0;
    if (strcmp(key, "vocab") == 0)
        return cs_json_pull_skip(&s->vocab.first, &s->vocab.length, pull, err);
    if (strcmp(key, "merges") == 0)
        return cs_json_pull_skip(&s->merges.first, &s->merges.length, pull, err);
    if (cs_json_pull_kind(pull) == 'n')
        return cs_json_pull_skip(&here.first, &here.length, pull, err);
    if (strcmp(key, "type") == 0) return copy_text(s->type, sizeof s->type, pull, key, err);
    if (strcmp(key, "unk_token") == 0)
        return copy_text(s->unknown, sizeof s->unknown, pull, key, err);
    if (strcmp(key, "continuing_subword_prefix") == 0)
        return copy_text(s->prefix, sizeof s->prefix, pull, key, err);
    if (strcmp(key, "end_of_word_suffix") == 0)
        return copy_text(s->suffix, sizeof s->suffix, pull, key, err);
    if (strcmp(key, "unk_id") == 0) return cs_json_pull_number(&s->unknown_id, pull, err);
    if (strcmp(key, "byte_fallback") == 0) return read_flag(&s->byte_fallback, pull, key, err);
    if (strcmp(key, "fuse_unk") == 0) return read_flag(&s->fuse_unknown, pull, key, err);
    if (strcmp(key, "ignore_merges") == 0) return read_flag(&s->ignore_merges, pull, key, err);
    if (strcmp(key, "max_input_chars_per_word") == 0 || strcmp(key, "dropout") == 0) {
        CS_TRY(cs_json_pull_number(&number, pull, err));
        if (key[0] == 'm' && number >= 0 && number < 1e9) s->longest = (size_t)number;
        if (key[0] == 'd' && number > 0)
            return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, pull->path,
                              "model.dropout of tokenizer.json is not known: ids would be random");
        return CLIPSPAN_OK;
    }
    return cs_json_pull_skip(&here.first, &here.length, pull, err);
}

static clipspan_status read_settings(struct settings *s, cs_json_pull *pull, clipspan_error *err)
{
    int more;
    memset(s, 0, sizeof *s);
    s->unknown_id = -1;
    s->longest = 100;
    CS_TRY(cs_json_pull_enter(pull, '{', err));
    for (size_t i = 0;; i++) {
        char key[40];
        CS_TRY(cs_json_pull_next(&more, pull, '{', i, err));
        if (!more) break;
        memset(key, 0, sizeof key);
        memcpy(key, pull->string, pull->length < sizeof key ? pull->length : sizeof key - 1);
        CS_TRY(read_setting(s, pull, key, err));
    }
    if (s->type[0] == '\0') /* older files: told by what is there */
        strcpy(s->type, s->merges.length                                       ? "BPE"
                        : s->vocab.length && pull->text[s->vocab.first] == '[' ? "Unigram"
                                                                               : "WordPiece");
    if (s->vocab.length == 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, pull->path, "has no model.vocab");
    return CLIPSPAN_OK;
}

/* {"piece": id, …} */
static clipspan_status read_vocab(cs_vocabulary *out, cs_json_pull *pull, size_t at,
                                  clipspan_error *err)
{
    int more;
    char piece[CS_PIECE_MOST + 1];
    pull->at = at;
    CS_TRY(cs_json_pull_enter(pull, '{', err));
    for (size_t i = 0;; i++) {
        double id;
        size_t length;
        CS_TRY(cs_json_pull_next(&more, pull, '{', i, err));
        if (!more) return CLIPSPAN_OK;
        length = pull->length < sizeof piece ? pull->length : sizeof piece - 1;
        memcpy(piece, pull->string, length);
        piece[length] = '\0';
        if (pull->length > CS_PIECE_MOST) length = pull->length;
        CS_TRY(cs_json_pull_number(&id, pull, err));
        CS_TRY(cs_vocabulary_add(out, piece, length, id, 0, pull->path, err));
    }
}

/* ["left right", …] or [["left", "right"], …] */
static clipspan_status read_merges(cs_merge_bpe *bpe, cs_json_pull *pull, size_t at,
                                   clipspan_error *err)
{
    char left[CS_PIECE_MOST + 1];
    int more;
    pull->at = at;
    CS_TRY(cs_json_pull_enter(pull, '[', err));
    for (size_t i = 0;; i++) {
        size_t length = 0;
        const char *right = NULL;
        CS_TRY(cs_json_pull_next(&more, pull, '[', i, err));
        if (!more) return CLIPSPAN_OK;
        if (cs_json_pull_kind(pull) == '[') {
            CS_TRY(cs_json_pull_enter(pull, '[', err));
            CS_TRY(cs_json_pull_next(&more, pull, '[', 0, err));
            CS_TRY(cs_json_pull_string(pull, err));
            length = pull->length;
            memcpy(left, pull->string, length < sizeof left ? length : sizeof left - 1);
            CS_TRY(cs_json_pull_next(&more, pull, '[', 1, err));
            CS_TRY(cs_json_pull_string(pull, err));
            right = pull->string;
            CS_TRY(cs_json_pull_next(&more, pull, '[', 2, err));
        } else {
            const char *space;
            CS_TRY(cs_json_pull_string(pull, err));
            space = memchr(pull->string, ' ', pull->length);
            more = !space || strchr(space + 1, ' ') != NULL;
            if (space) {
                length = (size_t)(space - pull->string);
                memcpy(left, pull->string, length < sizeof left ? length : sizeof left - 1);
                right = space + 1;
            }
        }
        if (more || !right || length > CS_PIECE_MOST)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, pull->path,
                              "model.merges[%zu] is neither \"left right\" nor a pair", i);
        left[length] = '\0';
        CS_TRY(cs_merge_bpe_add(bpe, left, length, right,
                                pull->length - (size_t)(right - pull->string), pull->path, err));
    }
}

/* [["piece", score], …]; ids are places. */
static clipspan_status read_scores(cs_file_tokenizer *t, cs_json_pull *pull, size_t at,
                                   clipspan_error *err)
{
    cs_unigram *u = &t->unigram;
    double least = 0, score;
    int more;
    pull->at = at;
    CS_TRY(cs_json_pull_enter(pull, '[', err));
    for (size_t i = 0;; i++) {
        CS_TRY(cs_json_pull_next(&more, pull, '[', i, err));
        if (!more) break;
        CS_TRY(cs_json_pull_enter(pull, '[', err));
        CS_TRY(cs_json_pull_next(&more, pull, '[', 0, err));
        CS_TRY(cs_json_pull_string(pull, err));
        CS_TRY(cs_vocabulary_add(&t->vocabulary, pull->string, pull->length, (double)i, 1,
                                 pull->path, err));
        CS_TRY(cs_trie_add(&u->trie, pull->string, pull->length, (int32_t)i, pull->path, err));
        CS_TRY(cs_json_pull_next(&more, pull, '[', 1, err));
        CS_TRY(cs_json_pull_number(&score, pull, err));
        CS_TRY(cs_json_pull_next(&more, pull, '[', 2, err));
        if (more)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, pull->path,
                              "model.vocab[%zu] is no pair of a piece and its score", i);
        CS_TRY(cs_grow(&u->scores, &u->scores_room, i + 1, sizeof *u->scores, "scores", err));
        u->scores[i] = score;
        if (i == 0 || score < least) least = score;
    }
    u->unknown_score = least - 10;
    return CLIPSPAN_OK;
}

static clipspan_status read_unigram(cs_file_tokenizer *t, const struct settings *s,
                                    cs_json_pull *pull, clipspan_error *err)
{
    cs_unigram *u = &t->unigram;
    t->model = CS_MODEL_UNIGRAM;
    CS_TRY(read_scores(t, pull, s->vocab.first, err));
    u->vocabulary = &t->vocabulary;
    u->unknown = CS_NO_PIECE;
    u->byte_fallback = s->byte_fallback;
    cs_vocabulary_bytes(u->bytes, &t->vocabulary);
    if (s->unknown_id < 0) return CLIPSPAN_OK;
    if (s->unknown_id >= (double)t->vocabulary.count)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, pull->path,
                          "model.unk_id is %.0f, but there are %zu pieces", s->unknown_id,
                          t->vocabulary.count);
    u->unknown = (int32_t)s->unknown_id;
    return CLIPSPAN_OK;
}

static clipspan_status read_pieces(cs_file_tokenizer *t, const struct settings *s,
                                   cs_json_pull *pull, clipspan_error *err)
{
    int32_t unknown;
    CS_TRY(read_vocab(&t->vocabulary, pull, s->vocab.first, err));
    unknown = cs_vocabulary_find(&t->vocabulary, s->unknown, strlen(s->unknown));
    if (strcmp(s->type, "WordPiece") == 0) {
        t->model = CS_MODEL_WORD_PIECE;
        t->word_pieces.vocabulary = &t->vocabulary;
        t->word_pieces.longest = s->longest;
        t->word_pieces.unknown = unknown;
        strcpy(t->word_pieces.prefix, s->prefix);
        return CLIPSPAN_OK;
    }
    t->model = CS_MODEL_BPE;
    t->bpe.vocabulary = &t->vocabulary;
    t->bpe.unknown = unknown;
    t->bpe.fuse_unknown = s->fuse_unknown;
    t->bpe.byte_fallback = s->byte_fallback;
    t->bpe.ignore_merges = s->ignore_merges;
    strcpy(t->bpe.prefix, s->prefix);
    strcpy(t->bpe.suffix, s->suffix);
    cs_vocabulary_bytes(t->bpe.bytes, &t->vocabulary);
    return s->merges.length ? read_merges(&t->bpe, pull, s->merges.first, err) : CLIPSPAN_OK;
}

static clipspan_status read_model(cs_file_tokenizer *t, cs_json_pull *pull, size_t at,
                                  clipspan_error *err)
{
    struct settings s;
    pull->at = at;
    CS_TRY(read_settings(&s, pull, err));
    if (strcmp(s.type, "Unigram") == 0) return read_unigram(t, &s, pull, err);
    if (strcmp(s.type, "BPE") == 0 || strcmp(s.type, "WordPiece") == 0)
        return read_pieces(t, &s, pull, err);
    return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, pull->path,
                      "model `%s` of tokenizer.json is not known; known are Unigram, BPE and "
                      "WordPiece",
                      s.type);
}

/* ---- Start and end ---- */

static clipspan_status put_special(cs_file_tokenizer *t, int after, int32_t id, const char *path,
                                   clipspan_error *err)
{
    int32_t *slot = after ? &t->end : &t->start;
    if (id < 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "post_processor names a token that has no id");
    if (*slot != CS_NO_PIECE)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                          "post_processor of tokenizer.json puts more than one token %s the text, "
                          "which is not known",
                          after ? "behind" : "before");
    *slot = id;
    return CLIPSPAN_OK;
}

/* {"single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, …], "special_tokens":
 * {"<s>": {"ids": [0]}}} */
static clipspan_status read_template(cs_file_tokenizer *t, const json_t *value, const char *path,
                                     clipspan_error *err)
{
    const json_t *single = json_object_get(value, "single");
    const json_t *specials = json_object_get(value, "special_tokens");
    int after = 0;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i);
        const json_t *special = json_object_get(item, "SpecialToken"), *ids;
        const char *name = json_string_value(json_object_get(special, "id"));
        after |= json_object_get(item, "Sequence") != NULL;
        if (!special) continue;
        ids = name ? json_object_get(json_object_get(specials, name), "ids") : NULL;
        if (json_array_size(ids) != 1 || !json_is_integer(json_array_get(ids, 0)) ||
            json_integer_value(json_array_get(ids, 0)) >= CS_VOCABULARY_MOST)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                              "post_processor does not say which one id \"%.40s\" has",
                              name ? name : "");
        CS_TRY(
            put_special(t, after, (int32_t)json_integer_value(json_array_get(ids, 0)), path, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_post(cs_file_tokenizer *t, const json_t *value, const char *path,
                                 int depth, clipspan_error *err)
{
    static const char *const keys[] = {"cls", "sep"};
    const char *type = json_string_value(json_object_get(value, "type"));
    if (!value || json_is_null(value)) return CLIPSPAN_OK;
    if (!type || depth > 8)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "post_processor has no type");
    if (strcmp(type, "ByteLevel") == 0) return CLIPSPAN_OK;
    if (strcmp(type, "TemplateProcessing") == 0) return read_template(t, value, path, err);
    if (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0) {
        for (int i = 0; i < 2; i++) {
            const json_t *id = json_array_get(json_object_get(value, keys[i]), 1);
            int fits = json_is_integer(id) && json_integer_value(id) < CS_VOCABULARY_MOST;
            CS_TRY(put_special(t, i, fits ? (int32_t)json_integer_value(id) : -1, path, err));
        }
        return CLIPSPAN_OK;
    }
    if (strcmp(type, "Sequence") != 0)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                          "post-processor `%.60s` of tokenizer.json is not known; known are "
                          "Sequence, TemplateProcessing, BertProcessing, RobertaProcessing and "
                          "ByteLevel",
                          type);
    value = json_object_get(value, "processors");
    for (size_t i = 0; i < json_array_size(value); i++)
        CS_TRY(read_post(t, json_array_get(value, i), path, depth + 1, err));
    return CLIPSPAN_OK;
}

static void read_pad(cs_file_tokenizer *t, const json_t *padding)
{
    static const char *const names[] = {"<pad>", "[PAD]"};
    const json_t *id = json_object_get(padding, "pad_id");
    if (json_is_integer(id) && json_integer_value(id) >= 0 &&
        json_integer_value(id) < CS_VOCABULARY_MOST)
        t->pad = (int32_t)json_integer_value(id);
    for (int i = 0; i < 2 && t->pad == CS_NO_PIECE; i++)
        t->pad = cs_file_tokenizer_find(t, names[i]);
}

clipspan_status cs_tokenizer_json_read(cs_file_tokenizer *out, const char *data, size_t size,
                                       const char *path, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_json_pull pull = {data, size, 0, path, NULL, 0, 0};
    struct span parts[PARTS];
    json_t *trees[PARTS] = {NULL};
    out->start = out->end = out->pad = CS_NO_PIECE;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) pull.at = 3;
    CS_TRY_DONE(find_members(parts, part_names, PARTS, &pull, err));
    CS_TRY_DONE(cs_json_pull_end(&pull, err));
    if (parts[MODEL].length == 0) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "has no \"model\"");
        goto done;
    }
    for (int i = ADDED; i < PARTS; i++)
        CS_TRY_DONE(parse_part(&trees[i], data, parts[i], path, err));
    CS_TRY_DONE(cs_normalizer_read(&out->normalizers, trees[NORMALIZER], path, err));
    CS_TRY_DONE(cs_pre_tokenizer_read(&out->pre_tokenizers, trees[PRE_TOKENIZER], path, err));
    CS_TRY_DONE(read_post(out, trees[POST], path, 0, err));
    CS_TRY_DONE(read_model(out, &pull, parts[MODEL].first, err));
    CS_TRY_DONE(
        cs_added_read(&out->added, trees[ADDED], &out->vocabulary, &out->normalizers, path, err));
    read_pad(out, trees[PADDING]);
done:
    for (int i = 0; i < PARTS; i++)
        json_decref(trees[i]);
    cs_json_pull_fini(&pull);
    return status;
}

int cs_tokenizer_json_is_clip(const char *data, size_t size)
{
    static const char *const names[] = {"type", "end_of_word_suffix", "merges", "vocab"};
    cs_json_pull pull = {data, size, 0, "", NULL, 0, 0};
    struct span parts[PARTS], model[4];
    int clip = 0;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) pull.at = 3;
    if (find_members(parts, part_names, PARTS, &pull, NULL) == CLIPSPAN_OK && parts[MODEL].length) {
        pull.at = parts[MODEL].first;
        if (find_members(model, names, 4, &pull, NULL) == CLIPSPAN_OK) {
            const char *suffix = data + model[1].first;
            int byte_pairs = !model[0].length || memcmp(data + model[0].first, "\"BPE\"", 5) == 0;
            clip = byte_pairs && model[2].length &&
                   ((model[1].length == 6 && memcmp(suffix, "\"</w>\"", 6) == 0) ||
                    (!parts[NORMALIZER].length && !parts[PRE_TOKENIZER].length));
        }
    }
    cs_json_pull_fini(&pull);
    return clip;
}
