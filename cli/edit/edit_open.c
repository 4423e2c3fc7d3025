/* SPDX-License-Identifier: MIT */
/* Opening what edit and prune need, and writing the checkpoint. */
#include "base/memory.h"
#include "cli/edit/edit_work.h"
#include "cli/frame/command.h"
#include "cli/in/classifier.h"
#include "cli/in/contributions.h"
#include "cli/in/evaluation.h"
#include "cli/in/images.h"
#include "cli/in/texts.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <string.h>

static clipspan_status open_model(cli_edit_job *e, clipspan_error *err)
{
    cli_session *s = e->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    cli_progress_begin(s, "bytes");
    status = clipspan_run_open_model(&e->model, e->run, s->arguments.items[0], &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "checkpoint opened, weights hashed");
    return CLIPSPAN_OK;
}

static clipspan_status check_options(const cli_session *s, const cli_edit_settings *x,
                                     clipspan_error *err)
{
    if (!x->out.output)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--output: say which folder gets the checkpoint (-o FOLDER)");
    CS_TRY(cli_folder_check(x->out.output, s->command->name, "a checkpoint", err));
    if (x->classes.classifier && x->classes.templates)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--templates and --classifier exclude each other: a classifier is made");
    if (!x->classes.list && !x->classes.names.count &&
        (x->classes.classifier || x->classes.templates))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--%s needs --classes",
                       x->classes.classifier ? "classifier" : "templates");
    if (x->images.labels && s->arguments.count < 3)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--labels is for images that are named behind RUN; those of the run have "
                       "the labels that it was scanned with");
    return CLIPSPAN_OK;
}

clipspan_status cli_edit_open(cli_edit_job *e, cli_session *s, const cli_edit_settings *x,
                              clipspan_error *err)
{
    e->session = s;
    e->x = x;
    e->off = -1.0;
    CS_TRY(check_options(s, x, err));
    CS_TRY(clipspan_run_open(&e->run, s->arguments.items[1], err));
    e->info = clipspan_run_get_info(e->run);
    if (!e->info->merged)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, e->info->path,
                          "is not merged yet: finish it with clipspan scan, or, when all shards "
                          "are scanned, with clipspan merge");
    if (e->info->coefficients == CLIPSPAN_COEFFICIENTS_NONE)
        return cs_fail_at(
            err, CLIPSPAN_E_NOT_FOUND, e->info->path,
            "keeps no coefficients of its images, from which the means of heads come; "
            "scan with --coefficients f32 or f16");
    if (x->classes.list || x->classes.names.count)
        CS_TRY(cli_classes_open(&e->classes, &x->classes, err));
    CS_TRY(open_model(e, err));
    if (e->classes && !x->classes.classifier && !clipspan_model_get_info(e->model)->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, e->info->model_name,
                          "has no text encoder, so it cannot embed class names; give a classifier "
                          "with --classifier FILE.npy");
    return CLIPSPAN_OK;
}

void cli_edit_clear_sets(cli_edit_job *e)
{
    for (size_t i = 0; e->sets && i < e->set_count; i++) {
        cs_free(e->sets[i].members);
        cs_free(e->sets[i].distances);
    }
    cs_free(e->sets);
    e->sets = NULL;
    e->set_count = 0;
    e->before = 0;
    e->images.skipped = 0;
}

void cli_edit_close(cli_edit_job *e)
{
    cli_edit_clear_sets(e);
    cs_free(e->heads);
    cs_free(e->z);
    cs_free(e->means);
    cs_free(e->images.text);
    cs_free(e->images.paths);
    cs_free(e->images.path);
    cs_free(e->images.label);
    cs_free(e->images.labels);
    clipspan_bank_free(&e->bank);
    clipspan_texts_free(&e->templates);
    clipspan_texts_free(&e->classes);
    clipspan_model_close(&e->model);
    clipspan_run_close(&e->run);
    memset(e, 0, sizeof *e);
}

