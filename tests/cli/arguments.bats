# SPDX-License-Identifier: MIT
# One meaning of arguments and options in every command: what is missing, what belongs to whom, what -o names, sets of
# texts, tables of texts, rows of lists.
load helper

@test "the argument that is missing is the one that is named" {
    exits 2 "$CLIPSPAN" edit "$model" && says "RUN is missing"
    exits 2 "$CLIPSPAN" prune "$model" && says "RUN is missing"
    exits 2 "$CLIPSPAN" explain "$model" --text a && says "IMAGE is missing"
    exits 2 "$CLIPSPAN" heatmap "$model" && says "IMAGE is missing"
    exits 2 "$CLIPSPAN" classify "$model" && says "INPUT (an image, folder, CSV, or - for a list) is missing"
    exits 2 "$CLIPSPAN" scan "$model" && says "INPUT (an image, folder, CSV, or - for a list) is missing"
    exits 2 "$CLIPSPAN" scan && says "MODEL is missing"
    exits 2 "$CLIPSPAN" roles && says "RUN is missing"
    exits 2 "$CLIPSPAN" roles a b && says 'unexpected argument "b"'
    exits 2 "$CLIPSPAN" explain "$model" a b --text x && says 'unexpected argument "b"'
}

@test "a hint names every owner of an option" {
    exits 2 "$CLIPSPAN" info "$model" --masks m && says "it belongs to segment;"
    exits 2 "$CLIPSPAN" info "$model" --labels y
    says "it belongs to embed, classify, pixels, scan, plan, extend and 9 more"
    exits 2 "$CLIPSPAN" export run --layers last4 --official out && says "--layers is not an option of export"
}

@test "-o has one meaning: the name of another kind is refused with what is written" {
    exits 2 "$CLIPSPAN" heatmap "$model" pics --text a -o one.png && says "heatmap writes a folder with drawings"
    exits 2 "$CLIPSPAN" segment "$model" pics --classes red,blue -o one.npy && says "segment writes a folder"
    exits 2 "$CLIPSPAN" explain "$model" pics/red/1.png --text a -o x.png && says "explain writes a page"
    exits 2 "$CLIPSPAN" report run -o r.pdf && says "report writes a page"
    exits 2 "$CLIPSPAN" scan "$model" pics -o run.csv && says "scan writes a folder with a run"
    exits 2 "$CLIPSPAN" demo -o demo.html && says "demo writes a folder"
    exits 2 "$CLIPSPAN" pixels "$model" pics -o seen.png && says "FILE.npy, or a folder of PNGs"
    exits 0 "$CLIPSPAN" pixels "$model" pics -o seen
    [ -f seen/rows.csv ]
    [ ! -e one.png ] && [ ! -e run.csv ]
}

@test "edit and prune take -j" {
    exits 0 "$CLIPSPAN" edit --help && shows "-j, --threads"
    exits 0 "$CLIPSPAN" prune --help && shows "-j, --threads"
}

@test "a set of texts goes by name wherever texts are; a file of that name comes first" {
    exits 0 "$CLIPSPAN" embed "$model" --texts demo -o demo.npy --json
    json kind texts
    exits 0 "$CLIPSPAN" tokens "$model" --texts openai && shows "a photo of"
    exits 4 "$CLIPSPAN" embed "$model" --texts demp -o a.npy && says "did you mean demo?"
    printf 'one\ntwo\n' >demo
    exits 0 "$CLIPSPAN" embed "$model" --texts demo -o two.npy --json
    json shape.0 2
}

@test "a text of which nothing is left is refused" {
    exits 2 "$CLIPSPAN" embed "$model" --text "" -o a.npy && says "has no tokens"
    nothing_left
}

@test "a table is read by its columns, never line by line" {
    printf 'label,name\nred,"a red, red thing"\nblue,a blue thing\n' >classes.csv
    exits 0 "$CLIPSPAN" classify "$model" pics/red pics/blue --classes classes.csv --templates none --labels folder --json
    json classes 2
    [ "$("$JSON_AT" labelled <.out)" = 2 ] || [ "$("$JSON_AT" images <.out)" = 2 ]
    printf 'category\ttext\ncolour\tred\n!place\ta wall\n' >pool.tsv
    exits 0 "$CLIPSPAN" embed "$model" --texts pool.tsv -o pool.npy
    grep -q '^1,!place,a wall$' pool.rows.csv
    printf 'red\nblue\n' >plain.csv
    exits 2 "$CLIPSPAN" classify "$model" pics --classes plain.csv && says "no column text, name or class; its columns: red"
    printf 'text\na {}\n' >templates.csv
    exits 0 "$CLIPSPAN" classify "$model" pics --classes red,blue --templates templates.csv --json
    json templates 1
}

