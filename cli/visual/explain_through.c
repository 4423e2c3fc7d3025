/* SPDX-License-Identifier: MIT */
/* explain --through: effects through later layers of what is explained, of the image and every
 * text; what people see of the most similar one, and rows. */
#include "base/memory.h"
#include "cli/in/heads.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"
#include "cli/visual/explain.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <string.h>

/* Texts' vectors less what --contrast subtracts: [T, P]. */
static void contrast_vectors(float *out, const cli_explain_job *j, const float *vectors, size_t P)
{
    const clipspan_explanation_info *x = j->facts;
    const size_t T = x->texts;
    for (size_t t = 0; t < T; t++) {
        const float *other = vectors + x->order[T > 1 && x->order[0] == t] * P;
        for (size_t p = 0; p < P; p++) {
            double mean = 0.0;
            for (size_t k = 0; k < T && x->contrast == CLIPSPAN_CONTRAST_MEAN; k++)
                mean += (double)vectors[k * P + p] / (double)T;
            if (x->contrast == CLIPSPAN_CONTRAST_RUNNER_UP) mean = (double)other[p];
            out[t * P + p] = (float)((double)vectors[t * P + p] - mean);
        }
    }
}

clipspan_status cli_explain_through(cli_explain_job *j, clipspan_error *err)
{
    const size_t T = j->facts->texts, P = clipspan_bank_get_width(j->bank);
    clipspan_paths_options o = CLIPSPAN_PATHS_OPTIONS_INIT;
    clipspan_bank *bank = NULL;
    clipspan_status status;
    float *vectors = cs_alloc(T, P * sizeof *vectors, "texts", err);
    if (!vectors) return CLIPSPAN_E_NOMEM;
    contrast_vectors(vectors, j, clipspan_bank_get_vectors(j->bank), P);
    o.neurons = 1;
    status = clipspan_bank_new_vectors(&bank, j->texts, vectors, P, err);
    if (status == CLIPSPAN_OK) status = clipspan_paths_new(&j->paths, j->encoder, bank, &o, err);
    if (status == CLIPSPAN_OK) status = clipspan_paths_run_files(j->paths, NULL, &j->image, 1, err);
    clipspan_bank_free(&bank);
    cs_free(vectors);
    cli_stage(j->session, "effects through later layers");
    return status;
}

/* ---- For people ---- */

static clipspan_status add_number(cli_table *table, double value, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    snprintf(text, sizeof text, "%+.4f", value);
    return cli_table_add(table, text, err);
}

static clipspan_status add_pair(cli_table *table, const char *name, double whole, double direct,
                                clipspan_error *err)
{
    CS_TRY(cli_table_add(table, name, err));
    CS_TRY(add_number(table, whole, err));
    CS_TRY(add_number(table, direct, err));
    return add_number(table, whole - direct, err);
}

/* The `top` largest |x|, largest first. */
static size_t find_largest(size_t *out, size_t top, const double *x, size_t count)
{
    size_t used = 0, at;
    for (size_t i = 0; i < count; i++) {
        if (used == top && !(fabs(x[i]) > fabs(x[out[used - 1]]))) continue;
        for (at = used < top ? used++ : used - 1; at > 0 && fabs(x[i]) > fabs(x[out[at - 1]]); at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    return used;
}

static clipspan_status print_heads(const cli_explain_job *j, const clipspan_paths_result *r,
                                   size_t t, clipspan_error *err)
{
    const size_t H = (size_t)j->facts->heads, LH = (size_t)j->facts->layers * H;
    size_t strongest[64];
    const size_t count =
        find_largest(strongest, j->x->top ? (size_t)j->x->top : 5, r->head + t * LH, LH);
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, "head|>effect|>direct|>through later layers");
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        const size_t at = strongest[i];
        char name[CLI_HEAD_ROOM];
        cli_head_name(name, (clipspan_head){(int)(at / H), (int)(at % H)});
        status = add_pair(&table, name, r->head[t * LH + at], r->head_direct[t * LH + at], err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

static clipspan_status print_mlps(const cli_explain_job *j, const clipspan_paths_result *r,
                                  size_t t, clipspan_error *err)
{
    const size_t L = (size_t)j->facts->layers;
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, "MLP|>effect|>direct|>through later layers");
    for (size_t l = L; l-- > 0 && status == CLIPSPAN_OK;) {
        char name[24];
        snprintf(name, sizeof name, "L%zu", l);
        status = add_pair(&table, name, r->mlp[t * L + l], r->mlp_direct[t * L + l], err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

static clipspan_status print_neurons(const cli_explain_job *j, size_t t, clipspan_error *err)
{
    clipspan_neuron neurons[64];
    const size_t count =
        clipspan_paths_get_neurons(neurons, j->x->top ? (size_t)j->x->top : 5, j->paths, 0, t);
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, "neuron|>effect");
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        char name[48];
        snprintf(name, sizeof name, "L%d.%d", neurons[i].layer, neurons[i].neuron);
        status = cli_table_add(&table, name, err);
        if (status == CLIPSPAN_OK) status = add_number(&table, neurons[i].effect, err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, j->session, stdout);
    cli_table_fini(&table);
    return status;
}

clipspan_status cli_explain_print_through(const cli_explain_job *j, size_t t, clipspan_error *err)
{
    const clipspan_paths_result *r = clipspan_paths_get(j->paths, 0);
    putchar('\n');
    cli_say(j->session, "effects through later layers: strongest heads");
    CS_TRY(print_heads(j, r, t, err));
    putchar('\n');
    CS_TRY(print_mlps(j, r, t, err));
    putchar('\n');
    CS_TRY(print_neurons(j, t, err));
    putchar('\n');
    cli_say(j->session,
            "with attention, LayerNorm scales and MLP gates of the image held; at every layer "
            "effects add up to what is explained within %.1e",
            r->off);
    return CLIPSPAN_OK;
}
