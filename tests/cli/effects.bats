# SPDX-License-Identifier: MIT
# clipspan effects, ablate, shortcut; classifiers as arrays
load helper

# Six images: labels red and blue, one without; groups of three, one and one image, one without; a group whose only
# image is gone.
scan_list() {
    printf '%s\n' path,class,place,other \
        pics/red/1.png,red,land,x pics/red/2.png,red,land,y pics/blue/1.png,blue,land,x \
        pics/blue/2.png,blue,sea,y pics/green/1.png,,sea,x pics/green/2.png,red,,y \
        pics/gone.png,blue,moon,x >list.csv
    for c in red green blue; do cp pics/$c/1.png pics/$c/2.png; done
    # images of one colour are alike: some are told apart by their size
    exits 3 "$CLIPSPAN" scan "$model" list.csv --labels class --groups place -o run
}

@test "ablate counts classes, groups and what is not known" {
    scan_list
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0,L1.* --classes red,blue --templates none --json
    silent
    json schema clipspan.ablate.v1
    json effect direct
    json images 5
    json unlabelled 1
    json ungrouped 1
    json overall.images 5
    json per_class.0.class red
    json per_class.0.images 3
    json per_class.1.images 2
    json per_group.# 2
    json per_group.0.group land
    json per_group.0.images 3
    json per_group.1.group sea
    json per_group.1.images 1
    json random.sets 200
    json random.matching layers
    json random.worst_groups.# 200
    json components.0 L0.H0
    shows "the evaluated images themselves, as published"
    exits 0 "$CLIPSPAN" ablate run --heads L1.H0 --mlps --before 1 --classes red,blue --templates none --tsv --random 2
    [ "$(head -1 .out | cut -f1-5)" = "$(printf 'what\tname\timages\tbefore\tbefore_low')" ]
    [ "$(cut -f1 .out | sort | uniq -c | tr -s ' ' | tr '\n' ';')" = \
        " 2 class; 2 group; 1 overall; 2 random; 2 random_worst_group; 1 what; 1 worst_group;" ]
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --templates none --table
    shows "worst group"
    shows "direct effects; means over the 6 images of run"
    shows "not counted: 1 image without a label"
}

@test "labels and groups come from a CSV by path, in any order" {
    scan_list
    (head -1 list.csv && tail -n +2 list.csv | tac) >tac.csv
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --templates none --json --resamples 200
    cp .out one
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --templates none --json --resamples 200 \
        --from tac.csv --labels class --groups place
    json labels "column class of tac.csv"
    cmp <(grep -v '"labels"' one) <(grep -v '"labels"' .out)
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --templates none --json --from tac.csv \
        --labels class --groups place,other
    json per_group.# 5
    json per_group.3.group sea/x
    json per_group.3.images 0
    exits 2 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --groups place && says "--from FILE.csv"
    exits 2 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --from list.csv && says "--labels COLUMN"
    exits 2 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --from list.csv --labels colour && says "colour"
    exits 2 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,green --templates none && says '"blue"'
    sed 's/,sea,/,NaN,/' list.csv >nan.csv
    exits 4 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --templates none --from nan.csv --labels class \
        --groups place
    says "missing value that a program wrote down"
    sed 's/pics/else/' list.csv >else.csv
    exits 2 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --templates none --from else.csv --labels class
    says "names none of the run's images"
}

@test "sets of components by name, file and role" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder
    exits 2 "$CLIPSPAN" ablate run --classes red,green,blue --templates none && says "nothing to ablate"
    exits 2 "$CLIPSPAN" ablate run --heads , --classes red,green,blue --templates none && says "empty set"
    exits 2 "$CLIPSPAN" ablate run --heads L9.H0 --classes red,green,blue --templates none && says "did you mean"
    exits 2 "$CLIPSPAN" ablate run --heads L0.H0 --classes red && says "--classes"
    exits 2 "$CLIPSPAN" ablate run --heads L0.H0 --before 400 --classes red,green,blue --templates none
    says "--before"
    exits 4 "$CLIPSPAN" ablate run --role colour --classes red,green,blue --templates none && says "clipspan roles run"
    printf '# two\nL0.H0, L0.H1\n L0.MLP input' >set
    exits 0 "$CLIPSPAN" ablate run --heads set --classes red,green,blue --templates none --json
    json components.# 4
    json components.3 input
    printf '# none\n' >set
    exits 4 "$CLIPSPAN" ablate run --heads set --classes red,green,blue --templates none && says "names no head"
}

