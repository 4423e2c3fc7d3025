/* SPDX-License-Identifier: MIT */
/* A query and the reasons of a hit as readers see them. */
#include <stdio.h>

#include "base/file.h"
#include "study/hits.h"

void cs_hits_describe(char *out, size_t room, const cs_hits *h)
{
    size_t used = 0, i, g;
    for (i = 0; i < h->info.items && used < room; i++) {
        const clipspan_query_item *item = &h->items[i];
        used += (size_t)snprintf(out + used, room - used, "%s%s%s", i ? ", " : "",
                                 item->is_text        ? "text "
                                 : item->weight < 0.0 ? "not like "
                                                      : "like ",
                                 item->is_text ? item->name : cs_path_name(item->name));
    }
    for (g = 0; g < h->info.groups && used < room; g++) {
        used += (size_t)snprintf(out + used, room - used, "%s%s", g ? ", " : "; by ",
                                 h->groups[g].name);
        if (h->groups[g].weight != 1.0 && used < room)
            used += (size_t)snprintf(out + used, room - used, " times %.3g", h->groups[g].weight);
    }
}

void cs_hits_explain(char *out, size_t room, const clipspan_hits_row *row)
{
    size_t used = 0, k;
    out[0] = '\0';
    for (k = 0; k < row->contribution_count && k < CS_HITS_PARTS && used < room; k++)
        used += (size_t)snprintf(out + used, room - used, "%sL%d.H%d %.3g", k ? ", " : "",
                                 row->contributions[k].head.layer, row->contributions[k].head.head,
                                 row->contributions[k].contribution);
}