/* ---- Heads ---- */

clipspan_status cli_edit_heads(cli_edit_job *e, clipspan_error *err)
{
    const cli_edit_settings *x = e->x;
    const clipspan_change change = {0};
    clipspan_status status = CLIPSPAN_OK;
    char name[32];
    cli_components components;
    CS_TRY(cli_components_init(&components, e->info->layers, e->info->heads, err));
    if (x->heads) CS_TRY_DONE(cli_components_read(&components, x->heads, change, err));
    if (x->role) CS_TRY_DONE(cli_components_role(&components, e->run, x->role, err));
    e->heads = cs_alloc(components.count, sizeof *e->heads, "heads", err);
    if (!e->heads) status = CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < components.count && status == CLIPSPAN_OK; i++) {
        const clipspan_change *c = &components.changes[i];
        cli_component_name(name, c);
        if (c->component != CLIPSPAN_COMPONENT_HEAD)
            status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                             "--heads: expected heads such as L%d.H0 or L%d.*, found %s, which has "
                             "no output projection to change",
                             e->info->layers - 1, e->info->layers - 1, name);
        e->heads[e->count].layer = c->layer;
        e->heads[e->count++].head = c->head;
    }
done:
    cli_components_fini(&components);
    return status;
}

clipspan_status cli_edit_all_heads(cli_edit_job *e, clipspan_error *err)
{
    const size_t LH = (size_t)e->info->layers * (size_t)e->info->heads;
    e->heads = cs_alloc(LH, sizeof *e->heads, "heads", err);
    if (!e->heads) return CLIPSPAN_E_NOMEM;
    for (int l = 0; l < e->info->layers; l++)
        for (int h = 0; h < e->info->heads; h++) {
            if (!clipspan_model_has_head(e->model, l, h)) continue;
            e->heads[e->count].layer = l;
            e->heads[e->count++].head = h;
        }
    return CLIPSPAN_OK;
}