@test "--where takes the rows of a list in which all conditions hold" {
    printf 'path,y,split\nred/1.png,0,2\nblue/1.png,1,2\ngreen/1.png,1,0\n' >pics/list.csv
    exits 0 "$CLIPSPAN" embed "$model" pics/list.csv --where split=2 -o a.npy --json
    json shape.0 2
    exits 0 "$CLIPSPAN" embed "$model" pics/list.csv --where split=2 --where y=1 --labels y -o a.npy --json --force
    json shape.0 1
    grep -q 'blue/1.png,1' a.rows.csv
    exits 2 "$CLIPSPAN" embed "$model" pics/list.csv --where splot=2 -o b.npy && says "did you mean split?"
    exits 2 "$CLIPSPAN" embed "$model" pics/list.csv --where split -o b.npy && says "expected COLUMN=VALUE"
    exits 4 "$CLIPSPAN" embed "$model" pics/list.csv --where split=7 -o b.npy && says "holds no image that was asked for"
    exits 2 "$CLIPSPAN" embed "$model" pics --where split=2 -o b.npy && says "no source is a .csv or .tsv file"
}

@test "files of a folder that are left out for their kind are counted in one line" {
    touch pics/a.gif pics/b.BMP pics/red/c.tiff pics/d.heic pics/e.avif pics/.hidden.gif pics/notes.txt
    exits 0 "$CLIPSPAN" embed "$model" pics -o a.npy
    says "left out: 5 files in a format that is not read"
    rm pics/b.BMP pics/red/c.tiff pics/d.heic pics/e.avif
    exits 0 "$CLIPSPAN" embed "$model" pics -o a.npy --force && says "left out: 1 file in a format"
    rm pics/a.gif
    exits 0 "$CLIPSPAN" embed "$model" pics -o a.npy --force
    [[ $errors != *"left out"* ]]
}

@test "export prints its document" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" export run --official out --json
    json schema clipspan.export.v1
    json images 3
    exits 0 "$CLIPSPAN" export run --official other --table && shows "other: components of 3 images"
}

@test "standard descriptors that are closed at start take no output file" {
    echo no image >pics/red/bad.jpg
    exits 3 "$CLIPSPAN" embed "$model" pics -o b.npy
    "$CLIPSPAN" embed "$model" pics -v -o a.npy 2>&- >/dev/null || [ $? = 3 ]
    cmp a.npy b.npy
    cmp a.rows.csv b.rows.csv
    "$CLIPSPAN" embed "$model" pics -v -o c.npy <&- 2>&- >/dev/null || [ $? = 3 ]
    cmp c.npy b.npy
    cmp c.rows.csv b.rows.csv
}

@test "help lists commands under headings, and the manual knows no exit 5" {
    exits 0 "$CLIPSPAN" help
    for heading in Demo Model Run Atlas Effects Edit Visual Reproduce; do shows "
$heading
  "; done
    exits 0 "$CLIPSPAN" help --man
    if grep -q '^.fB5.fR' .out; then false; fi
}

@test "sets that come with the program are no classes; a file of their name is one" {
    for name in demo general control; do
        exits 2 "$CLIPSPAN" classify "$model" pics --classes $name
        says "$name is a set of texts whose keys are categories"
    done
    exits 2 "$CLIPSPAN" classify "$model" pics --classes openai && says "--templates"
    printf 'red\nblue\n' >demo
    exits 0 "$CLIPSPAN" classify "$model" pics --classes demo --templates none
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --texts demo -o maps --json
    shows "red"
    printf 'one {}\n' >openai
    exits 0 "$CLIPSPAN" classify "$model" pics --classes red,blue --templates openai --json
    cp .out one
    exits 0 "$CLIPSPAN" classify "$model" pics --classes red,blue --templates ./openai --json
    cmp one .out
}
