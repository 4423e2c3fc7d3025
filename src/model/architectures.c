/* SPDX-License-Identifier: MIT */
/* Facts about published models: OpenCLIP's model_configs (sizes) and pretrained.py (tags,
 * repositories, activation, preprocessing) as of open_clip 3. Only plain CLIP vision transformers
 * with the standard text encoder are listed. The tag laion400m_e32 of ViT-B-16-plus-240 is left
 * out: the repository that OpenCLIP names for it holds epoch 31. */
#include "model/architectures.h"

#include <string.h>

#include "base/nearest.h"

static const cs_architecture architectures[] = {
    /* name, embed, image, patch | layers, width, head width, MLP | text layers, width, heads */
    {"ViT-B-32", 512, 224, 32, 12, 768, 64, 3072, 12, 512, 8},
    {"ViT-B-32-256", 512, 256, 32, 12, 768, 64, 3072, 12, 512, 8},
    {"ViT-B-16", 512, 224, 16, 12, 768, 64, 3072, 12, 512, 8},
    {"ViT-B-16-plus-240", 640, 240, 16, 12, 896, 64, 3584, 12, 640, 10},
    {"ViT-L-14", 768, 224, 14, 24, 1024, 64, 4096, 12, 768, 12},
    {"ViT-L-14-336", 768, 336, 14, 24, 1024, 64, 4096, 12, 768, 12},
    {"ViT-H-14", 1024, 224, 14, 32, 1280, 80, 5120, 24, 1024, 16},
    {"ViT-H-14-378", 1024, 378, 14, 32, 1280, 80, 5120, 24, 1024, 16},
    {"ViT-g-14", 1024, 224, 14, 40, 1408, 88, 6144, 24, 1024, 16},
    {"ViT-bigG-14", 1280, 224, 14, 48, 1664, 104, 8192, 32, 1280, 20},
};

