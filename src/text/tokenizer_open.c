/* SPDX-License-Identifier: MIT */
/* Which file of a folder describes the tokenizer, of which kind it is, and what options, the file
 * and tokenizer_config.json beside it say about cleaning, start, end and padding. */
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"
#include "text/tokenizer_handle.h"
#include "text/vocab_check.h"

#include <string.h>

#define FILE_MOST ((uint64_t)128 << 20)

static int ends_in(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

/* ---- CLIP's ---- */

static clipspan_status open_clip(cs_tokenizer *t, cs_merges *merges, int vocab, clipspan_error *err)
{
    CS_TRY(cs_bpe_init(&t->bpe, merges, (size_t)vocab - CS_BPE_BASE - 2, err));
    t->vocab = vocab;
    t->start = vocab - 2;
    t->end = vocab - 1;
    t->cleaning = CS_CLEAN_CLIP;
    return CLIPSPAN_OK;
}

static clipspan_status check_vocab(int vocab, clipspan_error *err)
{
    if (vocab >= CS_BPE_BASE + 2) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_SHAPE,
                   "a vocabulary of %d is too small for CLIP's tokenizer, whose bytes and special "
                   "tokens alone are %d",
                   vocab, CS_BPE_BASE + 2);
}

static cs_tokenizer *new_tokenizer(clipspan_error *err)
{
    cs_tokenizer *t = cs_alloc_zero(1, sizeof *t, "a tokenizer", err);
    if (t) t->start = t->end = -1;
    return t;
}

clipspan_status cs_tokenizer_open(cs_tokenizer **out, const char *path, int vocab,
                                  clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_tokenizer *tokenizer = NULL;
    cs_merges merges = {0};
    *out = NULL;
    CS_TRY(check_vocab(vocab, err));
    tokenizer = new_tokenizer(err);
    if (!tokenizer) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_merges_read(&merges, path, err));
    CS_TRY_DONE(open_clip(tokenizer, &merges, vocab, err));
    CS_TRY_DONE(cs_vocab_check(&tokenizer->bpe, (size_t)vocab, merges.path, err));
    *out = tokenizer;
    tokenizer = NULL;
done:
    cs_merges_fini(&merges);
    cs_tokenizer_close(&tokenizer);
    return status;
}

/* ---- Those of files ---- */

/* What tokenizer_config.json says of one token: an id by name, CS_TOKEN_AUTO when nothing. */
static int config_token(const cs_tokenizer *t, const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    const char *name = json_string_value(value);
    if (!name) name = json_string_value(json_object_get(value, "content"));
    return name ? cs_file_tokenizer_find(t->file, name) : CS_TOKEN_AUTO;
}

static int starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* add_bos_token and add_eos_token are heeded by the classes of Gemma and Llama, whose loaders write
 * the post-processor anew. */
static void apply_config(cs_tokenizer *t, const json_t *config, cs_tokenizer_options *o)
{
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    int pad = config_token(t, config, "pad_token"), lower;
    if (!class) class = "";
    lower = json_is_true(json_object_get(config, "do_lower_case"));
    if (o->cleaning == CS_CLEAN_AUTO) {
        if (starts_with(class, "Siglip2") || (starts_with(class, "Gemma") && lower))
            o->cleaning = CS_CLEAN_LOWER;
        else if (starts_with(class, "Siglip"))
            o->cleaning = CS_CLEAN_SIGLIP;
    }
    if (o->pad == CS_TOKEN_AUTO) o->pad = pad;
    if (!starts_with(class, "Gemma") && !starts_with(class, "Llama") &&
        !starts_with(class, "Siglip2"))
        return;
    if (o->start == CS_TOKEN_AUTO && json_object_get(config, "add_bos_token"))
        o->start = json_is_true(json_object_get(config, "add_bos_token"))
                       ? config_token(t, config, "bos_token")
                       : CS_TOKEN_NONE;
    if (o->end == CS_TOKEN_AUTO && json_object_get(config, "add_eos_token"))
        o->end = json_is_true(json_object_get(config, "add_eos_token"))
                     ? config_token(t, config, "eos_token")
                     : CS_TOKEN_NONE;
}

