/* SPDX-License-Identifier: MIT */
/* The option table and the one parser over it. Options and arguments may be mixed; names are not
 * abbreviated; `--` ends options. Of the arguments that begin with a dash, "-" and "-0" are lists
 * on standard input. */
#include "options.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "commands.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(cli_settings, member)

enum {
    PLANS = CLI_PLAN | CLI_SCAN | CLI_ATLAS,
    SPANS = CLI_SPAN | CLI_ROLES | CLI_ATLAS | CLI_EXPORT | CLI_REPORT,
    MAPS = CLI_HEATMAP | CLI_SEGMENT,
    EFFECTS = CLI_EFFECTS | CLI_ABLATE | CLI_SHORTCUT | CLI_SURGERY,
    MODELS = MAPS | CLI_INFO | CLI_EMBED | CLI_CLASSIFY | CLI_PIXELS | CLI_TOKENS | PLANS,
    PICTURES = MAPS | CLI_EMBED | CLI_CLASSIFY | CLI_PIXELS | PLANS,
    WRITERS = MAPS | CLI_EMBED | CLI_CLASSIFY | CLI_PIXELS | CLI_TOKENS | PLANS | CLI_DEMO,
    TABLES = MODELS | CLI_VERSION | CLI_MERGE | SPANS | CLI_DEMO | EFFECTS | CLI_SEARCH
};