/* means : [count, P] = mean coefficients times output map */
static clipspan_status read_means(cli_edit_job *e, clipspan_error *err)
{
    const size_t K = (size_t)e->info->head_width, P = (size_t)e->info->embed_width, C = K + 3;
    clipspan_progress progress = {cli_progress_step, e->session};
    double *coefficients = cs_alloc(C, sizeof *coefficients, "a mean coefficients", err), sum;
    float *output_map = cs_alloc(C, P * sizeof *output_map, "a output map", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    e->z = cs_alloc(e->count, K * sizeof *e->z, "means of heads", err);
    e->means = cs_alloc(e->count, P * sizeof *e->means, "means of heads", err);
    if (!coefficients || !output_map || !e->z || !e->means) goto done;
    cli_progress_begin(e->session, "chunks");
    status = clipspan_run_read_mixed(e->z, e->run, e->heads, e->count, &progress, err);
    cli_progress_end(e->session);
    for (size_t i = 0; i < e->count && status == CLIPSPAN_OK; i++) {
        const clipspan_head h = e->heads[i];
        CS_TRY_DONE(
            clipspan_run_read_head(NULL, coefficients, NULL, e->run, -1, h.layer, h.head, err));
        CS_TRY_DONE(clipspan_run_read_output_map(output_map, e->run, h.layer, h.head, err));
        for (size_t p = 0; p < P; p++) {
            sum = 0.0;
            for (size_t c = 0; c < C; c++)
                sum += coefficients[c] * (double)output_map[c * P + p];
            e->means[i * P + p] = (float)sum;
        }
    }
    cli_stage(e->session, "means of heads read");
done:
    cs_free(coefficients);
    cs_free(output_map);
    return status;
}

/* ---- Images ---- */

static clipspan_status add_image(cli_edit_job *e, const char *folder, const char *path,
                                 const char *label, clipspan_error *err)
{
    cli_edit_images *p = &e->images;
    const size_t a = *path == '/' ? 0 : strlen(folder), b = strlen(path), c = strlen(label);
    CS_TRY(cs_grow(&p->text, &p->room, p->used + a + b + c + 3, 1, "paths", err));
    p->path[p->count] = p->used;
    if (a) p->used += (size_t)snprintf(p->text + p->used, a + 2, "%s/", folder);
    memcpy(p->text + p->used, path, b + 1);
    p->used += b + 1;
    p->label[p->count++] = p->used;
    memcpy(p->text + p->used, label, c + 1);
    p->used += c + 1;
    return CLIPSPAN_OK;
}

typedef struct taker {
    cli_edit_job *edit;
    size_t most;
    clipspan_status status;
    clipspan_error *err;
} taker;

static int take_image(void *user, const clipspan_run_image *image)
{
    taker *t = user;
    const char *root = t->edit->x->images.root;
    if (strcmp(image->status, "ok") != 0) return 0;
    if (t->edit->images.count == t->most) return 1;
    t->status =
        add_image(t->edit, root ? root : t->edit->info->folder, image->path, image->label, t->err);
    return t->status != CLIPSPAN_OK;
}

static clipspan_status list_run(cli_edit_job *e, size_t most, clipspan_error *err)
{
    clipspan_error stopped;
    taker t = {e, most, CLIPSPAN_OK, err};
    clipspan_status status =
        clipspan_run_read_images(e->run, 0, e->info->images, take_image, &t, &stopped);
    if (t.status != CLIPSPAN_OK) return t.status;
    if (status == CLIPSPAN_OK || status == CLIPSPAN_E_INTERRUPTED) return CLIPSPAN_OK;
    if (err) *err = stopped;
    return status;
}

static clipspan_status list_inputs(cli_edit_job *e, size_t most, clipspan_error *err)
{
    const cli_edit_settings *x = e->x;
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_status status = CLIPSPAN_OK;
    clipspan_inputs *inputs;
    size_t count, i;
    options.root = x->images.root;
    options.path_column = x->images.path_column;
    options.labels = x->images.labels;
    options.where = x->images.where.items;
    options.where_count = x->images.where.count;
    CS_TRY(clipspan_inputs_open(&inputs, e->session->arguments.items + 2,
                                e->session->arguments.count - 2, &options, err));
    count = clipspan_inputs_get_count(inputs);
    /* A stretch of an ordered list is no sample of it: every so many-th is taken. */
    for (i = 0; i < most && i < count && status == CLIPSPAN_OK; i++) {
        const size_t at = count > most ? (size_t)((double)i * (double)count / (double)most) : i;
        status = add_image(e, "", clipspan_inputs_get_paths(inputs)[at],
                           clipspan_inputs_get_label(inputs, at), err);
    }
    clipspan_inputs_close(&inputs);
    return status;
}

static clipspan_status match_labels(cli_edit_job *e, clipspan_error *err)
{
    cli_edit_images *p = &e->images;
    size_t i, c, classes = e->classes ? clipspan_texts_get_count(e->classes) : 0;
    for (i = 0; i < p->count; i++) {
        const char *label = p->text + p->label[i];
        p->paths[i] = p->text + p->path[i];
        p->labels[i] = -1;
        if (!*label || !classes) continue;
        for (c = 0; c < classes && strcmp(cli_class_key(e->classes, c), label) != 0; c++)
            ;
        if (c == classes)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "%s: its label \"%.80s\" is none of the classes; a class file says what "
                           "labels mean, a line a class: label, tab, name",
                           p->paths[i], label);
        p->labels[i] = (int32_t)c;
        p->labelled++;
    }
    return CLIPSPAN_OK;
}

