# SPDX-License-Identifier: MIT
# clipspan reproduce: tables of the paper on small data sets of the demo's scenes, in the standard layouts
load helper

scenes=$CLIPSPAN_DATA/demo

# birds N: metadata.csv with N test birds, a quarter of each group, and as many of other splits; classes in birds.txt
birds() {
    mkdir -p birds/001.Hen birds/002.Duck
    echo img_id,img_filename,y,split,place,place_filename >birds/metadata.csv
    awk -F, -v n="$1" '$3 == "bird" && c[$11, $10]++ < n / 4 { print $1, $11, $10 }' "$scenes/test.csv" >chosen
    local i=0 path bird ground folder y place
    while read -r path bird ground; do
        folder=001.Hen y=0 place=0
        [ "$bird" = duck ] && folder=002.Duck y=1
        [ "$ground" = water ] && place=1
        cp "$scenes/$path" "birds/$folder/"
        echo "$i,$folder/${path##*/},$y,2,$place,x" >>birds/metadata.csv
        echo "$i,$folder/other.png,$y,$((i % 2)),$place,x" >>birds/metadata.csv
        i=$((i + 1))
    done <chosen
    printf '0\then\n1\tduck\n' >birds.txt
}

# images: val/ with two wnid folders of six scenes each, and the class file shapes.txt
images() {
    mkdir -p imagenet/val/n00000001 imagenet/val/n00000002
    for shape in circle star; do
        awk -F, -v s=$shape '$4 == s && n < 6 { print $1; n++ }' "$scenes/test.csv" >chosen
        local folder=n00000001
        [ $shape = star ] && folder=n00000002
        while read -r path; do cp "$scenes/$path" "imagenet/val/$folder/"; done <chosen
    done
    printf 'n00000001\tcircle\nn00000002\tstar\nn00000003\tmoon\n' >shapes.txt
}

same() { # same PATH PATH FILE: the document of the last command has there what FILE has at the second path
    local one other
    one=$("$JSON_AT" "$1" <.out) || exit 1
    other=$("$JSON_AT" "$2" <"$3") || exit 1
    [ "$one" = "$other" ] && return 0
    printf '%s is %s, %s of %s is %s\n' "$1" "$one" "$2" "$3" "$other"
    exit 1
}

@test "the tables there are, and a name that is none" {
    exits 0 "$CLIPSPAN" reproduce --json && silent
    json schema clipspan.reproduce_list.v1
    json tables.# 6
    json tables.3.name waterbirds
    json tables.3.model ViT-L-14/laion2b_s32b_b82k
    json tables.3.images 5794
    exits 0 "$CLIPSPAN" reproduce list --tsv
    [ "$(wc -l <.out)" -eq 7 ]
    exits 0 "$CLIPSPAN" reproduce --table && shows "metadata.csv"
    exits 2 "$CLIPSPAN" reproduce waterbird --data . && says "did you mean waterbirds"
    exits 2 "$CLIPSPAN" reproduce layers && says "--data DIR"
    exits 2 "$CLIPSPAN" reproduce layers --data . --heads L0.H0 && says "--heads"
    exits 2 "$CLIPSPAN" reproduce roles --data . --texts-per-head 3 && says "--texts-per-head"
}