static const cli_option table[] = {
    {"Texts", "text", 0, CLI_TEXTS, CLI_EMBED | CLI_TOKENS | CLI_HEATMAP | CLI_SEARCH, "TEXT",
     "a text; may be repeated", AT(text), 0, 0},
    {"Texts", "texts", 0, CLI_TEXT, CLI_EMBED | CLI_TOKENS | CLI_HEATMAP, "FILE",
     "a file with a text a line, an optional key before a tab; - is standard input", AT(texts), 0,
     0},
    {"Heads", "texts", 0, CLI_TEXT, SPANS, "POOL",
     "the texts that heads are named with: general, which comes with the program (default), or a "
     "file with a text a line, its category before a tab; - is standard input",
     AT(pool), 0, 0},
    {"Heads", "layers", 0, CLI_TEXT, SPANS, "all|last4|A-B",
     "the layers whose heads are looked at (default: all)", AT(layers), 0, 0},
    {"Heads", "heads", 0, CLI_TEXT, CLI_SPAN | CLI_ROLES, "L22.H11,...",
     "these heads only; span then shows all of their picks", AT(heads), 0, 0},
    {"Heads", "picks", 0, CLI_WHOLE, SPANS, "N", "texts a head (default 20)", AT(picks), 1, 1000},
    {"Heads", "rank", 0, CLI_TEXT, SPANS, "auto|N",
     "directions of a head's output that are kept: all that hold data (auto), or N of them at most",
     AT(rank), 0, 0},
    {"Heads", "heads", 0, CLI_TEXT, CLI_ABLATE, "L22.H11,...|FILE",
     "what to ablate: heads, L22.* (a layer's), L22.MLP, input (the class token as it enters the "
     "first layer), or a file with such names",
     AT(heads), 0, 0},
    {"Heads", "set", 0, CLI_TEXTS, CLI_SURGERY, "TERM=VALUE",
     "what a term becomes: a number scales it (0 takes it away), mean, or the path of a picture of "
     "the run, whose term it gets; TERM as L22.H11, L22.*, L22.MLP, input; may be repeated, the "
     "last that names a term counts",
     AT(sets), 0, 0},
    {"Heads", "role", 0, CLI_TEXT, CLI_ABLATE, "NAME",
     "ablate the heads with this role, as roles or span found it last in --mean RUN, or in RUN",
     AT(role), 0, 0},
    {"Heads", "mlps", 0, CLI_FLAG, CLI_ABLATE, NULL,
     "ablate all MLPs too, and what enters the first layer, as published", AT(mlps), 0, 0},
    {"Heads", "before", 0, CLI_WHOLE, CLI_ABLATE, "LAYER",
     "ablate all heads of the layers before this one too (published: of all but the last four)",
     AT(before), 1, 512},
    {"Heads", "texts", 0, CLI_TEXT, CLI_EFFECTS, "POOL",
     "also replace heads by their texts of this pool, TEXTSPAN with several numbers of texts",
     AT(pool), 0, 0},
    {"Heads", "layers", 0, CLI_TEXT, CLI_EFFECTS, "all|last4|A-B",
     "with --texts: layers whose heads are replaced; earlier heads are at their means (default: "
     "the last four)",
     AT(layers), 0, 0},
    {"Heads", "picks", 0, CLI_WHOLE, CLI_EFFECTS, "N",
     "with --texts: at most so many texts a head (default 60)", AT(picks), 1, 1000},
    {"Cue", "cue", 0, CLI_TEXT, CLI_SHORTCUT, "\"T1|T2;T3|T4\"",
     "texts of both sides of a suspected cue; without, cues are looked for among --texts", AT(cue),
     0, 0},
    {"Cue", "texts", 0, CLI_TEXT, CLI_SHORTCUT, "POOL",
     "without --cue: the texts to look in, those of categories that are not of objects (default: "
     "general)",
     AT(pool), 0, 0},
    {"Cue", "also", 0, CLI_TEXTS, CLI_SHORTCUT, "[COLUMN=]CLASSES[:TEMPLATES]",
     "another file of classes, to see what it costs there: accuracy by a column of --from, "
     "otherwise how many answers stay; may be repeated",
     AT(also), 0, 0},
    {"Heads", "official", 0, CLI_TEXT, CLI_SPAN, "FILE",
     "write the picks as the published program does", AT(official), 0, 0},
    {"Heads", "official", 0, CLI_TEXT, CLI_EXPORT, "FOLDER",
     "where the published program's files go", AT(official), 0, 0},
    {"Texts", "templates", 0, CLI_TEXT, CLI_HEATMAP | CLI_SEARCH, "openai|none|FILE",
     "sentences that a text is put into, averaged: the 80 published ones, the text as it is "
     "(default), or a file with a sentence a line in which {} stands for the text",
     AT(templates), 0, 0},
    {"Query", "like", 0, CLI_TEXTS, CLI_SEARCH, "PICTURE", "a picture; may be repeated", AT(like),
     0, 0},
    {"Query", "unlike", 0, CLI_TEXTS, CLI_SEARCH, "PICTURE",
     "a picture that is taken off; may be repeated", AT(unlike), 0, 0},
    {"Query", "region", 0, CLI_TEXT, CLI_SEARCH, "X,Y,WIDTH,HEIGHT",
     "only what heads read there in the pictures of the query, in their pixels", AT(region), 0, 0},
    {"Query", "role", 0, CLI_TEXT, CLI_SEARCH, "NAME[=WEIGHT],...",
     "the heads with these roles in the run's atlas, each with a weight (default 1)", AT(role), 0,
     0},
    {"Query", "heads", 0, CLI_TEXT, CLI_SEARCH, "L22.H11,...", "these heads", AT(heads), 0, 0},
    {"Query", "compare", 0, CLI_CHOICE, CLI_SEARCH, "cosine|centred|plain",
     "cosines of what differs from the run's mean (default), products of it, or plain products, as "
     "published",
     AT(compare), 0, 0},
    {"Query", "top", 0, CLI_WHOLE, CLI_SEARCH, "N", "how many pictures to give (default 10)",
     AT(top), 1, 100000},
    {"Query", "root", 0, CLI_TEXT, CLI_SEARCH, "FOLDER",
     "where relative paths of the run's pictures start now, for the contact sheet", AT(root), 0, 0},
    {"Maps", "contrast", 0, CLI_CHOICE, MAPS, "auto|none|mean|rival|pairs",
     "what a text is shown against: nothing; the mean of all texts (auto, with several); the "
     "strongest other text at each patch; or every other text, pair by pair",
     AT(contrast), 0, 0},
    {"Maps", "method", 0, CLI_CHOICE, CLI_HEATMAP, "clipspan|attention|rollout|patch|value",
     "the heads' terms by patch; or, to compare, the last layer's attention, attention rollout, "
     "cosines of the final patches, or of the last layer's values",
     AT(method), 0, 0},
    {"Maps", "target", 0, CLI_TEXTS, CLI_SEGMENT, "SENTENCE",
     "what to look for, with columns of the list in braces, such as \"a {colour} {shape}\"; may be "
     "repeated: the maps are added up, each against the sentence's other fillings",
     AT(target), 0, 0},
    {"Maps", "against", 0, CLI_TEXTS, CLI_SEGMENT, "SENTENCE",
     "what it stands against: the same, taken off; may be repeated", AT(against), 0, 0},
    {"Maps", "method", 0, CLI_CHOICE, CLI_SEGMENT, "all|clipspan|attention|rollout|patch|value",
     "one method only; masks are written by the first", AT(segment_method), 0, 0},
    {"Maps", "attention-back", 0, CLI_WHOLE, CLI_SEGMENT, "N",
     "attention of the layer N before the last (default 0: the last)", AT(back), 0, 1000},
    {"Masks", "masks", 0, CLI_TEXT, CLI_SEGMENT, "FOLDER|COLUMN",
     "the right masks: a folder with NAME.png for each picture, or the list's column with their "
     "paths; PNG with one channel or a palette, of the picture's size",
     AT(masks), 0, 0},
    {"Masks", "mask-value", 0, CLI_TEXT, CLI_SEGMENT, "N|COLUMN",
     "the mask's number that is foreground, or the list's column with it (default: all but 0)",
     AT(mask_value), 0, 0},
    {"Masks", "multi", 0, CLI_FLAG, CLI_SEGMENT, NULL,
     "write all classes into one mask: the number of the highest class, from 1; 0 where none is "
     "above its threshold",
     AT(multi), 0, 0},
    {"Masks", "threshold", 0, CLI_CHOICE, CLI_SEGMENT, "mean|otsu",
     "of the masks that are written: the map's mean, as published, or Otsu's; figures are of both",
     AT(threshold), 0, 0},
    {"Maps", "heads", 0, CLI_TEXT, MAPS, "L22.H11,...", "the terms of these heads only", AT(heads),
     0, 0},
    {"Maps", "layers", 0, CLI_TEXT, MAPS, "all|last4|A-B", "the terms of these layers' heads only",
     AT(layers), 0, 0},
    {"Maps", "top", 0, CLI_WHOLE, CLI_HEATMAP, "N",
     "how many heads a sheet shows, the strongest first (default 4, with --heads all of them)",
     AT(top), 1, 64},
    {"Maps", "size", 0, CLI_WHOLE, CLI_HEATMAP, "N",
     "pixels of an overlay's longer side at most (default 1024)", AT(size), 16, 4096},
    {"Classes", "classes", 0, CLI_TEXT, CLI_CLASSIFY | CLI_SEGMENT | CLI_EMBED | EFFECTS,
     "LIST|FILE|imagenet",
     "class names joined by commas; or a file with a class a line: name, or key, tab, name, where "
     "the key is what labels say; or imagenet: its 1,000 classes, whose keys are 0 to 999",
     AT(classes), 0, 0},
    {"Classes", "class", 0, CLI_TEXTS, CLI_CLASSIFY | CLI_SEGMENT | CLI_EMBED | EFFECTS, "NAME",
     "one class, commas and all; may be repeated", AT(class_names), 0, 0},
    {"Classes", "templates", 0, CLI_TEXT, CLI_CLASSIFY | CLI_SEGMENT | CLI_EMBED | EFFECTS,
     "openai|none|FILE",
     "sentences that a class name is put into, averaged: the 80 published ones (default), the bare "
     "name, or a file with a sentence a line in which {} stands for the name",
     AT(templates), 0, 0},
    {"Classes", "classifier", 0, CLI_TEXT, EFFECTS, "FILE.npy",
     "vectors of the classes, float32 [width, classes] as embed --classes and the published "
     "programs write them, in place of templates",
     AT(classifier), 0, 0},
    {"Classes", "top", 0, CLI_WHOLE, CLI_CLASSIFY, "N",
     "how many of the likeliest classes to give for a picture (default 5)", AT(top), 1, 1000},
    {"Pictures", "labels", 0, CLI_TEXT, PICTURES, "folder|COLUMN",
     "where labels come from: the name of a picture's folder, or a CSV column", AT(labels), 0, 0},
    {"Pictures", "groups", 0, CLI_TEXT, PICTURES, "COLUMN[,COLUMN]",
     "CSV columns whose values together make a picture's group", AT(groups), 0, 0},
    {"Pictures", "from", 0, CLI_TEXT, EFFECTS, "FILE.csv",
     "take labels and groups from this file, matched by path, in place of those that the run was "
     "scanned with",
     AT(from), 0, 0},
    {"Pictures", "labels", 0, CLI_TEXT, EFFECTS, "COLUMN", "column of --from with labels",
     AT(labels), 0, 0},
    {"Pictures", "groups", 0, CLI_TEXT, EFFECTS, "COLUMN[,COLUMN]",
     "columns of --from whose values together make a picture's group", AT(groups), 0, 0},
    {"Pictures", "root", 0, CLI_TEXT, PICTURES | EFFECTS, "FOLDER",
     "where relative paths of a CSV or list start (default: the CSV's folder; the current folder)",
     AT(root), 0, 0},
    {"Pictures", "root", 0, CLI_TEXT, CLI_REPORT, "FOLDER",
     "where relative paths of the list start now (default: where they did when it was planned)",
     AT(root), 0, 0},
    {"Pictures", "no-pictures", 0, CLI_FLAG, CLI_REPORT | CLI_ATLAS, NULL,
     "file names in the report instead of thumbnails", AT(no_pictures), 0, 0},
    {"Pictures", "path-column", 0, CLI_TEXT, PICTURES | EFFECTS, "COLUMN",
     "the CSV column with paths (default: path, image or file)", AT(path_column), 0, 0},
    {"Pictures", "exif-orient", 0, CLI_FLAG, PICTURES, NULL,
     "turn pictures as their EXIF orientation says, which CLIP's own transform does not",
     AT(exif_orient), 0, 0},
    {"Pictures", "max-pixels", 0, CLI_WHOLE, PICTURES, "N",
     "skip larger pictures before decoding them (default: by memory, 512 million at most)",
     AT(max_pixels), 1, UINT64_C(1) << 40},
    {"Run", "codes", 0, CLI_CHOICE, PLANS, "f32|f16|none",
     "what to keep of each picture and head: float32 (default); half precision, within 2^-11 of "
     "each number, in half the space; or statistics only, which is enough to name heads",
     AT(codes), 0, 0},
    {"Run", "shard", 0, CLI_TEXT, CLI_SCAN, "I/N|auto|auto/N",
     "do share I of N only; auto: numbers from Open MPI, PMI, Slurm or a Kubernetes indexed job",
     AT(shard), 0, 0},
    {"Run", "verify-sum", 0, CLI_FLAG, CLI_SCAN | CLI_ATLAS, NULL,
     "check for every picture that its terms add up to its embedding, within 1e-5", AT(verify_sum),
     0, 0},
    {"Run", "mean", 0, CLI_TEXT, EFFECTS, "RUN",
     "take means and covariances from this run (default: from the evaluated pictures themselves, "
     "as published)",
     AT(mean), 0, 0},
    {"Run", "model", 0, CLI_TEXT, CLI_SCAN | CLI_SEARCH | (SPANS & ~CLI_ATLAS) | EFFECTS, "MODEL",
     "where the model of the run is now, when it was moved", AT(model), 0, 0},
    {"Report", "tensors", 0, CLI_FLAG, CLI_INFO, NULL, "list every tensor", AT(tensors), 0, 0},
    {"Report", "hash", 0, CLI_FLAG, CLI_INFO, NULL, "SHA-256 of the weight files", AT(hash), 0, 0},
    {"Report", "check", 0, CLI_FLAG, CLI_INFO, NULL,
     "read every weight and look for NaN, infinities and denormal numbers", AT(check), 0, 0},
    {"Computation", "raw", 0, CLI_FLAG, CLI_EMBED, NULL,
     "embeddings before they are normalised to length 1", AT(raw), 0, 0},
    {"Computation", "precision", 0, CLI_CHOICE, CLI_EMBED | CLI_CLASSIFY | MAPS | PLANS, "f32|bf16",
     "arithmetic of the towers; bf16 needs a CPU that has it", AT(precision), 0, 0},
    {"Computation", "single", 0, CLI_CHOICE, CLI_EMBED | CLI_CLASSIFY | MAPS, "auto|yes|no",
     "put all threads into one picture at a time, fastest for a lone picture (auto: when there is "
     "only one); otherwise a picture a thread, the same bytes for any number of threads",
     AT(single), 0, 0},
    {"Computation", "random", 0, CLI_WHOLE, CLI_ABLATE | CLI_SHORTCUT, "N",
     "random sets of as many heads to compare with (default 5)", AT(random), 1, 1000},
    {"Computation", "resamples", 0, CLI_WHOLE, CLI_ABLATE | CLI_SHORTCUT | CLI_SURGERY, "N",
     "resamples of the pictures for intervals of changes (default 1000)", AT(resamples), 100,
     100000},
    {"Computation", "seed", 0, CLI_WHOLE, CLI_ABLATE | CLI_SHORTCUT | CLI_SURGERY, "N",
     "of random sets and resamples (default 0)", AT(seed), 0, UINT64_C(1) << 53},
    {"Computation", "threads", 'j', CLI_WHOLE,
     (PICTURES & ~CLI_PLAN) | SPANS | CLI_DEMO | EFFECTS | CLI_SEARCH, "N",
     "threads (default: the processors that this process may use)", AT(threads), 1, 256},
    {"Model", "config", 0, CLI_TEXT, MODELS, "FILE|ARCHITECTURE",
     "configuration of a bare .safetensors file, or the name of a built-in architecture",
     AT(config), 0, 0},
    {"Model", "quick-gelu", 0, CLI_CHOICE, MODELS, "auto|yes|no",
     "activation: as the checkpoint says (auto), QuickGELU (yes) or exact GELU (no)",
     AT(quick_gelu), 0, 0},
    {"Model", "allow-nonfinite", 0, CLI_FLAG, CLI_EMBED | CLI_CLASSIFY | MAPS | PLANS, NULL,
     "use weights that hold NaN or infinity instead of refusing them", AT(allow_nonfinite), 0, 0},
    {"Output", "output", 'o', CLI_TEXT, CLI_EMBED, "FILE.npy",
     "the array to write; FILE.rows.csv beside it says what each row is", AT(output), 0, 0},
    {"Output", "output", 'o', CLI_TEXT, CLI_PIXELS, "FILE.npy|FOLDER/",
     "one array, with FILE.rows.csv beside it, or a PNG a picture with rows.csv among them",
     AT(output), 0, 0},
    {"Output", "output", 'o', CLI_TEXT, CLI_TOKENS, "FILE.npy", "write the ids as an array",
     AT(output), 0, 0},
    {"Output", "output", 'o', CLI_TEXT, CLI_CLASSIFY, "FILE.csv|FILE.tsv",
     "write a row a picture there; standard output then has the figures for the whole", AT(output),
     0, 0},
    {"Output", "output", 'o', CLI_TEXT, CLI_SURGERY, "FILE.npy",
     "write the class scores of every picture, float32 [pictures, classes]; FILE.rows.csv beside "
     "it "
     "says which is which, and both answers",
     AT(output), 0, 0},
    {"Output", "output", 'o', CLI_TEXT, CLI_REPORT, "FILE.html",
     "the page to write (default: report.html in the run's folder)", AT(output), 0, 0},
    {"Output", "output", 'o', CLI_TEXT, PLANS, "FOLDER", "the folder of the run", AT(output), 0, 0},
    {"Output", "output", 'o', CLI_TEXT, CLI_DEMO, "FOLDER",
     "the folder that gets everything; new, or empty", AT(output), 0, 0},
    {"Output", "output", 'o', CLI_TEXT, CLI_HEATMAP, "FOLDER",
     "where drawings and arrays go, with rows.csv among them", AT(output), 0, 0},
    {"Output", "output", 'o', CLI_TEXT, CLI_SEGMENT, "FOLDER",
     "where masks go, with rows.csv among them: what each is, and its own figures", AT(output), 0,
     0},
    {"Output", "output", 'o', CLI_TEXT, CLI_SEARCH, "FILE.html|FILE.tsv|FILE.csv",
     "a contact sheet for a browser, or a table", AT(output), 0, 0},
    {"Output", "force", 'f', CLI_FLAG,
     WRITERS | CLI_SURGERY | CLI_SPAN | CLI_EXPORT | CLI_REPORT | CLI_SEARCH, NULL,
     "replace what is there already", AT(force), 0, 0},
    {"Output", "dry-run", 'n', CLI_FLAG, WRITERS, NULL,
     "check everything and say what would be written, compute nothing", AT(dry_run), 0, 0},
    {"Output", "json", 0, CLI_FLAG, TABLES, NULL, "one JSON document on standard output", AT(json),
     0, 0},
    {"Output", "tsv", 0, CLI_FLAG, TABLES, NULL,
     "tab-separated values on standard output (default when it is not a terminal)", AT(tsv), 0, 0},
    {"Output", "table", 0, CLI_FLAG, TABLES, NULL,
     "a table for people on standard output (default on a terminal)", AT(table), 0, 0},
    {"Output", "man", 0, CLI_FLAG, CLI_HELP, NULL, "print the man page", AT(man), 0, 0},
    {"Output", "bash", 0, CLI_FLAG, CLI_HELP, NULL, "print the completion for bash", AT(bash), 0,
     0},
    {"General", "progress", 0, CLI_CHOICE,
     MODELS | CLI_MERGE | SPANS | CLI_DEMO | EFFECTS | CLI_SEARCH, "auto|bar|plain|json|none",
     "how to show progress on standard error: a bar, a line every ten seconds, JSON lines, or not "
     "(auto: a bar on a terminal, otherwise lines)",
     AT(progress), 0, 0},
    {"General", "verbose", 'v', CLI_FLAG, CLI_ANY, NULL, "say how long each stage takes",
     AT(verbose), 0, 0},
    {"General", "quiet", 'q', CLI_FLAG, CLI_ANY, NULL, "nothing on standard error but errors",
     AT(quiet), 0, 0},
    {"General", "no-color", 0, CLI_FLAG, CLI_ANY, NULL,
     "no colours or bold letters (as with NO_COLOR set, or TERM=dumb)", AT(no_color), 0, 0},
    {"General", "help", 'h', CLI_FLAG, CLI_ANY, NULL, "this help", AT(help), 0, 0},
    {"General", "version", 0, CLI_FLAG, CLI_ANY, NULL, "the version", AT(version), 0, 0},
};

