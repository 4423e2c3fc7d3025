/* SPDX-License-Identifier: MIT */
/* Facts of this call beside those of an index. */
#include "base/memory.h"
#include "run/identity.h"

#include <string.h>

/* What to do about a difference, beside choosing another folder. */
static const char *advice(const char *key)
{
    if (strcmp(key, "cpu") == 0)
        return "; CLIPSPAN_CPU forces a CPU down to a lower level, for plan and scan alike";
    if (strcmp(key, "version") == 0 || strcmp(key, "product") == 0)
        return "; all machines of a run need the same libraries";
    return "";
}

clipspan_status cs_identity_differs(const char *path, const char *key, const char *there,
                                    const char *here, clipspan_status code, clipspan_error *err)
{
    return cs_fail_at(err, code, path,
                      "is a run with %s \"%.200s\"; this call has \"%.200s\". Choose another "
                      "folder, or start over with --force%s",
                      key, there, here, advice(key));
}

clipspan_status cs_identity_compare(const cs_identity *identity, cs_index *index,
                                    clipspan_status code, const char *path, clipspan_error *err)
{
    for (size_t i = 0; i < identity->count; i++) {
        const cs_fact *fact = &identity->facts[i];
        clipspan_status status = CLIPSPAN_OK;
        char *there;
        if (!fact->binding) continue;
        CS_TRY(cs_index_fact(&there, index, fact->key, err));
        if (!there || strcmp(there, fact->value) != 0)
            status = cs_identity_differs(path, fact->key, there ? there : "(none)", fact->value,
                                         code, err);
        cs_free(there);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}