@test "data that is missing is named, with its layout and the model" {
    mkdir empty flat
    for name in layers mlp-ablation texts roles; do
        exits 4 "$CLIPSPAN" reproduce $name --data empty
        says "n01440764"
        says "ViT-L-14/laion2b_s32b_b82k"
    done
    exits 4 "$CLIPSPAN" reproduce layers --data nowhere && says "no such folder"
    cp pics/red/1.png flat/ILSVRC2012_val_00000001.png
    exits 4 "$CLIPSPAN" reproduce layers --data flat && says "move each image into the folder of its class"
    mkdir -p unfilled/val/n01440764
    exits 4 "$CLIPSPAN" reproduce layers --data unfilled && says "holds no image"
    exits 4 "$CLIPSPAN" reproduce waterbirds --data empty && says "holds no metadata.csv"
    exits 4 "$CLIPSPAN" reproduce segmentation --data empty && says "holds no folder images"
    says "ViT-B-16/laion2b_s34b_b88k"
    mkdir half half/images
    exits 4 "$CLIPSPAN" reproduce segmentation --data half && says "holds no folder masks"
    mkdir half/masks
    exits 4 "$CLIPSPAN" reproduce segmentation --data half && says "holds no image"
    cp pics/red/1.png half/images
    exits 4 "$CLIPSPAN" reproduce segmentation --data half && says "holds no mask"
    touch empty/gtsegs_ijcv.mat
    exits 4 "$CLIPSPAN" reproduce segmentation --data empty && says "clipspan-import-mat"
    images
    HF_HUB_CACHE=$PWD/nowhere exits 4 "$CLIPSPAN" reproduce layers --data imagenet --classes shapes.txt
    says "model of the table layers"
    exits 4 "$CLIPSPAN" reproduce layers --data imagenet --model nowhere/model --classes shapes.txt
    exits 4 "$CLIPSPAN" reproduce layers --data imagenet --model demo && says "not one of the 1000 classes"
    cp pics/red/1.png imagenet/val
    exits 4 "$CLIPSPAN" reproduce layers --data imagenet --model demo --classes shapes.txt
    says "lies in no class's folder"
    [ ! -e reproduce-imagenet ]
}

@test "images in one folder, with the list that says their classes" {
    mkdir -p flat/ILSVRC/Data/CLS-LOC/val
    cp pics/red/1.png flat/ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_00000001.JPEG
    cp pics/blue/1.png flat/ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_00000003.JPEG
    exits 4 "$CLIPSPAN" reproduce layers --data flat --model "$model" && says "put LOC_val_solution.csv"
    printf '%s\n' ImageId,PredictionString 'ILSVRC2012_val_00000003,n03126707 85 1 499 272 ' \
        'ILSVRC2012_val_00000002,n01440764 0 0 9 9 ' 'ILSVRC2012_val_00000001,n02123045 1 2 3 4 n02123045 5 6 7 8 ' \
        >flat/LOC_val_solution.csv
    exits 0 "$CLIPSPAN" reproduce mlp-ablation --data flat --model "$model" --templates none --json
    json images 2
    json classes_with_images 2
    cp .out flat.json
    [ "$(cat reproduce-imagenet/images.csv)" = \
        "$(printf '%s\n' path,class ILSVRC2012_val_00000003.JPEG,n03126707 ILSVRC2012_val_00000001.JPEG,n02123045)" ]
    exits 0 "$CLIPSPAN" effects reproduce-imagenet/run --classes reproduce-imagenet/classes.txt --templates none --json
    json sequence.0.correct "$("$JSON_AT" rows.0.correct <flat.json)"
    sed -i 's/n03126707/n99999999/' flat/LOC_val_solution.csv
    exits 4 "$CLIPSPAN" reproduce layers --data flat --model "$model" && says '"n99999999"'
    sed -i 's/^ILSVRC2012_val/other/' flat/LOC_val_solution.csv
    exits 4 "$CLIPSPAN" reproduce layers --data flat --model "$model" && says "the first would be other_00000003.JPEG"
    sed -i '1s/ImageId/id/' flat/LOC_val_solution.csv
    exits 4 "$CLIPSPAN" reproduce layers --data flat --model "$model" && says 'no column "ImageId"'
}

@test "wnids and names of the thousand classes come with the program" {
    mkdir -p imagenet/n02123045 imagenet/n03126707
    cp pics/red/1.png imagenet/n02123045
    cp pics/blue/1.png imagenet/n03126707
    exits 0 "$CLIPSPAN" reproduce mlp-ablation --data imagenet --model "$model" --classes imagenet --templates none --json
    json images 2
    json classes_with_images 2
    [ "$(sed -n 282p reproduce-imagenet/classes.txt)" = "$(printf 'n02123045\ttabby cat')" ]
    [ "$(sed -n 518p reproduce-imagenet/classes.txt)" = "$(printf 'n03126707\tconstruction crane')" ]
    [ "$(wc -l <reproduce-imagenet/classes.txt)" -eq 1000 ]
    [ "$(LC_ALL=C sort -u "$CLIPSPAN_DATA/imagenet_wnids.txt" | cmp - "$CLIPSPAN_DATA/imagenet_wnids.txt")" = "" ]
}