#define ROWS (sizeof table / sizeof *table)
_Static_assert(ROWS <= CLI_OPTION_MOST, "CLI_OPTION_MOST must grow with the table");

const cli_option *cli_options(size_t *count)
{
    *count = ROWS;
    return table;
}

static clipspan_status push(cli_list *list, const char *item, clipspan_error *err)
{
    CS_TRY(
        cs_grow(&list->items, &list->room, list->count + 1, sizeof *list->items, "arguments", err));
    list->items[list->count++] = item;
    return CLIPSPAN_OK;
}

/* Which options a command line may have: those of its command; before that is known, the general
 * ones. */
static unsigned wanted(const cli_settings *settings)
{
    return settings->command ? settings->command->bit : CLI_ANY;
}

static const cli_option *find(unsigned commands, const char *name, size_t length, char letter)
{
    for (size_t i = 0; i < ROWS; i++) {
        if ((table[i].commands & commands) != commands) continue;
        if (letter ? table[i].letter == letter
                   : strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
            return &table[i];
    }
    return NULL;
}

/* The option that was probably meant: the only one that begins so, or the nearest. */
static const char *suggest(unsigned commands, const char *word)
{
    const char *names[ROWS], *begins = NULL;
    size_t count = 0, matches = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if ((table[i].commands & commands) != commands) continue;
        names[count++] = table[i].name;
        if (*word && strncmp(table[i].name, word, strlen(word)) == 0) {
            begins = table[i].name;
            matches++;
        }
    }
    return matches == 1 ? begins : cs_nearest(word, names, count);
}

