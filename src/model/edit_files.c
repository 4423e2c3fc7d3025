/* SPDX-License-Identifier: MIT */
/* What lies beside the weights of an edited checkpoint: configuration, preprocessing, tokenizer,
 * list of shards. */
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"
#include "model/checkpoint_edit.h"
#include "model/config_write.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MOST ((uint64_t)64 << 20)

/* Files of either family's tokenizers; a loader takes the ones it knows. */
static const char *const tokenizer_files[] = {
    "merges.txt",
    "vocab.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "added_tokens.json",
    "special_tokens_map.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "sentencepiece.model",
    "vocab.txt",
    "bpe_simple_vocab_16e6.txt",
    "bpe_simple_vocab_16e6.txt.gz",
};

static clipspan_status write_file(const char *path, const void *data, size_t size,
                                  clipspan_error *err)
{
    cs_output *output;
    clipspan_status status;
    CS_TRY(cs_output_open(&output, path, 0, err));
    status = cs_output_write(output, data, size, err);
    if (status == CLIPSPAN_OK) status = cs_output_commit(output, err);
    cs_output_close(&output);
    return status;
}

static clipspan_status copy_to(const char *path, const char *original, clipspan_error *err)
{
    unsigned char *data;
    size_t size;
    clipspan_status status;
    CS_TRY(cs_file_read_all(&data, &size, original, FILE_MOST, err));
    status = write_file(path, data, size, err);
    cs_free(data);
    return status;
}

static clipspan_status copy_file(const char *folder, const cs_checkpoint *checkpoint,
                                 const char *original, clipspan_error *err)
{
    clipspan_status status;
    char *path;
    CS_TRY(cs_edit_path(&path, folder, checkpoint, original, err));
    status = cs_path_kind(path) == 0 ? copy_to(path, original, err) : CLIPSPAN_OK;
    cs_free(path);
    return status;
}

static clipspan_status write_json(const char *path, const json_t *root, clipspan_error *err)
{
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    clipspan_status status = text ? write_file(path, text, strlen(text), err)
                                  : cs_fail_memory(err, 1, "a configuration");
    free(text);
    return status;
}

/* ---- Configuration ---- */

/* [[numbers of the heads that layer 0 has left], ...]; NULL when memory is short. */
static json_t *list_heads(const cs_config *config, const cs_checkpoint_edit *edit)
{
    json_t *lists = json_array();
    int failed = 0;
    for (int layer = 0; layer < config->image.layers; layer++) {
        json_t *list = json_array();
        for (int i = 0; i < cs_config_heads(config, layer); i++) {
            const int head = cs_config_head(config, layer, i);
            if (!edit->chosen[layer * config->image.heads + head])
                failed |= json_array_append_new(list, json_integer(head));
        }
        failed |= json_array_append_new(lists, list);
    }
    if (!failed) return lists;
    json_decref(lists);
    return NULL;
}

/* The original's configuration, word for word where that says everything; otherwise with what was
 * known of the checkpoint by its name or by options, so that the folder needs neither. */
static clipspan_status write_config(const char *folder, const cs_checkpoint *checkpoint,
                                    const cs_checkpoint_edit *edit, clipspan_error *err)
{
    const cs_config *config = cs_checkpoint_config(checkpoint);
    const char *original = cs_checkpoint_config_path(checkpoint);
    const char *name =
        config->layout == CLIPSPAN_LAYOUT_HUGGINGFACE ? "config.json" : "open_clip_config.json";
    size_t size;
    const char *text = cs_checkpoint_config_text(checkpoint, &size);
    clipspan_status status = CLIPSPAN_OK;
    json_t *root = NULL;
    char *path = cs_path_join(folder, name, err);
    int changed = 0;
    if (!path) return CLIPSPAN_E_NOMEM;
    if (original) CS_TRY_DONE(cs_json_read(&root, original, err));
    if (text) CS_TRY_DONE(cs_json_read_text(&root, text, size, "config_json", err));
    CS_TRY_DONE(cs_config_complete(&root, &changed, config, err));
    if (edit->remove && json_object_set_new(cs_config_image_object(root), "heads_per_layer",
                                            list_heads(config, edit)) != 0)
        status = cs_fail_memory(err, 1, "a configuration");
    else if (original && !changed && !edit->remove)
        status = copy_to(path, original, err);
    else if (text && !changed && !edit->remove)
        status = write_file(path, text, size, err);
    else
        status = write_json(path, root, err);
done:
    json_decref(root);
    cs_free(path);
    return status;
}

/* The list of shards stays, but for the sum of sizes, which removed heads and a wider b_O change:
 * it is left out, as readers can do without it. */
static clipspan_status write_index(const char *folder, const cs_checkpoint *checkpoint,
                                   clipspan_error *err)
{
    const char *original = cs_checkpoint_index(checkpoint);
    clipspan_status status;
    char *path = NULL;
    json_t *root, *notes;
    if (!original) return CLIPSPAN_OK;
    CS_TRY(cs_json_read(&root, original, err));
    notes = json_object_get(root, "metadata");
    if (json_is_object(notes)) json_object_del(notes, "total_size");
    status = cs_edit_path(&path, folder, checkpoint, original, err);
    if (status == CLIPSPAN_OK) status = write_json(path, root, err);
    json_decref(root);
    cs_free(path);
    return status;
}

static clipspan_status write_preprocessor(const char *folder, const cs_checkpoint *checkpoint,
                                          clipspan_error *err)
{
    size_t size;
    const char *text = cs_checkpoint_preprocessor_text(checkpoint, &size);
    clipspan_status status;
    char *path;
    if (cs_checkpoint_preprocessor(checkpoint))
        return copy_file(folder, checkpoint, cs_checkpoint_preprocessor(checkpoint), err);
    if (!text) return CLIPSPAN_OK;
    path = cs_path_join(folder, "preprocessor_config.json", err);
    status = path ? write_file(path, text, size, err) : CLIPSPAN_E_NOMEM;
    cs_free(path);
    return status;
}

clipspan_status cs_edit_files(const char *folder, const cs_checkpoint *checkpoint,
                              const cs_checkpoint_edit *edit, clipspan_error *err)
{
    const char *tokenizer = cs_checkpoint_tokenizer(checkpoint);
    CS_TRY(write_config(folder, checkpoint, edit, err));
    CS_TRY(write_index(folder, checkpoint, err));
    CS_TRY(write_preprocessor(folder, checkpoint, err));
    if (*tokenizer && cs_path_kind(tokenizer) == 1)
        CS_TRY(copy_file(folder, checkpoint, tokenizer, err));
    for (size_t i = 0; i < sizeof tokenizer_files / sizeof *tokenizer_files; i++) {
        clipspan_status status = CLIPSPAN_OK;
        char *original;
        CS_TRY(cs_checkpoint_file(&original, checkpoint, tokenizer_files[i], err));
        if (original) status = copy_file(folder, checkpoint, original, err);
        cs_free(original);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}