@test "means of another run, and runs that do not go together" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder
    exits 0 "$CLIPSPAN" scan "$model" pics/red pics/blue -o some
    exits 0 "$CLIPSPAN" scan "$model" pics -o bare --coefficients none
    exits 0 "$CLIPSPAN" scan "$GOLDEN/openclip-wide" pics -o wide
    exits 0 "$CLIPSPAN" plan "$model" pics -o planned
    exits 0 "$CLIPSPAN" ablate run --mean some --heads L0.H0 --classes red,green,blue --templates none --json
    shows "means over the 2 images of some"
    exits 4 "$CLIPSPAN" ablate run --mean wide --heads L0.H0 --classes red,green,blue && says "same model"
    exits 4 "$CLIPSPAN" ablate bare --heads L0.H0 --classes red,green,blue && says "keeps no coefficients"
    exits 4 "$CLIPSPAN" effects planned --classes red,green,blue && says "not merged"
    exits 4 "$CLIPSPAN" effects nowhere --classes red,green,blue
}

@test "effects: the published sequence, every component alone, heads replaced by texts" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder
    exits 0 "$CLIPSPAN" effects run --classes red,green,blue --templates none --json
    json schema clipspan.effects.v1
    json sequence.0.ablated nothing
    json sequence.1.ablated mlps
    json sequence.3.ablated mlps_and_class_self_attention
    json sequence.0.drop 0
    json labelled true
    layers=$("$JSON_AT" layers.# <.out)
    json mlps.# $((layers + 1))
    json sequence.# $((layers + 4))
    printf 'colour\ta red thing\ncolour\ta blue thing\n!place\ta forest\n' >pool
    exits 0 "$CLIPSPAN" effects run --classes red,green,blue --templates none --texts pool --texts-per-head 2 --tsv
    [ "$(cut -f1 .out | grep -c texts)" -eq 2 ]
    exits 0 "$CLIPSPAN" effects run --classes red,green,blue --templates none --texts pool --texts-per-head 2 --table
    shows "heads replaced by"
    exits 2 "$CLIPSPAN" effects run --classes red,green,blue --texts-per-head 2 && says "--texts"
    rm -r run
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" effects run --classes red,green,blue --templates none --table
    shows "no image has a label"
}

@test "a classifier is an array that is read again" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder
    exits 0 "$CLIPSPAN" embed "$model" --classes red,green,blue --templates none -o c.npy --json
    json kind classes
    json shape.1 3
    exits 6 "$CLIPSPAN" embed "$model" --classes red,green,blue -o c.npy && says "--force"
    exits 2 "$CLIPSPAN" embed "$model" pics --classes red,green,blue -o d.npy
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,green,blue --templates none --json
    cp .out one
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,green,blue --classifier c.npy --json
    cmp one .out
    exits 4 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,green --classifier c.npy && says "a column a class"
    exits 2 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,green,blue --classifier c.npy --templates none
    # The first number behind the header is of row 0, column 0.
    cp c.npy nan.npy
    printf '\0\0\300\177' | dd of=nan.npy bs=1 seek=128 conv=notrunc status=none
    exits 4 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,green,blue --classifier nan.npy
    says 'nan.npy: row 0 of column 0, the vector of "red", is not finite'
}

