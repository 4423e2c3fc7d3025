/* SPDX-License-Identifier: MIT */
/* Models, head lists and texts of the paper's tables. */
#include "cli/reproduce/published.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Head lists of the Waterbirds experiment: those called geographic first, then those of settings.
 * ViT-L-14's list names L22.H12 in both halves. */
static const cli_paper_model models[] = {
    {"ViT-B-16", "ViT-B-16/laion2b_s34b_b88k", 12, 12, 64, 512, 16,
     "L11.H6,L11.H0,L11.H3,L10.H11,L10.H10,L9.H8,L9.H6"},
    {"ViT-L-14", "ViT-L-14/laion2b_s32b_b82k", 24, 16, 64, 768, 14,
     "L21.H1,L22.H12,L22.H13,L21.H11,L21.H14,L23.H6,L21.H3,L21.H6,L21.H8,L21.H13,L22.H2,L22.H12,"
     "L22.H15,L23.H1,L23.H3,L23.H5"},
    {"ViT-H-14", "ViT-H-14/laion2b_s32b_b79k", 32, 16, 80, 1024, 14,
     "L31.H8,L30.H15,L30.H12,L30.H6,L29.H14,L29.H8,L31.H12,L30.H11,L29.H4"},
};

static const cli_paper_table tables[] = {
    {"mlp-ablation", "Table 1", "accuracy with all MLPs mean-ablated", CLI_DATA_IMAGENET,
     "ViT-L-14", 50000,
     "No source for the published figures of this table could be read, so none are shown."},
    {"layers", "Figure 2", "accuracy with attention mean-ablated, by layer", CLI_DATA_IMAGENET,
     "ViT-L-14", 50000,
     "Published as a curve, without numbers: it stays high until the last four layers and falls "
     "there. MLPs are kept."},
    {"texts", "Figure 3", "accuracy with heads replaced by their texts", CLI_DATA_IMAGENET,
     "ViT-L-14", 50000,
     "Published as a curve, without numbers; the figures for 60 texts were measured by others, who "
     "ran the published program with its pool image_descriptions_general.txt (--texts) and an "
     "unknown classifier. Earlier heads are mean-ablated, MLPs are kept."},
    {"waterbirds", "Table 3", "worst group with place heads mean-ablated", CLI_DATA_WATERBIRDS,
     "ViT-L-14", 5794,
     "Means are those of the test images themselves. The rest, which the published program "
     "mean-ablates besides the listed heads, is all MLP contributions and all heads before the "
     "last four layers. The paper does not say whether its random row includes the rest, so both "
     "are shown."},
    {"segmentation", "Table 4", "zero-shot masks of ImageNet-Segmentation", CLI_DATA_MASKS,
     "ViT-B-16", 4276,
     "The published table does not name its model; other tables with the same rows say ViT-B-16. "
     "Published masks are squashed to a square while images are cropped; aligned ones are not. The "
     "class is the one that the model predicts, the threshold the map's mean."},
    {"roles", "Table 2", "first five texts of nine heads", CLI_DATA_IMAGENET, "ViT-L-14", 50000,
     "The published texts come from the pool image_descriptions_general.txt (--texts); other pools "
     "give other texts."},
};

/* Table 2, from the project page; texts as the published pool spells them. */
static const cli_paper_role roles[] = {
    {21,
     11,
     "geo-locations",
     {"Photo captured in the Arizona desert", "Image taken in Alberta, Canada",
      "Photo taken in Rio de Janeiro, Brazil", "Image taken in Cyprus",
      "Photo taken in Seoul, South Korea"}},
    {23,
     10,
     "counting",
     {"Image with six subjects", "Image with a four people", "An image of the number 3",
      "An image of the number 10", "The number fifteen"}},
    {22,
     8,
     "letters",
     {"A photo with the letter V", "A photo with the letter F", "A photo with the letter D",
      "A photo with the letter T", "A photo with the letter X"}},
    {22,
     11,
     "colors",
     {"A charcoal gray color", "Sepia-toned photograph", "Minimalist white backdrop",
      "High-contrast black and white", "Image with a red color"}},
    {22,
     6,
     "animals",
     {"Curious wildlife", "Majestic soaring birds", "An image with dogs", "Image with a dragonfly",
      "An image with cats"}},
    {22, 3, "objects", {"An image of legs", "A jacket", "A helmet", "A scarf", "A table"}},
    {23,
     12,
     "textures",
     {"Artwork with pointillism technique", "Artwork with woven basket design",
      "Artwork featuring barcode arrangement", "Image with houndstooth patterns",
      "Image with quilted fabric patterns"}},
    {22,
     1,
     "shapes",
     {"A semicircular arch", "An isosceles triangle", "An oval", "Rectangular object", "A sphere"}},
    {22,
     2,
     "locations",
     {"Urban park greenery", "cozy home interior", "Urban subway station", "Energetic street scene",
      "Tranquil boating on a lake"}},
};

const cli_paper_table *cli_paper_tables(size_t *count)
{
    *count = COUNT(tables);
    return tables;
}

const cli_paper_model *cli_paper_models(size_t *count)
{
    *count = COUNT(models);
    return models;
}

const cli_paper_model *cli_paper_model_named(const char *name)
{
    for (size_t i = 0; i < COUNT(models); i++)
        if (strcmp(models[i].name, name) == 0) return &models[i];
    return NULL;
}

const cli_paper_role *cli_paper_roles(size_t *count)
{
    *count = COUNT(roles);
    return roles;
}
