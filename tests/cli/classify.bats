# SPDX-License-Identifier: MIT
# clipspan classify
load helper

@test "predictions as JSON: probabilities sum to one, classes in order" {
    exits 0 "$CLIPSPAN" classify "$model" pics --classes red,green,blue --json && silent
    json schema clipspan.classify.v1
    json classes 3
    json templates 80
    json "predictions.#" 3
    json "predictions.0.classes.#" 3
    json predictions.0.path pics/blue/1.png
    for i in 0 1 2; do "$JSON_AT" predictions.0.classes.$i.probability <.out; done |
        awk '{ sum += $1; if (NR > 1 && $1 > last) bad = 1; last = $1 }
             END { if (sum < 0.999999 || sum > 1.000001 || bad) { print sum, bad; exit 1 } }'
}

@test "labels from folders: overall and per-class accuracy agree with the predictions" {
    exits 0 "$CLIPSPAN" classify "$model" pics --classes red,green,blue --labels folder --json
    json overall.images 3
    json "per_class.#" 3
    json per_class.0.images 1
    right=0
    for i in 0 1 2; do
        [ "$("$JSON_AT" predictions.$i.correct <.out)" = true ] && right=$((right + 1))
    done
    json overall.correct $right
}

@test "groups: every combination is counted and the worst is named" {
    printf 'path,y,place\nred/1.png,0,land\nblue/1.png,1,land\ngreen/1.png,1,water\n' >pics/list.csv
    printf '0\tred\n1\tblue\n' >classes.txt
    exits 0 "$CLIPSPAN" classify "$model" pics/list.csv --classes classes.txt --labels y --groups y,place --json
    json "per_group.#" 3
    json per_group.0.group 0/land
    json per_group.2.group 1/water
    json per_class.1.key 1
    json per_class.1.class blue
    worst=$("$JSON_AT" worst_group.accuracy <.out)
    for i in 0 1 2; do "$JSON_AT" per_group.$i.accuracy <.out; done | awk -v w="$worst" '$1 < w { exit 1 }'
    exits 2 "$CLIPSPAN" classify "$model" pics/list.csv --classes classes.txt --groups y && says "--labels"
}

@test "groups: images without a label make none; those of skipped images have no accuracy" {
    printf 'path,y,place\nred/1.png,0,land\nblue/1.png,,brick\ngreen/1.png,1,\nnone.png,1,water\n' >pics/list.csv
    printf '0\tred\n1\tblue\n' >classes.txt
    exits 3 "$CLIPSPAN" classify "$model" pics/list.csv --classes classes.txt --labels y --groups y,place --json
    json "per_group.#" 3
    json per_group.0.group 0/land
    json per_group.1.group 1/
    json per_group.2.group 1/water
    json per_group.2.images 0
    exits 3 "$CLIPSPAN" classify "$model" pics/list.csv --classes classes.txt --labels y --groups y,place --table
    shows "no images"
    run ! grep -q '/brick' .out
}

@test "labels that no class has are an error that lists them, exit 2" {
    exits 2 "$CLIPSPAN" classify "$model" pics --classes red,gren,blue --labels folder
    says '"green"'
    says 'did you mean "gren"'
    [ -z "$output" ]
}

@test "classes: a list, a file with keys, --class; two at least, none twice" {
    printf 'red\ngreen\n' >classes.txt
    exits 0 "$CLIPSPAN" classify "$model" pics --classes classes.txt --json && json classes 2
    exits 0 "$CLIPSPAN" classify "$model" pics --classes "red, green" --class "blue, or so" --json && json classes 3
    exits 2 "$CLIPSPAN" classify "$model" pics && says "no classes"
    exits 2 "$CLIPSPAN" classify "$model" pics --classes red && says "neither a file nor a list"
    exits 2 "$CLIPSPAN" classify "$model" pics --classes imagnet && says "did you mean imagenet?"
    exits 2 "$CLIPSPAN" classify "$model" pics --class red && says "at least two"
    exits 2 "$CLIPSPAN" classify "$model" pics --classes red,red && says "twice"
    exits 2 "$CLIPSPAN" classify "$model" pics --classes red,,blue && says "empty name"
    exits 4 "$CLIPSPAN" classify "$model" pics --classes none.txt && says none.txt
}

