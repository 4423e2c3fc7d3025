/* SPDX-License-Identifier: MIT */
/* Hugging Face tokenizers name every id; CLIP's are implied by the order of the merges, and that
 * order is the one used here. A model trained with other ids would silently get wrong ones. */
#include "text/vocab_check.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"

#include <string.h>

#define FILE_MAX ((uint64_t)16 << 20)

static clipspan_status compare_one(const json_t *ids, const char *piece, size_t id,
                                   const char *path, clipspan_error *err)
{
    const json_t *value = json_object_get(ids, piece);
    if (json_is_integer(value) && json_integer_value(value) == (json_int_t)id) return CLIPSPAN_OK;
    if (!json_is_integer(value))
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                          "has no id for \"%.60s\", which the merges make id %zu", piece, id);
    return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                      "gives \"%.60s\" id %lld where the order of the merges gives %zu; only "
                      "CLIP's order is supported",
                      piece, (long long)json_integer_value(value), id);
}

static clipspan_status compare(const json_t *ids, const cs_bpe *bpe, size_t vocab, const char *path,
                               clipspan_error *err)
{
    static const char *const special[] = {"<|startoftext|>", "<|endoftext|>"};
    size_t i;
    if (!json_is_object(ids))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "has no table of pieces and their ids");
    for (i = 0; i < bpe->count; i++)
        CS_TRY(compare_one(ids, bpe->names + bpe->name_at[i], i, path, err));
    for (i = 0; i < 2; i++)
        if (json_object_get(ids, special[i]))
            CS_TRY(compare_one(ids, special[i], vocab - 2 + i, path, err));
    return CLIPSPAN_OK;
}

clipspan_status cs_vocab_check(const cs_bpe *bpe, size_t vocab, const char *merges,
                               clipspan_error *err)
{
    static const cs_json_limits limits = {16, 4096, 1000000, 0, "vocabulary"};
    clipspan_status status = CLIPSPAN_OK;
    int whole = strcmp(cs_path_name(merges), "tokenizer.json") == 0;
    char *folder = NULL, *path = NULL;
    unsigned char *data = NULL;
    json_t *root = NULL;
    const json_t *ids;
    size_t size;
    if (!whole && strcmp(cs_path_name(merges), "merges.txt") != 0) return CLIPSPAN_OK;
    folder = cs_path_folder(merges, err);
    if (folder) path = cs_path_join(folder, whole ? "tokenizer.json" : "vocab.json", err);
    if (!path) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    if (cs_path_kind(path) != 1) goto done;
    CS_TRY_DONE(cs_file_read_all(&data, &size, path, FILE_MAX, err));
    CS_TRY_DONE(cs_json_parse(&root, (const char *)data, size, &limits, path, err));
    ids = whole ? json_object_get(json_object_get(root, "model"), "vocab") : root;
    CS_TRY_DONE(compare(ids, bpe, vocab, path, err));
done:
    json_decref(root);
    cs_free(data);
    cs_free(path);
    cs_free(folder);
    return status;
}
