/* SPDX-License-Identifier: MIT */
/* Reading the names of components. */
#include "cli/in/contributions.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/in/heads.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define FILE_MOST ((size_t)1 << 20)

clipspan_status cli_components_init(cli_components *components, int L, int H, clipspan_error *err)
{
    memset(components, 0, sizeof *components);
    components->L = L;
    components->H = H;
    components->seen = cs_alloc_zero((size_t)L * (size_t)H + (size_t)L + 1, 1, "components", err);
    return components->seen ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

void cli_components_fini(cli_components *components)
{
    cs_free(components->seen);
    cs_free(components->changes);
    memset(components, 0, sizeof *components);
}

clipspan_status cli_components_add(cli_components *components, clipspan_change change,
                                   clipspan_error *err)
{
    const size_t at =
        change.component == CLIPSPAN_COMPONENT_HEAD
            ? (size_t)change.layer * (size_t)components->H + (size_t)change.head
            : (size_t)components->L * (size_t)components->H + (size_t)(change.layer + 1);
    if (components->seen[at]) return CLIPSPAN_OK;
    CS_TRY(cs_grow(&components->changes, &components->room, components->count + 1,
                   sizeof *components->changes, "components", err));
    components->seen[at] = 1;
    components->changes[components->count++] = change;
    return CLIPSPAN_OK;
}

static clipspan_status add_layer(cli_components *t, int layer, clipspan_change change,
                                 clipspan_error *err)
{
    change.component = CLIPSPAN_COMPONENT_HEAD;
    change.layer = layer;
    for (change.head = 0; change.head < t->H; change.head++)
        CS_TRY(cli_components_add(t, change, err));
    return CLIPSPAN_OK;
}

static clipspan_status add_mlps(cli_components *t, clipspan_change change, clipspan_error *err)
{
    change.component = CLIPSPAN_COMPONENT_MLP;
    for (change.layer = -1; change.layer < t->L; change.layer++)
        CS_TRY(cli_components_add(t, change, err));
    return CLIPSPAN_OK;
}

/* The number behind "L" in "L22.WORD", or -1; *rest gets WORD. */
static int layer_of(const char *name, const char **rest)
{
    int layer = 0, digits = 0;
    if (*name != 'L' && *name != 'l') return -1;
    for (name++; *name >= '0' && *name <= '9' && digits < 6; digits++)
        layer = layer * 10 + (*name++ - '0');
    if (digits == 0 || *name != '.') return -1;
    *rest = name + 1;
    return layer;
}

static clipspan_status read_one(cli_components *t, const char *name, clipspan_change change,
                                clipspan_error *err)
{
    const char *rest = "";
    const int layer = layer_of(name, &rest);
    clipspan_head *heads;
    size_t count;
    if (strcmp(name, "*.*") == 0 || strcmp(name, "*") == 0) {
        for (int l = 0; l < t->L; l++)
            CS_TRY(add_layer(t, l, change, err));
        return CLIPSPAN_OK;
    }
    if (strcmp(name, "MLPS") == 0 || strcmp(name, "mlps") == 0) return add_mlps(t, change, err);
    if (strcmp(name, "input") == 0) {
        change.component = CLIPSPAN_COMPONENT_MLP;
        change.layer = -1;
        return cli_components_add(t, change, err);
    }
    if (layer >= 0 && layer < t->L && strcmp(rest, "*") == 0)
        return add_layer(t, layer, change, err);
    if (layer >= 0 && layer < t->L && (strcmp(rest, "MLP") == 0 || strcmp(rest, "mlp") == 0)) {
        change.component = CLIPSPAN_COMPONENT_MLP;
        change.layer = layer;
        return cli_components_add(t, change, err);
    }
    CS_TRY(cli_heads_read(&heads, &count, name, t->L, t->H, err));
    change.component = CLIPSPAN_COMPONENT_HEAD;
    change.layer = heads[0].layer;
    change.head = heads[0].head;
    cs_free(heads);
    return cli_components_add(t, change, err);
}

static clipspan_status read_list(cli_components *t, char *text, const char *file,
                                 clipspan_change change, clipspan_error *err)
{
    static const char between[] = ", \t\r\n";
    size_t found = 0;
    char *p = text;
    for (;;) {
        size_t length;
        char *end;
        p += strspn(p, between);
        if (*p == '#') {
            p += strcspn(p, "\n");
            continue;
        }
        if (!*p) break;
        length = strcspn(p, between);
        end = p + length;
        if (*end) *end++ = '\0';
        CS_TRY(read_one(t, p, change, err));
        found++;
        p = end;
    }
    if (found) return CLIPSPAN_OK;
    if (file) return cs_fail_at(err, CLIPSPAN_E_FORMAT, file, "names no head");
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "an empty set of components; name heads, such as L%d.H0", t->L - 1);
}

clipspan_status cli_components_list(cli_components *components, const char *text,
                                    clipspan_change change, clipspan_error *err)
{
    clipspan_status status;
    char *copy = cs_strdup(text, err);
    if (!copy) return CLIPSPAN_E_NOMEM;
    status = read_list(components, copy, NULL, change, err);
    cs_free(copy);
    return status;
}

clipspan_status cli_components_read(cli_components *components, const char *text,
                                    clipspan_change change, clipspan_error *err)
{
    clipspan_status status;
    unsigned char *data;
    char *copy;
    size_t size;
    if (cs_path_kind(text) != 1) return cli_components_list(components, text, change, err);
    CS_TRY(cs_file_read_all(&data, &size, text, FILE_MOST, err));
    copy = cs_strndup((const char *)data, size, err);
    status = copy ? read_list(components, copy, text, change, err) : CLIPSPAN_E_NOMEM;
    cs_free(copy);
    cs_free(data);
    return status;
}