@test "templates: none is the bare name, a file must hold {}" {
    exits 0 "$CLIPSPAN" classify "$model" pics --classes red,blue --templates none --json && json templates 1
    printf '{} one\n{} two\n' >templates.txt
    exits 0 "$CLIPSPAN" classify "$model" pics --classes red,blue --templates templates.txt --json && json templates 2
    echo "no place" >templates.txt
    exits 2 "$CLIPSPAN" classify "$model" pics --classes red,blue --templates templates.txt && says "templates.txt: template"
}

@test "the thousand classes of ImageNet are known by name, their keys are numbers" {
    exits 0 "$CLIPSPAN" classify "$model" pics --classes imagenet --templates none --json --top 7
    json classes 1000
    json "predictions.0.classes.#" 7
    [[ $("$JSON_AT" predictions.0.classes.0.key <.out) =~ ^[0-9]+$ ]]
}

@test "TSV: a row an image with as many fields as the header; accuracy on standard error" {
    exits 0 "$CLIPSPAN" classify "$model" pics --classes red,green,blue --labels folder --top 2
    [ "$(wc -l <.out)" = 4 ]
    [ "$(awk -F '\t' '{ print NF }' .out | sort -u)" = 13 ]
    says "accuracy"
}

@test "-o keeps every row; standard output then has the figures" {
    echo x >pics/red/bad.jpg
    exits 3 "$CLIPSPAN" classify "$model" pics --classes red,green,blue --labels folder -o a.csv --json
    json skipped 1
    json overall.images 3
    run ! "$JSON_AT" predictions <.out 2>/dev/null
    [ "$(wc -l <a.csv)" = 5 ]
    grep -q '^pics/red/bad.jpg,skipped,red,' a.csv
    exits 6 "$CLIPSPAN" classify "$model" pics --classes red,blue -o a.csv
    exits 2 "$CLIPSPAN" classify "$model" pics --classes red,blue -o a.npy && says ".csv or .tsv"
}

@test "tables for people: bars for a few images, rows for many, 80 columns" {
    LC_ALL=C exits 0 "$CLIPSPAN" classify "$model" pics/red/1.png --classes red,green,blue --table && shows "#"
    for i in $(seq 30); do cp pics/red/1.png "pics/red/$(printf 'a%.0s' $(seq 120))$i.png"; done
    LC_ALL=C exits 0 "$CLIPSPAN" classify "$model" pics --classes red,green,blue --labels folder --table
    shows "and 13 more"
    shows "accuracy"
    awk 'length($0) > 80 { print; bad = 1 } END { exit bad }' .out
}

@test "names that could steer a terminal are escaped in every form" {
    cp pics/red/1.png "$(printf 'pics/red/\033[31m\n.png')"
    exits 0 "$CLIPSPAN" classify "$model" pics/red --classes red,blue --table
    run ! grep -q "$(printf '\033')" .out
    tr -d '\n' <.out | grep -qF '\u001b[31m'
    exits 0 "$CLIPSPAN" classify "$model" pics/red --classes red,blue --json
    json predictions.0.path "$(printf 'pics/red/\033[31m\n.png')"
    exits 0 "$CLIPSPAN" classify "$model" pics/red --classes red,blue --tsv
    [ "$(wc -l <.out)" = 3 ]
}

@test "a name that is not UTF-8 gives a valid document" {
    cp pics/red/1.png "$(printf 'pics/red/\377.png')" || skip "this file system wants UTF-8"
    exits 0 "$CLIPSPAN" classify "$model" pics/red --classes red,blue --json
    json "predictions.#" 2
}

@test "a checkpoint without text encoder is refused, exit 4" {
    exits 4 "$CLIPSPAN" classify "$GOLDEN/image-no-ln-pre" pics --classes red,blue && says "no text encoder"
}