/* What SigLIP's classes do where the configuration names no other class and no padding. */
static void apply_siglip(const cs_tokenizer *t, const json_t *config, cs_tokenizer_options *o)
{
    const cs_file_tokenizer *f = t->file;
    const int pairs = f->model == CS_MODEL_BPE ||
                      (f->model == CS_MODEL_SENTENCEPIECE && !f->sentencepiece.unigram);
    if (o->cleaning == CS_CLEAN_AUTO && !json_object_get(config, "tokenizer_class"))
        o->cleaning = pairs ? CS_CLEAN_LOWER : CS_CLEAN_SIGLIP;
    if (o->pad == CS_TOKEN_AUTO && !pairs && f->end >= 0) o->pad = f->end;
}

static clipspan_status check_id(int id, const char *what, int count, const char *path,
                                clipspan_error *err)
{
    if (id < count) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_SHAPE, path,
                      "the %s token has id %d, but there are only %d ids", what, id, count);
}

/* Settles what is left open, and checks ids against the model's table. */
static clipspan_status settle(cs_tokenizer *t, const cs_tokenizer_options *o, const char *path,
                              clipspan_error *err)
{
    const cs_file_tokenizer *f = t->file;
    int count = cs_file_tokenizer_count(f), most = o->vocab ? o->vocab : CS_VOCABULARY_MOST;
    t->cleaning = o->cleaning == CS_CLEAN_AUTO ? CS_CLEAN_NONE : o->cleaning;
    t->start = o->start == CS_TOKEN_AUTO ? f->start : o->start < 0 ? -1 : o->start;
    t->end = o->end == CS_TOKEN_AUTO ? f->end : o->end < 0 ? -1 : o->end;
    t->pad = o->pad >= 0 ? o->pad : o->pad == CS_TOKEN_AUTO && f->pad >= 0 ? f->pad : 0;
    t->blank_end = o->blank_end;
    if (o->vocab && count > o->vocab)
        return cs_fail_at(err, CLIPSPAN_E_SHAPE, path,
                          "has %d ids where the model's table has %d rows: it belongs to another "
                          "model",
                          count, o->vocab);
    CS_TRY(check_id(t->start, "start", most, path, err));
    CS_TRY(check_id(t->end, "end", most, path, err));
    return check_id(t->pad, "padding", most, path, err);
}

static clipspan_status read_file(cs_tokenizer *t, const void *data, size_t size, const char *path,
                                 clipspan_error *err)
{
    t->file = cs_alloc_zero(1, sizeof *t->file, "a tokenizer", err);
    if (!t->file) return CLIPSPAN_E_NOMEM;
    if (ends_in(path, ".json")) return cs_tokenizer_json_read(t->file, data, size, path, err);
    if (ends_in(path, ".model")) return cs_sentencepiece_read(t->file, data, size, path, err);
    if (ends_in(path, ".txt")) return cs_vocab_txt_read(t->file, data, size, path, err);
    return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                      "is none of tokenizer.json, a SentencePiece .model and vocab.txt");
}

/* The tokenizer_config.json beside a file; *out is NULL when there is none. */
static clipspan_status read_config(json_t **out, const char *path, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *folder = cs_path_folder(path, err), *beside = NULL;
    *out = NULL;
    if (folder) beside = cs_path_join(folder, "tokenizer_config.json", err);
    if (!beside)
        status = CLIPSPAN_E_NOMEM;
    else if (cs_path_kind(beside) == 1)
        status = cs_json_read(out, beside, err);
    cs_free(folder);
    cs_free(beside);
    return status;
}

static clipspan_status open_file(cs_tokenizer **out, const void *data, size_t size,
                                 const char *path, int beside, const cs_tokenizer_options *options,
                                 clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_tokenizer_options o = *options;
    json_t *config = NULL;
    cs_tokenizer *t = new_tokenizer(err);
    if (!t) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(read_file(t, data, size, path, err));
    if (beside) CS_TRY_DONE(read_config(&config, path, err));
    if (config) apply_config(t, config, &o);
    if (o.siglip) apply_siglip(t, config, &o);
    CS_TRY_DONE(settle(t, &o, path, err));
    *out = t;
    t = NULL;
done:
    json_decref(config);
    cs_tokenizer_close(&t);
    return status;
}

