/* SPDX-License-Identifier: MIT */
/* Rows of option tables. `member` is one of the command's own `settings`, a type that each command
 * defines; CLI_SESSION_… rows fill the session instead. Ready rows for the parts of
 * cli/frame/settings.h follow; a command names the part as they do: load, images, encoder, classes,
 * texts, out. */
#ifndef CLIPSPAN_CLI_OPTION_ROWS_H
#define CLIPSPAN_CLI_OPTION_ROWS_H

#include "cli/frame/session.h"
#include "cli/frame/settings.h"

#include <stddef.h>

#define CLI_ROW(group, name, letter, kind, value, help, member, least, most, read)                 \
    {                                                                                              \
        group, name, letter, kind, value, help, offsetof(settings, member), least, most, 0, read,  \
            0, 0                                                                                   \
    }

#define CLI_FLAG(group, name, letter, help, member)                                                \
    CLI_ROW(group, name, letter, CLI_KIND_FLAG, NULL, help, member, 0, 0, 0)
#define CLI_TEXT(group, name, letter, value, help, member)                                         \
    CLI_ROW(group, name, letter, CLI_KIND_TEXT, value, help, member, 0, 0, 0)
/* A text that may name a file to read. */
#define CLI_FILE(group, name, letter, value, help, member)                                         \
    CLI_ROW(group, name, letter, CLI_KIND_TEXT, value, help, member, 0, 0, 1)
#define CLI_LIST(group, name, letter, value, help, member)                                         \
    CLI_ROW(group, name, letter, CLI_KIND_LIST, value, help, member, 0, 0, 0)
#define CLI_CHOICE(group, name, letter, value, help, member)                                       \
    CLI_ROW(group, name, letter, CLI_KIND_CHOICE, value, help, member, 0, 0, 0)
#define CLI_WHOLE(group, name, letter, value, help, member, least, most)                           \
    CLI_ROW(group, name, letter, CLI_KIND_WHOLE, value, help, member, least, most, 0)
/* A number above `low`, and `high` at most. */
#define CLI_REAL(group, name, letter, value, help, member, low, high)                              \
    {                                                                                              \
        group, name, letter, CLI_KIND_REAL, value, help, offsetof(settings, member), 0, 0, 0, 0,   \
            low, high                                                                              \
    }

#define CLI_SESSION_ROW(group, name, letter, kind, value, help, member, least, most)               \
    {                                                                                              \
        group, name, letter, kind, value, help, offsetof(cli_session, member), least, most, 1, 0,  \
            0, 0                                                                                   \
    }
#define CLI_SESSION_FLAG(group, name, letter, help, member)                                        \
    CLI_SESSION_ROW(group, name, letter, CLI_KIND_FLAG, NULL, help, member, 0, 0)
#define CLI_SESSION_CHOICE(group, name, letter, value, help, member)                               \
    CLI_SESSION_ROW(group, name, letter, CLI_KIND_CHOICE, value, help, member, 0, 0)
#define CLI_SESSION_WHOLE(group, name, letter, value, help, member, least, most)                   \
    CLI_SESSION_ROW(group, name, letter, CLI_KIND_WHOLE, value, help, member, least, most)

#define CLI_OPT_TEXT CLI_LIST("Texts", "text", 0, "TEXT", "a text; may be repeated", texts.text)
#define CLI_OPT_TEXTS_FILE                                                                         \
    CLI_FILE(                                                                                      \
        "Texts", "texts", 0, "FILE|SET",                                                           \
        "a file with one text per line, optionally after a key and a tab; a .csv or .tsv file "    \
        "with a column text, name or class; - for standard input; or a built-in set: general "     \
        "(the default text pool for naming heads), control (control texts: random and made-up "    \
        "words), demo (texts about the demo's scenes), openai (the 80 prompt templates)",          \
        texts.file)
#define CLI_OPT_TEXT_TEMPLATES                                                                     \
    CLI_FILE("Texts", "templates", 0, "openai|none|FILE",                                          \
             "prompt templates whose embeddings are averaged: the 80 published ones (openai), "    \
             "the text as it is (none, default), or a file with one template per line, with {} "   \
             "for the text",                                                                       \
             texts.templates)