@test "shortcut: a cue that is given, and one that is looked for" {
    scan_list
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue --templates none --cue "water|sea;grass" --json
    json schema clipspan.shortcut.v1
    json pairs.# 1
    json pairs.0.class_a red
    json pairs.0.candidates.0.remedy nothing
    json pairs.0.forecast.# 4
    json pairs.0.remedies.0.what nothing
    json cue "water|sea;grass"
    printf 'a\tA\nb\tB\n' >also
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue --templates none --cue "water;grass" --also also --table
    shows "side effects on"
    shows "baseline: text"
    printf '!place\ton water\n!place\tin a forest\nthing\ta ball\n' >pool
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue --templates none --texts pool --tsv
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue --templates none --texts pool --json
    json cues.# 2
    json pool pool
    # a cue that is a class itself is said to be one, found or given
    printf '!place\ton water\n!place\ta red forest\n!place\tblue sky\nthing\ta ball\n' >pool
    exits 0 "$CLIPSPAN" shortcut run --classes "red,blue,red forest" --templates none --texts pool --table
    says "warning: the cue"
    says "names the class"
    shows "names the class"
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue --templates none --cue "a Blue thing;grass" --json
    says 'names the class "blue"'
    json cue_names_class blue
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue --templates none --cue "bluest;grass" --json
    silent
    printf '!place\ton water\n!place\tin a forest\nthing\ta ball\n' >pool
    exits 2 "$CLIPSPAN" shortcut run --classes red,blue --templates none --cue "water" && says "two sides"
    exits 2 "$CLIPSPAN" shortcut run --classes red,blue --templates none --cue "water;" && says "1 to 64 texts"
    exits 2 "$CLIPSPAN" shortcut run --classes red,blue --templates none --cue "water;water" && says "say the same"
    printf 'thing\ta ball\n' >pool
    exits 2 "$CLIPSPAN" shortcut run --classes red,blue --templates none --texts pool && says "not of objects"
    exits 2 "$CLIPSPAN" shortcut run --classes red,blue --templates none --cue "a;b" --also x=also && says "--from"
}

@test "surgery: scale, mean, another image" {
    scan_list
    exits 0 "$CLIPSPAN" surgery run --set L0.H0=1 --classes red,blue --templates none --json
    json schema clipspan.surgery.v1
    json changed 0
    json components.0 L0.H0=1
    exits 0 "$CLIPSPAN" ablate run --heads L0.*,L1.H0 --classes red,blue --templates none --json
    cp .out one
    exits 0 "$CLIPSPAN" surgery run --set '*=mean' --set '*=1' --set 'L0.*=mean' --set L1.H0=mean --classes red,blue \
        --templates none -o s.npy --json
    [ "$("$JSON_AT" overall.after <.out)" = "$("$JSON_AT" overall.after <one)" ]
    [ "$(wc -l <s.rows.csv)" -eq 7 ]
    exits 0 "$CLIPSPAN" surgery run --set 'L1.*=pics/red/1.png' --classes red,blue --templates none --table
    shows "changed"
    exits 2 "$CLIPSPAN" surgery run --classes red,blue --templates none && says "nothing to change"
    exits 2 "$CLIPSPAN" surgery run --set L0.H0 --classes red,blue --templates none && says "COMPONENT=VALUE"
    exits 2 "$CLIPSPAN" surgery run --set L0.H0=pics/gone.png --classes red,blue --templates none
    says "expected a number, mean, or the path"
    exits 2 "$CLIPSPAN" surgery run --set L0.H0=nan --classes red,blue --templates none
    exits 6 "$CLIPSPAN" surgery run --set L0.H0=0 --classes red,blue --templates none -o s.npy && says "--force"
}

