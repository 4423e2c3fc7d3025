/* SPDX-License-Identifier: MIT */
/* The form of embed that makes a classifier. */
#ifndef CLIPSPAN_CLI_EMBED_CLASSES_H
#define CLIPSPAN_CLI_EMBED_CLASSES_H

#include "session.h"

clipspan_status cli_embed_classes(cli_session *session, clipspan_error *err);

#endif
