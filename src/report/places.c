/* SPDX-License-Identifier: MIT */
/* Absolute paths are cut, those of a list by what they share, those in sentences to their names. */
#include "report/places.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define BEFORE " \t\n\"'(=:,;" /* what may stand before a path in a sentence */

void cs_places_add(cs_places *places, const char *path)
{
    size_t i, end = 0;
    if (*path != '/') return;
    if (!places->first) {
        places->first = path;
        places->shared = (size_t)(cs_path_name(path) - path);
        return;
    }
    for (i = 0; i < places->shared && path[i] == places->first[i]; i++)
        if (path[i] == '/') end = i + 1;
    places->shared = end;
}

const char *cs_places_show(const cs_places *places, const char *path)
{
    if (*path != '/' || places->whole) return path;
    return places->shared > 1 ? path + places->shared : cs_path_name(path);
}

void cs_html_place(cs_html *html, const char *text)
{
    char *cut;
    size_t size = 0;
    if (html->status != CLIPSPAN_OK) return;
    cut = cs_alloc(strlen(text) + 1, 1, "a page", html->err);
    if (!cut) {
        html->status = CLIPSPAN_E_NOMEM;
        return;
    }
    while (*text) {
        const size_t gap = strspn(text, BEFORE), word = strcspn(text + gap, BEFORE);
        size_t skip = 0;
        memcpy(cut + size, text, gap);
        size += gap;
        text += gap;
        if (*text == '/')
            for (size_t i = 0; i + 1 < word; i++)
                if (text[i] == '/') skip = i + 1;
        memcpy(cut + size, text + skip, word - skip);
        size += word - skip;
        text += word;
    }
    cut[size] = '\0';
    cs_html_text(html, cut);
    cs_free(cut);
}
