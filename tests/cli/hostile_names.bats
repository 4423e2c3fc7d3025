# SPDX-License-Identifier: MIT
# Names that steer terminals, turn the words around them, forge lines or compute in spreadsheets, through every
# command that prints names: file names, texts, class names, labels, groups, models.
load helper

evil=$'\033]0;owned\a\302\2332J\342\200\256gpj\342\201\246\342\200\250\330\234\tz'

# tame: nothing that could steer a terminal on standard output and error: no C0 but tab and line end, no DEL, C1,
# bidirectional control or separator of lines.
tame() {
    LC_ALL=C grep -aPn '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xd8\x9c' \
        .out .err || return 0
    echo "of: $*"
    return 1
}

# every_form COMMAND...: the command ends with 0 and is tame as table, TSV and JSON.
every_form() {
    for form in --table --tsv --json; do
        exits 0 "$@" $form
        tame "$@" $form
    done
}

make_images() {
    mkdir -p "pics/$evil"
    for colour in red green blue; do
        for i in 1 2 3 4; do cp pics/$colour/1.png "pics/$evil/$evil$colour$i.png"; done
    done
}

make_run() {
    make_images
    exits 0 "$CLIPSPAN" scan "$model" pics -o "run$evil"
    tame scan
    printf '%s first\n%s second\n=1+1\na photo\n' "$evil" "$evil" >texts.txt
}

@test "hostile names: models and checkpoints" {
    cp -r "$model" "model$evil"
    every_form "$CLIPSPAN" info "model$evil"
    exits 4 "$CLIPSPAN" info "gone$evil"
    tame info
}

@test "hostile names: embed, pixels, tokens, classify" {
    make_images
    every_form "$CLIPSPAN" embed "$model" pics -o "a$evil.npy" -f
    every_form "$CLIPSPAN" pixels "$model" pics -o "p$evil.npy" -f
    every_form "$CLIPSPAN" tokens "$model" --text "$evil"
    every_form "$CLIPSPAN" classify "$model" pics --class "$evil" --class "=b"
    printf 'path,label,group\n%s,=b,"%s"\n' pics/red/1.png "$evil" >images.csv
    every_form "$CLIPSPAN" classify "$model" images.csv --class "$evil" --class "=b" --labels label --groups group
    exits 2 "$CLIPSPAN" embed "$model" pics "--$evil"
    tame embed
}

@test "hostile names: an image that is damaged is listed" {
    make_images
    echo damaged >"pics/$evil/$evil.png"
    exits 3 "$CLIPSPAN" embed "$model" pics -o a.npy
    tame embed
}

@test "hostile names: plan, extend, span, roles, report, search" {
    make_run
    every_form "$CLIPSPAN" plan "$model" pics -o "plan$evil" -f
    every_form "$CLIPSPAN" span "run$evil" --texts texts.txt
    every_form "$CLIPSPAN" roles "run$evil" --texts texts.txt
    every_form "$CLIPSPAN" search "run$evil" --like "pics/$evil/${evil}red1.png"
    every_form "$CLIPSPAN" search "run$evil" --text "$evil"
    every_form "$CLIPSPAN" report "run$evil" --texts texts.txt -f
    exits 0 "$CLIPSPAN" extend "run$evil" "pics/$evil"
    tame extend
}

@test "hostile names: effects, ablate, surgery, heatmap, explain, segment" {
    make_run
    every_form "$CLIPSPAN" effects "run$evil" --class "$evil" --class "=b"
    every_form "$CLIPSPAN" ablate "run$evil" --heads L0.H0 --class "$evil" --class "=b"
    every_form "$CLIPSPAN" surgery "run$evil" --set L0.H0=0 --class "$evil" --class "=b"
    every_form "$CLIPSPAN" heatmap "$model" "pics/$evil" --text "$evil" -o "maps$evil" -f
    every_form "$CLIPSPAN" explain "$model" "pics/$evil/${evil}red1.png" --text "$evil"
    every_form "$CLIPSPAN" segment "$model" "pics/$evil" --class "$evil" --class "=b" -o "masks$evil" -f
}

@test "pages: names are isolated, no override leaves its element or an attribute, paths only with --paths" {
    make_run
    exits 0 "$CLIPSPAN" report "run$evil" --texts texts.txt -o page.html
    python3 - <<'PYTHON'
import re
page = open("page.html", encoding="utf-8").read()
page = re.sub(r"<bdi>.*?</bdi>", "", page, flags=re.S)
assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u2028\u2029\x1b\x80-\x9f]", page)
PYTHON
    exits 0 "$CLIPSPAN" scan "$model" "$PWD/pics" -o absolute
    exits 0 "$CLIPSPAN" report absolute --texts texts.txt -o hidden.html
    run ! grep -qF "$PWD" hidden.html
    exits 0 "$CLIPSPAN" report absolute --texts texts.txt --paths -o shown.html
    grep -qF "$PWD/pics" shown.html
}

@test "--spreadsheet: cells that begin with = + - @ get an apostrophe, numbers do not" {
    exits 0 "$CLIPSPAN" tokens "$model" --text "=1+1" --text "@SUM(A1)" --text "-2" --text "b" --tsv --spreadsheet
    [ "$(cut -f 2 .out)" = "$(printf "text\n'=1+1\n'@SUM(A1)\n-2\nb")" ]
    exits 0 "$CLIPSPAN" tokens "$model" --text "=1+1" --tsv
    [ "$(cut -f 2 .out)" = "$(printf 'text\n=1+1')" ]
    cp pics/red/1.png =red.png
    exits 0 "$CLIPSPAN" classify "$model" =red.png --classes red,blue -o a.csv --spreadsheet
    grep -q "\"'=red.png\"" a.csv
    exits 0 "$CLIPSPAN" info "$model" --tsv --spreadsheet
}
