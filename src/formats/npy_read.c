/* SPDX-License-Identifier: MIT */
/* Reader of .npy. Grammar of the header (white space between tokens is free):
 *
 *     header = "{" pair { "," pair } [ "," ] "}" { space } [ line end ]
 *     pair   = key ":" value          each key of descr, fortran_order, shape once
 *     descr  = quote [<>|=] letter digits quote
 *     shape  = "(" [ number { "," number } [ "," ] ] ")" */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "formats/npy.h"

#define MAX_HEADER 65535
#define CHUNK      ((size_t)64 << 10)

/* A place in the header; base is its offset in the file. */
typedef struct cursor {
    const char *text;
    size_t at, size, base;
    const char *path;
    clipspan_error *err;
} cursor;

static clipspan_status fail(const cursor *c, const char *expected)
{
    return cs_fail_at(c->err, CLIPSPAN_E_FORMAT, c->path,
                      "header at byte %zu: expected %s, found \"%.*s\"", c->base + c->at, expected,
                      (int)(c->size - c->at < 20 ? c->size - c->at : 20), c->text + c->at);
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip(cursor *c)
{
    while (c->at < c->size && is_space(c->text[c->at]))
        c->at++;
}

/* Skips white space and takes `wanted` if it is next. */
static int take(cursor *c, char wanted)
{
    skip(c);
    if (c->at == c->size || c->text[c->at] != wanted) return 0;
    c->at++;
    return 1;
}

/* Text in single or double quotes without escapes. */
static clipspan_status take_text(char out[64], cursor *c)
{
    size_t start;
    char quote;
    skip(c);
    if (c->at == c->size || (c->text[c->at] != '\'' && c->text[c->at] != '"'))
        return fail(c, "text in quotes");
    quote = c->text[c->at++];
    start = c->at;
    while (c->at < c->size && c->text[c->at] != quote && c->text[c->at] != '\\')
        c->at++;
    if (c->at == c->size || c->text[c->at] != quote || c->at - start >= 64)
        return fail(c, "the end of a short text");
    memcpy(out, c->text + start, c->at - start);
    out[c->at - start] = '\0';
    c->at++;
    return CLIPSPAN_OK;
}

static clipspan_status take_number(uint64_t *out, cursor *c)
{
    uint64_t value = 0;
    size_t start;
    skip(c);
    start = c->at;
    while (c->at < c->size && c->text[c->at] >= '0' && c->text[c->at] <= '9') {
        uint64_t digit = (uint64_t)(c->text[c->at] - '0');
        if (value > ((uint64_t)INT64_MAX - digit) / 10) return fail(c, "a number below 2^63");
        value = value * 10 + digit;
        c->at++;
    }
    if (c->at == start) return fail(c, "an integer from 0");
    *out = value;
    return CLIPSPAN_OK;
}

static clipspan_status take_shape(cs_npy_array *out, cursor *c)
{
    if (!take(c, '(')) return fail(c, "a shape in parentheses");
    while (!take(c, ')')) {
        if (out->rank == 8) return fail(c, "at most 8 dimensions");
        CS_TRY(take_number(&out->shape[out->rank++], c));
        if (take(c, ',')) continue;
        /* Python writes one dimension as (n,): (n) is a number. */
        if (out->rank == 1 || !take(c, ')')) return fail(c, "a comma");
        break;
    }
    return CLIPSPAN_OK;
}

static clipspan_status take_descr(cs_npy_array *out, cursor *c)
{
    static const char *const known[] = {"f2", "f4", "f8", "i1", "i2", "i4",
                                        "i8", "u1", "u2", "u4", "u8", "b1"};
    char text[64];
    size_t i;
    skip(c);
    if (c->at < c->size && c->text[c->at] == '[')
        return cs_fail_at(c->err, CLIPSPAN_E_UNSUPPORTED, c->path,
                          "holds structures; only plain numbers are read");
    CS_TRY(take_text(text, c));
    if (strchr(text, 'O'))
        return cs_fail_at(c->err, CLIPSPAN_E_UNSUPPORTED, c->path,
                          "holds Python objects (type \"%s\"), which could run code when read",
                          text);
    for (i = 0; i < sizeof known / sizeof *known; i++) {
        if (!text[0] || !strchr("<>|=", text[0]) || strcmp(text + 1, known[i]) != 0) continue;
        out->kind = text[1];
        out->item = (size_t)(text[2] - '0');
        out->swapped = text[0] == '>' && out->item > 1;
        return CLIPSPAN_OK;
    }
    return cs_fail_at(c->err, CLIPSPAN_E_UNSUPPORTED, c->path,
                      "has numbers of type \"%s\"; f2, f4, f8, i1 to i8, u1 to u8 and b1 are read",
                      text);
}

static clipspan_status take_flag(int *out, cursor *c)
{
    skip(c);
    if (c->size - c->at >= 4 && memcmp(c->text + c->at, "True", 4) == 0) {
        *out = 1;
        c->at += 4;
        return CLIPSPAN_OK;
    }
    if (c->size - c->at >= 5 && memcmp(c->text + c->at, "False", 5) == 0) {
        *out = 0;
        c->at += 5;
        return CLIPSPAN_OK;
    }
    return fail(c, "True or False");
}

static clipspan_status take_header(cs_npy_array *out, cursor *c)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    unsigned seen = 0;
    char key[64];
    if (!take(c, '{')) return fail(c, "{");
    while (!take(c, '}')) {
        unsigned which = 0;
        CS_TRY(take_text(key, c));
        while (which < 3 && strcmp(keys[which], key) != 0)
            which++;
        if (which == 3 || seen & 1u << which)
            return cs_fail_at(c->err, CLIPSPAN_E_FORMAT, c->path,
                              "header: key \"%s\" %s; expected descr, fortran_order and shape, "
                              "once each",
                              key, which == 3 ? "is not known" : "stands twice");
        seen |= 1u << which;
        if (!take(c, ':')) return fail(c, ":");
        if (which == 0) CS_TRY(take_descr(out, c));
        if (which == 1) CS_TRY(take_flag(&out->fortran, c));
        if (which == 2) CS_TRY(take_shape(out, c));
        if (take(c, ',')) continue;
        if (!take(c, '}')) return fail(c, ", or }");
        break;
    }
    if (seen != 7)
        return cs_fail_at(c->err, CLIPSPAN_E_FORMAT, c->path, "header lacks the key %s",
                          keys[seen & 1 ? (seen & 2 ? 2 : 1) : 0]);
    skip(c);
    return c->at == c->size ? CLIPSPAN_OK : fail(c, "the end of the header");
}

