/* SPDX-License-Identifier: MIT */
/* Darts-clone's double array, only walked: unit bits 0-7 label, 8 has leaf, 9 scale of the offset,
 * 10-30 offset; a leaf has bit 31 and its value in the others. Each unit and value that a damaged
 * array may lead to is checked against its bounds. */
#include "text/charsmap.h"
#include "base/memory.h"

#include <string.h>

void cs_charsmap_fini(cs_charsmap *map)
{
    cs_free(map->units);
    cs_free(map->texts);
    memset(map, 0, sizeof *map);
}

static uint32_t read_unit(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

clipspan_status cs_charsmap_read(cs_charsmap *out, const unsigned char *data, size_t size,
                                 const char *path, clipspan_error *err)
{
    size_t bytes = size >= 4 ? read_unit(data) : 0, i;
    if (size < 4 || bytes == 0 || bytes % 4 || bytes > size - 4)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "has a precompiled charsmap of %zu bytes whose array has %zu", size,
                          bytes);
    out->count = bytes / 4;
    out->texts_size = size - 4 - bytes;
    out->units = cs_alloc(out->count, sizeof *out->units, "a charsmap", err);
    out->texts = cs_alloc(out->texts_size + 1, 1, "a charsmap", err);
    if (!out->units || !out->texts) {
        cs_charsmap_fini(out);
        return CLIPSPAN_E_NOMEM;
    }
    for (i = 0; i < out->count; i++)
        out->units[i] = read_unit(data + 4 + 4 * i);
    memcpy(out->texts, data + 4 + bytes, out->texts_size);
    out->texts[out->texts_size] = '\0';
    return CLIPSPAN_OK;
}

static size_t offset_of(uint32_t unit)
{
    return (size_t)((unit >> 10) << ((unit & (1u << 9)) >> 6));
}

size_t cs_charsmap_find(const char **to, const cs_charsmap *map, const char *text, size_t size,
                        int longest)
{
    size_t node, found = 0, i;
    if (map->count == 0) return 0;
    node = offset_of(map->units[0]);
    for (i = 0; i < size; i++) {
        uint32_t unit;
        node ^= (unsigned char)text[i];
        if (node >= map->count) break;
        unit = map->units[node];
        if ((unit & (1u << 31 | 0xff)) != (unsigned char)text[i] || text[i] == '\0') break;
        node ^= offset_of(unit);
        if (node >= map->count) break;
        if (unit >> 8 & 1) {
            size_t value = map->units[node] & 0x7fffffff;
            *to = map->texts + (value < map->texts_size ? value : map->texts_size);
            found = i + 1;
            if (!longest) break;
        }
    }
    return found;
}