/* typed: the whole argument; word: without its dashes, or from the unknown letter on. */
static clipspan_status fail_unknown(const cli_settings *settings, const char *typed,
                                    const char *word, char letter, clipspan_error *err)
{
    const char *meant, *command = settings->command ? settings->command->name : NULL;
    char name[64] = {letter, '\0'};
    size_t length = strcspn(word, "="), commands, i;
    const cli_command *others = cli_commands(&commands);
    if (!letter) {
        if (length >= sizeof name) length = sizeof name - 1;
        memcpy(name, word, length);
        name[length] = '\0';
    }
    for (i = 0; i < commands; i++)
        if (find(others[i].bit, name, strlen(name), letter)) break;
    if (i < commands && command)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s%s is not an option of %s, but of %s; see clipspan %s --help",
                       letter ? "-" : "--", name, command, others[i].name, command);
    if (i < commands)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s%s stands before the command; options of a command go behind it: "
                       "clipspan COMMAND %s%s …",
                       letter ? "-" : "--", name, letter ? "-" : "--", name);
    meant = letter ? NULL : suggest(wanted(settings), name);
    if (!meant && cs_path_kind(typed))
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "unknown option %s; a file of that name goes behind --, where no options are", typed);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown option %s%s%s%s%s; see clipspan %s%s--help",
                   letter ? "-" : "--", name, meant ? " (did you mean --" : "", meant ? meant : "",
                   meant ? "?)" : "", command ? command : "", command ? " " : "");
}

