/* SPDX-License-Identifier: MIT */
/* Lanes take places in order. A chunk's places may be at work while the writer still finishes the
 * chunk before: a ring of buffers lies between them, so that no lane waits for the others at the
 * end of a chunk. The writer prepares buffers (names from the index), and when all places of a
 * chunk are done it finishes the coefficients, takes statistics and puts both on disk. */
#define _POSIX_C_SOURCE 200809L
#include "run/scan.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "base/parallel.h"
#include "run/folder.h"
#include "run/nodes.h"
#include "run/pack.h"
#include "run/scan_state.h"

#include <clipspan/run.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Lanes ---- */

/* For the caller's thread, which is lane 0. A wish to stop lets chunks at work end. */
static void tell(cs_scan_state *s)
{
    const clipspan_progress *progress = s->job->progress;
    const uint64_t before = s->job->before;
    uint64_t done;
    int stop;
    if (!progress || !progress->step) return;
    pthread_mutex_lock(&s->lock);
    done = s->images_done;
    pthread_mutex_unlock(&s->lock);
    stop = progress->step(progress->user, (size_t)(before + done), (size_t)(before + s->images));
    if (!stop) return;
    pthread_mutex_lock(&s->lock);
    if (!s->stop) s->stop = stop;
    if (s->stop_at > s->begun) s->stop_at = s->begun;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* *changed is 1 after a FORMAT error. */
static clipspan_status check_size(int *changed, const char *path, int64_t planned,
                                  clipspan_error *err)
{
    struct stat facts;
    *changed = 0;
    if (stat(path, &facts) != 0 || (int64_t)facts.st_size == planned) return CLIPSPAN_OK;
    *changed = 1;
    if (planned < 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "was not there when the run was planned, and has %lld bytes now",
                          (long long)facts.st_size);
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                      "changed: it had %lld bytes when the run was planned, and has %lld now",
                      (long long)planned, (long long)facts.st_size);
}

static uint8_t status_of(clipspan_status status)
{
    switch (status) {
    case CLIPSPAN_OK: return CS_IMAGE_OK;
    case CLIPSPAN_E_NOT_FOUND: return CS_IMAGE_MISSING;
    case CLIPSPAN_E_IO: return CS_IMAGE_UNREADABLE;
    case CLIPSPAN_E_UNSUPPORTED: return CS_IMAGE_UNSUPPORTED;
    case CLIPSPAN_E_LIMIT: return CS_IMAGE_TOO_LARGE;
    case CLIPSPAN_E_NUMBERS: return CS_IMAGE_NOT_FINITE;
    default: return CS_IMAGE_DAMAGED;
    }
}

/* Reasons name images as the list does, so that they do not depend on where the run is scanned
 * from. */
static void forget_root(char *message, const char *root)
{
    size_t length = strlen(root);
    if (length > 0 && strncmp(message, root, length) == 0 && message[length] == '/')
        memmove(message, message + length + 1, strlen(message + length + 1) + 1);
}

static clipspan_status read_pixels(uint8_t *pixels, int *changed, const cs_scan_state *s,
                                   const cs_chunk_slot *c, int place, clipspan_error *error)
{
    const cs_scan_job *job = s->job;
    const cs_preprocess *preprocess = &cs_checkpoint_config(job->checkpoint)->preprocess;
    cs_clear(error);
    CS_TRY(check_size(changed, c->paths[place], c->bytes[place], error));
    return cs_image_read(pixels, preprocess, c->paths[place], &job->image, error);
}

/* The same, again and again while the image is away for a moment. What remains of that at the end
 * is the whole scan's error, in *err: the image is not to blame. */
static clipspan_status read_patiently(uint8_t *pixels, int *changed, cs_scan_state *s,
                                      cs_chunk_slot *c, int place, int lane, clipspan_error *err)
{
    clipspan_error *error = &c->errors[place];
    for (int tried = 0;; tried++) {
        clipspan_status status = read_pixels(pixels, changed, s, c, place, error);
        if (status == CLIPSPAN_OK || error->detail != CLIPSPAN_DETAIL_AWAY) return status;
        if (tried >= s->job->retries) return cs_scan_give_up(error, tried, err);
        CS_TRY(cs_scan_wait(s, c->paths[place], tried, lane == 0 ? tell : NULL, err));
    }
}

/* One image into its slot. What is wrong with the image is noted in the slot; what is wrong
 * with the machine is returned. */
