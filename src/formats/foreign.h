/* SPDX-License-Identifier: MIT */
/* Weight files of other kinds (pickle, zip, .npz, GGUF, HDF5, Git LFS pointers, web pages saved in
 * their place), told by name and by content, so that they are refused with a word on what to do. */
#ifndef CLIPSPAN_SRC_FORMATS_FOREIGN_H
#define CLIPSPAN_SRC_FORMATS_FOREIGN_H

#include "base/error.h"

/* Why a file with such a name is not read and what to do, or NULL when the name says nothing. */
const char *cs_foreign_by_name(const char *path);

/* The same from the first bytes of a file. */
const char *cs_foreign_by_content(const unsigned char *bytes, size_t size);

#endif