# The small model takes red and green images for "one" and blue ones for "two", and the mean of all six for "two".
# Land: two of three right; sea: its one image wrong; lake: an image without a label; one image without a group.
@test "groups counted by hand: one image, no label, no group" {
    for c in red green blue; do cp pics/$c/1.png pics/$c/2.png; done
    printf '%s\n' path,y,place pics/red/1.png,r,land pics/red/2.png,b,land pics/blue/1.png,b,land pics/blue/2.png,r,sea \
        pics/green/1.png,,lake pics/green/2.png,r, >list.csv
    printf 'r\tone\nb\ttwo\n' >classes.txt
    exits 0 "$CLIPSPAN" scan "$model" list.csv --labels y --groups place -o run
    exits 0 "$CLIPSPAN" ablate run --heads '*' --mlps --classes classes.txt --templates none --json
    json images 5
    json unlabelled 1
    json ungrouped 1
    json overall.before_correct 3
    json overall.after_correct 2
    json per_class.0.images 3
    json per_class.0.before_correct 2
    json per_class.0.after_correct 0
    json per_class.1.before_correct 1
    json per_class.1.after_correct 2
    json per_group.# 3
    json per_group.0.group lake
    json per_group.0.images 0
    json per_group.1.group land
    json per_group.1.images 3
    json per_group.1.before_correct 2
    json per_group.1.after_correct 2
    json per_group.2.group sea
    json per_group.2.images 1
    json per_group.2.before_correct 0
    json per_group.2.before_low 0
    json per_group.2.before_high 0.793450686 # 1.96^2 / (1 + 1.96^2), Wilson's bound of none of one
    json worst_group.group_before sea
    json worst_group.before 0
    json changed 4
    exits 0 "$CLIPSPAN" effects run --classes classes.txt --templates none --json
    json sequence.0.correct 3
    json sequence.0.accuracy 0.6
    json sequence.0.worst_group sea
    json sequence.0.worst 0
    exits 0 "$CLIPSPAN" shortcut run --classes classes.txt --templates none --cue "water;grass" --json
    json pairs.0.remedies.0.groups.1.after_correct 2
    json pairs.0.remedies.0.groups.0.images 0
    printf 'r\tred\ng\tgreen\nb\tblue\n' >also.txt
    exits 0 "$CLIPSPAN" shortcut run --classes classes.txt --templates none --cue "water;grass" --from list.csv --labels y \
        --groups place --also y=also.txt:none --tsv
    remedies=$(awk -F'\t' '$7 == "overall" && $3 != "random"' .out | wc -l)
    [ "$(awk -F'\t' 'NR > 1 && $7 == "group"' .out | wc -l)" -eq $((3 * remedies)) ]
    [ "$(awk -F'\t' '$3 == "nothing" && $7 == "group" && $8 == "land" { print $9, $13 }' .out)" = "3 0.666666667" ]
    [ "$(awk -F'\t' '$3 == "nothing" && $7 == "worst_group" { print $8, $13 }' .out)" = "sea 0" ]
    [ "$(awk -F'\t' '$7 == "also" { print $3, $8, $9 }' .out)" = "chosen y 5" ]
    # with the labels swapped in a table beside, right and wrong change places
    sed 's/,r,/,R,/; s/,b,/,r,/; s/,R,/,b,/' list.csv >swapped.csv
    exits 0 "$CLIPSPAN" ablate run --heads '*' --mlps --classes classes.txt --templates none --from swapped.csv --labels y \
        --groups place --json
    json overall.before_correct 2
    json overall.after_correct 3
    json worst_group.group_before land
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 --classes classes.txt --templates none --table
    shows "lake       0 no images"
}

# Products of two columns: an image that is neither labelled nor placed makes no group of its own.
@test "an unlabelled image is no group, and groups without images say so" {
    printf '%s\n' path,y,side pics/red/1.png,red,brick pics/blue/1.png,blue,lawn pics/green/1.png,,brick >list.csv
    exits 0 "$CLIPSPAN" scan "$model" list.csv -o run
    all=(--classes red,blue --templates none --from list.csv --labels y --groups y,side)
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 "${all[@]}" --json
    json per_group.# 2
    json per_group.0.group blue/lawn
    json per_group.1.group red/brick
    # labels, but none of an image that has a group
    printf '%s\n' path,y,side pics/red/1.png,red, pics/blue/1.png,blue, pics/green/1.png,,brick >list.csv
    all=(--classes red,blue --templates none --from list.csv --labels y --groups side --table)
    exits 0 "$CLIPSPAN" effects run "${all[@]}"
    shows "no images"
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 "${all[@]}"
    shows "200 random sets (as many heads of each layer, of which there are 3): accuracy"
    shows "do at least as well"
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 "${all[@]}" --published
    shows "accuracy with as many random heads, best of 5"
    shows "accuracy 50.0 % before"
}

