/* SPDX-License-Identifier: MIT */
/* clipspan status: what is done of a run, skipped and left, by shard and by reason. */
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <stdio.h>
#include <string.h>

#define SHARDS_MOST 1000000

typedef struct {
    uint64_t shards;
    int array;
} settings;

typedef struct status_job {
    cli_session *s;
    const clipspan_run_info *info;
    clipspan_shard_progress *shards; /* [count] */
    uint64_t count;
    clipspan_shard_progress all;
} status_job;

static uint64_t skipped_of(const clipspan_shard_progress *p)
{
    uint64_t sum = 0;
    for (int r = 0; r < CLIPSPAN_SKIP_REASONS; r++)
        sum += p->skipped[r];
    return sum;
}

static uint64_t left_of(const clipspan_shard_progress *p)
{
    return p->images - p->used - skipped_of(p);
}

static void add_up(status_job *j)
{
    for (uint64_t i = 0; i < j->count; i++) {
        const clipspan_shard_progress *p = &j->shards[i];
        j->all.chunks += p->chunks;
        j->all.chunks_done += p->chunks_done;
        j->all.images += p->images;
        j->all.used += p->used;
        for (int r = 0; r < CLIPSPAN_SKIP_REASONS; r++)
            j->all.skipped[r] += p->skipped[r];
    }
}

/* ---- For the next submission ---- */

/* "3,7-9": shards that have work left. */
static void show_array(const status_job *j)
{
    int any = 0;
    for (uint64_t i = 0; i < j->count; i++) {
        uint64_t end = i;
        if (!left_of(&j->shards[i])) continue;
        while (end + 1 < j->count && left_of(&j->shards[end + 1]))
            end++;
        printf(end > i ? "%s%llu-%llu" : "%s%llu", any ? "," : "", (unsigned long long)i + 1,
               (unsigned long long)end + 1);
        any = 1;
        i = end;
    }
    if (any) printf("\n");
}

/* ---- Tables ---- */

/* "3 missing, 1 damaged" */
static void name_reasons(char *out, size_t room, const clipspan_shard_progress *p)
{
    size_t used = 0;
    *out = '\0';
    for (int r = 0; r < CLIPSPAN_SKIP_REASONS; r++)
        if (p->skipped[r] && used < room)
            used += (size_t)snprintf(out + used, room - used, "%s%llu %s", used ? ", " : "",
                                     (unsigned long long)p->skipped[r], clipspan_skip_reason(r));
}

static clipspan_status add_row(cli_table *table, const char *name, const clipspan_shard_progress *p,
                               clipspan_error *err)
{
    char share[CLI_NUMBER_ROOM] = "–", used[CLI_NUMBER_ROOM], left[CLI_NUMBER_ROOM], reasons[200];
    const uint64_t done = p->images - left_of(p);
    if (p->images) cli_format_percent(share, (double)done / (double)p->images);
    cli_format_count(used, p->used);
    cli_format_count(left, left_of(p));
    name_reasons(reasons, sizeof reasons, p);
    CS_TRY(cli_table_add(table, name, err));
    CS_TRY(cli_table_add(table, share, err));
    CS_TRY(cli_table_add(table, used, err));
    CS_TRY(cli_table_add(table, left, err));
    return cli_table_add(table, reasons, err);
}

static void show_next(const status_job *j)
{
    const char *path = j->info->path;
    if (j->info->merged)
        cli_say(j->s, "merged: complete");
    else if (left_of(&j->all) == 0)
        cli_say(j->s, "all shards are done; next: clipspan merge %s", path);
    else
        cli_say(j->s, "not complete; clipspan scan %s goes on from here", path);
}

static clipspan_status show_table(const status_job *j, clipspan_error *err)
{
    clipspan_status status;
    cli_table table;
    char name[48];
    cli_table_init(&table, "shard|>done|>used|>left|skipped");
    for (uint64_t i = 0; i < j->count && j->count > 1; i++) {
        snprintf(name, sizeof name, "%llu/%llu", (unsigned long long)i + 1,
                 (unsigned long long)j->count);
        CS_TRY_DONE(add_row(&table, name, &j->shards[i], err));
    }
    CS_TRY_DONE(add_row(&table, "all", &j->all, err));
    cli_table_print(&table, j->s, stdout);
    status = CLIPSPAN_OK;
    show_next(j);
done:
    cli_table_fini(&table);
    return status;
}

/* ---- Documents ---- */

