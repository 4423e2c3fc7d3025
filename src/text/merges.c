/* SPDX-License-Identifier: MIT */
/* Reading merges. gzip is known by its first two bytes. The standard table is OpenAI's
 * bpe_simple_vocab_16e6.txt.gz, checked by the CRC-32 of its text. */
#include "text/merges.h"
#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"

#include <string.h>
#include <zlib.h>

#define STANDARD     "bpe_simple_vocab_16e6.txt.gz"
#define STANDARD_CRC 0xe7f18a90UL
#define FILE_MAX     ((uint64_t)32 << 20) /* bytes of a file, packed or plain */
#define JSON_MAX     ((uint64_t)16 << 20)
#define TEXT_MAX     ((size_t)32 << 20) /* bytes after unpacking */

void cs_merges_fini(cs_merges *merges)
{
    cs_free(merges->path);
    cs_free(merges->text);
    memset(merges, 0, sizeof *merges);
}

static clipspan_status unpack(char **text, size_t *size, unsigned char *packed, size_t count,
                              const char *path, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    z_stream stream;
    size_t room = 0, used = 0;
    int code = Z_OK;
    memset(&stream, 0, sizeof stream);
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return cs_fail_memory(err, 32768, "unpacking");
    stream.next_in = packed;
    stream.avail_in = (uInt)count;
    while (code == Z_OK) {
        if (used >= TEXT_MAX) {
            status = cs_fail_at(err, CLIPSPAN_E_LIMIT, path, "holds more than %zu bytes unpacked",
                                TEXT_MAX);
            goto done;
        }
        CS_TRY_DONE(cs_grow(text, &room, used + 65536 + 1, 1, "a merges table", err));
        stream.next_out = (Bytef *)(*text + used);
        stream.avail_out = (uInt)(room - used - 1);
        code = inflate(&stream, Z_NO_FLUSH);
        used = room - 1 - stream.avail_out;
    }
    if (code != Z_STREAM_END || stream.avail_in != 0) {
        status =
            code == Z_MEM_ERROR
                ? cs_fail_memory(err, 32768, "unpacking")
                : cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                             code == Z_STREAM_END  ? "has bytes behind its gzip data"
                             : code == Z_BUF_ERROR ? "is cut short: its gzip data do not end"
                                                   : "is damaged: its gzip data do not unpack");
        goto done;
    }
    (*text)[used] = '\0';
    *size = used;
done:
    inflateEnd(&stream);
    return status;
}

/* The text of a file's bytes, which it takes over. */
static clipspan_status take_text(cs_merges *out, unsigned char *data, size_t size,
                                 clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b) {
        status = unpack(&out->text, &out->size, data, size, out->path, err);
        cs_free(data);
    } else {
        out->text = (char *)data;
        out->size = size;
    }
    return status;
}

static clipspan_status read_text(cs_merges *out, int standard, clipspan_error *err)
{
    unsigned char *data = NULL;
    size_t size = 0;
    CS_TRY(cs_file_read_all(&data, &size, out->path, FILE_MAX, err));
    CS_TRY(take_text(out, data, size, err));
    if (standard && crc32(0, (const Bytef *)out->text, (uInt)out->size) != STANDARD_CRC)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, out->path,
                          "is not CLIP's standard merges table: its checksum differs; restore the "
                          "data folder that comes with clipspan");
    return CLIPSPAN_OK;
}

/* Drops the first line when it says "#version". No merge does: words never mix letters with marks.
 */
static void skip_version(cs_merges *merges)
{
    const char *end = memchr(merges->text, '\n', merges->size);
    size_t length = end ? (size_t)(end - merges->text) : merges->size, i;
    static const char mark[] = "#version";
    merges->line = 1;
    if (merges->size >= 3 && memcmp(merges->text, "\xef\xbb\xbf", 3) == 0) {
        merges->size -= 3;
        length -= 3;
        memmove(merges->text, merges->text + 3, merges->size + 1);
    }
    for (i = 0; i + sizeof mark - 1 <= length; i++) {
        if (memcmp(merges->text + i, mark, sizeof mark - 1) != 0) continue;
        length += length < merges->size;
        merges->size -= length;
        memmove(merges->text, merges->text + length, merges->size + 1);
        merges->line = 2;
        return;
    }
}

static clipspan_status add_bytes(cs_merges *out, size_t *room, const char *text, size_t size,
                                 char end, clipspan_error *err)
{
    CS_TRY(cs_grow(&out->text, room, out->size + size + 2, 1, "a merges table", err));
    memcpy(out->text + out->size, text, size);
    out->size += size;
    out->text[out->size++] = end;
    out->text[out->size] = '\0';
    return CLIPSPAN_OK;
}

