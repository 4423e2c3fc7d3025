# SPDX-License-Identifier: MIT
# Tables, footers and help keep to 80 columns where there is no terminal, and leave nothing out of a name.
load helper

narrow() { # narrow: no line of standard output is wider than 80 columns
    [ "$(LC_ALL=C.UTF-8 wc -L <.out)" -le 80 ] && return 0
    cat .out
    exit 1
}

commands() { # the names of all commands
    "$CLIPSPAN" help | sed -n 's/^  \([a-z]*\) .*/\1/p'
}

@test "no line of help is wider than 80 columns" {
    exits 0 "$CLIPSPAN" help && narrow
    [ "$(commands | wc -l)" -ge 27 ]
    for command in $(commands); do exits 0 "$CLIPSPAN" help "$command" && narrow; done
}

@test "long names are whole, below themselves where a line is full" {
    long=a-folder-whose-name-is-long/another-folder-with-a-long-name/one-more-that-is-long-enough
    mkdir -p "$long"
    for i in 1 2 3 4 5 6; do png red >"$long/an image with a very long name of many words $i.png"; done
    exits 0 "$CLIPSPAN" classify "$model" "$long" --classes "red,a class with a name of more words than one,blue" --table
    narrow
    for word in long name words '1.png' '6.png'; do shows "$word"; done
    if grep -q '…' .out; then false; fi
    exits 0 "$CLIPSPAN" classify "$model" "$long/an image with a very long name of many words 1.png" --classes red,blue --table
    narrow
}

@test "tables and footers of commands on a run are narrow" {
    printf 'path,label,place\nred/1.png,red,land\nblue/1.png,blue,water\ngreen/1.png,green,land\n' >pics/list.csv
    exits 0 "$CLIPSPAN" scan "$model" pics/list.csv --labels label --groups label,place -o run --table && narrow
    exits 0 "$CLIPSPAN" span run --table && narrow
    exits 0 "$CLIPSPAN" span run --heads L0.H0 --table && narrow
    exits 0 "$CLIPSPAN" roles run --table && narrow
    exits 0 "$CLIPSPAN" effects run --classes red,blue,green --table && narrow
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue,green --table && narrow
    exits 0 "$CLIPSPAN" surgery run --set L0.H0=mean --classes red,blue,green --table && narrow
    exits 0 "$CLIPSPAN" search run --like "#0" --table && narrow
    exits 0 "$CLIPSPAN" edit "$model" run --heads L0.H0 -o edited --classes red,blue,green --table && narrow
    exits 0 "$CLIPSPAN" info "$model" --tensors --table && narrow
    exits 0 "$CLIPSPAN" reproduce --table && narrow
}

@test "every table of shortcut with three classes has its columns" {
    printf 'path,label,place\nred/1.png,red,land\nblue/1.png,blue,water\ngreen/1.png,green,land\n' >pics/list.csv
    exits 0 "$CLIPSPAN" scan "$model" pics/list.csv --labels label --groups label,place -o run
    printf 'round\nflat\n' >also.txt
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue,green --cue "water;grass" --also also.txt:none --table
    narrow
    for first in head remedy forecast: "side effects on"; do [ "$(grep -c "^  $first  *" .out)" = 6 ]; done
    # Wide enough for a header in one line: three pairs and each class against the rest, and each kind of table six times under the same one.
    command -v script >/dev/null || skip "no script"
    script -qec "stty cols 160; LC_ALL=C.UTF-8 '$CLIPSPAN' shortcut run --classes red,blue,green --cue 'water;grass' \
        --also also.txt:none --no-color --progress none" /dev/null </dev/null | tr -d '\r' >.out
    for header in '^  head .*ratio' '^  remedy  *correlation  *accuracy  *worst  *points  *95 %$' \
        '^  forecast: predicted  *cue  *images  *stay  *margin before  *after$' \
        '^  side effects on  *stay  *accuracy before  *after  *points  *95 %$'; do
        [ "$(grep -c "$header" .out)" = 6 ] || { cat .out && false; }
    done
}

@test "in 60 columns no text of shortcut's tables takes more than two lines" {
    command -v script >/dev/null || skip "no script"
    printf 'path,label,place\nred/1.png,red,land\nblue/1.png,blue,water\ngreen/1.png,green,land\n' >pics/list.csv
    exits 0 "$CLIPSPAN" scan "$model" pics/list.csv --labels label --groups label,place -o run
    script -qec "stty cols 60; LC_ALL=C.UTF-8 '$CLIPSPAN' shortcut run --classes red,blue,green --cue 'water;grass' \
        --no-color --progress none" /dev/null </dev/null | tr -d '\r' >.out
    [ "$(LC_ALL=C.UTF-8 wc -L <.out)" -le 60 ]
    # A line of a row that goes on has a word of its first column and nothing else.
    awk '/^  baseline: text/ { n = 1; next } n && /^  [a-z]+$/ { if (++n > 2) exit 1; next } { n = 0 }' .out
    grep -q '^  remedy .*95 %$' .out # in a panel of its own
}
