/* SPDX-License-Identifier: MIT */
/* clipspan-import-mat: the images and masks of gtsegs_ijcv.mat as PNG files and a list of them.
 * Apart from clipspan itself, because it needs libhdf5. */
#define _XOPEN_SOURCE 700
#include "mat_file.h"

#include <clipspan/clipspan.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

#define LISTED 20 /* damaged images that are named */

static const char help[] =
    "clipspan-import-mat FILE.mat -o FOLDER   ImageNet-Segmentation as PNG files\n"
    "\n"
    "Reads gtsegs_ijcv.mat (MATLAB 7.3, which is HDF5) and writes FOLDER/images/NUMBER.png,\n"
    "FOLDER/masks/NUMBER.png (255 where the object is, else 0) and FOLDER/list.csv with their "
    "paths\n"
    "and the file's ids, where it has them. `clipspan segment MODEL FOLDER/list.csv --masks mask "
    "...`\n"
    "reads them, and so does `clipspan reproduce segmentation --data FOLDER`.\n"
    "\n"
    "  -o, --output FOLDER   where to write; made when it is not there\n"
    "  -f, --force           replace files that are there\n"
    "  -q, --quiet           no progress\n"
    "  -h, --help            this\n"
    "      --version         the version\n"
    "\n"
    "Ends with 0 when all is written, 2 for wrong arguments, 3 when some images were damaged "
    "and\n"
    "left out, 4 when the file is not what it should be, 6 when something could not be written, 7\n"
    "over a limit or out of memory, 130 or 143 when stopped.\n";

typedef struct job {
    const char *input, *output;
    int force, quiet, done; /* done: help or version was given */
    mat_file *file;
    mat_image image;
    cs_output *list;
    size_t left_out;
    int digits, terminal;
    double shown, start;
} job;

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    if (caught) _exit(number == SIGINT ? 130 : 143);
    caught = number;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- Arguments ---- */

static int is(const char *text, const char *shorter, const char *longer)
{
    return strcmp(text, shorter) == 0 || strcmp(text, longer) == 0;
}

static clipspan_status read_arguments(job *j, int argc, char **argv, clipspan_error *err)
{
    int ended = 0;
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        if (!ended && strcmp(text, "--") == 0) {
            ended = 1;
        } else if (ended || text[0] != '-' || !text[1]) {
            if (j->input)
                return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unexpected argument \"%s\"", text);
            j->input = text;
        } else if (is(text, "-o", "--output")) {
            if (i + 1 == argc)
                return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: a folder is missing", text);
            j->output = argv[++i];
        } else if (strncmp(text, "--output=", 9) == 0) {
            j->output = text + 9;
        } else if (is(text, "-f", "--force")) {
            j->force = 1;
        } else if (is(text, "-q", "--quiet")) {
            j->quiet = 1;
        } else if (is(text, "-h", "--help")) {
            fputs(help, stdout);
            j->done = 1;
        } else if (strcmp(text, "--version") == 0) {
            printf("clipspan-import-mat %s\n", clipspan_version());
            j->done = 1;
        } else {
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "unknown option \"%s\"; see clipspan-import-mat --help", text);
        }
    }
    if (j->done) return CLIPSPAN_OK;
    if (!j->input || !j->output || !*j->output)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "FILE.mat and -o FOLDER are expected; see clipspan-import-mat --help");
    return CLIPSPAN_OK;
}

/* ---- Writing ---- */

/* A line that is replaced on a terminal, one every ten seconds elsewhere. */
static void tell(job *j, size_t done)
{
    const double now = seconds(), left = (now - j->start) / (double)(done ? done : 1) *
                                         (double)(mat_count(j->file) - done);
    if (j->quiet || now - j->shown < (j->terminal ? 0.1 : 10.0)) return;
    j->shown = now;
    fprintf(stderr, "%s%zu of %zu images, %.0f s left%s", j->terminal ? "\r" : "", done,
            mat_count(j->file), left, j->terminal ? "\033[K" : "\n");
}

static char *path_of(const job *j, const char *folder, size_t index, clipspan_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%0*zu.png", folder, j->digits, index);
    return cs_path_join(j->output, name, err);
}

static clipspan_status write_row(job *j, size_t index, clipspan_error *err)
{
    char row[64 + 2 * MAT_ID_ROOM + 64];
    size_t used = (size_t)snprintf(row, sizeof row, "images/%0*zu.png,masks/%0*zu.png", j->digits,
                                   index, j->digits, index);
    if (mat_has_ids(j->file)) {
        row[used++] = ',';
        row[used++] = '"';
        for (const char *c = j->image.id; *c; c++) {
            if (*c == '"') row[used++] = '"';
            row[used++] = *c;
        }
        row[used++] = '"';
    }
    row[used++] = '\n';
    return cs_output_write(j->list, row, used, err);
}

