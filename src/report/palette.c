/* SPDX-License-Identifier: MIT */
/* Ten hues that people with a colour-vision deficiency tell apart, one for a family of related
 * categories; letters tell the members of a family. */
#include "report/palette.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "text/codepoints.h"

enum { GREY, COLOUR, FORM, SURFACE, PLACE, LIVING, MEASURE, THINGS, DEPICTION, NUMBER, SCENERY };

static const struct {
    const char *category, *letters;
    int hue;
} known[] = {
    {"action", "ac", LIVING},      {"animal", "an", LIVING},       {"appearance", "ap", DEPICTION},
    {"background", "ba", SCENERY}, {"body", "bo", LIVING},         {"building", "bd", PLACE},
    {"clothing", "cl", LIVING},    {"color", "co", COLOUR},        {"colour", "co", COLOUR},
    {"count", "nu", NUMBER},       {"country", "cy", PLACE},       {"emotion", "em", LIVING},
    {"food", "fo", LIVING},        {"furniture", "fu", THINGS},    {"light", "li", COLOUR},
    {"material", "ma", SURFACE},   {"music", "mu", THINGS},        {"number", "nu", NUMBER},
    {"object", "ob", THINGS},      {"pattern", "pa", SURFACE},     {"person", "pe", LIVING},
    {"place", "pl", PLACE},        {"plant", "pt", LIVING},        {"season", "se", SCENERY},
    {"shape", "sh", FORM},         {"size", "si", MEASURE},        {"sport", "sp", LIVING},
    {"style", "st", DEPICTION},    {"texture", "te", SURFACE},     {"time", "ti", SCENERY},
    {"vehicle", "ve", THINGS},     {"viewpoint", "vi", DEPICTION}, {"weather", "we", SCENERY},
    {"writing", "wr", DEPICTION},
};
#define KNOWN (sizeof known / sizeof *known)

static int by_category(const void *a, const void *b)
{
    return strcmp(((const cs_role_look *)a)->category, ((const cs_role_look *)b)->category);
}

static int is_known(cs_role_look *look)
{
    size_t i;
    for (i = 0; i < KNOWN; i++)
        if (strcmp(known[i].category, look->category) == 0) {
            look->hue = known[i].hue;
            strcpy(look->letters, known[i].letters);
            return 1;
        }
    return 0;
}

/* Letters that no category has, those of known ones included, which may come in another report. */
static int is_free(const cs_palette *palette, const char *letters)
{
    size_t i;
    for (i = 0; i < KNOWN; i++)
        if (strcmp(known[i].letters, letters) == 0) return 0;
    for (i = 0; i < palette->count; i++)
        if (strcmp(palette->looks[i].letters, letters) == 0) return 0;
    return 1;
}

/* look->letters becomes the first `first` bytes of its category and `size` bytes more, unless they
 * are taken. */
static int take(const cs_palette *palette, cs_role_look *look, size_t first, const void *more,
                size_t size)
{
    char letters[sizeof look->letters] = "";
    if (first + size >= sizeof letters) return 0;
    memcpy(letters, look->category, first);
    memcpy(letters + first, more, size);
    if (!is_free(palette, letters)) return 0;
    memcpy(look->letters, letters, sizeof letters);
    return 1;
}

/* The first character with each later one, then with digits; beyond all these, "..". */
static void choose(const cs_palette *palette, cs_role_look *look)
{
    const char *name = look->category, *digit = "123456789";
    size_t left = strlen(name), first = 0, taken, at;
    int valid;
    look->hue = GREY;
    for (at = 0; at < left; at += taken) {
        const uint32_t code = cs_utf8_next(name + at, left - at, &taken, &valid);
        if (!valid) break;
        if (at == 0)
            first = taken;
        else if (code > 0x20 && take(palette, look, first, name + at, taken))
            return;
    }
    for (; first && *digit; digit++)
        if (take(palette, look, first, digit, 1)) return;
    strcpy(look->letters, "..");
}

clipspan_status cs_palette_init(cs_palette *palette, const char *const *names, size_t count,
                                clipspan_error *err)
{
    size_t i, kept = 0;
    memset(palette, 0, sizeof *palette);
    CS_TRY(cs_grow(&palette->looks, &palette->room, count, sizeof *palette->looks,
                   "the roles of a report", err));
    memset(palette->looks, 0, palette->room * sizeof *palette->looks);
    for (i = 0; i < count; i++)
        palette->looks[i].category = names[i];
    qsort(palette->looks, count, sizeof *palette->looks, by_category);
    for (i = 0; i < count; i++)
        if (!kept || by_category(&palette->looks[i], &palette->looks[kept - 1]) != 0)
            palette->looks[kept++] = palette->looks[i];
    palette->count = kept;
    for (i = 0; i < kept; i++)
        if (!is_known(&palette->looks[i])) choose(palette, &palette->looks[i]);
    return CLIPSPAN_OK;
}

void cs_palette_fini(cs_palette *palette)
{
    cs_free(palette->looks);
    memset(palette, 0, sizeof *palette);
}

const cs_role_look *cs_palette_find(const cs_palette *palette, const char *category)
{
    cs_role_look wanted = {category, 0, ""};
    return bsearch(&wanted, palette->looks, palette->count, sizeof wanted, by_category);
}
