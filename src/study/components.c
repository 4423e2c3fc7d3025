/* SPDX-License-Identifier: MIT */
/* Components by number, so that none is in a set twice, and by name. */
#include "study/components.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

clipspan_status cs_components_init(cs_components *set, int L, int H, clipspan_error *err)
{
    memset(set, 0, sizeof *set);
    set->L = L;
    set->H = H;
    set->seen = cs_alloc_zero((size_t)L * (size_t)(H + 2) + 2, 1, "components", err);
    return set->seen ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

void cs_components_fini(cs_components *set)
{
    cs_free(set->seen);
    cs_free(set->changes);
    memset(set, 0, sizeof *set);
}

/* Heads, then L + 1 MLP contributions, L class-token self-attention, the embedding. */
static clipspan_status find_place(size_t *at, const cs_components *set, const clipspan_change *c,
                                  clipspan_error *err)
{
    const size_t heads = (size_t)set->L * (size_t)set->H;
    const int first = c->component == CLIPSPAN_COMPONENT_MLP ? -1 : 0;
    if (c->component == CLIPSPAN_COMPONENT_EMBEDDING) {
        *at = heads + 2 * (size_t)set->L + 1;
        return CLIPSPAN_OK;
    }
    if (c->layer < first || c->layer >= set->L ||
        (c->component == CLIPSPAN_COMPONENT_HEAD && (c->head < 0 || c->head >= set->H)) ||
        c->component < CLIPSPAN_COMPONENT_HEAD || c->component > CLIPSPAN_COMPONENT_EMBEDDING)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "component kind %d, layer %d, head %d was to be changed; the model has "
                       "layers 0 to %d with heads 0 to %d",
                       (int)c->component, c->layer, c->head, set->L - 1, set->H - 1);
    *at = c->component == CLIPSPAN_COMPONENT_HEAD
              ? (size_t)c->layer * (size_t)set->H + (size_t)c->head
          : c->component == CLIPSPAN_COMPONENT_MLP ? heads + (size_t)(c->layer + 1)
                                                   : heads + (size_t)set->L + 1 + (size_t)c->layer;
    return CLIPSPAN_OK;
}

clipspan_status cs_components_add(cs_components *set, clipspan_change change, clipspan_error *err)
{
    size_t at = 0;
    CS_TRY(find_place(&at, set, &change, err));
    if (set->seen[at]) return CLIPSPAN_OK;
    CS_TRY(cs_grow(&set->changes, &set->room, set->count + 1, sizeof change, "components", err));
    set->seen[at] = 1;
    set->changes[set->count++] = change;
    return CLIPSPAN_OK;
}

void cs_change_name(char *out, size_t room, const clipspan_change *c)
{
    char name[48];
    if (c->component == CLIPSPAN_COMPONENT_EMBEDDING)
        snprintf(name, sizeof name, "embedding");
    else if (c->component == CLIPSPAN_COMPONENT_HEAD)
        snprintf(name, sizeof name, "L%d.H%d", c->layer, c->head);
    else if (c->layer < 0)
        snprintf(name, sizeof name, "input");
    else
        snprintf(name, sizeof name, "L%d.%s", c->layer,
                 c->component == CLIPSPAN_COMPONENT_MLP ? "MLP" : "class");
    if (c->kind == CLIPSPAN_CHANGE_SCALE)
        snprintf(out, room, "%s=%g", name, c->scale);
    else if (c->kind == CLIPSPAN_CHANGE_SWAP)
        snprintf(out, room, "%s=place %llu", name, (unsigned long long)c->run_index);
    else
        snprintf(out, room, "%s", name);
}

/* A number below a million at *p, which moves behind it; -1 when there is none. */
static int read_number(const char **p)
{
    int value = 0, digits = 0;
    for (; **p >= '0' && **p <= '9' && digits < 6; digits++)
        value = value * 10 + (*(*p)++ - '0');
    return digits ? value : -1;
}

/* "L22.H11", "L22.MLP", "L22.class", "input", "embedding"; what follows, or NULL. */
static const char *read_component(clipspan_change *out, const char *name)
{
    const char *p = name;
    if (strncmp(p, "input", 5) == 0) {
        out->component = CLIPSPAN_COMPONENT_MLP;
        out->layer = -1;
        return p + 5;
    }
    if (strncmp(p, "embedding", 9) == 0) {
        out->component = CLIPSPAN_COMPONENT_EMBEDDING;
        return p + 9;
    }
    if (*p++ != 'L') return NULL;
    out->layer = read_number(&p);
    if (out->layer < 0 || *p++ != '.') return NULL;
    if (strncmp(p, "MLP", 3) == 0) {
        out->component = CLIPSPAN_COMPONENT_MLP;
        return p + 3;
    }
    if (strncmp(p, "class", 5) == 0) {
        out->component = CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION;
        return p + 5;
    }
    if (*p++ != 'H') return NULL;
    out->head = read_number(&p);
    return out->head < 0 ? NULL : p;
}

int cs_change_read(clipspan_change *out, const char *name)
{
    const char *rest;
    char *end;
    memset(out, 0, sizeof *out);
    rest = read_component(out, name);
    if (!rest) return 0;
    if (!*rest) return 1;
    if (*rest++ != '=') return 0;
    if (strncmp(rest, "place ", 6) == 0 && rest[6] >= '0' && rest[6] <= '9') {
        out->kind = CLIPSPAN_CHANGE_SWAP;
        out->run_index = strtoull(rest + 6, &end, 10);
        return *end == '\0';
    }
    out->kind = CLIPSPAN_CHANGE_SCALE;
    out->scale = strtod(rest, &end);
    return end != rest && *end == '\0' && isfinite(out->scale);
}