@test "MLPs, layers and texts: the figures of effects, on one run" {
    images
    awk 'NR % 100 == 0' "$CLIPSPAN_DATA/pool.txt" >pool
    for name in mlp-ablation layers "texts --texts pool"; do
        # shellcheck disable=SC2086 # an option follows the last name
        exits 0 "$CLIPSPAN" reproduce $name --data imagenet --model demo --classes shapes.txt --json -o out
        json schema clipspan.reproduce.v1
        json same_model_by another
        json images 12
        json published_images 50000
        json published_model ViT-L-14/laion2b_s32b_b82k
        cp .out "${name%% *}.json"
    done
    says "resuming a run"
    exits 0 "$CLIPSPAN" effects out/run --classes shapes.txt --texts pool --json
    cp .out effects.json
    for i in 0 1 2 3; do
        cp mlp-ablation.json .out
        same rows.$i.measured sequence.$i.accuracy effects.json
        same rows.$i.low sequence.$i.low effects.json
        same rows.$i.what sequence.$i.ablated effects.json
        cp layers.json .out
        same rows.$((i + 1)).measured sequence.$((i + 4)).accuracy effects.json
    done
    json rows.# 5
    json rows.4.what attention_until_3
    cp texts.json .out
    for i in 0 3 6; do
        same rows.$((2 * i + 1)).measured texts.$i.accuracy effects.json
        same rows.$((2 * i + 2)).measured texts.$i.texts effects.json
    done
    json rows.13.what texts_60
    json rows.13.published 0.67342
    json rows.13.source "run by others: wj210/CLIP_LTC, output_dir/ViT-L-14_text_descriptions.txt"
    cp mlp-ablation.json .out
    for i in 0 1 2 3; do
        if "$JSON_AT" rows.$i.published <.out || "$JSON_AT" rows.$i.source <.out; then exit 1; fi
    done
    exits 0 "$CLIPSPAN" reproduce mlp-ablation --data imagenet --model demo --classes shapes.txt --table -o out
    shows "Measured on 12 images, published on 50,000"
    shows "another architecture"
    shows "–"
    shows "No source for the published figures"
}

@test "roles: the texts of span, for heads that are named" {
    images
    exits 2 "$CLIPSPAN" reproduce roles --data imagenet --model demo --classes shapes.txt
    says "names heads of ViT-L-14 (24 layers of 16)"
    exits 2 "$CLIPSPAN" reproduce roles --data imagenet --model demo --classes shapes.txt --heads L3.MLP
    says "names something else"
    [ ! -e reproduce-imagenet ]
    awk 'NR % 100 == 0' "$CLIPSPAN_DATA/pool.txt" >pool
    printf 'L3.H1 # the first\nL2.H5\n' >heads
    exits 0 "$CLIPSPAN" reproduce roles --data imagenet --model demo --classes shapes.txt --heads heads --texts pool --json
    cp .out roles.json
    exits 0 "$CLIPSPAN" span reproduce-imagenet/run --heads L2.H5,L3.H1 --texts pool --json
    cp .out span.json
    cp roles.json .out
    for k in 0 1 2 3 4; do
        same heads.0.measured.$k heads.1.basis_texts.$k.text span.json
        same heads.1.measured.$k heads.0.basis_texts.$k.text span.json
    done
}

