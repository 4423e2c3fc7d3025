/* SPDX-License-Identifier: MIT */
/* Atlases as tables, rows and documents. */
#ifndef CLIPSPAN_CLI_ATLAS_OUT_H
#define CLIPSPAN_CLI_ATLAS_OUT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/out/json_out.h"
#include "cli/out/table.h"

/* The heads to show: places among the atlas's heads. */
typedef struct cli_head_list {
    size_t *at;
    size_t count;
    int chosen; /* by --heads: shown in full */
    int all;    /* those of little effect too */
} cli_head_list;

/* Those of `names`, or all (NULL). at is given back with cs_free. Errors: ARGUMENT. */
clipspan_status cli_head_list_read(cli_head_list *list, const char *names,
                                   const clipspan_atlas *atlas, clipspan_error *err);

/* The whole answer of span, of roles and of atlas in the form that was asked for. */
clipspan_status cli_atlas_show_span(const cli_session *session, const clipspan_atlas *atlas,
                                    const cli_head_list *list, clipspan_error *err);
clipspan_status cli_atlas_show_roles(const cli_session *session, const clipspan_atlas *atlas,
                                     const cli_head_list *list, int of_atlas, clipspan_error *err);

/* One JSON document: facts, layers, heads; basis texts too with `basis_texts`. */
void cli_atlas_json(const clipspan_atlas *atlas, const cli_head_list *list, const char *schema,
                    int basis_texts);

/* The object `outcomes`: heads by outcome. */
void cli_atlas_json_outcomes(cli_json *json, const clipspan_atlas_info *info);

/* Tab-separated rows with a header: a row a basis text, a row a head. */
void cli_atlas_tsv_basis_texts(const cli_session *s, const clipspan_atlas *atlas,
                               const cli_head_list *list);
void cli_atlas_tsv_roles(const cli_session *s, const clipspan_atlas *atlas,
                         const cli_head_list *list);

/* What tables of heads share: what was looked at, in a line; cells with a head's name, a share ("–"
 * below 0), a bar as long as its share of `full`; and which heads of the list a table leaves out:
 * those of little effect, and `others`. Errors: NOMEM. */
void cli_atlas_print_subject(const cli_session *session, const clipspan_atlas *atlas);
clipspan_status cli_atlas_add_name(cli_table *table, clipspan_head head, clipspan_error *err);
clipspan_status cli_atlas_add_share(cli_table *table, const cli_session *session, double share,
                                    clipspan_error *err);
clipspan_status cli_atlas_add_bar(cli_table *table, const cli_session *session, double share,
                                  double full, clipspan_error *err);
void cli_atlas_say_minor(const cli_session *session, const clipspan_atlas *atlas,
                         const cli_head_list *list, size_t others);

#endif