@test "the text pool of a role stands in every output" {
    printf 'colour\ta red thing\ncolour\ta blue thing\n!place\ta beach\n!place\ta forest\nanimal\ta dog\n' >pool.txt
    exits 0 "$CLIPSPAN" atlas "$model" pics -o run --texts pool.txt --tsv
    [ "$(cut -f27 .out | sort -u | tr '\n' ' ')" = "pool pool.txt " ]
    sed -i '0,/"outcome":0/s//"outcome":4/' run/results/atlas-pool.txt.json # the first head: a role
    exits 0 "$CLIPSPAN" roles run --tsv
    role=$(awk -F'\t' '$7 == "role" { print $8; exit }' .out)
    all=(ablate run --role "$role" --classes red,blue --templates none)
    [ -n "$role" ]
    exits 0 "$CLIPSPAN" "${all[@]}" --json
    json role "$role"
    json pool pool.txt
    exits 0 "$CLIPSPAN" "${all[@]}" --table
    shows "heads with the role $role, by the text pool pool.txt"
    exits 0 "$CLIPSPAN" "${all[@]}" --tsv
    [ "$(tail -n +2 .out | cut -f13,14 | sort -u)" = "$(printf '%s\tpool.txt' "$role")" ]
    exits 0 "$CLIPSPAN" effects run --classes red,blue --templates none --texts pool.txt --table
    shows "texts of the text pool pool.txt"
    exits 0 "$CLIPSPAN" effects run --classes red,blue --templates none --texts pool.txt --tsv
    pools=$(awk -F'\t' 'NR > 1 { print $1 == "texts" ? "texts" : "other", $NF }' .out | sort -u)
    [ "$pools" = "$(printf 'other \ntexts pool.txt')" ]
    exits 0 "$CLIPSPAN" span run --texts pool.txt --tsv
    [ "$(awk -F'\t' '{ print $NF }' .out | sort -u | tr '\n' ' ')" = "pool pool.txt " ]
    exits 0 "$CLIPSPAN" search run --like pics/red/1.png --role "$role" --tsv
    [ "$(cut -f6 .out | sort -u | tr '\n' ' ')" = "pool pool.txt " ]
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a dog" --run run --tsv
    [ "$(awk -F'\t' '$2 == "head" { print $9 }' .out | sort -u)" = pool.txt ]
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue --templates none --texts pool.txt --tsv
    [ "$(awk -F'\t' '{ print $NF }' .out | sort -u | tr '\n' ' ')" = "pool pool.txt " ]
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue --templates none --texts pool.txt --table
    [[ $(tr '\n' ' ' <.out) == *"found in the text pool pool.txt"* ]]
    for command in edit prune; do
        exits 0 "$CLIPSPAN" $command "$model" run --role "$role" -o $command --json
        json role "$role"
        json pool pool.txt
        exits 0 "$CLIPSPAN" $command "$model" run --role "$role" -o $command --dry-run --force --json
        json pool pool.txt
        exits 0 "$CLIPSPAN" $command "$model" run --role "$role" -o $command --force --tsv
        [ "$(awk -F'\t' '{ print $(NF - 1), $NF }' .out | sort -u)" = "$(printf '%s\n' "$role pool.txt" "role pool" | sort)" ]
        exits 0 "$CLIPSPAN" $command "$model" run --heads L1.H0 -o $command --force --json
        if "$JSON_AT" pool <.out; then exit 1; fi
    done
}