static clipspan_status do_image(cs_scan_state *s, cs_chunk_slot *c, int place, int lane,
                                clipspan_error *err)
{
    uint8_t *pixels = s->pixels + (size_t)lane * s->pixels_size;
    clipspan_error *error = &c->errors[place];
    clipspan_status status;
    int changed = 0;
    cs_clear(err);
    status = read_patiently(pixels, &changed, s, c, place, lane, err);
    if (err->code != CLIPSPAN_OK) return err->code;
    if (changed) {
        forget_root(error->message, c->root);
        c->status[place] = CS_IMAGE_CHANGED;
        return CLIPSPAN_OK;
    }
    if (status == CLIPSPAN_OK)
        status = cs_image_pass_trace(&s->traces[lane], s->passes[lane], pixels, NULL, error);
    if (status == CLIPSPAN_E_NOMEM || status == CLIPSPAN_E_INTERNAL) {
        *err = *error;
        return status;
    }
    c->status[place] = status_of(status);
    if (status != CLIPSPAN_OK) {
        forget_root(error->message, c->root);
        return CLIPSPAN_OK;
    }
    return cs_coder_put(s->coder, lane, c->coefficients, (size_t)place, &s->traces[lane], err);
}

/* Waits until chunk t's buffer is ready; NULL when it will not be. */
static cs_chunk_slot *enter(cs_scan_state *s, uint64_t t)
{
    cs_chunk_slot *c = &s->ring[t % (uint64_t)s->ring_size];
    pthread_mutex_lock(&s->lock);
    while (!s->failed && t < s->stop_at && !(c->ready && c->t == t))
        pthread_cond_wait(&s->changed, &s->lock);
    if (s->failed || t >= s->stop_at)
        c = NULL;
    else if (t >= s->begun)
        s->begun = t + 1;
    pthread_mutex_unlock(&s->lock);
    return c;
}

