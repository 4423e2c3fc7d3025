/* SPDX-License-Identifier: MIT */
/* Which runs a user planned.
 *
 * A run's list of images is part of the run: one that a stranger made can name any file of whoever
 * reads it. So plan marks a run with a seal, an HMAC-SHA-256 (RFC 2104) under a key that lies in
 * the user's own folder ($XDG_STATE_HOME/clipspan/key, else ~/.local/state/clipspan/key) and never
 * in a run. Images of a run without the user's seal are opened below a folder that is named, or
 * with a yes; never by the list alone. */
#ifndef CLIPSPAN_SRC_RUN_OWN_H
#define CLIPSPAN_SRC_RUN_OWN_H

#include "run/index.h"

#define CS_SEAL_FACT "images.seal"

/* Seals what the index lists: the folder where relative paths start and the plan of every segment.
 * Without a place for a key the run stays without a seal. Errors: those of the index, NOMEM. */
clipspan_status cs_own_seal(cs_index *index, clipspan_error *err);

/* 1 when the index has the seal of this user. */
clipspan_status cs_own_check(int *own, cs_index *index, clipspan_error *err);

#endif
