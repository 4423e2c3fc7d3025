/* SPDX-License-Identifier: MIT */
/* What lanes and the writer of a scan share: memory, taken once, and who is where. */
#ifndef CLIPSPAN_SRC_RUN_SCAN_STATE_H
#define CLIPSPAN_SRC_RUN_SCAN_STATE_H

#include "decompose/contributions.h"
#include "run/nodes.h"
#include "run/scan.h"

#include <pthread.h>

/* The largest difference between the sum of an image's components and its embedding. */
#define CS_SUM_F32 1e-5
#define CS_SUM_F16 4e-3 /* some hundred components, each rounded by 2^-11 of itself */

/* A chunk at work. */
typedef struct cs_chunk_slot {
    uint64_t t; /* number in the list of chunks to do */
    int ready, left, places;
    int stored; /* the chunk lies in a pack, from which its coefficients are taken */
    cs_coefficients *coefficients;
    const cs_image_place *place;
    const char *root;     /* where relative paths start, for messages */
    uint64_t first_place; /* of the segment in the run */
    char *paths[CS_CHUNK];
    int64_t bytes[CS_CHUNK];
    uint8_t status[CS_CHUNK]; /* cs_image_status */
    clipspan_error errors[CS_CHUNK];
} cs_chunk_slot;

typedef struct cs_scan_state {
    const cs_scan_job *job;
    uint64_t *todo, todo_count; /* chunks that are not done */
    unsigned char *covered;     /* [end - first] 1: its statistics are on disk */
    unsigned char *held;        /* [end - first] 1: a pack holds it */
    uint64_t images;            /* of the chunks to do */

    size_t pixels_size;
    uint8_t *pixels; /* [threads, pixels_size] */
    cs_image_pass **passes;
    cs_trace *traces;
    cs_coder *coder, *closer; /* of the lanes, of the writer */
    cs_head_counter *counter;
    cs_node_work work;
    cs_chunk_slot *ring;
    int ring_size;

    pthread_mutex_t lock; /* guards what follows, and t, ready, left of the ring */
    pthread_cond_t changed;
    int has_lock;
    uint64_t begun, stop_at; /* chunks below `begun` were entered; from `stop_at` on none is */
    int stop;                /* what progress said; 0: to go on */
    uint64_t images_done, retried;
    int failed;
    clipspan_error error;

    uint64_t used, skipped; /* the writer's */
    double residual;
} cs_scan_state;

/* Looks what is done: fills todo, covered, images. Give back with cs_scan_state_fini in any case.
 */
clipspan_status cs_scan_state_find(cs_scan_state *state, const cs_scan_job *job,
                                   clipspan_error *err);
/* Takes everything else. */
clipspan_status cs_scan_state_make(cs_scan_state *state, clipspan_error *err);
void cs_scan_state_fini(cs_scan_state *state);
size_t cs_scan_state_memory(const cs_scan_state *state);

/* Ends the scan at once; the first error counts. */
void cs_scan_fail(cs_scan_state *state, const clipspan_error *error);

void cs_chunk_slot_clear(cs_chunk_slot *slot);

/* ---- scan_retry.c: images that are away for a moment ---- */

/* Waits before the attempt after `tried` ones, longer each time, while the scan goes on; tell,
 * which may be NULL, hears now and then. Errors: INTERRUPTED; INTERNAL when another lane failed. */
clipspan_status cs_scan_wait(cs_scan_state *state, const char *path, int tried,
                             void (*tell)(cs_scan_state *state), clipspan_error *err);
/* The last error of an image after `tried` further attempts as that of the scan. */
clipspan_status cs_scan_give_up(const clipspan_error *error, int tried, clipspan_error *err);

/* ---- scan_stored.c: chunks whose statistics alone were lost ---- */

/* Where a pack holds the chunk with everything that statistics are taken from, fills the slot from
 * it and sets slot->stored, so that no image has to be read again. */
clipspan_status cs_scan_take_stored(const cs_scan_state *state, cs_chunk_slot *slot, uint64_t chunk,
                                    clipspan_error *err);
/* After cs_coder_finish: what that computes from numbers that no pack has. */
clipspan_status cs_scan_take_stored_rest(const cs_scan_state *state, cs_chunk_slot *slot,
                                         uint64_t chunk, clipspan_error *err);

#endif