static clipspan_status read_choice(int *out, const cli_option *option, const char *source,
                                   const char *value, clipspan_error *err)
{
    char words[128];
    const char *names[16], *meant;
    size_t count = 0;
    char *word;
    strncpy(words, option->value, sizeof words - 1);
    words[sizeof words - 1] = '\0';
    for (word = words; word && count < 16; count++) {
        char *bar = strchr(word, '|');
        if (bar) *bar++ = '\0';
        if (strcmp(word, value) == 0) {
            *out = (int)count;
            return CLIPSPAN_OK;
        }
        names[count] = word;
        word = bar;
    }
    meant = cs_nearest(value, names, count);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: expected %s, found \"%s\"%s%s%s", source,
                   option->value, value, meant ? " (did you mean " : "", meant ? meant : "",
                   meant ? "?)" : "");
}

static clipspan_status read_whole(uint64_t *out, const cli_option *option, const char *source,
                                  const char *value, clipspan_error *err)
{
    uint64_t number = 0;
    const char *p;
    for (p = value; *p >= '0' && *p <= '9' && number < UINT64_C(1) << 58; p++)
        number = number * 10 + (uint64_t)(*p - '0');
    if (p == value || *p || number < option->least || number > option->most)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s: expected a whole number from %llu to %llu, found \"%s\"", source,
                       (unsigned long long)option->least, (unsigned long long)option->most, value);
    *out = number;
    return CLIPSPAN_OK;
}

