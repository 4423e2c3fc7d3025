/* SPDX-License-Identifier: MIT */
/* The run behind a table: made, or taken up again, in FOLDER/run, with what other commands need to
 * ask it more: images.csv (unless folders say it), classes.txt and the vectors of the classes. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/in/texts.h"
#include "cli/reproduce/reproduce.h"
#include "cli/run/scan_work.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define LIST_MOST ((uint64_t)256 << 20)

clipspan_status cli_reproduce_put(cli_reproduction *r, const char *text, char end,
                                  clipspan_error *err)
{
    const int quote = strpbrk(text, ",\"\r\n") != NULL;
    CS_TRY(cs_grow(&r->list, &r->list_room, r->list_size + 2 * strlen(text) + 4, 1, "a list", err));
    if (quote) r->list[r->list_size++] = '"';
    for (; *text; text++) {
        if (*text == '"') r->list[r->list_size++] = '"';
        r->list[r->list_size++] = *text;
    }
    if (quote) r->list[r->list_size++] = '"';
    r->list[r->list_size++] = end;
    r->list[r->list_size] = '\0';
    return CLIPSPAN_OK;
}

/* Leaves a file with this content: nothing to do when it has it already. */
static clipspan_status keep_file(const char *path, const char *data, size_t size, int replace,
                                 clipspan_error *err)
{
    cs_output *output = NULL;
    clipspan_status status = CLIPSPAN_OK;
    if (cs_path_kind(path)) {
        unsigned char *old = NULL;
        size_t length;
        int same;
        CS_TRY(cs_file_read_all(&old, &length, path, LIST_MOST, err));
        same = length == size && memcmp(old, data, size) == 0;
        cs_free(old);
        if (same) return CLIPSPAN_OK;
        if (!replace)
            return cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                              "already exists and lists something else; choose another folder "
                              "with -o, or replace what is there with --force");
    }
    status = cs_output_open(&output, path, replace, err);
    if (status == CLIPSPAN_OK) status = cs_output_write(output, data, size, err);
    if (status == CLIPSPAN_OK) status = cs_output_commit(output, err);
    cs_output_close(&output);
    return status;
}

/* A line a class: key, tab, name. */
static clipspan_status keep_classes(const cli_reproduction *r, clipspan_error *err)
{
    size_t used = 0, room = 0;
    clipspan_status status = CLIPSPAN_OK;
    char *text = NULL;
    for (size_t i = 0; i < clipspan_texts_get_count(r->classes) && status == CLIPSPAN_OK; i++) {
        const char *key = cli_class_key(r->classes, i);
        const char *name = clipspan_texts_get_text(r->classes, i);
        const size_t need = strlen(key) + strlen(name) + 3;
        status = cs_grow(&text, &room, used + need, 1, "a list of classes", err);
        if (status == CLIPSPAN_OK)
            used += (size_t)snprintf(text + used, need, "%s\t%s\n", key, name);
    }
    if (status == CLIPSPAN_OK)
        status = keep_file(r->classes_path, text ? text : "", used, r->x->out.force, err);
    cs_free(text);
    return status;
}

static clipspan_status name_files(cli_reproduction *r, clipspan_error *err)
{
    r->run_path = cs_path_join(r->out, "run", err);
    r->list_path = cs_path_join(r->out, "images.csv", err);
    r->classes_path = cs_path_join(r->out, "classes.txt", err);
    return r->run_path && r->list_path && r->classes_path ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* One file a model, so that none is taken for another's. */
static clipspan_status name_classifier(cli_reproduction *r, const char *hash, clipspan_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "classifier-%.12s.npy", hash);
    r->classifier = cs_path_join(r->out, name, err);
    return r->classifier ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status cli_reproduce_open(cli_evaluation *ev, cli_reproduction *r, int need_texts,
                                   clipspan_error *err)
{
    const int kept = r->classifier && cs_path_kind(r->classifier) == 1;
    r->eval.classes.classifier = kept ? r->classifier : NULL;
    CS_TRY(cli_evaluation_open(ev, r->session, r->run_path, &r->eval, need_texts, err));
    return r->classifier && !kept ? clipspan_bank_write(r->classifier, ev->bank, 0, err)
                                  : CLIPSPAN_OK;
}

/* The run's images and classes, as every later step asks it. */
static void take_classes(cli_reproduction *r)
{
    const cli_reproduce_settings *x = r->x;
    r->eval = (cli_evaluation_settings){
        .classes = x->classes, .model = x->model, .random = x->random, .seed = x->seed};
    if (!r->classes) return;
    r->eval.classes.list = r->classes_path;
    r->eval.classes.names = (cli_list){NULL, 0, 0};
}

static clipspan_status scan_images(cli_reproduction *r, clipspan_error *err)
{
    const char *const source = r->list ? r->list_path : r->data;
    const cli_scan_settings settings = {
        .load = r->x->load,
        .images = {.labels = r->labels, .groups = r->groups, .root = r->list ? r->data : NULL},
        .encoder = r->x->encoder,
        .out = {.output = r->run_path, .force = r->x->out.force}};
    cli_scan_job scan = {.session = r->session,
                         .x = &settings,
                         .model_path = r->model,
                         .sources = &source,
                         .source_count = 1,
                         .options = CLIPSPAN_SCAN_OPTIONS_INIT};
    clipspan_status status = cli_scan_run(&scan, err);
    if (status == CLIPSPAN_OK) r->used = clipspan_run_get_info(scan.run)->used;
    if (status == CLIPSPAN_OK && r->classes && !r->x->classes.templates)
        status = name_classifier(r, clipspan_run_get_info(scan.run)->model_hash, err);
    cli_scan_close(&scan);
    return status;
}

clipspan_status cli_reproduce_scan(cli_reproduction *r, clipspan_error *err)
{
    CS_TRY(name_files(r, err));
    CS_TRY(cs_make_folder(r->out, err));
    if (r->list) CS_TRY(keep_file(r->list_path, r->list, r->list_size, r->x->out.force, err));
    if (r->classes) CS_TRY(keep_classes(r, err));
    cli_note(r->session, "%s: %zu image%s of %s through %s", r->run_path, r->images,
             r->images == 1 ? "" : "s", r->data, r->model);
    take_classes(r);
    return scan_images(r, err);
}