#define CLI_OPT_CLASS_LIST                                                                         \
    CLI_FILE("Classes", "classes", 0, "LIST|FILE|imagenet",                                        \
             "class names separated by commas; a file with one class per line, either a name, or " \
             "key, tab, name, where the key is the label; or imagenet: its 1,000 classes, with "   \
             "keys 0 to 999",                                                                      \
             classes.list)
#define CLI_OPT_CLASS_NAMES                                                                        \
    CLI_LIST("Classes", "class", 0, "NAME",                                                        \
             "one class, whose name may contain commas; may be repeated", classes.names)
#define CLI_OPT_CLASS_TEMPLATES                                                                    \
    CLI_FILE("Classes", "templates", 0, "openai|none|FILE",                                        \
             "prompt templates whose embeddings are averaged: the 80 published ones (openai, "     \
             "default), the bare name (none), or a file with one template per line, with {} for "  \
             "the name",                                                                           \
             classes.templates)
#define CLI_OPT_CLASSIFIER                                                                         \
    CLI_FILE("Classes", "classifier", 0, "FILE.npy",                                               \
             "class vectors in place of --templates: float32 [embedding dimension, classes], as "  \
             "embed --classes and the published programs write them",                              \
             classes.classifier)
#define CLI_OPT_LABELS                                                                             \
    CLI_TEXT("Images", "labels", 0, "folder|COLUMN",                                               \
             "where labels come from: the name of an image's folder, or a CSV column",             \
             images.labels)
#define CLI_OPT_GROUPS                                                                             \
    CLI_TEXT("Images", "groups", 0, "COLUMN[,COLUMN]",                                             \
             "CSV columns whose values together define an image's group", images.groups)
#define CLI_OPT_ROOT                                                                               \
    CLI_TEXT("Images", "root", 0, "FOLDER",                                                        \
             "the folder that relative paths in a CSV or list start from (default: the CSV's "     \
             "folder; for a list, the current one)",                                               \
             images.root)
/* Of commands that open images by a run's list. */
#define CLI_IMAGES_ANYWHERE(group, member)                                                         \
    CLI_FLAG(                                                                                      \
        group, "images-anywhere", 0,                                                               \
        "open the images that a run lists wherever they are, also of a run that someone else "     \
        "planned (default: of such a run none but those below --root)",                            \
        member)
#define CLI_OPT_PATH_COLUMN                                                                        \
    CLI_TEXT("Images", "path-column", 0, "COLUMN",                                                 \
             "the CSV column with paths (default: path, image or file)", images.path_column)
#define CLI_OPT_EXIF_ORIENT                                                                        \
    CLI_FLAG("Images", "exif-orient", 0,                                                           \
             "apply EXIF orientation, which CLIP's own preprocessing ignores", images.exif_orient)
#define CLI_OPT_MAX_PIXELS                                                                         \
    CLI_WHOLE("Images", "max-pixels", 0, "N",                                                      \
              "skip images with more pixels than this without decoding them (default: depends on " \
              "memory, 512 million at most)",                                                      \
              images.max_pixels, 1, UINT64_C(1) << 40)
#define CLI_OPT_MODEL                                                                              \
    CLI_TEXT("Run", "model", 0, "MODEL", "where the run's model is now, if it was moved", model)
#define CLI_OPT_PRECISION                                                                          \
    CLI_CHOICE("Computation", "precision", 0, "f32|bf16",                                          \
               "precision of the encoders; bf16 needs a CPU that supports it", encoder.precision)
#define CLI_OPT_SINGLE                                                                             \
    CLI_CHOICE("Computation", "single", 0, "auto|yes|no",                                          \
               "use all threads on one image at a time, fastest for a single image (auto: when "   \
               "there is only one); otherwise one image per thread, with the same bytes for any "  \
               "number of threads",                                                                \
               encoder.single)