/* source: how the user named the option, for messages. */
static clipspan_status store(cli_settings *settings, const cli_option *option, const char *source,
                             const char *value, clipspan_error *err)
{
    unsigned char *place = (unsigned char *)settings + option->offset;
    int choice = 0;
    uint64_t whole = 0;
    switch (option->kind) {
    case CLI_FLAG: {
        int on = 1;
        memcpy(place, &on, sizeof on);
        break;
    }
    case CLI_TEXT:
        if (!*value)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: expected %s, found an empty text", source,
                           option->value);
        memcpy(place, &value, sizeof value);
        break;
    case CLI_TEXTS: {
        cli_list list;
        memcpy(&list, place, sizeof list);
        CS_TRY(push(&list, value, err));
        memcpy(place, &list, sizeof list);
        break;
    }
    case CLI_CHOICE:
        CS_TRY(read_choice(&choice, option, source, value, err));
        memcpy(place, &choice, sizeof choice);
        break;
    case CLI_WHOLE:
        CS_TRY(read_whole(&whole, option, source, value, err));
        memcpy(place, &whole, sizeof whole);
        break;
    }
    return CLIPSPAN_OK;
}

typedef struct parser {
    cli_settings *settings;
    int argc, at;
    char **argv;
    unsigned char given[ROWS];
} parser;

