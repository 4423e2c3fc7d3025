/* SPDX-License-Identifier: MIT */
/* Reading the names of heads and layers. */
#include "cli/in/heads.h"
#include "base/memory.h"
#include "base/nearest.h"

#include <clipspan/clipspan.h>
#include <stdio.h>
#include <string.h>

void cli_head_name(char out[CLI_HEAD_ROOM], clipspan_head head)
{
    snprintf(out, CLI_HEAD_ROOM, "L%d.H%d", head.layer, head.head);
}

/* An integer at *p, which moves behind it; -1 when there is none or it is too long. */
static int read_number(const char **p)
{
    int value = 0, digits = 0;
    while (**p >= '0' && **p <= '9' && digits < 6) {
        value = value * 10 + (*(*p)++ - '0');
        digits++;
    }
    return digits == 0 || (**p >= '0' && **p <= '9') ? -1 : value;
}

static clipspan_status fail_head(const char *name, int length, clipspan_head at, int L, int H,
                                 clipspan_error *err)
{
    char near[CLI_HEAD_ROOM];
    clipspan_head best = {at.layer < 0 ? L - 1 : at.layer, at.head < 0 ? 0 : at.head};
    if (best.layer >= L) best.layer = L - 1;
    if (best.head >= H) best.head = H - 1;
    cli_head_name(near, best);
    return cs_fail(
        err, CLIPSPAN_E_ARGUMENT,
        "no head \"%.*s\": they are L0.H0 to L%d.H%d, layer and head counted from 0 (did "
        "you mean %s?)",
        length, name, L - 1, H - 1, near);
}

/* Letters in either case, with or without the dot. */
static clipspan_status read_head(clipspan_head *out, const char *name, int length, int L, int H,
                                 clipspan_error *err)
{
    clipspan_head at = {-1, -1};
    const char *p = name;
    if (*p == 'L' || *p == 'l') p++;
    at.layer = read_number(&p);
    if (*p == '.' || *p == ',') p++;
    if (*p == 'H' || *p == 'h') p++;
    at.head = read_number(&p);
    if (p != name + length || at.layer < 0 || at.layer >= L || at.head < 0 || at.head >= H ||
        (*name != 'L' && *name != 'l'))
        return fail_head(name, length, at, L, H, err);
    *out = at;
    return CLIPSPAN_OK;
}

clipspan_status cli_heads_read(clipspan_head **heads, size_t *count, const char *text, int L, int H,
                               clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t room = 0;
    *heads = NULL;
    *count = 0;
    while (status == CLIPSPAN_OK) {
        size_t length = strcspn(text, ",");
        status = cs_grow(heads, &room, *count + 1, sizeof **heads, "heads", err);
        if (status == CLIPSPAN_OK)
            status = read_head(&(*heads)[*count], text, (int)length, L, H, err);
        ++*count;
        if (!text[length]) break;
        text += length + 1;
    }
    if (status == CLIPSPAN_OK) return CLIPSPAN_OK;
    cs_free(*heads);
    *heads = NULL;
    *count = 0;
    return status;
}

clipspan_status cli_layers_read(int *first, int *count, const char *text, int L,
                                clipspan_error *err)
{
    static const char *const words[] = {"all", "last4"};
    const char *p = text, *near;
    int last;
    *first = 0;
    *count = L;
    if (strcmp(text, "all") == 0) return CLIPSPAN_OK;
    if (strncmp(text, "last", 4) == 0) {
        p = text + 4;
        *count = read_number(&p);
        *first = L - *count;
        if (*count > 0 && !*p && *first >= 0) return CLIPSPAN_OK;
    } else {
        *first = last = read_number(&p);
        if (*p == '-') {
            p++;
            last = read_number(&p);
        }
        *count = last - *first + 1;
        if (!*p && *first >= 0 && last >= *first && last < L) return CLIPSPAN_OK;
    }
    near = cs_nearest(text, words, 2);
    return cs_fail(
        err, CLIPSPAN_E_ARGUMENT,
        "--layers: expected all, last4, a layer or a range such as %d-%d, of layers 0 to "
        "%d, found \"%s\"%s%s%s",
        L > 1 ? L - 2 : 0, L - 1, L - 1, text, near ? " (did you mean " : "", near ? near : "",
        near ? "?)" : "");
}
