/* SPDX-License-Identifier: MIT */
/* Explanations as JSON. */
#include <clipspan/paths.h>
#include <stdio.h>

#include "study/study_json.h"

static void put_real(cs_json_writer *json, const char *key, double value)
{
    cs_json_put_digits(json, key, value, CS_STUDY_DIGITS);
}

static void put_head(cs_json_writer *json, clipspan_head head)
{
    char name[32];
    snprintf(name, sizeof name, "L%d.H%d", head.layer, head.head);
    cs_json_put_text(json, "head", name);
}

static void put_layers(cs_json_writer *json, const clipspan_explanation_info *x, size_t t)
{
    const size_t L = (size_t)x->layers;
    size_t l;
    cs_json_put_array(json, "layers");
    for (l = 0; l < L; l++) {
        cs_json_put_row(json, NULL);
        cs_json_put_whole(json, "layer", l);
        put_real(json, "attention", x->attention[t * L + l]);
        put_real(json, "class", x->class_self_attention[t * L + l]);
        put_real(json, "mlp", x->mlp[t * (L + 1) + l + 1]);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
}

static void put_heads(cs_json_writer *json, const cs_findings *all, const clipspan_finding *f)
{
    const size_t heads = (size_t)all->x->layers * (size_t)all->x->heads;
    size_t i;
    cs_json_put_array(json, "heads");
    for (i = 0; i < heads; i++) {
        const clipspan_finding_head *head = &f->every[i];
        char role[64];
        cs_findings_role_text(role, head->role, head->leaning);
        cs_json_put_row(json, NULL);
        put_head(json, head->head);
        put_real(json, "part", head->part);
        if (head->known) cs_json_put_text(json, "role", role);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
}

static void put_roles(cs_json_writer *json, const clipspan_finding *f)
{
    size_t k;
    cs_json_put_array(json, "roles");
    for (k = 0; k < f->roles; k++) {
        char role[64];
        cs_findings_role_text(role, f->role[k].role, f->role[k].leaning);
        cs_json_put_row(json, NULL);
        cs_json_put_text(json, "role", f->role[k].role ? role : NULL);
        cs_json_put_whole(json, "heads", f->role[k].heads);
        put_real(json, "part", f->role[k].part);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
}

static void put_patches(cs_json_writer *json, const clipspan_finding *f)
{
    size_t k;
    cs_json_put_array(json, "patches");
    for (k = 0; k < f->patches; k++) {
        cs_json_put_row(json, NULL);
        cs_json_put_whole(json, "row", (uint64_t)f->patch[k].row);
        cs_json_put_whole(json, "column", (uint64_t)f->patch[k].column);
        put_real(json, "part", f->patch[k].part);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
}

/* Effects through later layers of text t. */
static void put_through(cs_json_writer *json, const clipspan_explanation_info *x, size_t t,
                        const clipspan_explain_document *d)
{
    const clipspan_paths_result *r = clipspan_paths_get(d->paths, 0);
    const size_t L = (size_t)x->layers, H = (size_t)x->heads;
    clipspan_neuron neurons[CS_FINDINGS_MOST];
    size_t count;
    if (!r || t >= r->directions) return;
    cs_json_put_object(json, "through");
    put_real(json, "off", r->off);
    put_real(json, "constant", r->constant[t * (L + 1)]);
    cs_json_put_array(json, "layers");
    for (size_t l = 0; l < L; l++) {
        cs_json_put_row(json, NULL);
        cs_json_put_whole(json, "layer", l);
        put_real(json, "mlp", r->mlp[t * L + l]);
        put_real(json, "direct", r->mlp_direct[t * L + l]);
        put_real(json, "bias", r->bias[t * L + l]);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
    cs_json_put_array(json, "heads");
    for (size_t h = 0; h < L * H; h++) {
        cs_json_put_row(json, NULL);
        put_head(json, (clipspan_head){(int)(h / H), (int)(h % H)});
        put_real(json, "effect", r->head[t * L * H + h]);
        put_real(json, "direct", r->head_direct[t * L * H + h]);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
    count = clipspan_paths_get_neurons(
        neurons, d->top < (int)CS_FINDINGS_MOST ? (size_t)d->top : CS_FINDINGS_MOST, d->paths, 0,
        t);
    cs_json_put_array(json, "neurons");
    for (size_t i = 0; i < count; i++) {
        cs_json_put_row(json, NULL);
        cs_json_put_whole(json, "layer", (uint64_t)neurons[i].layer);
        cs_json_put_whole(json, "neuron", (uint64_t)neurons[i].neuron);
        put_real(json, "effect", neurons[i].effect);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
    cs_json_put_line(json, "tokens");
    for (size_t j = 0; j < x->tokens; j++)
        put_real(json, NULL, r->token[t * x->tokens + j]);
    cs_json_put_end(json);
    cs_json_put_end(json);
}

static void put_finding(cs_json_writer *json, const cs_findings *all, const clipspan_finding *f,
                        const clipspan_explain_document *d)
{
    cs_json_put_object(json, NULL);
    cs_json_put_text(json, "text", f->name);
    put_real(json, "similarity", f->similarity);
    put_real(json, "explained", f->value);
    put_real(json, "attention", f->attention);
    put_real(json, "mlps", f->mlps);
    put_real(json, "input", f->input);
    put_layers(json, all->x, f->text);
    put_heads(json, all, f);
    if (all->atlas) put_roles(json, f);
    put_patches(json, f);
    if (d->paths) put_through(json, all->x, f->text, d);
    cs_json_put_end(json);
}

static void put_joint(cs_json_writer *json, const cs_joint *joint)
{
    size_t i, c;
    cs_json_put_array(json, "figure");
    for (i = 0; i < joint->count; i++) {
        const clipspan_joint_row *row = &joint->rows[i];
        cs_json_put_object(json, NULL);
        put_head(json, row->head);
        put_real(json, "limit", row->limit);
        cs_json_put_array(json, "texts");
        for (c = 0; c < row->cells; c++) {
            cs_json_put_row(json, NULL);
            cs_json_put_text(json, "text", row->cell[c].text);
            put_real(json, "above_mean", row->cell[c].score);
            cs_json_put_end(json);
        }
        cs_json_put_end(json);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
}

void cs_json_put_findings(cs_json_writer *json, const cs_findings *f, const cs_joint *joint,
                          const clipspan_explain_document *d)
{
    static const char *const contrasts[] = {"none", "mean", "runner-up"};
    size_t k;
    cs_json_put_flag(json, "dry_run", d->dry_run);
    cs_json_put_text(json, "model", d->model);
    cs_json_put_text(json, "image", d->image);
    cs_json_put_text(json, "run", d->run);
    cs_json_put_flag(json, "roles", f ? f->atlas != NULL : d->roles);
    if (f && f->atlas) cs_json_put_text(json, "pool", f->atlas->info.pool);
    cs_json_put_text(json, "output", d->output);
    if (!f) return;
    if (d->output) cs_json_put_whole(json, "bytes", d->bytes);
    cs_json_put_text(json, "contrast", contrasts[f->x->contrast]);
    put_real(json, "off", f->x->off);
    cs_json_put_line(json, "grid");
    cs_json_put_whole(json, NULL, (uint64_t)f->x->grid_height);
    cs_json_put_whole(json, NULL, (uint64_t)f->x->grid_width);
    cs_json_put_end(json);
    cs_json_put_array(json, "texts");
    for (k = 0; k < f->count; k++)
        put_finding(json, f, &f->findings[k], d);
    cs_json_put_end(json);
    if (joint && joint->cells) put_joint(json, joint);
}