static clipspan_status read_value(parser *p, const cli_option *option, const char *source,
                                  const char *attached, clipspan_error *err)
{
    const char *value = attached;
    p->given[option - table] = 1;
    if (option->kind == CLI_FLAG && attached)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s takes no value, found \"%s\"", source,
                       attached);
    if (option->kind != CLI_FLAG && !value) {
        if (p->at + 1 >= p->argc)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: expected %s behind it, found nothing",
                           source, option->value);
        value = p->argv[++p->at];
    }
    return store(p->settings, option, source, value, err);
}

static clipspan_status read_long(parser *p, const char *word, clipspan_error *err)
{
    char source[72];
    size_t length = strcspn(word, "=");
    const cli_option *option = find(wanted(p->settings), word, length, 0);
    if (!option) return fail_unknown(p->settings, word - 2, word, 0, err);
    snprintf(source, sizeof source, "--%s", option->name);
    return read_value(p, option, source, word[length] ? word + length + 1 : NULL, err);
}

static clipspan_status read_letters(parser *p, const char *letters, clipspan_error *err)
{
    for (; *letters; letters++) {
        const cli_option *option = find(wanted(p->settings), NULL, 0, *letters);
        char source[72];
        if (!option) return fail_unknown(p->settings, p->argv[p->at], letters, *letters, err);
        snprintf(source, sizeof source, "-%c", *letters);
        if (option->kind == CLI_FLAG) {
            CS_TRY(read_value(p, option, source, NULL, err));
            continue;
        }
        return read_value(p, option, source, letters[1] ? letters + 1 : NULL, err);
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_argument(parser *p, const char *word, clipspan_error *err)
{
    cli_settings *settings = p->settings;
    if (settings->command) return push(&settings->arguments, word, err);
    settings->command = cli_command_find(word);
    return settings->command ? CLIPSPAN_OK : cli_command_unknown(word, err);
}

/* CLIPSPAN_DRY_RUN for dry-run. */
static void environment_name(char out[80], const char *option)
{
    size_t i;
    memcpy(out, "CLIPSPAN_", 9);
    for (i = 0; option[i] && i < 64; i++)
        out[9 + i] = option[i] == '-' ? '_' : (char)(option[i] - 'a' + 'A');
    out[9 + i] = '\0';
}

static int among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0) return 1;
    return 0;
}

