/* SPDX-License-Identifier: MIT */
/* Splits a stream into paths with a buffer that holds the longest path allowed. */
#define _POSIX_C_SOURCE 200809L
#include "inputs/input_lines.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ROOM (2 * (CS_INPUT_PATH_MOST + 1))

typedef struct line_reader {
    cs_input_list *list;
    const char *root;
    char separator;
    int label_by_folder;
    size_t number; /* of the line, from 1 */
} line_reader;

static clipspan_status add(line_reader *r, char *line, size_t length, clipspan_error *err)
{
    clipspan_status status;
    char *joined = NULL;
    const char *path = line;
    r->number++;
    if (r->number == 1 && length >= 2 &&
        (memcmp(line, "\xFF\xFE", 2) == 0 || memcmp(line, "\xFE\xFF", 2) == 0))
        return cs_fail(err, CLIPSPAN_E_FORMAT,
                       "standard input is UTF-16, where UTF-8 was expected: iconv -f UTF-16 -t "
                       "UTF-8");
    if (r->separator == '\n') {
        if (r->number == 1 && length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
            path += 3;
            length -= 3;
        }
        if (length && path[length - 1] == '\r') line[(size_t)(path - line) + --length] = '\0';
        if (memchr(path, '\0', length))
            return cs_fail(err, CLIPSPAN_E_FORMAT,
                           "standard input, line %zu: a NUL byte, where a path was expected; for a "
                           "NUL-separated list use -0",
                           r->number);
    }
    if (length == 0) return CLIPSPAN_OK;
    if (r->root) {
        joined = cs_path_join(r->root, path, err);
        if (!joined) return CLIPSPAN_E_NOMEM;
        path = joined;
    }
    status = r->label_by_folder ? cs_input_list_add_in_folder(r->list, path, "", err)
                                : cs_input_list_add(r->list, path, "", "", err);
    cs_free(joined);
    return status;
}

/* Hands on the whole paths of buffer[0 … *used) and moves what is left to its beginning. */
static clipspan_status split(line_reader *r, char *buffer, size_t *used, clipspan_error *err)
{
    size_t start = 0;
    char *end;
    while ((end = memchr(buffer + start, r->separator, *used - start))) {
        *end = '\0';
        CS_TRY(add(r, buffer + start, (size_t)(end - buffer) - start, err));
        start = (size_t)(end - buffer) + 1;
    }
    *used -= start;
    memmove(buffer, buffer + start, *used);
    if (*used > CS_INPUT_PATH_MOST)
        return cs_fail(err, CLIPSPAN_E_LIMIT,
                       "standard input, entry %zu: longer than the %zu bytes that a path may have; "
                       "one path a line was expected",
                       r->number + 1, CS_INPUT_PATH_MOST);
    return CLIPSPAN_OK;
}

clipspan_status cs_input_lines_list(cs_input_list *list, int fd, char separator, const char *root,
                                    int label_by_folder, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    line_reader reader = {list, root, separator, label_by_folder, 0};
    size_t used = 0;
    char *buffer = cs_alloc(ROOM + 1, 1, "a list of images", err);
    if (!buffer) return status;
    for (;;) {
        ssize_t got = read(fd, buffer + used, ROOM - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            status =
                cs_fail(err, CLIPSPAN_E_IO, "standard input cannot be read: %s", strerror(errno));
            goto done;
        }
        if (got == 0) break;
        used += (size_t)got;
        CS_TRY_DONE(split(&reader, buffer, &used, err));
    }
    if (used) {
        buffer[used] = '\0';
        CS_TRY_DONE(add(&reader, buffer, used, err));
    }
    status = CLIPSPAN_OK;
done:
    cs_free(buffer);
    return status;
}