static const cs_known_checkpoint known[] = {
    /* architecture, tag, repository, Hugging Face twin, QuickGELU, preprocessing */
    {"ViT-B-32", "openai", "timm/vit_base_patch32_clip_224.openai", "openai/clip-vit-base-patch32",
     1, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "laion400m_e31", "timm/vit_base_patch32_clip_224.laion400m_e31", NULL, 1,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "laion400m_e32", "timm/vit_base_patch32_clip_224.laion400m_e32", NULL, 1,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "laion2b_e16", "timm/vit_base_patch32_clip_224.laion2b_e16", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "laion2b_s34b_b79k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "datacomp_xl_s13b_b90k", "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "datacomp_m_s128m_b4k", "laion/CLIP-ViT-B-32-DataComp.M-s128M-b4K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_m_clip_s128m_b4k", "laion/CLIP-ViT-B-32-CommonPool.M.clip-s128M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_m_laion_s128m_b4k", "laion/CLIP-ViT-B-32-CommonPool.M.laion-s128M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_m_image_s128m_b4k", "laion/CLIP-ViT-B-32-CommonPool.M.image-s128M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_m_text_s128m_b4k", "laion/CLIP-ViT-B-32-CommonPool.M.text-s128M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_m_basic_s128m_b4k", "laion/CLIP-ViT-B-32-CommonPool.M.basic-s128M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_m_s128m_b4k", "laion/CLIP-ViT-B-32-CommonPool.M-s128M-b4K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "datacomp_s_s13m_b4k", "laion/CLIP-ViT-B-32-DataComp.S-s13M-b4K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_s_clip_s13m_b4k", "laion/CLIP-ViT-B-32-CommonPool.S.clip-s13M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_s_laion_s13m_b4k", "laion/CLIP-ViT-B-32-CommonPool.S.laion-s13M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_s_image_s13m_b4k", "laion/CLIP-ViT-B-32-CommonPool.S.image-s13M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_s_text_s13m_b4k", "laion/CLIP-ViT-B-32-CommonPool.S.text-s13M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_s_basic_s13m_b4k", "laion/CLIP-ViT-B-32-CommonPool.S.basic-s13M-b4K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-32", "commonpool_s_s13m_b4k", "laion/CLIP-ViT-B-32-CommonPool.S-s13M-b4K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "metaclip_400m", "timm/vit_base_patch32_clip_224.metaclip_400m", NULL, 1,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32", "metaclip_fullcc", "timm/vit_base_patch32_clip_224.metaclip_2pt5b", NULL, 1,
     CS_KNOWN_DEFAULT},
    {"ViT-B-32-256", "datacomp_s34b_b86k", "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K", NULL,
     0, CS_KNOWN_DEFAULT},
    {"ViT-B-16", "openai", "timm/vit_base_patch16_clip_224.openai", "openai/clip-vit-base-patch16",
     1, CS_KNOWN_DEFAULT},
    {"ViT-B-16", "laion400m_e31", "timm/vit_base_patch16_clip_224.laion400m_e31", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-16", "laion400m_e32", "timm/vit_base_patch16_clip_224.laion400m_e32", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-16", "laion2b_s34b_b88k", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-16", "datacomp_xl_s13b_b90k", "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-16", "datacomp_l_s1b_b8k", "laion/CLIP-ViT-B-16-DataComp.L-s1B-b8K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-16", "commonpool_l_clip_s1b_b8k", "laion/CLIP-ViT-B-16-CommonPool.L.clip-s1B-b8K", NULL,
     0, CS_KNOWN_DEFAULT},
    {"ViT-B-16", "commonpool_l_laion_s1b_b8k", "laion/CLIP-ViT-B-16-CommonPool.L.laion-s1B-b8K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-16", "commonpool_l_image_s1b_b8k", "laion/CLIP-ViT-B-16-CommonPool.L.image-s1B-b8K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-16", "commonpool_l_text_s1b_b8k", "laion/CLIP-ViT-B-16-CommonPool.L.text-s1B-b8K", NULL,
     0, CS_KNOWN_DEFAULT},
    {"ViT-B-16", "commonpool_l_basic_s1b_b8k", "laion/CLIP-ViT-B-16-CommonPool.L.basic-s1B-b8K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-B-16", "commonpool_l_s1b_b8k", "laion/CLIP-ViT-B-16-CommonPool.L-s1B-b8K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-B-16", "dfn2b", "apple/DFN2B-CLIP-ViT-B-16", NULL, 1, CS_KNOWN_DEFAULT},
    {"ViT-B-16", "metaclip_400m", "timm/vit_base_patch16_clip_224.metaclip_400m", NULL, 1,
     CS_KNOWN_DEFAULT},
    {"ViT-B-16", "metaclip_fullcc", "timm/vit_base_patch16_clip_224.metaclip_2pt5b", NULL, 1,
     CS_KNOWN_DEFAULT},
    {"ViT-B-16-plus-240", "laion400m_e31", "timm/vit_base_patch16_plus_clip_240.laion400m_e31",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-L-14", "openai", "timm/vit_large_patch14_clip_224.openai",
     "openai/clip-vit-large-patch14", 1, CS_KNOWN_DEFAULT},
    {"ViT-L-14", "laion400m_e31", "timm/vit_large_patch14_clip_224.laion400m_e31", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-L-14", "laion400m_e32", "timm/vit_large_patch14_clip_224.laion400m_e32", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-L-14", "laion2b_s32b_b82k", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", NULL, 0,
     CS_KNOWN_INCEPTION},
    {"ViT-L-14", "datacomp_xl_s13b_b90k", "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-L-14", "commonpool_xl_clip_s13b_b90k", "laion/CLIP-ViT-L-14-CommonPool.XL.clip-s13B-b90K",
     NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-L-14", "commonpool_xl_laion_s13b_b90k",
     "laion/CLIP-ViT-L-14-CommonPool.XL.laion-s13B-b90K", NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-L-14", "commonpool_xl_s13b_b90k", "laion/CLIP-ViT-L-14-CommonPool.XL-s13B-b90K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-L-14", "metaclip_400m", "timm/vit_large_patch14_clip_224.metaclip_400m", NULL, 1,
     CS_KNOWN_DEFAULT},
    {"ViT-L-14", "metaclip_fullcc", "timm/vit_large_patch14_clip_224.metaclip_2pt5b", NULL, 1,
     CS_KNOWN_DEFAULT},
    {"ViT-L-14", "dfn2b", "apple/DFN2B-CLIP-ViT-L-14", NULL, 1, CS_KNOWN_DEFAULT},
    {"ViT-L-14", "dfn2b_s39b", "apple/DFN2B-CLIP-ViT-L-14-39B", NULL, 0, CS_KNOWN_DEFAULT},
    {"ViT-L-14-336", "openai", "timm/vit_large_patch14_clip_336.openai",
     "openai/clip-vit-large-patch14-336", 1, CS_KNOWN_DEFAULT},
    {"ViT-H-14", "laion2b_s32b_b79k", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-H-14", "metaclip_fullcc", "timm/vit_huge_patch14_clip_224.metaclip_2pt5b", NULL, 1,
     CS_KNOWN_DEFAULT},
    {"ViT-H-14", "metaclip_altogether", "timm/vit_huge_patch14_clip_224.metaclip_altogether", NULL,
     0, CS_KNOWN_DEFAULT},
    {"ViT-H-14", "dfn5b", "apple/DFN5B-CLIP-ViT-H-14", NULL, 1, CS_KNOWN_SQUASH},
    {"ViT-H-14-378", "dfn5b", "apple/DFN5B-CLIP-ViT-H-14-378", NULL, 1, CS_KNOWN_SQUASH},
    {"ViT-g-14", "laion2b_s12b_b42k", "laion/CLIP-ViT-g-14-laion2B-s12B-b42K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-g-14", "laion2b_s34b_b88k", "laion/CLIP-ViT-g-14-laion2B-s34B-b88K", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-bigG-14", "laion2b_s39b_b160k", "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k", NULL, 0,
     CS_KNOWN_DEFAULT},
    {"ViT-bigG-14", "metaclip_fullcc", "timm/vit_gigantic_patch14_clip_224.metaclip_2pt5b", NULL, 1,
     CS_KNOWN_DEFAULT},
};

