/* SPDX-License-Identifier: MIT */
/* What an edit may ask for, and the order of writing. */
#include "model/checkpoint_edit.h"
#include "base/file.h"
#include "base/memory.h"

#include <string.h>

clipspan_status cs_checkpoint_edit_check(const cs_checkpoint *checkpoint,
                                         const cs_checkpoint_edit *edit, clipspan_error *err)
{
    const cs_config *config = cs_checkpoint_config(checkpoint);
    const int L = config->image.layers, H = config->image.heads;
    int all = 0, layer, head;
    for (layer = 0; layer < L; layer++) {
        int here = 0;
        for (head = 0; head < H; head++) {
            if (!edit->chosen[layer * H + head]) continue;
            here++;
            if (!cs_config_has_head(config, layer, head))
                return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, cs_checkpoint_name(checkpoint),
                                  "has no head L%d.H%d any more: it was removed before", layer,
                                  head);
        }
        if (edit->remove && here == cs_config_heads(config, layer))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "all %d heads of layer %d would be removed, and a layer needs one; keep "
                           "one, or keep the layout (--zero), where all may be mean-ablated",
                           here, layer);
        all += here;
    }
    for (size_t i = 0; i < edit->head_count; i++)
        if (!cs_config_has_head(config, edit->heads[i].layer, edit->heads[i].head))
            return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, cs_checkpoint_name(checkpoint),
                              "has no head L%d.H%d any more: it was removed before",
                              edit->heads[i].layer, edit->heads[i].head);
    if (!all && !edit->head_count && !edit->projection)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "no head is chosen");
    return CLIPSPAN_OK;
}

clipspan_status cs_edit_path(char **path, const char *folder, const cs_checkpoint *checkpoint,
                             const char *original, clipspan_error *err)
{
    const char *base = cs_checkpoint_folder(checkpoint), *name = cs_path_name(original);
    const size_t length = strlen(base);
    clipspan_status status;
    char *parent;
    if (length && strncmp(original, base, length) == 0 && original[length] == '/')
        name = original + length;
    while (*name == '/')
        name++;
    *path = cs_path_join(folder, name, err);
    parent = *path ? cs_path_folder(*path, err) : NULL;
    status = parent ? cs_make_folder(parent, err) : CLIPSPAN_E_NOMEM;
    cs_free(parent);
    if (status == CLIPSPAN_OK) return CLIPSPAN_OK;
    cs_free(*path);
    *path = NULL;
    return status;
}

clipspan_status cs_checkpoint_write(const char *folder, const cs_checkpoint *checkpoint,
                                    const cs_checkpoint_edit *edit,
                                    const clipspan_progress *progress, clipspan_error *err)
{
    CS_TRY(cs_checkpoint_edit_check(checkpoint, edit, err));
    CS_TRY(cs_edit_files(folder, checkpoint, edit, err));
    return cs_edit_tensors(folder, checkpoint, edit, progress, err);
}