@test "each of the four says what is wrong with classes, runs, labels and groups" {
    scan_list
    exits 0 "$CLIPSPAN" scan "$model" pics -o bare --coefficients none
    exits 0 "$CLIPSPAN" scan "$GOLDEN/openclip-wide" pics -o wide
    printf 'red\n' >one.txt
    sed 's/,red,/,nan,/' list.csv >nan.csv
    sed 's/,sea,/,NaN,/' list.csv >nangroup.csv
    sed 's/,red,/,,/; s/,blue,/,,/' list.csv >none.csv
    while read -ra words; do
        exits 2 "$CLIPSPAN" "${words[@]}" run && says "no classes"
        exits 2 "$CLIPSPAN" "${words[@]}" run --class red && says "at least two classes"
        exits 2 "$CLIPSPAN" "${words[@]}" run --classes one.txt && says "at least two classes"
        words+=(--classes red,blue --templates none)
        exits 4 "$CLIPSPAN" "${words[@]}" nowhere && says "nowhere"
        exits 4 "$CLIPSPAN" "${words[@]}" bare && says "keeps no coefficients"
        exits 4 "$CLIPSPAN" "${words[@]}" run --mean bare && says "keeps no coefficients"
        exits 4 "$CLIPSPAN" "${words[@]}" run --mean wide && says "means come from a run of the same model"
        exits 4 "$CLIPSPAN" "${words[@]}" run --mean nowhere && says "nowhere"
        exits 4 "$CLIPSPAN" "${words[@]}" run --from nan.csv --labels class && says 'label is "nan"'
        exits 4 "$CLIPSPAN" "${words[@]}" run --from nangroup.csv --labels class --groups place && says 'group is "NaN"'
        exits 2 "$CLIPSPAN" "${words[@]}" run --from none.csv --labels class && says "no image of the run has a label"
        exits 2 "$CLIPSPAN" "${words[@]}" run --from list.csv --labels class --groups plaice && says "did you mean"
        words=("${words[@]/red,blue/red,green}")
        exits 2 "$CLIPSPAN" "${words[@]}" run && says 'labels that no class has: "blue"'
    done <<'COMMANDS'
effects
ablate --heads L0.H0
shortcut --cue a;b
surgery --set L0.H0=0
COMMANDS
}

@test "heads and roles that are not there" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder
    all=(--classes red,green,blue --templates none)
    exits 2 "$CLIPSPAN" ablate run --heads L1.H7 "${all[@]}" && says 'no head "L1.H7"' && says "did you mean L1.H2"
    exits 2 "$CLIPSPAN" surgery run --set L1.H7=0 "${all[@]}" && says 'no head "L1.H7"'
    exits 2 "$CLIPSPAN" ablate run --heads "" "${all[@]}" && says "empty"
    printf '!colour\tred\n!colour\tgreen\nanimal\ta dog\nanimal\ta cat\n' >words.txt
    exits 0 "$CLIPSPAN" roles run --texts words.txt
    exits 2 "$CLIPSPAN" ablate run --role color "${all[@]}" && says 'no head of the run has the role "color"'
}

@test "what has no variance is unknown, not 0 %" {
    printf 'red\ta red thing\nblue\ta blue thing\n' >words.txt
    exits 0 "$CLIPSPAN" scan "$model" pics/red/1.png -o one
    exits 0 "$CLIPSPAN" span one --texts words.txt --json
    json named null
    json layers.0.named null
    json heads.0.role.named null
    json heads.0.variance_share.share null
    exits 0 "$CLIPSPAN" span one --table && shows "No head's output varies over the images"
    if grep -q ' 0 %' .out; then cat .out && false; fi
    exits 0 "$CLIPSPAN" shortcut one --classes red,blue --cue "water;grass" --table && shows "do not vary"
    if grep -q ' 0 %' .out; then cat .out && false; fi
}

@test "intervals of shortcut stand where they have no width, and errors name its option" {
    printf 'path,label,place\nred/1.png,red,land\nblue/1.png,blue,water\ngreen/1.png,green,land\n' >pics/list.csv
    exits 0 "$CLIPSPAN" scan "$model" pics/list.csv --labels label --groups label,place -o run
    all=(shortcut run --classes red,blue,green --templates none --cue "water;grass" --table)
    exits 0 "$CLIPSPAN" "${all[@]}"
    grep -q '^  nothing .*+0\.0 to +0\.0$' .out
    exits 2 "$CLIPSPAN" shortcut run --classes red,blue --cue water && says "--cue: expected two sides"
    exits 2 "$CLIPSPAN" shortcut run --classes red,blue --cue "water;|" && says "--cue: expected two sides"
}
