/* SPDX-License-Identifier: MIT */
/* safetensors files written as a stream: tensors are declared first, then their numbers are handed
 * over in the order of declaration. The file gets its name when it is whole (base/file.h). */
#ifndef CLIPSPAN_SRC_FORMATS_SAFETENSORS_WRITE_H
#define CLIPSPAN_SRC_FORMATS_SAFETENSORS_WRITE_H

#include "base/file.h"

typedef struct cs_safetensors_writer cs_safetensors_writer;

/* Errors: EXISTS unless `replace`, WRITE, NOMEM. */
clipspan_status cs_safetensors_writer_open(cs_safetensors_writer **out, const char *path,
                                           int replace, clipspan_error *err);

/* The same into an output that was opened by other means; it is the writer's from here on, also
 * after an error. path: for messages. */
clipspan_status cs_safetensors_writer_new(cs_safetensors_writer **out, cs_output *output,
                                          const char *path, clipspan_error *err);

/* Before the first number: a text for the header's __metadata__ (bytes that are not UTF-8 are an
 * ARGUMENT error), and a tensor. dtype: "F64", "F32", "F16", "I64", "I32", "U8". rank: 0 to 8.
 * Names and keys are used once. Data starts on 8 bytes; a tensor stays aligned to its own numbers
 * when wider types are declared first. Errors: ARGUMENT, LIMIT, NOMEM. */
clipspan_status cs_safetensors_writer_note(cs_safetensors_writer *writer, const char *key,
                                           const char *value, clipspan_error *err);
clipspan_status cs_safetensors_writer_add(cs_safetensors_writer *writer, const char *name,
                                          const char *dtype, const uint64_t *shape, int rank,
                                          clipspan_error *err);

/* The next `size` bytes of data. Errors: WRITE, INTERNAL when more comes than was declared. */
clipspan_status cs_safetensors_writer_write(cs_safetensors_writer *writer, const void *data,
                                            size_t size, clipspan_error *err);

/* Gives the file its name. Errors: WRITE, EXISTS, INTERNAL when less came than was declared. */
clipspan_status cs_safetensors_writer_finish(cs_safetensors_writer *writer, clipspan_error *err);

/* Without finish, nothing remains. */
void cs_safetensors_writer_close(cs_safetensors_writer **writer);

#endif