/* Magic, version and length; *size is the header's, *start its offset. */
static clipspan_status read_start(size_t *start, size_t *size, const cs_file *file,
                                  clipspan_error *err)
{
    unsigned char head[12] = {0};
    size_t have = file->size < 12 ? (size_t)file->size : 12;
    uint64_t length;
    CS_TRY(cs_file_read(head, file, 0, have, err));
    if (have < 10 || memcmp(head, "\x93NUMPY", 6) != 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                          "does not start with \\x93NUMPY: no .npy file");
    if (head[6] < 1 || head[6] > 3 || head[7] != 0)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, file->path,
                          "has .npy version %d.%d; 1.0, 2.0 and 3.0 are read", head[6], head[7]);
    length = (uint64_t)head[8] | (uint64_t)head[9] << 8;
    if (head[6] > 1) length |= (uint64_t)head[10] << 16 | (uint64_t)head[11] << 24;
    *start = head[6] > 1 ? 12 : 10;
    if (file->size < *start || length > file->size - *start)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                          "announces a header of %llu bytes, which the file of %llu does not hold",
                          (unsigned long long)length, (unsigned long long)file->size);
    if (length > MAX_HEADER)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, file->path,
                          "has a header of %llu bytes; at most %d are read",
                          (unsigned long long)length, MAX_HEADER);
    *size = (size_t)length;
    return CLIPSPAN_OK;
}