/* One of model.merges: a string "left right" or a pair ["left", "right"]. */
static clipspan_status add_item(cs_merges *out, size_t *room, const json_t *item, size_t index,
                                clipspan_error *err)
{
    const json_t *left = json_array_get(item, 0), *right = json_array_get(item, 1);
    if (json_is_string(item))
        return add_bytes(out, room, json_string_value(item), json_string_length(item), '\n', err);
    if (json_array_size(item) != 2 || !json_is_string(left) || !json_is_string(right))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, out->path,
                          "model.merges[%zu] is neither \"left right\" nor a pair", index);
    CS_TRY(add_bytes(out, room, json_string_value(left), json_string_length(left), ' ', err));
    return add_bytes(out, room, json_string_value(right), json_string_length(right), '\n', err);
}

static clipspan_status read_json_merges(cs_merges *out, const json_t *root, clipspan_error *err)
{
    const json_t *model = json_object_get(root, "model");
    const json_t *merges = json_object_get(model, "merges");
    const char *type = json_string_value(json_object_get(model, "type"));
    size_t room = 0, i, count = json_array_size(merges);
    if (type && strcmp(type, "BPE") != 0)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, out->path,
                          "describes a %.40s tokenizer; only CLIP's byte-pair tokenizer (BPE) is "
                          "supported",
                          type);
    if (!json_is_array(merges))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, out->path, "has no list model.merges");
    CS_TRY(add_bytes(out, &room, "", 0, '\0', err));
    out->size = 0;
    for (i = 0; i < count; i++)
        CS_TRY(add_item(out, &room, json_array_get(merges, i), i, err));
    out->line = 1;
    return CLIPSPAN_OK;
}

static clipspan_status parse_json(cs_merges *out, const char *data, size_t size,
                                  clipspan_error *err)
{
    static const cs_json_limits limits = {16, 4096, 1000000, 0, "tokenizer"};
    json_t *root = NULL;
    clipspan_status status = cs_json_parse(&root, data, size, &limits, out->path, err);
    if (status == CLIPSPAN_OK) status = read_json_merges(out, root, err);
    json_decref(root);
    return status;
}

static clipspan_status read_json(cs_merges *out, clipspan_error *err)
{
    unsigned char *data = NULL;
    size_t size = 0;
    clipspan_status status = cs_file_read_all(&data, &size, out->path, JSON_MAX, err);
    if (status == CLIPSPAN_OK) status = parse_json(out, (const char *)data, size, err);
    cs_free(data);
    return status;
}

static clipspan_status find_in_folder(char **out, const char *folder, clipspan_error *err)
{
    static const char *const names[] = {"merges.txt", STANDARD, "bpe_simple_vocab_16e6.txt",
                                        "tokenizer.json"};
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = cs_path_join(folder, names[i], err);
        if (!path) return CLIPSPAN_E_NOMEM;
        if (cs_path_kind(path) == 1) {
            *out = path;
            return CLIPSPAN_OK;
        }
        cs_free(path);
    }
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, folder,
                      "holds no tokenizer: looked for merges.txt, " STANDARD
                      ", bpe_simple_vocab_16e6.txt and tokenizer.json");
}

clipspan_status cs_merges_read(cs_merges *out, const char *path, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    int standard = path[0] == '\0';
    size_t length;
    memset(out, 0, sizeof *out);
    if (standard)
        CS_TRY_DONE(cs_data_path(&out->path, STANDARD, err));
    else if (cs_path_kind(path) == 2)
        CS_TRY_DONE(find_in_folder(&out->path, path, err));
    else if (!(out->path = cs_strdup(path, err)))
        return CLIPSPAN_E_NOMEM;
    length = strlen(out->path);
    if (length > 5 && strcmp(out->path + length - 5, ".json") == 0) {
        CS_TRY_DONE(read_json(out, err));
    } else {
        CS_TRY_DONE(read_text(out, standard, err));
        skip_version(out);
    }
done:
    if (status != CLIPSPAN_OK) cs_merges_fini(out);
    return status;
}

clipspan_status cs_merges_parse(cs_merges *out, const void *data, size_t size, const char *name,
                                clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t length = strlen(name);
    char *copy = NULL;
    memset(out, 0, sizeof *out);
    if (size > FILE_MAX)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, name, "has more than %llu bytes",
                          (unsigned long long)FILE_MAX);
    out->path = cs_strdup(name, err);
    if (!out->path) return CLIPSPAN_E_NOMEM;
    if (length > 5 && strcmp(name + length - 5, ".json") == 0) {
        CS_TRY_DONE(parse_json(out, data, size, err));
        goto done;
    }
    copy = cs_strndup(data, size, err);
    if (!copy) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    CS_TRY_DONE(take_text(out, (unsigned char *)copy, size, err));
    skip_version(out);
done:
    if (status != CLIPSPAN_OK) cs_merges_fini(out);
    return status;
}