#define CLI_OPT_THREADS                                                                            \
    CLI_SESSION_WHOLE("Computation", "threads", 'j', "N",                                          \
                      "number of threads (default: the CPUs available to this process)", threads,  \
                      1, 256),                                                                     \
        CLI_OPT_MEMORY
#define CLI_OPT_MEMORY                                                                             \
    CLI_SESSION_ROW("Computation", "memory", 0, CLI_KIND_TEXT, "SIZE",                             \
                    "memory to plan with, such as 800M or 16G: images decoded at one time, the "   \
                    "largest image, and what is refused as too large (default: the least of the "  \
                    "machine's, its cgroup's and the process's limits)",                           \
                    memory, 0, 0)
#define CLI_OPT_CONFIG                                                                             \
    CLI_FILE("Model", "config", 0, "FILE|ARCHITECTURE",                                            \
             "configuration of a bare .safetensors file, or the name of a built-in architecture",  \
             load.config)
#define CLI_OPT_QUICK_GELU                                                                         \
    CLI_CHOICE("Model", "quick-gelu", 0, "auto|yes|no",                                            \
               "activation: as the checkpoint says (auto), QuickGELU (yes) or exact GELU (no)",    \
               load.quick_gelu)
#define CLI_OPT_ALLOW_NONFINITE                                                                    \
    CLI_FLAG("Model", "allow-nonfinite", 0,                                                        \
             "use weights that hold NaN or infinity instead of refusing them",                     \
             load.allow_nonfinite)
#define CLI_OPT_FORCE CLI_FLAG("Output", "force", 'f', "replace what already exists", out.force)
#define CLI_OPT_DRY_RUN                                                                            \
    CLI_FLAG("Output", "dry-run", 'n',                                                             \
             "check everything and report what would be written, but compute nothing",             \
             out.dry_run)
#define CLI_OPT_JSON                                                                               \
    CLI_SESSION_FLAG("Output", "json", 0, "one JSON document on standard output", json)
#define CLI_OPT_TSV                                                                                \
    CLI_SESSION_FLAG(                                                                              \
        "Output", "tsv", 0,                                                                        \
        "tab-separated values on standard output (default when it is not a terminal)", tsv)
#define CLI_OPT_TABLE                                                                              \
    CLI_SESSION_FLAG("Output", "table", 0,                                                         \
                     "a human-readable table on standard output (default on a terminal)", table)
#define CLI_OPT_WHERE                                                                              \
    CLI_LIST("Images", "where", 0, "COLUMN=VALUE",                                                 \
             "only the rows of a CSV with this value in this column; if repeated, rows that "      \
             "satisfy every one",                                                                  \
             images.where)
#define CLI_OPT_SPREADSHEET                                                                        \
    CLI_SESSION_FLAG("Output", "spreadsheet", 0,                                                   \
                     "for TSV and CSV that a spreadsheet opens: an apostrophe before cells that "  \
                     "begin with = + - @ and are no numbers, which it would compute as formulas",  \
                     spreadsheet)
#define CLI_OPT_FORM        CLI_OPT_JSON, CLI_OPT_TSV, CLI_OPT_SPREADSHEET, CLI_OPT_TABLE
#define CLI_OPT_MODEL_FILES CLI_OPT_CONFIG, CLI_OPT_QUICK_GELU
#define CLI_OPT_CLASSES     CLI_OPT_CLASS_LIST, CLI_OPT_CLASS_NAMES, CLI_OPT_CLASS_TEMPLATES
#define CLI_OPT_IMAGES                                                                             \
    CLI_OPT_LABELS, CLI_OPT_GROUPS, CLI_OPT_ROOT, CLI_OPT_PATH_COLUMN, CLI_OPT_WHERE,              \
        CLI_OPT_EXIF_ORIENT, CLI_OPT_MAX_PIXELS
#define CLI_OPT_TEXTS  CLI_OPT_TEXT, CLI_OPT_TEXTS_FILE
#define CLI_OPT_WRITES CLI_OPT_FORCE, CLI_OPT_DRY_RUN

#endif
