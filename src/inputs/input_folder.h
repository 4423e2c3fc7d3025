/* SPDX-License-Identifier: MIT */
/* Images of a folder and of the folders below it. */
#ifndef CLIPSPAN_SRC_INPUTS_INPUT_FOLDER_H
#define CLIPSPAN_SRC_INPUTS_INPUT_FOLDER_H

#include "inputs/input_list.h"

/* Appends every file below `folder` whose name ends in .jpg .jpeg .jpe .jfif .png or .webp (any
 * case), sorted by the bytes of its path. Names that begin with a dot are left out, and images of
 * other kinds and the folders of thumbnails and deleted files of network drives (@eaDir, #recycle
 * …), which are counted. A folder is
 * entered once, under its own name rather than that of a link to it, so links may form loops. A
 * folder below the first that cannot be read is appended itself: whoever reads the list finds out
 * and counts it. Errors: IO when the first folder cannot be read, LIMIT, NOMEM. */
clipspan_status cs_input_folder_list(cs_input_list *list, const char *folder, int label_by_folder,
                                     clipspan_error *err);

#endif
