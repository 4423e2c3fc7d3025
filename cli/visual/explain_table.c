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

static clipspan_status print_texts(const cli_explain_job *j, clipspan_error *err)
{
    const clipspan_explanation_info *x = j->facts;
    const size_t L = (size_t)x->layers;
    static const char headers[] = "text|>similarity|>explained|>attention|>MLPs|>input";
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t k = 0; k < x->texts && status == CLIPSPAN_OK; k++) {
        const size_t t = x->order[k];
        status = cli_table_add(&table, x->names[t], err);
        if (status == CLIPSPAN_OK) status = add_number(&table, x->similarity[t], err);
        if (status == CLIPSPAN_OK) status = add_number(&table, x->value[t], err);
        if (status == CLIPSPAN_OK)
            status = add_number(&table, cli_explain_sum(x->attention + t * L, L), err);
        if (status == CLIPSPAN_OK)
            status = add_number(&table, cli_explain_sum(x->mlp + t * (L + 1) + 1, L), err);
        if (status == CLIPSPAN_OK) status = add_number(&table, x->mlp[t * (L + 1)], err);
    }
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

static clipspan_status print_heads(const cli_explain_job *j, size_t t, clipspan_error *err)
{
    const clipspan_explanation_info *x = j->facts;
    static const char headers[] = "head|>part|role|first texts", plain[] = "head|>part";
    size_t best[CLI_EXPLAIN_MOST], count;
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    count =
        cli_explain_choose(best, j->top, x->head + t * cli_explain_heads(x), cli_explain_heads(x));
    cli_table_init(&table, j->atlas ? headers : plain);
    for (size_t k = 0; k < count && status == CLIPSPAN_OK; k++) {
        const clipspan_atlas_head *known = cli_explain_known(j, cli_explain_head(j, best[k]));
        char name[CLI_HEAD_ROOM], role[64], texts[256];
        cli_head_name(name, cli_explain_head(j, best[k]));
        cli_explain_role(role, known);
        first_texts(texts, sizeof texts, j, known);
        status = cli_table_add(&table, name, err);
        if (status == CLIPSPAN_OK)
            status = add_number(&table, x->head[t * cli_explain_heads(x) + best[k]], err);
        if (status == CLIPSPAN_OK && j->atlas) status = cli_table_add(&table, role, err);
        if (status == CLIPSPAN_OK && j->atlas) status = cli_table_add(&table, texts, err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

static clipspan_status print_roles(const cli_explain_job *j, size_t t, clipspan_error *err)
{
    cli_explain_share shares[CLI_EXPLAIN_ROLES];
    static const char headers[] = "role|>heads|>part";
    size_t count = cli_explain_shares(shares, CLI_EXPLAIN_ROLES, j, t);
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t k = 0; k < count && status == CLIPSPAN_OK; k++) {
        char heads[24];
        snprintf(heads, sizeof heads, "%zu", shares[k].heads);
        status = cli_table_add(&table, *shares[k].role ? shares[k].role : "no clear role", err);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, heads, err);
        if (status == CLIPSPAN_OK) status = add_number(&table, shares[k].part, err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

static clipspan_status print_patches(const cli_explain_job *j, size_t t, clipspan_error *err)
{
    const clipspan_explanation_info *x = j->facts;
    const double *token = x->token + t * x->tokens;
    const size_t width = (size_t)x->grid_width;
    static const char headers[] = ">row|>column|>part";
    size_t best[CLI_EXPLAIN_MOST],
        count = cli_explain_choose(best, j->top, token + 1, x->tokens - 1);
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t k = 0; k < count && status == CLIPSPAN_OK; k++) {
        char row[24], column[24], part[CLI_NUMBER_ROOM];
        snprintf(row, sizeof row, "%zu", best[k] / width);
        snprintf(column, sizeof column, "%zu", best[k] % width);
        snprintf(part, sizeof part, "%+.6f", token[1 + best[k]]);
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
    const size_t first = x->order[0];
    cli_print_text(stdout, j->session, j->image, 0, 0);
    printf("\nexplained: %s\n", said[x->contrast]);
    CS_TRY(print_texts(j, err));
    putchar('\n');
    cli_say(j->session, "of %s, by layer", x->names[first]);
    CS_TRY(print_layers(j, first, err));
    if (j->atlas) {
        putchar('\n');
        cli_say(j->session, "by the heads' roles");
        CS_TRY(print_roles(j, first, err));
    }
    putchar('\n');
    cli_say(j->session, "strongest heads");
    CS_TRY(print_heads(j, first, err));
    putchar('\n');
    cli_say(j->session, "strongest patches, of %d x %d", x->grid_height, x->grid_width);
    CS_TRY(print_patches(j, first, err));
    putchar('\n');
    cli_say(j->session, "all parts add up to what is explained within %.1e; effects are direct",
            x->off);
    if (j->x->out.output) {
        char size[CLI_NUMBER_ROOM];
        cli_format_bytes(size, j->bytes);
        cli_say(j->session, "%s: the whole of it, %s; open it in a browser", j->x->out.output,
                size);
    }
    for (size_t i = 0; i < j->x->figure.count; i++)
        cli_say(j->session, "%s: %zu head%s by their own texts", j->x->figure.items[i],
                j->row_count, j->row_count == 1 ? "" : "s");
    return CLIPSPAN_OK;
}