static clipspan_status list_images(cli_edit_job *e, clipspan_error *err)
{
    const cli_edit_settings *x = e->x;
    const size_t most = x->most ? (size_t)x->most : 256;
    cli_edit_images *p = &e->images;
    p->paths = cs_alloc(most, sizeof *p->paths, "images", err);
    p->path = cs_alloc(most, sizeof *p->path, "images", err);
    p->label = cs_alloc(most, sizeof *p->label, "images", err);
    p->labels = cs_alloc(most, sizeof *p->labels, "images", err);
    if (!p->paths || !p->path || !p->label || !p->labels) return CLIPSPAN_E_NOMEM;
    CS_TRY(e->session->arguments.count > 2 ? list_inputs(e, most, err) : list_run(e, most, err));
    p->asked = p->count;
    return match_labels(e, err);
}

clipspan_status cli_edit_prepare(cli_edit_job *e, clipspan_error *err)
{
    cli_session *s = e->session;
    CS_TRY(read_means(e, err));
    CS_TRY(list_images(e, err));
    if (!e->classes) return CLIPSPAN_OK;
    if (e->x->classes.classifier)
        return clipspan_bank_read(&e->bank, e->x->classes.classifier, e->classes, err);
    CS_TRY(cli_templates_open(&e->templates, e->x->classes.templates, "openai", err));
    return cli_bank_open(&e->bank, s, e->model, e->classes, e->templates, 0, err);
}

/* ---- Sets, and the checkpoint ---- */

clipspan_status cli_edit_add_set(cli_edit_set **out, cli_edit_job *e, const char *name, size_t room,
                                 clipspan_error *err)
{
    size_t have = e->set_count;
    CS_TRY(cs_grow(&e->sets, &have, e->set_count + 1, sizeof *e->sets, "sets of heads", err));
    *out = &e->sets[e->set_count];
    memset(*out, 0, sizeof **out);
    snprintf((*out)->name, sizeof(*out)->name, "%s", name);
    (*out)->members = cs_alloc(room, sizeof *(*out)->members, "a set of heads", err);
    if (!(*out)->members) return CLIPSPAN_E_NOMEM;
    e->set_count++;
    return CLIPSPAN_OK;
}

void cli_edit_mark_last(const cli_edit_job *e, cli_edit_set *set)
{
    set->last = set->count > 0;
    for (size_t i = 0; i < set->count; i++)
        set->last = set->last && e->heads[set->members[i]].layer == e->info->layers - 1;
}

clipspan_status cli_edit_write(cli_edit_job *e, const cli_edit_set *set, int remove,
                               clipspan_error *err)
{
    cli_session *s = e->session;
    const size_t K = (size_t)e->info->head_width;
    clipspan_write_options options = CLIPSPAN_WRITE_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_head *heads = cs_alloc(set->count, sizeof *heads, "heads", err);
    float *z = cs_alloc_zero(set->count, K * sizeof *z, "means", err);
    clipspan_status status = heads && z ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < set->count && status == CLIPSPAN_OK; i++) {
        heads[i] = e->heads[set->members[i]];
        if (e->z) memcpy(z + i * K, e->z + set->members[i] * K, K * sizeof *z);
    }
    options.remove = remove;
    options.replace = e->x->out.force;
    options.means = e->info->path;
    if (status == CLIPSPAN_OK && !e->z) /* before any work */
        status = clipspan_model_check_write(e->x->out.output, e->model, heads, set->count, &options,
                                            err);
    else if (status == CLIPSPAN_OK) {
        cli_progress_begin(s, "bytes");
        status = clipspan_model_write(e->x->out.output, e->model, heads, z, set->count, &options,
                                      &progress, err);
        cli_progress_end(s);
        cli_stage(s, "checkpoint written");
    }
    cs_free(heads);
    cs_free(z);
    return status;
}

void cli_edit_images_words(char out[512], const cli_edit_job *e)
{
    const size_t used = e->images.asked - e->images.skipped;
    if (e->session->arguments.count > 2)
        snprintf(out, 512, "%zu images", used);
    else
        snprintf(out, 512, "%zu of the %llu images of %.300s", used,
                 (unsigned long long)e->info->used, e->info->path);
}
