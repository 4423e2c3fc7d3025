/* SPDX-License-Identifier: MIT */
/* Reading the names of components. */
#include "cli/in/contributions.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/in/heads.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define FILE_MOST ((size_t)1 << 20)
#define ROLES     64 /* roles that a message lists */

clipspan_status cli_components_init(cli_components *t, int L, int H, clipspan_error *err)
{
    memset(t, 0, sizeof *t);
    t->L = L;
    t->H = H;
    t->seen = cs_alloc_zero((size_t)L * (size_t)H + (size_t)L + 1, 1, "components", err);
    return t->seen ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

void cli_components_fini(cli_components *t)
{
    cs_free(t->seen);
    cs_free(t->changes);
    memset(t, 0, sizeof *t);
}

clipspan_status cli_components_add(cli_components *t, clipspan_change change, clipspan_error *err)
{
    const size_t at = change.component == CLIPSPAN_COMPONENT_HEAD
                          ? (size_t)change.layer * (size_t)t->H + (size_t)change.head
                          : (size_t)t->L * (size_t)t->H + (size_t)(change.layer + 1);
    if (t->seen[at]) return CLIPSPAN_OK;
    CS_TRY(cs_grow(&t->changes, &t->room, t->count + 1, sizeof *t->changes, "components", err));
    t->seen[at] = 1;
    t->changes[t->count++] = change;
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

clipspan_status cli_components_list(cli_components *t, const char *text, clipspan_change change,
                                    clipspan_error *err)
{
    clipspan_status status;
    char *copy = cs_strdup(text, err);
    if (!copy) return CLIPSPAN_E_NOMEM;
    status = read_list(t, copy, NULL, change, err);
    cs_free(copy);
    return status;
}

clipspan_status cli_components_read(cli_components *t, const char *text, clipspan_change change,
                                    clipspan_error *err)
{
    clipspan_status status;
    unsigned char *data;
    char *copy;
    size_t size;
    if (cs_path_kind(text) != 1) return cli_components_list(t, text, change, err);
    CS_TRY(cs_file_read_all(&data, &size, text, FILE_MOST, err));
    copy = cs_strndup((const char *)data, size, err);
    status = copy ? read_list(t, copy, text, change, err) : CLIPSPAN_E_NOMEM;
    cs_free(copy);
    cs_free(data);
    return status;
}

static clipspan_status fail_role(const clipspan_atlas *atlas, const char *name, clipspan_error *err)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(atlas);
    const char *roles[ROLES], *meant;
    char list[600] = "none";
    size_t count = 0, used = 0, i, k;
    for (i = 0; i < info->heads; i++) {
        if (heads[i].role->kind != CLIPSPAN_ROLE_CLEAR) continue;
        for (k = 0; k < count && strcmp(roles[k], heads[i].role->category[0]) != 0; k++)
            ;
        if (k == count && count < ROLES) roles[count++] = heads[i].role->category[0];
    }
    for (k = 0; k < count && used < sizeof list; k++)
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%.40s", k ? ", " : "", roles[k]);
    meant = cs_nearest(name, roles, count);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--role: no head has the role \"%.80s\"%s%s%s; roles that heads have: %s", name,
                   meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "", list);
}

clipspan_status cli_components_role(cli_components *t, const clipspan_run *run, const char *name,
                                    clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const clipspan_atlas_head *heads;
    clipspan_error missing;
    clipspan_atlas *atlas;
    size_t found = 0, i;
    if (clipspan_atlas_open(&atlas, run, NULL, &missing) != CLIPSPAN_OK)
        return cs_fail(
            err, CLIPSPAN_E_NOT_FOUND,
            "--role: the run's heads have no roles yet; clipspan roles %.300s finds them",
            clipspan_run_get_info(run)->path);
    heads = clipspan_atlas_get_heads(atlas);
    for (i = 0; i < clipspan_atlas_get_info(atlas)->heads && status == CLIPSPAN_OK; i++) {
        clipspan_change change = {0};
        if (heads[i].role->kind != CLIPSPAN_ROLE_CLEAR ||
            strcmp(heads[i].role->category[0], name) != 0)
            continue;
        change.layer = heads[i].head.layer;
        change.head = heads[i].head.head;
        status = cli_components_add(t, change, err);
        found++;
    }
    if (status == CLIPSPAN_OK && found == 0) status = fail_role(atlas, name, err);
    clipspan_atlas_free(&atlas);
    return status;
}

void cli_component_name(char out[32], const clipspan_change *c)
{
    if (c->component == CLIPSPAN_COMPONENT_EMBEDDING)
        snprintf(out, 32, "embedding");
    else if (c->component == CLIPSPAN_COMPONENT_HEAD)
        snprintf(out, 32, "L%d.H%d", c->layer, c->head);
    else if (c->layer < 0)
        snprintf(out, 32, "input");
    else
        snprintf(out, 32, "L%d.%s", c->layer,
                 c->component == CLIPSPAN_COMPONENT_MLP ? "MLP" : "class");
}

void cli_components_words(char *out, size_t room, const clipspan_change *changes, size_t count)
{
    size_t used = 0, i;
    char name[32];
    *out = '\0';
    for (i = 0; i < count; i++) {
        cli_component_name(name, &changes[i]);
        if (used + strlen(name) + 24 > room) break;
        used += (size_t)snprintf(out + used, room - used, "%s%s", i ? " " : "", name);
    }
    if (i < count) snprintf(out + used, room - used, " and %zu more", count - i);
}