static clipspan_status check_size(cs_npy_array *a, clipspan_error *err)
{
    uint64_t have = a->file->size - a->offset, count = 1;
    int i, empty = 0;
    for (i = 0; i < a->rank; i++)
        empty |= a->shape[i] == 0;
    for (i = 0; i < a->rank && !empty; i++) {
        if (a->shape[i] > (uint64_t)INT64_MAX / 8 / count)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, a->file->path,
                              "has a shape whose size does not fit 63 bits");
        count *= a->shape[i];
    }
    a->count = empty ? 0 : count;
    if (a->count * a->item != have)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, a->file->path,
                          "shape and type ask for %llu bytes of data, the file has %llu",
                          (unsigned long long)(a->count * a->item), (unsigned long long)have);
    return CLIPSPAN_OK;
}

clipspan_status cs_npy_open(cs_npy_array *out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    size_t start = 0, size = 0;
    char *text = NULL;
    memset(out, 0, sizeof *out);
    CS_TRY(cs_file_open(&out->file, path, err));
    CS_TRY(read_start(&start, &size, out->file, err));
    text = cs_alloc(size + 1, 1, "an array's header", err);
    if (!text) return CLIPSPAN_E_NOMEM;
    status = cs_file_read(text, out->file, start, size, err);
    if (status == CLIPSPAN_OK) {
        cursor c = {text, 0, size, start, path, err};
        status = take_header(out, &c);
    }
    cs_free(text);
    out->offset = start + size;
    return status == CLIPSPAN_OK ? check_size(out, err) : status;
}

void cs_npy_fini(cs_npy_array *array)
{
    cs_file_close(&array->file);
    memset(array, 0, sizeof *array);
}

static void swap(unsigned char *data, size_t count, size_t item)
{
    size_t i, j;
    for (i = 0; i < count; i++, data += item)
        for (j = 0; j < item / 2; j++) {
            unsigned char kept = data[j];
            data[j] = data[item - 1 - j];
            data[item - 1 - j] = kept;
        }
}

/* Reads in the file's order, first dimension fastest, and puts each number to its place. */
static clipspan_status read_fortran(unsigned char *out, const cs_npy_array *a, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    uint64_t index[8] = {0}, step[8], done = 0, place = 0;
    size_t room = CHUNK / a->item;
    unsigned char *chunk = cs_alloc(CHUNK, 1, "an array's chunk", err);
    int i;
    if (!chunk) return CLIPSPAN_E_NOMEM;
    for (i = a->rank - 1; i >= 0; i--)
        step[i] = i == a->rank - 1 ? 1 : step[i + 1] * a->shape[i + 1];
    while (done < a->count) {
        size_t n = a->count - done < room ? (size_t)(a->count - done) : room, j;
        CS_TRY_DONE(cs_file_read(chunk, a->file, a->offset + done * a->item, n * a->item, err));
        for (j = 0; j < n; j++) {
            memcpy(out + place * a->item, chunk + j * a->item, a->item);
            for (i = 0; i < a->rank; i++) {
                place += step[i];
                if (++index[i] < a->shape[i]) break;
                place -= step[i] * a->shape[i];
                index[i] = 0;
            }
        }
        done += n;
    }
done:
    cs_free(chunk);
    return status;
}

clipspan_status cs_npy_read(void *out, const cs_npy_array *array, clipspan_error *err)
{
    size_t bytes = (size_t)(array->count * array->item);
    if (bytes == 0) return CLIPSPAN_OK;
    if (array->fortran && array->rank > 1)
        CS_TRY(read_fortran(out, array, err));
    else
        CS_TRY(cs_file_read(out, array->file, array->offset, bytes, err));
    if (array->swapped) swap(out, (size_t)array->count, array->item);
    return CLIPSPAN_OK;
}