static void leave(cs_scan_state *s, cs_chunk_slot *c)
{
    pthread_mutex_lock(&s->lock);
    s->images_done++;
    if (--c->left == 0) pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void run_place(void *context, size_t item, int lane)
{
    cs_scan_state *s = context;
    const uint64_t t = item / CS_CHUNK;
    const int place = (int)(item % CS_CHUNK);
    cs_chunk_slot *c = enter(s, t);
    clipspan_error error;
    if (!c || place >= c->places) return;
    if (!c->stored && do_image(s, c, place, lane, &error) != CLIPSPAN_OK) cs_scan_fail(s, &error);
    leave(s, c);
    if (lane == 0) tell(s);
}

/* ---- The writer ---- */

static clipspan_status take_row(void *context, const cs_image_row *row, clipspan_error *err)
{
    cs_chunk_slot *c = context;
    int i = (int)((row->run_index - c->first_place) % CS_CHUNK);
    c->bytes[i] = row->bytes;
    return cs_image_place_find(&c->paths[i], c->place, row->path, err);
}

/* Makes the buffer ready for chunk number t of the list of chunks to do. */
static clipspan_status prepare(cs_scan_state *s, uint64_t t, clipspan_error *err)
{
    cs_chunk_slot *c = &s->ring[t % (uint64_t)s->ring_size];
    const cs_scan_job *job = s->job;
    if (t >= s->todo_count) return CLIPSPAN_OK;
    pthread_mutex_lock(&s->lock);
    c->ready = 0;
    pthread_mutex_unlock(&s->lock);
    cs_chunk_slot_clear(c);
    c->place = &job->place;
    c->root = job->place.root ? job->place.root : job->place.folder;
    c->first_place = job->first_place;
    c->places = cs_chunk_places(&job->plan.tree, s->todo[t]);
    memset(c->status, CS_IMAGE_NONE, sizeof c->status);
    CS_TRY(cs_index_read(job->index, job->first_place + s->todo[t] * CS_CHUNK, (uint64_t)c->places,
                         take_row, c, err));
    CS_TRY(cs_scan_take_stored(s, c, s->todo[t], err));
    pthread_mutex_lock(&s->lock);
    c->t = t;
    c->left = c->places;
    c->ready = 1;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return CLIPSPAN_OK;
}

/* The components of every image must add up to its embedding. */
static clipspan_status verify(cs_scan_state *s, const cs_chunk_slot *c, clipspan_error *err)
{
    const double limit =
        s->job->plan.coefficients == CLIPSPAN_COEFFICIENTS_F16 ? CS_SUM_F16 : CS_SUM_F32;
    for (int i = 0; i < c->places; i++) {
        double residual;
        if (c->status[i] != CS_IMAGE_OK) continue;
        residual = cs_contributions_residual(s->job->output_map, c->coefficients, (size_t)i);
        if (residual > s->residual) s->residual = residual;
        if (!(residual <= limit))
            return cs_fail_at(
                err, CLIPSPAN_E_NUMBERS, c->paths[i],
                "the sum of its components differs from its embedding by %.2g, more than "
                "the %.2g allowed",
                residual, limit);
    }
    return CLIPSPAN_OK;
}

static clipspan_status finish(cs_scan_state *s, cs_chunk_slot *c, clipspan_error *err)
{
    const cs_scan_job *job = s->job;
    const uint64_t chunk = s->todo[c->t];
    CS_TRY(cs_coder_finish(s->closer, c->coefficients, 1, err));
    if (c->stored) CS_TRY(cs_scan_take_stored_rest(s, c, chunk, err));
    if (job->verify_sum) CS_TRY(verify(s, c, err));
    if (!s->held[chunk - job->first])
        CS_TRY(cs_pack_write_chunk(&job->plan, chunk, c->coefficients, c->status, c->errors, err));
    if (!s->covered[chunk - job->first]) { /* else only its pack was lost */
        CS_TRY(cs_head_stats_run(s->work.stats, s->counter, c->coefficients, 1, err));
        CS_TRY(cs_nodes_put(&s->work, &job->plan, chunk, job->first, job->end, err));
    }
    return cs_packs_gather(&job->plan, chunk, err);
}

/* 1 when chunk t is done, 0 when it will not be. */
static int wait_for(cs_scan_state *s, uint64_t t)
{
    const cs_chunk_slot *c = &s->ring[t % (uint64_t)s->ring_size];
    int go;
    pthread_mutex_lock(&s->lock);
    while (!s->failed && t < s->stop_at && c->left > 0)
        pthread_cond_wait(&s->changed, &s->lock);
    go = !s->failed && t < s->stop_at;
    pthread_mutex_unlock(&s->lock);
    return go;
}

static void *write_chunks(void *context)
{
    cs_scan_state *s = context;
    clipspan_status status = CLIPSPAN_OK;
    clipspan_error error;
    uint64_t t;
    for (t = 0; t < (uint64_t)s->ring_size && status == CLIPSPAN_OK; t++)
        status = prepare(s, t, &error);
    for (t = 0; t < s->todo_count && status == CLIPSPAN_OK && wait_for(s, t); t++) {
        cs_chunk_slot *c = &s->ring[t % (uint64_t)s->ring_size];
        status = finish(s, c, &error);
        for (int i = 0; i < c->places && status == CLIPSPAN_OK; i++) {
            s->used += c->status[i] == CS_IMAGE_OK;
            s->skipped += c->status[i] != CS_IMAGE_OK;
        }
        if (status == CLIPSPAN_OK) status = prepare(s, t + (uint64_t)s->ring_size, &error);
    }
    if (status != CLIPSPAN_OK) cs_scan_fail(s, &error);
    return NULL;
}

/* ---- The whole ---- */

static clipspan_status run(cs_scan_state *s, clipspan_error *err)
{
    const clipspan_progress *progress = s->job->progress;
    pthread_t writer;
    int code = pthread_create(&writer, NULL, write_chunks, s);
    if (code != 0)
        return cs_fail(err, CLIPSPAN_E_NOMEM, "a thread that writes cannot be started: %s",
                       strerror(code));
    cs_parallel_for((size_t)s->todo_count * CS_CHUNK, s->job->threads, run_place, s);
    pthread_join(writer, NULL);
    if (s->failed) {
        if (err) *err = s->error;
        return s->error.code;
    }
    if (s->stop_at < s->todo_count)
        return cs_stopped(
            err, s->stop,
            "interrupted with %llu of %s of this call done; the same call goes on from there",
            (unsigned long long)s->stop_at, cs_number_of(s->todo_count, "chunk").text);
    if (progress && progress->step)
        progress->step(progress->user, (size_t)(s->job->before + s->images),
                       (size_t)(s->job->before + s->images));
    return CLIPSPAN_OK;
}

/* Any share may write it; all write the same bytes. A damaged one is made again, in a merged run
 * too. */
static clipspan_status keep_output_map(const cs_part_plan *plan, const cs_output_map *output_map,
                                       clipspan_error *err)
{
    if (cs_output_map_is(plan, output_map)) return CLIPSPAN_OK;
    return cs_output_map_write(plan, output_map, err);
}

static clipspan_status make_folders(const cs_part_plan *plan, clipspan_error *err)
{
    static const char *const names[] = {CS_PACKS_FOLDER, CS_NODES_FOLDER};
    for (int i = 0; i < 2; i++) {
        char name[CS_NAME_ROOM];
        cs_part_name(name, plan, names[i]);
        CS_TRY(cs_root_make_folder(plan->root, name, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_scan_run(clipspan_scan_result *out, const cs_scan_job *job, clipspan_error *err)
{
    clipspan_status status;
    cs_scan_state state;
    CS_TRY(make_folders(&job->plan, err));
    CS_TRY(keep_output_map(&job->whole, job->output_map, err));
    CS_TRY_DONE(cs_scan_state_find(&state, job, err));
    out->chunks += job->end - job->first;
    out->chunks_before += job->end - job->first - state.todo_count;
    if (state.todo_count == 0) goto done;
    CS_TRY_DONE(cs_scan_state_make(&state, err));
    if (cs_scan_state_memory(&state) > out->memory) out->memory = cs_scan_state_memory(&state);
    status = run(&state, err);
    out->images += state.used + state.skipped;
    out->used += state.used;
    out->skipped += state.skipped;
    out->retried += state.retried;
    if (state.residual > out->residual) out->residual = state.residual;
done:
    cs_scan_state_fini(&state);
    return status;
}