static clipspan_status write_image(job *j, size_t index, clipspan_error *err)
{
    const mat_image *p = &j->image;
    char *image = path_of(j, "images", index, err);
    char *mask = image ? path_of(j, "masks", index, err) : NULL;
    clipspan_status status = mask ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < (size_t)p->height * (size_t)p->width; i++)
        p->mask[i] = p->mask[i] ? 255 : 0;
    if (status == CLIPSPAN_OK)
        status = clipspan_png_write(image, p->rgb, p->height, p->width, j->force, err);
    if (status == CLIPSPAN_OK)
        status = clipspan_mask_write(mask, p->mask, p->height, p->width, j->force, err);
    if (status == CLIPSPAN_OK) status = write_row(j, index, err);
    cs_free(image);
    cs_free(mask);
    return status;
}

static clipspan_status begin(job *j, clipspan_error *err)
{
    static const char *const folders[] = {"images", "masks"};
    clipspan_status status = CLIPSPAN_OK;
    char *path;
    for (size_t i = 0; i < 2 && status == CLIPSPAN_OK; i++) {
        path = cs_path_join(j->output, folders[i], err);
        status = path ? cs_make_folder(path, err) : CLIPSPAN_E_NOMEM;
        cs_free(path);
    }
    CS_TRY(status);
    path = cs_path_join(j->output, "list.csv", err);
    status = path ? cs_output_open(&j->list, path, j->force, err) : CLIPSPAN_E_NOMEM;
    cs_free(path);
    CS_TRY(status);
    return mat_has_ids(j->file) ? cs_output_write(j->list, "path,mask,id\n", 13, err)
                                : cs_output_write(j->list, "path,mask\n", 10, err);
}

static clipspan_status convert(job *j, clipspan_error *err)
{
    const size_t count = mat_count(j->file);
    clipspan_error first = {0}, error;
    CS_TRY(begin(j, err));
    j->start = j->shown = seconds();
    for (size_t i = 0; i < count; i++) {
        if (caught)
            return cs_fail(err, CLIPSPAN_E_INTERRUPTED,
                           "stopped after %zu of %zu images; --force begins anew", i, count);
        cs_clear(&error);
        if (mat_read(&j->image, j->file, i, &error) == CLIPSPAN_OK) {
            CS_TRY(write_image(j, i, err));
        } else {
            if (error.code == CLIPSPAN_E_NOMEM) {
                *err = error;
                return error.code;
            }
            if (j->left_out++ == 0) first = error;
            if (j->left_out <= LISTED)
                fprintf(stderr, "clipspan-import-mat: left out: %s\n", error.message);
        }
        tell(j, i + 1);
    }
    if (j->terminal && !j->quiet && j->shown > j->start) fputc('\n', stderr);
    if (j->left_out == count)
        return cs_fail(err, CLIPSPAN_E_FORMAT, "none of %zu images could be read; the first: %s",
                       count, first.message);
    CS_TRY(cs_output_commit(j->list, err));
    printf("%s: %zu images and masks, %zu left out; list.csv names them\n", j->output,
           count - j->left_out, j->left_out);
    return CLIPSPAN_OK;
}

static clipspan_status run(job *j, int argc, char **argv, clipspan_error *err)
{
    CS_TRY(read_arguments(j, argc, argv, err));
    if (j->done) return CLIPSPAN_OK;
    CS_TRY(mat_open(&j->file, j->input, err));
    j->digits = 5;
    for (size_t most = 100000; most < mat_count(j->file); most *= 10)
        j->digits++;
    return convert(j, err);
}

static int exit_code(clipspan_status status)
{
    switch (status) {
    case CLIPSPAN_OK: return 0;
    case CLIPSPAN_E_ARGUMENT: return 2;
    case CLIPSPAN_E_WRITE:
    case CLIPSPAN_E_EXISTS: return 6;
    case CLIPSPAN_E_NOMEM:
    case CLIPSPAN_E_LIMIT: return 7;
    case CLIPSPAN_E_INTERRUPTED: return caught == SIGINT ? 130 : 143;
    case CLIPSPAN_E_INTERNAL: return 1;
    default: return 4;
    }
}

int main(int argc, char **argv)
{
    job j = {.terminal = isatty(2)};
    struct sigaction action = {0};
    clipspan_error err;
    clipspan_status status;
    int code;
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a write over the limit of ulimit -f says so */
    sigaction(SIGXFSZ, &action, NULL);
    status = run(&j, argc, argv, &err);
    if (status != CLIPSPAN_OK) fprintf(stderr, "clipspan-import-mat: %s\n", err.message);
    code = exit_code(status);
    if (code == 0 && j.left_out) code = 3;
    if (fflush(stdout) != 0 && code == 0) code = 6;
    cs_output_close(&j.list);
    mat_image_fini(&j.image);
    mat_close(&j.file);
    return code;
}
