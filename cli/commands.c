/* SPDX-License-Identifier: MIT */
/* The command table. */
#include "commands.h"
#include "base/nearest.h"

#include <string.h>

static const cli_command table[] = {
    {CLI_INFO, "info", "MODEL", "what a checkpoint is, without reading its weights",
     "Shows layout, activation and what decided it, both towers, preprocessing, tokenizer and "
     "files. The whole tensor table is checked against the configuration; weights are read only "
     "with --check and --hash.\n"
     "MODEL is a folder (OpenCLIP or Hugging Face layout), a .safetensors file with its "
     "configuration beside it, or a name such as ViT-B-16/laion2b_s34b_b88k that is looked up in "
     "the local Hugging Face cache.",
     "clipspan info models/ViT-B-16\tthe summary\n"
     "clipspan info model.safetensors --config ViT-B-16 --check\ta bare file; its weights read "
     "once\n"
     "clipspan info models/ViT-B-16 --json | jq .image.layers\tone number",
     1, 1, cli_run_info},
    {CLI_EMBED, "embed",
     "MODEL INPUT... -o FILE.npy\nMODEL --text TEXT... -o FILE.npy\nMODEL --texts FILE -o "
     "FILE.npy\n"
     "MODEL --classes LIST|FILE -o FILE.npy",
     "embeddings of pictures or texts, or a classifier, as a NumPy array",
     "Writes float32 unit vectors, one a row, and FILE.rows.csv, which says what each row is.\n"
     "A picture that cannot be used has no row: it is skipped, counted, listed with its reason in "
     "FILE.rows.csv (its row is empty there), and the program ends with 3.\n"
     "INPUT is a picture, a folder (searched to any depth for .jpg .jpeg .jpe .jfif .png .webp; "
     "hidden files are left out), a .csv or .tsv file with a header, or - (-0) for paths on "
     "standard input, one a line (NUL-separated).",
     "clipspan embed MODEL --classes imagenet -o classifier.npy\ta classifier, a class a column, "
     "as "
     "the published programs read it\n"
     "clipspan embed MODEL photos/ -o photos.npy\tevery picture below a folder\n"
     "clipspan embed MODEL --text \"a dog\" --text \"a cat\" -o texts.npy\ttwo texts\n"
     "find . -name '*.jpg' -print0 | clipspan embed MODEL -0 -o all.npy\ta list",
     1, SIZE_MAX, cli_run_embed},
    {CLI_CLASSIFY, "classify", "MODEL INPUT... --classes LIST|FILE",
     "zero-shot classification, accuracy when labels are known",
     "Compares every picture with every class, each class being the mean of its name in many "
     "sentences (--templates). Probabilities use the checkpoint's own logit scale.\n"
     "With --labels it gives top-1 and top-5 accuracy and the accuracy of each class, with "
     "--groups also of each group and the worst; with 95 % intervals (Wilson).",
     "clipspan classify MODEL photo.jpg --classes \"cat,dog,horse\"\ta picture\n"
     "clipspan classify MODEL val/ --classes names.txt --labels folder -o val.csv\taccuracy; "
     "folders are labels\n"
     "clipspan classify MODEL birds.csv --classes birds.txt --labels y --groups y,place\tworst "
     "group",
     2, SIZE_MAX, cli_run_classify},
    {CLI_PIXELS, "pixels", "MODEL INPUT... -o FILE.npy|FOLDER/",
     "what the image tower really sees: pixels after resize and crop",
     "Writes uint8 [N, height, width, 3], before mean and standard deviation, or a PNG a picture.",
     "clipspan pixels MODEL photo.jpg -o seen/\ta PNG to look at\n"
     "clipspan pixels MODEL photos/ -o pixels.npy\tan array to compare",
     2, SIZE_MAX, cli_run_pixels},
    {CLI_TOKENS, "tokens", "MODEL --text TEXT...\nMODEL --texts FILE",
     "token ids of texts, as the text tower gets them",
     "Gives each text's ids from start to end token, the pieces they stand for, and whether it "
     "was too long and cut.",
     "clipspan tokens MODEL --text \"a photo of a dog\"\tids and pieces\n"
     "clipspan tokens MODEL --texts pool.txt -o ids.npy\tan array [T, C] of int32",
     1, 1, cli_run_tokens},
    {CLI_SCAN, "scan", "MODEL INPUT... -o RUN\nRUN [--shard I/N|auto]",
     "forward passes once; leaves a run: exact statistics and codes of every head",
     "Runs every picture through the image tower once and keeps, in the folder RUN, what every "
     "later question needs: statistics of each head, k + 3 numbers a picture and head (--codes), "
     "embeddings, and the list with what became of each picture.\n"
     "Pictures are taken 32 at a time. What is done is on disk at once: Ctrl-C ends after the "
     "chunks at work, a second one at once, and the same call goes on where it was. Another model, "
     "option or list is refused with both values, unless --force throws the old run away.\n"
     "scan RUN goes on with a run that plan made; with --shard it does one share, on any machine "
     "that sees the folder. clipspan merge adds the shares up; without --shard that is done at "
     "the end.\n"
     "The same bytes come out for any number of threads and shares, on one CPU level.",
     "clipspan scan MODEL photos/ -o run\tevery picture below a folder\n"
     "clipspan scan MODEL birds.csv --labels y --groups y,place -o run\tlabels and groups kept\n"
     "clipspan scan run --shard auto\tone task of a Slurm array, mpirun or an indexed job",
     1, SIZE_MAX, cli_run_scan},
    {CLI_PLAN, "plan", "MODEL INPUT... -o RUN",
     "fix the pictures and chunks of a run, for scan on many machines",
     "Makes the folder RUN and its index: the order of the pictures, cut into chunks of 32, and "
     "what the model is. No picture is opened. Then scan RUN --shard I/N does the shares, and "
     "merge RUN adds them up.",
     "clipspan plan MODEL photos/ -o run\tfirst\n"
     "parallel clipspan scan run --shard {}/8 ::: 1 2 3 4 5 6 7 8\tthen the shares\n"
     "clipspan merge run\tat last",
     2, SIZE_MAX, cli_run_plan},
    {CLI_MERGE, "merge", "RUN", "add up what the shares of a scan left",
     "Checks that every chunk is there and belongs to the run, adds the statistics along their "
     "tree, and notes in the index what became of each picture. Chunks that are missing are "
     "listed. Called again, it changes nothing.",
     "clipspan merge run\tafter all shares", 1, 1, cli_run_merge},
    {CLI_ATLAS, "atlas", "MODEL INPUT... -o RUN",
     "every head named, with evidence: scan, span, roles and report in one",
     "Runs every picture through the image tower once, finds for every attention head the texts "
     "that span what it writes, and says what the head is about and how far to trust that, here "
     "and in the page RUN/report.html. RUN keeps all of it: the same call on it goes on where it "
     "stopped, and other questions need no "
     "picture again.\n"
     "With --classes the page also says what each layer and head does for telling them apart "
     "(effects), by the labels of --labels where there are some.\n"
     "Roles are claimed only when they are stronger than chance and come back when pictures are "
     "drawn anew, which takes more than 480 of them.",
     "clipspan atlas MODEL photos/ -o run\tevery picture below a folder\n"
     "clipspan atlas MODEL photos/ -o run --layers last4 --texts pool.txt\tyour own texts\n"
     "clipspan atlas MODEL photos/ -o run --labels folder --classes names.txt\tand its effects",
     2, SIZE_MAX, cli_run_atlas},
    {CLI_SPAN, "span", "RUN", "the texts that span what each head writes (TEXTSPAN)",
     "From the statistics of a merged run alone: of a pool of texts the one along which a head's "
     "output varies most, then of what that leaves the next one, and so on. Beside it stands what "
     "as many texts without sense explain: a name is worth something when it beats them.\n"
     "The texts go through the model's text tower once; results stay in the run.",
     "clipspan span run\tevery head, the pool that comes with the program\n"
     "clipspan span run --heads L22.H11\tone head in full\n"
     "clipspan span run --texts words.txt --layers last4 --official picks.txt\tas published",
     1, 1, cli_run_span},
    {CLI_ROLES, "roles", "RUN", "what each head is about, and how far to trust it",
     "A head has a role when the category of its first picks is 1.5 times as strong as the next, "
     "stronger than in 95 of 100 relabellings of the pool, and its top text comes back in at least "
     "half of the resamples; mixed is said when two categories are stronger than chance.\n"
     "Without --texts it takes what span or atlas left last, and makes it when there is none.",
     "clipspan roles run\tthe clearest heads\n"
     "clipspan roles run --heads L22.H11,L23.H0\tthese, in full\n"
     "clipspan roles run --json\tall of them, every number",
     1, 1, cli_run_roles},
    {CLI_REPORT, "report", "RUN [-o FILE.html]", "one page about every head, for a browser",
     "Writes what span and roles found as one HTML file that loads nothing: the map of heads, "
     "direct effect by layer, and every head's texts with their evidence, and thumbnails of the "
     "pictures at both ends of each first text. It can be mailed, printed, and read without the "
     "run. What effects, ablate and shortcut found last on the run, or with its means, is in it "
     "too.\n"
     "Without --texts it takes what span or atlas left last, and makes it when there is none. "
     "Pictures that are gone have their name only.",
     "clipspan report run\treport.html in the run\n"
     "clipspan report run -o natural.html --no-pictures\tto give away, without pictures",
     1, 1, cli_run_report},
    {CLI_EFFECTS, "effects", "RUN --classes LIST|FILE",
     "what each layer, MLP and head does for a classification",
     "Classifies the pictures of a run again with terms at their means: the published sequence "
     "(nothing, all MLPs, the class token's attention to itself, both, attention of layers 0 to "
     "l), "
     "then every layer, MLP and head alone: accuracy, margin, worst group, and the share of what "
     "varies. With --texts also the model whose last heads are replaced by their texts.\n"
     "Nothing is run through the model but class names. Effects are direct: later layers would "
     "read what is changed here.",
     "clipspan effects run --classes imagenet\tthe published tables\n"
     "clipspan effects run --classes names.txt --texts general --picks 60\theads replaced by texts",
     1, 1, cli_run_effects},
    {CLI_ABLATE, "ablate",
     "RUN --heads L22.H11,...|FILE --classes LIST|FILE\nRUN --role NAME --classes LIST|FILE",
     "accuracy with chosen heads at their means, before and after",
     "Mean-ablates heads, layers and MLPs and gives accuracy over all, by class, by group and of "
     "the worst group, with intervals (Wilson; paired bootstrap for the change), beside random "
     "sets of as many heads. Labels and groups are those of the run, or columns of --from.",
     "clipspan ablate run --heads L11.H3,L10.H11 --mlps --before 8 --classes birds.txt\tas "
     "published\n"
     "clipspan ablate run --role location --mean train --classes birds.txt\tby role, means of "
     "other pictures",
     1, 1, cli_run_ablate},
    {CLI_SHORTCUT, "shortcut", "RUN --classes A,B [--cue \"T1|T2;T3|T4\"]",
     "through which heads a cue reaches a decision, and what to do about it",
     "For two classes and a suspected cue, ranks heads by how much of their say in the decision "
     "the cue explains and how little else it is; chooses among ablating them and taking the cue "
     "out of them, without labels; shows both beside two baselines, what it changes, and, where "
     "groups are known, what comes of it.\n"
     "Statistics and choice come from --mean RUN (or RUN itself), figures from RUN.",
     "clipspan shortcut test --mean train --classes birds.txt --cue \"water;forest\"\ta suspect\n"
     "clipspan shortcut test --mean train --classes birds.txt\tnone: cues are looked for",
     1, 1, cli_run_shortcut},
    {CLI_SURGERY, "surgery", "RUN --set TERM=VALUE... --classes LIST|FILE",
     "heads scaled, at their means or another picture's, and what comes of it",
     "Changes terms of every picture of a run in memory and classifies again: scores with -o, and "
     "accuracies as ablate gives them. Effects are direct.",
     "clipspan surgery run --set L22.H11=0 --set L22.H3=1.5 --classes names.txt\ttwo heads scaled\n"
     "clipspan surgery run --set 'L21.*=mean' --set L21.H2=1 --classes names.txt\tall but one",
     1, 1, cli_run_surgery},
    {CLI_EDIT, "edit",
     "MODEL RUN [INPUT...] --heads L22.H11,...|FILE -o FOLDER\n"
     "MODEL RUN [INPUT...] --role NAME -o FOLDER",
     "a checkpoint in which chosen heads always write their mean",
     "Writes the checkpoint in the layout it came from, so that open_clip and transformers load "
     "it: the heads' slice of each output projection is zero, and what it made of their mean over "
     "RUN is in the bias. Every other tensor keeps its bytes.\n"
     "Then the written network sees pictures, and it is said how far its answers lie from what the "
     "heads' direct effects predict: later layers read what is changed here. Pictures are the "
     "run's, or those of INPUT; accuracy needs --classes.",
     "clipspan edit MODEL run --heads L11.H3,L10.H11 -o edited --classes birds.txt\ttwo heads "
     "silent\n"
     "clipspan edit MODEL run --role location --each -o edited\tby role; each head's distance too",
     2, SIZE_MAX, cli_run_edit},
    {CLI_PRUNE, "prune",
     "MODEL RUN [INPUT...] --share PERCENT -o FOLDER\n"
     "MODEL RUN [INPUT...] --heads L22.H11,...|FILE -o FOLDER\n"
     "MODEL RUN [INPUT...] --role NAME -o FOLDER",
     "a checkpoint that has lost heads, smaller and faster, and what that costs",
     "Removes heads from queries, keys, values and output projections; what each made of its mean "
     "over RUN goes into the bias. The configuration lists the heads that layers have left "
     "(heads_per_layer), which clipspan reads; with --zero the layout stays and other loaders read "
     "it too. Heads keep their names.\n"
     "With --share it gives accuracy (with --classes) and distance for several shares, as the "
     "network really has them and as direct effects predict. Time and size before and after "
     "are measured.",
     "clipspan prune MODEL run --share 25 -o smaller --classes names.txt\ta quarter of the heads\n"
     "clipspan prune MODEL run --share 25 --by network -o smaller --classes names.txt\tthose that "
     "the network misses least\n"
     "clipspan prune MODEL run --role texture --zero -o quiet\ta role, in a layout that all read",
     2, SIZE_MAX, cli_run_prune},
    {CLI_EXPORT, "export", "RUN --official FOLDER",
     "terms and picks of a run in the published program's files",
     "Writes DATASET_attn_MODEL.npy [B, L, H, P], DATASET_mlp_MODEL.npy [B, L + 1, P] and "
     "DATASET_cls_attn_MODEL.npy [B, L, P], float32, a row a picture in the order of the list, and "
     "the list of picks. DATASET is the run's name. Little memory is needed, and L H P 4 bytes of "
     "disk a picture.",
     "clipspan export run --official output_dir\tfour files", 1, 1, cli_run_export},
    {CLI_DEMO, "demo", "-o FOLDER", "the whole story on a small model and drawn scenes",
     "Goes through what clipspan can do, on a small CLIP and 1,040 drawn scenes that come with the "
     "program: what it does, what it finds, and the commands that do the same with a model and "
     "pictures of your own. FOLDER gets a sheet of scenes, a run and a report to open.\n"
     "Everything about the scenes is known, so that findings can be held against the truth. The "
     "model knows scenes only, no photographs, and its heads were encouraged in training to "
     "specialise: it shows that clipspan finds what is there, not how CLIP is made.\n"
     "Model, texts and pictures can be used by every command: MODEL is demo, and demo -n -o "
     "FOLDER says where the pictures are.",
     "clipspan demo -o demo\tthe story, in a few seconds\n"
     "clipspan demo -o demo --json\tits figures for a program\n"
     "clipspan embed demo --text \"three red stars\" -o star.npy\tthe model in another command",
     0, 0, cli_run_demo},
    {CLI_HEATMAP, "heatmap", "MODEL IMAGE... --text TEXT... -o FOLDER",
     "where in a picture texts are, and through which heads",
     "Draws, for every text, what each patch of the picture adds to the similarity through the "
     "attention heads, laid over the whole picture with crop and aspect undone: orange speaks for "
     "the text, blue against it, and what the model does not see has slanting lines. The scale is "
     "stated on every drawing and shared by a picture's texts.\n"
     "With several texts each is shown against the others (--contrast): minus their mean, as "
     "published; minus the strongest rival at each patch, which tells two things in one picture "
     "apart best; or pair by pair.\n"
     "For each picture there are an overlay a text, a sheet of texts by heads (the strongest "
     "heads, "
     "or those of --heads) and NAME.npy, the scores themselves without contrast, float32 [texts, "
     "grid height, grid width].\n"
     "--tiles maps large pictures whole and at their own resolution: windows of the model's size "
     "that overlap by half or more are mapped one by one and blended with weights that add up to "
     "one. The scale is the same everywhere, but the model sees each window alone: a patch's "
     "number "
     "is its part of the similarity of the text with its windows, and the sum over the picture is "
     "no similarity. A picture of 12 megapixels takes about 900 windows of 224 pixels; 4,096 are "
     "the limit, and the maps may take a quarter of memory.",
     "clipspan heatmap MODEL photo.jpg --text \"a dog\" --text \"a cat\" -o maps\ttwo texts\n"
     "clipspan heatmap MODEL photo.jpg --text \"a dog\" --heads L11.H3,L10.H0 -o maps\ttwo heads\n"
     "clipspan heatmap MODEL street.jpg --text \"a road sign\" --text \"a tree\" --tiles -o "
     "maps\tsmall things in a large picture\n"
     "clipspan heatmap demo look.csv --texts things.txt --contrast rival -o maps\tmany pictures",
     2, SIZE_MAX, cli_run_heatmap},
    {CLI_EXPLAIN, "explain", "MODEL IMAGE --text TEXT... [--run RUN] [-o FILE.html]",
     "which layers, heads, patches and MLPs make a picture like a text",
     "Takes the similarity of one picture with each text apart into everything that the model adds "
     "to it: layers, heads, MLPs, the class token's input, and every patch through every head. The "
     "parts add up to the similarity, within 1e-5 (bf16: 1e-2). They are direct effects: what "
     "later "
     "layers make of a part is counted with those.\n"
     "With several texts, what is taken apart is by how much a text stands above the others "
     "(--contrast). With --run, heads have the roles and texts that the run's atlas found.\n"
     "FILE.html is one page that loads nothing: choose a text, a head or a layer and see where in "
     "the picture it finds it, drawn on the whole picture.",
     "clipspan explain MODEL photo.jpg --text \"a dog\" --text \"a cat\" -o why.html\tthe page\n"
     "clipspan explain MODEL photo.jpg --text \"a dog\" --run run --figure joint.svg\theads by "
     "their own texts\n"
     "clipspan explain MODEL photo.jpg --text \"a dog\" --tsv >parts.tsv\tevery number",
     2, 2, cli_run_explain},
    {CLI_SEGMENT, "segment",
     "MODEL INPUT --classes LIST|FILE [--labels COLUMN] --masks FOLDER|COLUMN\n"
     "MODEL LIST.csv --target SENTENCE [--against SENTENCE] --masks COLUMN\n"
     "MODEL INPUT --classes LIST|FILE -o FOLDER",
     "zero-shot masks, and how good they are beside other methods'",
     "Makes a mask of each picture from the map of its class, which --labels gives or the model "
     "predicts, and compares it with the right one: pixel accuracy, mIoU and mAP as published, "
     "with "
     "masks that go the picture's own way (aligned) and stretched whole as the published program "
     "has them, at the mean threshold and at Otsu's. Beside the heads' terms stand the last "
     "layer's "
     "attention, attention rollout, and cosines of final patches and of values, so that it shows "
     "what the decomposition buys and what it does not; with --run RUN also the terms of the heads "
     "with each role that the run's heads have, by themselves.\n"
     "--target finds what a sentence says instead, with columns of the list in braces; several are "
     "added up, and --against is taken off. With -o masks are written as PNG of the picture's "
     "size: "
     "255 where the class is; with --multi the number of the class that is highest at each pixel.",
     "clipspan segment MODEL coco.csv --classes names.txt --labels category --masks mask\tfigures\n"
     "clipspan segment demo test.csv --target \"{colour}\" --target \"{shape}\" --masks mask\tby "
     "columns\n"
     "clipspan segment demo test.csv --target \"a {colour} {shape}\" --masks mask --run run\tby "
     "roles as well\n"
     "clipspan segment MODEL photos/ --classes \"dog,cat,bird\" -o masks\tmasks",
     2, SIZE_MAX, cli_run_segment},
    {CLI_SEARCH, "search", "RUN --like PICTURE... | --text TEXT... [--role NAME|--heads L.H,...]",
     "the nearest pictures of a run by what some heads wrote",
     "Compares, exactly, what chosen heads wrote for every picture of a run with what they write "
     "for "
     "the query: pictures (--like, --unlike), a part of one (--region), texts, or several of them, "
     "which are added up. --role takes the heads that carry a role in the run's atlas, several "
     "with "
     "weights, such as colour=1,place=-1; without heads or roles whole embeddings are compared.\n"
     "Every hit names the heads that gave most to its score. The run must have kept codes; its "
     "model is needed for files and texts only, not for pictures of the run.",
     "clipspan search run --like photo.jpg --role colour -o hits.html\tthe same colours\n"
     "clipspan search run --like \"#17\" --role colour\tlike the run's own picture 17\n"
     "clipspan search run --like photo.jpg --role colour=1,place=-1\tthe same colours elsewhere\n"
     "clipspan search run --text \"a red thing\" --heads L11.H3\tby a text, through one head\n"
     "clipspan search run --like photo.jpg --region 40,60,120,90 --top 50\tby a part of a picture",
     1, 1, cli_run_search},
    {CLI_REPRODUCE, "reproduce", "[NAME --data DIR [--model MODEL]]",
     "a table of the paper, published beside measured",
     "Reads a data set as its authors packed it, measures one table of the paper with any model, "
     "and prints what was published beside it, with where each published figure was found. "
     "Without NAME: which tables there are, and the data each needs. Nothing is downloaded; what "
     "is missing is said.\n"
     "NAME is mlp-ablation, layers, texts, waterbirds, segmentation or roles. Pictures go through "
     "the model once, into FOLDER/run, which the same call takes up again and which every other "
     "command reads; tables of one data set share it. Part of a data set is enough: intervals "
     "say how much it shows.",
     "clipspan reproduce\tthe tables\n"
     "clipspan reproduce waterbirds --data waterbird_complete95_forest2water2\tworst group, as "
     "published\n"
     "clipspan reproduce mlp-ablation --data imagenet --model ViT-B-16/laion2b_s34b_b88k -o b16\t"
     "a smaller model",
     0, 1, cli_run_reproduce},
    {CLI_HELP, "help", "[COMMAND]", "help on the program or a command",
     "--man prints the man page, --bash the completion for bash.",
     "clipspan help embed\twhat embed takes\n"
     "clipspan help --bash > ~/.local/share/bash-completion/completions/clipspan\tcompletion",
     0, 1, cli_run_help},
    {CLI_VERSION, "version", "", "the version, and what computes on this machine",
     "Names the library's version, the kernel level in force, the matrix product behind it, "
     "whether bf16 can be used, and the number of threads.",
     "clipspan version\tversion and machine", 0, 0, cli_run_version},
};

#define ROWS (sizeof table / sizeof *table)

const cli_command *cli_commands(size_t *count)
{
    *count = ROWS;
    return table;
}

const cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

clipspan_status cli_command_unknown(const char *name, clipspan_error *err)
{
    const char *names[ROWS], *meant;
    for (size_t i = 0; i < ROWS; i++)
        names[i] = table[i].name;
    meant = cs_nearest(name, names, ROWS);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown command \"%s\"%s%s%s; see clipspan --help",
                   name, meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "");
}