/* The library takes an unknown level for none; a user who asked for one wants to know. */
static clipspan_status check_level(clipspan_error *err)
{
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    const char *value = getenv("CLIPSPAN_CPU"), *meant;
    if (!value || !*value || among(value, levels, 3)) return CLIPSPAN_OK;
    meant = cs_nearest(value, levels, 3);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "CLIPSPAN_CPU: expected generic, avx2 or avx512, found \"%s\"%s%s%s", value,
                   meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "");
}

/* --json, --tsv and --table exclude each other. */
static int is_form(const cli_option *option)
{
    return option->offset == AT(json) || option->offset == AT(tsv) || option->offset == AT(table);
}

static clipspan_status read_environment(parser *p, clipspan_error *err)
{
    static const char *const on[] = {"1", "yes", "true", "on"};
    static const char *const off[] = {"0", "no", "false", "off"};
    const int form_given = p->settings->json || p->settings->tsv || p->settings->table;
    for (size_t i = 0; i < ROWS; i++) {
        const cli_option *option = &table[i];
        char name[80];
        const char *value;
        if (p->given[i] || !p->settings->command || !(option->commands & p->settings->command->bit))
            continue;
        /* These two are no settings, and build scripts use CLIPSPAN_VERSION for a number. */
        if (strcmp(option->name, "help") == 0 || strcmp(option->name, "version") == 0) continue;
        if (form_given && is_form(option)) continue;
        environment_name(name, option->name);
        value = getenv(name);
        if (!value || !*value) continue;
        if (option->kind == CLI_FLAG) {
            if (among(value, off, 4)) continue;
            if (!among(value, on, 4))
                return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                               "%s: expected 1 or 0 (yes, no), found \"%s\"", name, value);
        }
        CS_TRY(store(p->settings, option, name, value, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_settings_read(cli_settings *settings, int argc, char **argv,
                                  clipspan_error *err)
{
    parser p = {settings, argc, 1, argv, {0}};
    int options = 1;
    for (; p.at < argc; p.at++) {
        const char *word = argv[p.at];
        if (!options || word[0] != '-' || strcmp(word, "-") == 0 || strcmp(word, "-0") == 0)
            CS_TRY(read_argument(&p, word, err));
        else if (strcmp(word, "--") == 0)
            options = 0;
        else if (word[1] == '-')
            CS_TRY(read_long(&p, word + 2, err));
        else
            CS_TRY(read_letters(&p, word + 1, err));
    }
    CS_TRY(read_environment(&p, err));
    CS_TRY(check_level(err));
    if (settings->json + settings->tsv + settings->table > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--json, --tsv and --table exclude each other: choose one");
    return CLIPSPAN_OK;
}

void cli_settings_fini(cli_settings *settings)
{
    cs_free(settings->target.items);
    cs_free(settings->against.items);
    cs_free(settings->like.items);
    cs_free(settings->unlike.items);
    cs_free(settings->arguments.items);
    cs_free(settings->text.items);
    cs_free(settings->class_names.items);
    cs_free(settings->also.items);
    cs_free(settings->sets.items);
    memset(settings, 0, sizeof *settings);
}
