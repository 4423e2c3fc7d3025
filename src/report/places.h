/* SPDX-License-Identifier: MIT */
/* Paths as pages show them: a page may be passed on, and says nothing of where this machine keeps
 * its files. Relative paths stay as they are. */
#ifndef CLIPSPAN_SRC_REPORT_PLACES_H
#define CLIPSPAN_SRC_REPORT_PLACES_H

#include "report/html.h"

/* The folder that all absolute paths of a list have in common. Starts as {0}; paths are
 * borrowed. */
typedef struct cs_places {
    const char *first;
    size_t shared; /* bytes, with the stroke at the end */
    int whole;     /* paths are shown as they are */
} cs_places;

void cs_places_add(cs_places *places, const char *path);

/* A path of the list below that folder; its name alone where there is no such folder; all of it
 * with `whole`. */
const char *cs_places_show(const cs_places *places, const char *path);

/* Text that may name places: of every absolute path in it, the last part alone. */
void cs_html_place(cs_html *html, const char *text);

#endif
