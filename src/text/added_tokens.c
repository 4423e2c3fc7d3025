/* SPDX-License-Identifier: MIT */
/* Hugging Face's tokenizers, added_vocabulary: leftmost longest matches that do not overlap. One
 * that has to be a whole word and is not is passed over with all of its text. */
#include "text/added_tokens.h"
#include "base/memory.h"
#include "formats/json.h"
#include "text/foreign_unicode.h"

#include <string.h>

void cs_added_fini(cs_added *added)
{
    for (size_t i = 0; i < added->count; i++)
        cs_free(added->at[i].content);
    cs_free(added->at);
    cs_trie_fini(&added->raw);
    cs_trie_fini(&added->normal);
    memset(added, 0, sizeof *added);
}

/* A token as it is after normalizing, in the tree of those. */
static clipspan_status add_normal(cs_added *out, size_t index, const cs_text_steps *normalizers,
                                  const char *path, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const char *content = out->at[index].content;
    cs_text_part text = {{NULL, 0, 0}, 0};
    cs_codes work = {0};
    char *bytes = NULL;
    size_t size = 0;
    CS_TRY_DONE(cs_codes_decode(&text.codes, content, strlen(content), err));
    CS_TRY_DONE(cs_normalize(&text, &work, normalizers, err));
    bytes = cs_alloc(4 * text.codes.count + 1, 1, "an added token", err);
    if (!bytes) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    for (size_t i = 0; i < text.codes.count; i++)
        size += cs_utf8_put((unsigned char *)bytes + size, text.codes.at[i]);
    if (size) CS_TRY_DONE(cs_trie_add(&out->normal, bytes, size, (int32_t)index, path, err));
done:
    cs_codes_fini(&text.codes);
    cs_codes_fini(&work);
    cs_free(bytes);
    return status;
}

static clipspan_status read_one(cs_added *out, const json_t *item, const cs_vocabulary *vocabulary,
                                const cs_text_steps *normalizers, const char *path,
                                clipspan_error *err)
{
    cs_json in = cs_json_root(item, path);
    const char *content = NULL;
    cs_added_token *token;
    int id = CS_NO_PIECE, normalized = 1;
    int32_t known;
    CS_TRY(cs_json_text(&content, &in, "content", err));
    CS_TRY(cs_json_int(&id, &in, "id", 0, CS_VOCABULARY_MOST - 1, err));
    if (!content || id < 0 || strlen(content) > CS_PIECE_MOST)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "added_tokens[%zu] has no id or no content of at most %d bytes",
                          out->count, CS_PIECE_MOST);
    if (!*content) return CLIPSPAN_OK;
    CS_TRY(cs_grow(&out->at, &out->room, out->count + 1, sizeof *out->at, "added tokens", err));
    token = &out->at[out->count];
    memset(token, 0, sizeof *token);
    CS_TRY(cs_json_flag(&token->left, &in, "lstrip", err));
    CS_TRY(cs_json_flag(&token->right, &in, "rstrip", err));
    CS_TRY(cs_json_flag(&token->word, &in, "single_word", err));
    CS_TRY(cs_json_flag(&normalized, &in, "normalized", err));
    known = cs_vocabulary_find(vocabulary, content, strlen(content));
    token->id = known == CS_NO_PIECE ? id : known;
    token->content = cs_strdup(content, err);
    if (!token->content) return CLIPSPAN_E_NOMEM;
    out->count++;
    if (normalized) return add_normal(out, out->count - 1, normalizers, path, err);
    return cs_trie_add(&out->raw, content, strlen(content), (int32_t)out->count - 1, path, err);
}

clipspan_status cs_added_read(cs_added *out, const json_t *list, const cs_vocabulary *vocabulary,
                              const cs_text_steps *normalizers, const char *path,
                              clipspan_error *err)
{
    size_t count = json_array_size(list);
    if (count > CS_ADDED_MOST)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path, "has more than %d added tokens",
                          CS_ADDED_MOST);
    for (size_t i = 0; i < count; i++)
        CS_TRY(read_one(out, json_array_get(list, i), vocabulary, normalizers, path, err));
    return CLIPSPAN_OK;
}

clipspan_status cs_added_put(cs_added *out, const char *content, const cs_vocabulary *vocabulary,
                             const char *path, clipspan_error *err)
{
    cs_added_token *token;
    int32_t id = cs_vocabulary_find(vocabulary, content, strlen(content));
    if (id == CS_NO_PIECE) return CLIPSPAN_OK;
    CS_TRY(cs_grow(&out->at, &out->room, out->count + 1, sizeof *out->at, "added tokens", err));
    token = &out->at[out->count];
    memset(token, 0, sizeof *token);
    token->id = id;
    token->content = cs_strdup(content, err);
    if (!token->content) return CLIPSPAN_E_NOMEM;
    out->count++;
    return cs_trie_add(&out->raw, content, strlen(content), (int32_t)out->count - 1, path, err);
}

int32_t cs_added_find(const cs_added *added, const char *content)
{
    for (size_t i = 0; i < added->count; i++)
        if (strcmp(added->at[i].content, content) == 0) return added->at[i].id;
    return CS_NO_PIECE;
}

/* Start of the character that ends at `end` > 0. */
static size_t step_back(const char *text, size_t end)
{
    do
        end--;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80);
    return end;
}

static uint32_t code_at(size_t *taken, const char *text, size_t size, size_t at)
{
    int valid;
    return cs_utf8_next(text + at, size - at, taken, &valid);
}

static int inside_word(const char *text, size_t size, size_t first, size_t last)
{
    size_t taken;
    if (first > 0 &&
        cs_foreign_is(CS_FOREIGN_WORD, code_at(&taken, text, size, step_back(text, first))))
        return 1;
    return last < size && cs_foreign_is(CS_FOREIGN_WORD, code_at(&taken, text, size, last));
}

void cs_added_next(int32_t *id, size_t *first, size_t *last, size_t *at, size_t done,
                   const cs_added *added, const cs_trie *trie, const char *text, size_t size)
{
    *id = CS_NO_PIECE;
    *first = *last = size;
    while (*at < size && trie->nodes) {
        int32_t index = 0;
        size_t length = cs_trie_longest(&index, trie, text + *at, size - *at), taken;
        const cs_added_token *token;
        if (length == 0) {
            ++*at;
            continue;
        }
        token = &added->at[index];
        *at += length;
        if (token->word && inside_word(text, size, *at - length, *at)) continue;
        *id = token->id;
        *first = *at - length;
        *last = *at;
        while (token->left && *first > done) {
            size_t before = step_back(text, *first);
            if (!cs_foreign_is(CS_FOREIGN_SPACE, code_at(&taken, text, size, before))) break;
            *first = before;
        }
        if (*first < done) *first = done;
        while (token->right && *last < size &&
               cs_foreign_is(CS_FOREIGN_SPACE, code_at(&taken, text, size, *last)))
            *last += taken;
        return;
    }
    *at = size;
}