@test "Waterbirds: the test split by its columns, the figures of ablate" {
    birds 40
    exits 2 "$CLIPSPAN" reproduce waterbirds --data birds --model demo --classes birds.txt
    says "L11.H6,L11.H0"
    says "24 layers of 16"
    exits 2 "$CLIPSPAN" reproduce waterbirds --data birds --model demo --heads L9.H0 && says "did you mean"
    exits 0 "$CLIPSPAN" reproduce waterbirds --data birds --model demo --classes birds.txt --heads L3.H7,L3.H1 --json -o out
    json images 40
    json rows.1.what heads
    json rows.1.published 0.729
    json rows.1.source "project page of the paper, table of spurious cues"
    json rows.# 15
    json rows.1.heads "L3.H7 L3.H1"
    # random sets are of ten heads
    [ "$("$JSON_AT" rows.2.heads <.out | wc -w)" -eq 10 ]
    [ "$("$JSON_AT" rows.4.heads <.out | wc -w)" -eq 10 ]
    cp .out whole.json
    exits 0 "$CLIPSPAN" ablate out/run --heads L3.H7,L3.H1 --mlps --classes birds.txt --json
    cp .out ablate.json
    cp whole.json .out
    same rows.0.measured worst_group.before ablate.json
    same rows.1.measured worst_group.after ablate.json
    same rows.1.low worst_group.after_low ablate.json
    same rows.5.measured overall.before ablate.json
    same rows.6.measured overall.after ablate.json
    for g in 0 1 2 3; do
        same rows.$((7 + 2 * g)).measured per_group.$g.before ablate.json
        same rows.$((8 + 2 * g)).measured per_group.$g.after ablate.json
        same rows.$((8 + 2 * g)).images per_group.$g.images ablate.json
    done
    exits 0 "$CLIPSPAN" ablate out/run --heads L3.H7,L3.H1 --classes birds.txt --json
    cp .out ablate.json
    cp whole.json .out
    same rows.3.measured worst_group.after ablate.json
    # the same sets as beside ten chosen heads
    exits 0 "$CLIPSPAN" ablate out/run --heads L0.*,L1.H0,L1.H1 --classes birds.txt --published --json
    json random.sets 5
    json random.matching number
    cp .out ablate.json
    cp whole.json .out
    same rows.4.measured random.best.worst_group.after ablate.json
    # the order of the file does not matter, nor where the data lie
    (head -1 birds/metadata.csv && tail -n +2 birds/metadata.csv | tac) >tac
    mkdir -p moved/waterbird_complete95_forest2water2
    mv tac birds/metadata.csv
    cp -r birds/* moved/waterbird_complete95_forest2water2
    exits 0 "$CLIPSPAN" reproduce waterbirds --data moved --model demo --classes birds.txt --heads L3.H7,L3.H1 --json -o other
    for i in 0 1 3 5 6 9 12; do same rows.$i.correct rows.$i.correct whole.json; done
}

@test "Waterbirds: lists that are wrong, images that are gone" {
    birds 8
    wrong() { # wrong SED WORDS
        sed "$1" birds/metadata.csv >keep
        mkdir -p wrong && mv keep wrong/metadata.csv
        exits 4 "$CLIPSPAN" reproduce waterbirds --data wrong --model demo --heads L3.H7 && says "$2"
    }
    wrong '1s/place,/places,/' 'no column "place"'
    wrong '1s/split/part/' 'no column "split"'
    wrong '1s/img_filename/name/' 'no column "img_filename"'
    wrong 's/,2,/,1,/' "has split 2"
    wrong 's/,[01],2,/,nan,2,/' "missing value that a program wrote down"
    wrong 's/,2,1,x/,2,NaN,x/' 'place is "NaN"'
    wrong 's/,2,0,x/,2,7,x/' "where 0 or 1 was expected"
    wrong '2,$d' "holds no image"
    wrong '3s/$/,1/' "line 3"
    : >wrong/metadata.csv
    exits 4 "$CLIPSPAN" reproduce waterbirds --data wrong --model demo --heads L3.H7 && says "is empty"
    exits 2 "$CLIPSPAN" reproduce waterbirds --data birds --model demo --heads L3.H7 --classes a,b,c && says "0, tab, name"
    rm birds/001.Hen/0*.png
    exits 3 "$CLIPSPAN" reproduce waterbirds --data birds --model demo --classes birds.txt --heads L3.H7 --json
    says "skipped: "
    json listed 8
    [ "$("$JSON_AT" images <.out)" -lt 8 ]
    rm -r birds/002.Duck
    exits 4 "$CLIPSPAN" reproduce waterbirds --data birds --model demo --classes birds.txt --heads L3.H7 -o none
}

@test "a run is taken up again, and another one is not overwritten" {
    birds 8
    reproduce() { "$CLIPSPAN" reproduce waterbirds --data birds --model demo --classes birds.txt --heads L3.H7 "$@"; }
    exits 0 reproduce --json -n
    json dry_run true
    json rows.0.published 0.477
    [ ! -e reproduce-waterbirds ]
    exits 0 reproduce --json
    cp .out first
    exits 0 reproduce --json
    cmp first .out
    says "resuming a run of the same plan"
    sed -i '2s/,2,/,1,/' birds/metadata.csv
    exits 6 reproduce && says "lists something else"
    exits 0 reproduce --force --json
    json images 7
    exits 6 "$CLIPSPAN" reproduce waterbirds --data birds --model "$model" --classes birds.txt --heads L0.H0
}

@test "segmentation: the figures of segment, in both protocols" {
    mkdir -p masks/images masks/masks
    for i in 00 01 02 03 64; do
        cp "$scenes/test/00$i.png" masks/images
        cp "$scenes/masks/test-00$i.png" "masks/masks/00$i.png"
    done
    exits 0 "$CLIPSPAN" reproduce segmentation --data masks --model demo --classes circle,star,moon --json
    silent
    json images 5
    json rows.0.what clipspan
    json rows.0.part published
    json rows.0.metric accuracy
    json rows.0.published 0.7521
    json rows.3.part aligned
    json rows.# 42
    cp .out whole.json
    exits 0 "$CLIPSPAN" segment demo masks/images --masks masks/masks --classes circle,star,moon --json
    cp .out segment.json
    cp whole.json .out
    # scores: five methods, each aligned and published, each cut at the mean and at Otsu's threshold
    for m in 0 1 2 3 4; do
        for k in 0,accuracy 1,miou 2,map; do
            same rows.$((6 * m + ${k%,*})).measured scores.$((4 * m + 2)).${k#*,} segment.json
            same rows.$((6 * m + 3 + ${k%,*})).measured scores.$((4 * m)).${k#*,} segment.json
        done
    done
    rm masks/masks/0001.png
    exits 3 "$CLIPSPAN" reproduce segmentation --data masks --model demo --classes circle,star,moon --table -o cut
    says "0001.png"
    shows "Chefer"
    shows "used 4 images"
    [ -e cut/rows.csv ]
}

@test "published figures come from the data folder, and a damaged list is named" {
    birds 8
    cp -rL "$CLIPSPAN_DATA" data
    damaged() { # damaged SED WORDS
        sed "$1" "$CLIPSPAN_DATA/published.tsv" >data/published.tsv
        CLIPSPAN_DATA=$PWD/data exits 4 "$CLIPSPAN" reproduce waterbirds --data birds --model demo --classes birds.txt \
            --heads L3.H7 -n --json
        says "published.tsv" && says "$2"
    }
    damaged '1s/value/number/' "expected a line"
    damaged '2,$d' "figures below it"
    damaged '3s/\t[^\t]*$//' "line 3 has 6 cells where 7 were expected"
    damaged '3s/0.523/half/' 'line 3: the value is "half"'
    damaged '3s/^waterbirds/birds/' 'line 3: "birds" is not a table'
    damaged '3s/ViT-B-16/ViT-X/' 'line 3: "ViT-X" is not a model'
    damaged '4s/\t[^\t]*$/\t/' "line 4 does not say where"
    rm data/published.tsv
    CLIPSPAN_DATA=$PWD/data exits 4 "$CLIPSPAN" reproduce waterbirds --data birds --model demo --heads L3.H7 -n
    says "published.tsv"
    sed 's/0.477/0.5/' "$CLIPSPAN_DATA/published.tsv" >data/published.tsv
    CLIPSPAN_DATA=$PWD/data exits 0 "$CLIPSPAN" reproduce waterbirds --data birds --model demo --classes birds.txt \
        --heads L3.H7 -n --json
    json rows.0.published 0.5
}