static void put_counts(cli_json *json, const clipspan_shard_progress *p)
{
    cli_json_whole(json, "images", p->images);
    cli_json_whole(json, "used", p->used);
    cli_json_whole(json, "skipped", skipped_of(p));
    cli_json_whole(json, "left", left_of(p));
    cli_json_whole(json, "chunks", p->chunks);
    cli_json_whole(json, "chunks_done", p->chunks_done);
    cli_json_object(json, "reasons");
    for (int r = 0; r < CLIPSPAN_SKIP_REASONS; r++) {
        char key[32];
        snprintf(key, sizeof key, "%s", clipspan_skip_reason(r));
        for (char *c = key; *c; c++)
            if (*c == ' ') *c = '_';
        cli_json_whole(json, key, p->skipped[r]);
    }
    cli_json_end(json);
}

static void show_json(const status_job *j)
{
    cli_json json;
    cli_json_begin(&json, stdout, 0, "clipspan.status.v1");
    cli_json_text(&json, "run", j->info->path);
    cli_json_flag(&json, "merged", j->info->merged);
    put_counts(&json, &j->all);
    cli_json_array(&json, "shards");
    for (uint64_t i = 0; i < j->count; i++) {
        cli_json_object(&json, NULL);
        cli_json_whole(&json, "shard", i + 1);
        put_counts(&json, &j->shards[i]);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* A row a shard. */
static void show_tsv(const status_job *j)
{
    printf("shard\tshards\timages\tused\tskipped\tleft");
    for (int r = 0; r < CLIPSPAN_SKIP_REASONS; r++)
        printf("\t%s", clipspan_skip_reason(r));
    printf("\n");
    for (uint64_t i = 0; i < j->count; i++) {
        const clipspan_shard_progress *p = &j->shards[i];
        printf("%llu\t%llu\t%llu\t%llu\t%llu\t%llu", (unsigned long long)i + 1,
               (unsigned long long)j->count, (unsigned long long)p->images,
               (unsigned long long)p->used, (unsigned long long)skipped_of(p),
               (unsigned long long)left_of(p));
        for (int r = 0; r < CLIPSPAN_SKIP_REASONS; r++)
            printf("\t%llu", (unsigned long long)p->skipped[r]);
        printf("\n");
    }
}

/* ---- The command ---- */

static clipspan_status read_run(status_job *j, const clipspan_run *run, clipspan_error *err)
{
    clipspan_progress progress = {cli_progress_step, j->s};
    clipspan_status status;
    j->info = clipspan_run_get_info(run);
    j->shards = cs_alloc_zero((size_t)j->count, sizeof *j->shards, "shards", err);
    if (!j->shards) return CLIPSPAN_E_NOMEM;
    cli_progress_begin(j->s, "shards");
    status = clipspan_run_read_progress(j->shards, 1, j->count, j->count, run, &progress, err);
    cli_progress_end(j->s);
    return status;
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    status_job j = {.s = s, .count = x->shards ? x->shards : 1};
    clipspan_run *run;
    clipspan_status status;
    if (x->array && !x->shards)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--array lists shards that have work left: say how many there are with "
                       "--shards N");
    CS_TRY(clipspan_run_open(&run, s->arguments.items[0], err));
    CS_TRY_DONE(read_run(&j, run, err));
    add_up(&j);
    if (x->array)
        show_array(&j);
    else if (s->form == CLI_FORM_TABLE)
        status = show_table(&j, err);
    else if (s->form == CLI_FORM_JSON)
        show_json(&j);
    else
        show_tsv(&j);
done:
    cs_free(j.shards);
    clipspan_run_close(&run);
    return status;
}

static const cli_option options[] = {
    CLI_WHOLE("Run", "shards", 0, "N", "the shards as scan --shard I/N has them (default: 1)",
              shards, 1, SHARDS_MOST),
    CLI_FLAG("Run", "array", 0,
             "only the list of shards that have work left, such as 3,7-9, for the next array: with "
             "Slurm sbatch --array=$(clipspan status RUN --shards N --array); nothing when none "
             "has",
             array),
    CLI_OPT_FORM,
};

const cli_command cli_status = {
    .name = "status",
    .usage = "RUN [--shards N [--array]]",
    .summary = "what is done of a run, skipped and left",
    .about = "Counts the images of a planned run that were scanned, skipped (by reason) and are "
             "left, in all and for each of N shards, from the files that the shards wrote: it can "
             "be called while they work, on any machine that sees the folder, and takes no lock.",
    .examples = "clipspan status run\tin all\n"
                "clipspan status run --shards 64\tby shard\n"
                "sbatch --array=$(clipspan status run --shards 64 --array) job.sh\tthe rest again",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