#define ARCHITECTURES (sizeof architectures / sizeof *architectures)
#define KNOWN         (sizeof known / sizeof *known)

static const char suffix[] = "-quickgelu";

/* Length of name without the suffix. */
static size_t stem_length(const char *name)
{
    size_t n = strlen(name), m = sizeof suffix - 1;
    return n > m && strcmp(name + n - m, suffix) == 0 ? n - m : n;
}

const cs_architecture *cs_architecture_find(const char *name, int *quick_gelu)
{
    size_t n = stem_length(name), i;
    *quick_gelu = name[n] != '\0';
    for (i = 0; i < ARCHITECTURES; i++)
        if (strlen(architectures[i].name) == n && strncmp(architectures[i].name, name, n) == 0)
            return &architectures[i];
    return NULL;
}

const char *cs_architecture_nearest(const char *name)
{
    const char *names[ARCHITECTURES];
    size_t i;
    for (i = 0; i < ARCHITECTURES; i++)
        names[i] = architectures[i].name;
    return cs_nearest(name, names, ARCHITECTURES);
}

static int same_tag(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a == '-' ? '_' : *a, y = *b;
        if (x >= 'A' && x <= 'Z') x = (char)(x + 32);
        if (x != y) return 0;
    }
    return *a == *b;
}

const cs_known_checkpoint *cs_known_find(const char *architecture, const char *tag)
{
    size_t n = stem_length(architecture), i;
    for (i = 0; i < KNOWN; i++)
        if (strlen(known[i].architecture) == n &&
            strncmp(known[i].architecture, architecture, n) == 0 && same_tag(tag, known[i].tag) &&
            (architecture[n] == '\0' || known[i].quick_gelu))
            return &known[i];
    return NULL;
}

const cs_known_checkpoint *cs_known_by_repository(const char *repository)
{
    size_t i;
    for (i = 0; i < KNOWN; i++)
        if (strcmp(known[i].repository, repository) == 0) return &known[i];
    return NULL;
}

const char *cs_known_tag(const char *architecture, size_t index)
{
    size_t n = stem_length(architecture), i;
    for (i = 0; i < KNOWN; i++) {
        if (strlen(known[i].architecture) != n ||
            strncmp(known[i].architecture, architecture, n) != 0)
            continue;
        if (index-- == 0) return known[i].tag;
    }
    return NULL;
}
