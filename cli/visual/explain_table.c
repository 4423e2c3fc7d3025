/* SPDX-License-Identifier: MIT */
/* What explain prints for people: all texts, and of the most similar one layers, roles, heads and
 * patches. */
#include "cli/in/heads.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"
#include "cli/visual/explain.h"

#include <clipspan/clipspan.h>
#include <string.h>

static void signed_number(char out[CLI_NUMBER_ROOM], double value)
{
    snprintf(out, CLI_NUMBER_ROOM, "%+.4f", value);
}

static clipspan_status add_number(cli_table *table, double value, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    signed_number(text, value);
    return cli_table_add(table, text, err);
}

static clipspan_status add_text(cli_table *table, const clipspan_finding *f, clipspan_error *err)
{
    CS_TRY(cli_table_add(table, f->name, err));
    CS_TRY(add_number(table, f->similarity, err));
    CS_TRY(add_number(table, f->value, err));
    CS_TRY(add_number(table, f->attention, err));
    CS_TRY(add_number(table, f->mlps, err));
    return add_number(table, f->input, err);
}

static clipspan_status print_texts(const cli_explain_job *j, clipspan_error *err)
{
    const clipspan_finding *f;
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, "text|>similarity|>explained|>attention|>MLPs|>input");
    for (size_t k = 0; status == CLIPSPAN_OK && (f = clipspan_findings_get(j->findings, k)); k++)
        status = add_text(&table, f, err);
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

static clipspan_status print_layers(const cli_explain_job *j, size_t t, clipspan_error *err)
{
    const clipspan_explanation_info *x = j->facts;
    const size_t L = (size_t)x->layers;
    static const char headers[] = "layer|>attention|>of it class token|>MLP";
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t l = L; l-- > 0 && status == CLIPSPAN_OK;) {
        char name[24];
        snprintf(name, sizeof name, "L%zu", l);
        status = cli_table_add(&table, name, err);
        if (status == CLIPSPAN_OK) status = add_number(&table, x->attention[t * L + l], err);
        if (status == CLIPSPAN_OK)
            status = add_number(&table, x->class_self_attention[t * L + l], err);
        if (status == CLIPSPAN_OK) status = add_number(&table, x->mlp[t * (L + 1) + l + 1], err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

/* The head's first texts, as many as fit into a line. */
static void first_texts(char *out, size_t room, const cli_explain_job *j,
                        const clipspan_atlas_head *head)
{
    const clipspan_atlas_text *texts = j->atlas ? clipspan_atlas_get_texts(j->atlas) : NULL;
    size_t used = 0;
    out[0] = '\0';
    if (!head || !texts) return;
    for (int k = 0; k < head->basis_texts && k < 3 && used < room; k++) {
        const int size = snprintf(out + used, room - used, "%s%s", k ? "; " : "",
                                  texts[head->basis_text[k].basis_text->text].text);
        used += size > 0 ? (size_t)size : 0;
    }
}

static clipspan_status add_head(cli_table *table, const cli_explain_job *j,
                                const clipspan_finding_head *head, clipspan_error *err)
{
    char name[CLI_HEAD_ROOM], role[64], texts[256];
    cli_head_name(name, head->head);
    CS_TRY(cli_table_add(table, name, err));
    CS_TRY(add_number(table, head->part, err));
    if (!j->atlas) return CLIPSPAN_OK;
    cli_explain_role(role, head->role, head->leaning);
    first_texts(texts, sizeof texts, j, head->known);
    CS_TRY(cli_table_add(table, role, err));
    return cli_table_add(table, texts, err);
}

static clipspan_status print_heads(const cli_explain_job *j, const clipspan_finding *f,
                                   clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, j->atlas ? "head|>part|role|first texts" : "head|>part");
    for (size_t k = 0; k < f->heads && status == CLIPSPAN_OK; k++)
        status = add_head(&table, j, &f->head[k], err);
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

static clipspan_status print_roles(const cli_explain_job *j, const clipspan_finding *f,
                                   clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, "role|>heads|>part");
    for (size_t k = 0; k < f->roles && status == CLIPSPAN_OK; k++) {
        char role[64], heads[24];
        cli_explain_role(role, f->role[k].role, f->role[k].leaning);
        snprintf(heads, sizeof heads, "%zu", f->role[k].heads);
        status = cli_table_add(&table, *role ? role : "neither role nor leaning", err);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, heads, err);
        if (status == CLIPSPAN_OK) status = add_number(&table, f->role[k].part, err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

static clipspan_status print_patches(const cli_explain_job *j, const clipspan_finding *f,
                                     clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, ">row|>column|>part");
    for (size_t k = 0; k < f->patches && status == CLIPSPAN_OK; k++) {
        char row[24], column[24], part[CLI_NUMBER_ROOM];
        snprintf(row, sizeof row, "%d", f->patch[k].row);
        snprintf(column, sizeof column, "%d", f->patch[k].column);
        snprintf(part, sizeof part, "%+.6f", f->patch[k].part);
        status = cli_table_add(&table, row, err);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, column, err);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, part, err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

clipspan_status cli_explain_print(const cli_explain_job *j, clipspan_error *err)
{
    static const char *const said[] = {"the similarity", "the similarity minus the texts' mean",
                                       "the similarity minus that of its strongest runner-up"};
    const clipspan_explanation_info *x = j->facts;
    const clipspan_finding *first = clipspan_findings_get(j->findings, 0);
    size_t heads;
    cli_print_text(stdout, j->session, j->image, 0, 0);
    printf("\nexplained: %s\n", said[x->contrast]);
    CS_TRY(print_texts(j, err));
    putchar('\n');
    cli_say(j->session, "of %s, by layer", first->name);
    CS_TRY(print_layers(j, first->text, err));
    if (j->atlas) {
        putchar('\n');
        cli_say(j->session, "by the heads' roles (text pool %s)",
                clipspan_atlas_get_info(j->atlas)->pool);
        CS_TRY(print_roles(j, first, err));
    }
    putchar('\n');
    cli_say(j->session, "strongest heads");
    CS_TRY(print_heads(j, first, err));
    putchar('\n');
    cli_say(j->session, "strongest patches, of %d x %d", x->grid_height, x->grid_width);
    CS_TRY(print_patches(j, first, err));
    if (j->paths) CS_TRY(cli_explain_print_through(j, first->text, err));
    putchar('\n');
    cli_say(j->session, "contributions add up to what is explained within %.1e; effects are direct",
            x->off);
    if (j->x->out.output) {
        char size[CLI_NUMBER_ROOM];
        cli_format_bytes(size, j->bytes);
        cli_say(j->session, "%s: the full explanation, %s; open it in a browser", j->x->out.output,
                size);
    }
    clipspan_joint_get_heads(j->joint, &heads);
    for (size_t i = 0; i < j->x->figure.count; i++)
        cli_say(j->session, "%s: %zu head%s with their own basis texts", j->x->figure.items[i],
                heads, heads == 1 ? "" : "s");
    return CLIPSPAN_OK;
}