const char *cs_tokenizer_file_name(size_t index)
{
    static const char *const names[] = {"tokenizer.json",          "spiece.model",
                                        "sentencepiece.bpe.model", "tokenizer.model",
                                        "sentencepiece.model",     "vocab.txt"};
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

/* The file of a folder, or the path itself; NULL in *out where CLIP's reader is to look. */
static clipspan_status find_file(char **out, const char *path, int kind, clipspan_error *err)
{
    const char *name;
    *out = NULL;
    if (path[0] == '\0') return CLIPSPAN_OK;
    if (cs_path_kind(path) != 2) {
        int known = ends_in(path, ".json") || ends_in(path, ".model") ||
                    strcmp(cs_path_name(path), "vocab.txt") == 0;
        if (known || kind == CS_TOKENIZER_FILE) *out = cs_strdup(path, err);
        return *out || !(known || kind == CS_TOKENIZER_FILE) ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    }
    for (size_t i = 0; (name = cs_tokenizer_file_name(i)); i++) {
        *out = cs_path_join(path, name, err);
        if (!*out) return CLIPSPAN_E_NOMEM;
        if (cs_path_kind(*out) == 1) return CLIPSPAN_OK;
        cs_free(*out);
        *out = NULL;
    }
    if (kind != CS_TOKENIZER_FILE) return CLIPSPAN_OK;
    return cs_fail_at(
        err, CLIPSPAN_E_NOT_FOUND, path,
        "holds no tokenizer: looked for tokenizer.json, spiece.model, "
        "sentencepiece.bpe.model, tokenizer.model, sentencepiece.model and vocab.txt");
}

clipspan_status cs_tokenizer_open_as(cs_tokenizer **out, const char *path,
                                     const cs_tokenizer_options *options, clipspan_error *err)
{
    static const cs_tokenizer_options defaults = CS_TOKENIZER_OPTIONS_INIT;
    clipspan_status status = CLIPSPAN_OK;
    const cs_tokenizer_options *o = options ? options : &defaults;
    unsigned char *data = NULL;
    char *file = NULL;
    size_t size = 0;
    *out = NULL;
    if (o->kind != CS_TOKENIZER_CLIP) CS_TRY(find_file(&file, path, o->kind, err));
    if (file) CS_TRY_DONE(cs_file_read_all(&data, &size, file, FILE_MOST, err));
    if (!file || (o->kind == CS_TOKENIZER_AUTO && ends_in(file, ".json") &&
                  cs_tokenizer_json_is_clip((const char *)data, size)))
        status = cs_tokenizer_open(out, path, o->vocab ? o->vocab : 49408, err);
    else
        status = open_file(out, data, size, file, 1, o, err);
done:
    cs_free(data);
    cs_free(file);
    return status;
}

/* CLIP's from merges in memory. */
static clipspan_status open_merges(cs_tokenizer **out, const void *data, size_t size,
                                   const char *name, int vocab, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_merges merges = {0};
    cs_tokenizer *t = NULL;
    CS_TRY(check_vocab(vocab, err));
    t = new_tokenizer(err);
    if (!t) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_merges_parse(&merges, data, size, name, err));
    CS_TRY_DONE(open_clip(t, &merges, vocab, err));
    *out = t;
    t = NULL;
done:
    cs_merges_fini(&merges);
    cs_tokenizer_close(&t);
    return status;
}

clipspan_status cs_tokenizer_open_memory(cs_tokenizer **out, const void *data, size_t size,
                                         const char *name, const cs_tokenizer_options *options,
                                         clipspan_error *err)
{
    static const cs_tokenizer_options defaults = CS_TOKENIZER_OPTIONS_INIT;
    const cs_tokenizer_options *o = options ? options : &defaults;
    int json = ends_in(name, ".json");
    int file = json || ends_in(name, ".model") || strcmp(cs_path_name(name), "vocab.txt") == 0;
    *out = NULL;
    if (o->kind == CS_TOKENIZER_CLIP || (!file && o->kind == CS_TOKENIZER_AUTO) ||
        (json && o->kind == CS_TOKENIZER_AUTO && cs_tokenizer_json_is_clip(data, size)))
        return open_merges(out, data, size, name, o->vocab ? o->vocab : 49408, err);
    return open_file(out, data, size, name, 0, o, err);
}
