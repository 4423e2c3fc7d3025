# SPDX-License-Identifier: MIT
# What holds for every command: help, options, environment, messages, exit codes.
load helper

@test "without arguments: short usage on standard error, exit 2" {
    exits 2 "$CLIPSPAN"
    says "Usage: clipspan COMMAND"
    [ -z "$output" ]
}

@test "--help, help and --version go to standard output and end with 0" {
    exits 0 "$CLIPSPAN" --help && shows "classify" && silent
    exits 0 "$CLIPSPAN" help && shows "classify" && silent
    exits 0 "$CLIPSPAN" -h && shows "Usage: clipspan COMMAND"
    exits 0 "$CLIPSPAN" --version && [[ $output =~ ^clipspan\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "help names every option of a command, the same by help COMMAND and COMMAND --help" {
    for command in info embed classify pixels tokens help version; do
        exits 0 "$CLIPSPAN" help $command && shows "Usage: clipspan $command"
        cp .out one
        exits 0 "$CLIPSPAN" $command --help
        cmp one .out
    done
    exits 0 "$CLIPSPAN" embed --help
    for option in --output --precision --threads --raw --single --texts --root --quick-gelu --progress; do
        shows "$option"
    done
}

@test "no line of help is wider than 80 columns" {
    for command in info embed classify pixels tokens help version; do
        exits 0 "$CLIPSPAN" help $command
        awk 'length($0) > 80 { print; bad = 1 } END { exit bad }' .out
    done
}

@test "a misspelt command, option or value gets the nearest right one, exit 2" {
    exits 2 "$CLIPSPAN" emebd && says "did you mean embed?"
    exits 2 "$CLIPSPAN" embed "$model" pics --precison f32 && says "did you mean --precision?"
    exits 2 "$CLIPSPAN" embed "$model" pics --precision bf61 && says "did you mean bf16?"
    exits 2 "$CLIPSPAN" help klassify && says "did you mean classify?"
    exits 2 "$CLIPSPAN" zzzzzz && says 'unknown command "zzzzzz"'
}

@test "options are not abbreviated" {
    exits 2 "$CLIPSPAN" embed "$model" pics --outp x.npy && says "did you mean --output?"
    nothing_left
}

@test "an option of another command is named as such" {
    exits 2 "$CLIPSPAN" embed "$model" pics --top 3 && says "not an option of embed; it belongs to classify, heatmap, explain, search"
    exits 2 "$CLIPSPAN" --output x.npy embed "$model" pics && says "comes before the command"
}

@test "options and arguments mix; values attach with = or stand behind; letters combine" {
    exits 0 "$CLIPSPAN" embed -o a.npy "$model" -j1 pics --progress=none
    exits 0 "$CLIPSPAN" embed "$model" pics -fqo a.npy -j 2
    silent
    exits 2 "$CLIPSPAN" embed "$model" pics --force=yes -o a.npy && says "takes no value"
    exits 2 "$CLIPSPAN" embed "$model" pics -o && says "found nothing"
}

@test "-- ends options" {
    cp -r pics -- -pics
    exits 2 "$CLIPSPAN" embed "$model" -pics -o a.npy
    exits 0 "$CLIPSPAN" embed -o a.npy -- "$model" -pics
}

@test "a file that is called like an option is shown its place" {
    cp pics/red/1.png ./-red.png
    cp pics/red/1.png ./--blue.png
    exits 2 "$CLIPSPAN" embed "$model" -o a.npy -red.png && says "put it after --"
    exits 2 "$CLIPSPAN" embed "$model" -o a.npy --blue.png && says "put it after --"
    exits 0 "$CLIPSPAN" embed "$model" -o a.npy -- -red.png --blue.png
}

@test "a value out of range names the range" {
    exits 2 "$CLIPSPAN" embed "$model" pics -o a.npy -j 0 && says "from 1 to 256"
    exits 2 "$CLIPSPAN" embed "$model" pics -o a.npy -j 1x && says '"1x"'
    exits 2 "$CLIPSPAN" embed "$model" pics -o a.npy --max-pixels 99999999999999999999 && says "integer"
    exits 2 "$CLIPSPAN" embed "$model" pics -o ""  && says "empty text"
}

@test "every option is also CLIPSPAN_NAME; the command line wins; others are not read" {
    CLIPSPAN_OUTPUT=env.npy exits 0 "$CLIPSPAN" embed "$model" pics
    [ -f env.npy ]
    CLIPSPAN_OUTPUT=env.npy exits 0 "$CLIPSPAN" embed "$model" pics -o line.npy
    [ -f line.npy ]
    CLIPSPAN_DRY_RUN=1 exits 0 "$CLIPSPAN" embed "$model" pics -o dry.npy
    [ ! -e dry.npy ]
    CLIPSPAN_DRY_RUN=no exits 0 "$CLIPSPAN" embed "$model" pics -o wet.npy
    [ -f wet.npy ]
    CLIPSPAN_THREADS=many exits 2 "$CLIPSPAN" embed "$model" pics -o x.npy && says "CLIPSPAN_THREADS"
    CLIPSPAN_FORCE=maybe exits 2 "$CLIPSPAN" embed "$model" pics -o x.npy && says "CLIPSPAN_FORCE"
    CLIPSPAN_CLASSES=a,b CLIPSPAN_VERSION=0.1 CLIPSPAN_HELP=1 exits 0 "$CLIPSPAN" info "$model" && shows "schema"
}

@test "the forms of output exclude each other; a flag beats the environment" {
    exits 2 "$CLIPSPAN" info "$model" --json --tsv && says "exclude each other"
    CLIPSPAN_JSON=1 exits 0 "$CLIPSPAN" info "$model" --tsv
    [ "$(head -n 1 .out)" = "$(printf 'schema\tclipspan.info.v1')" ]
}

@test "missing and surplus arguments are usage errors" {
    exits 2 "$CLIPSPAN" info && says "MODEL is missing"
    exits 2 "$CLIPSPAN" classify "$model" && says "INPUT"
    exits 2 "$CLIPSPAN" info a b && says 'unexpected argument "b"'
}

@test "no escape sequences when standard output and error are no terminal" {
    exits 0 "$CLIPSPAN" info "$model" --table
    run ! grep -q "$(printf '\033')" .out
    exits 4 "$CLIPSPAN" info nowhere
    run ! grep -q "$(printf '\033')" .err
}

@test "a bar stays within its terminal and is gone before results come" {
    command -v script >/dev/null || skip "no script"
    yes "a photo of a dog" | head -n 200000 >texts.txt
    for columns in 100 60 30; do
        TERM=vt100 script -qec "stty cols $columns; LC_ALL=C '$CLIPSPAN' tokens '$model' --texts texts.txt --tsv" /dev/null \
            </dev/null | tr '\r' '\n' | grep " of 200,000 " >bars || skip "done before a bar was due"
        LC_ALL=C awk -v most=$columns -v end="$(printf '\033')[[]K" \
            '!sub(end "$", "") || length($0) >= most { print; bad = 1 } END { exit bad }' bars
    done
}

@test "standard output that is full is an error of writing, exit 6" {
    [ -w /dev/full ] || skip "no /dev/full"
    run -6 bash -c '"$0" info "$1" >/dev/full' "$CLIPSPAN" "$model"
    [[ $output == *"standard output"* ]]
}

@test "a reader that leaves early ends the program quietly by SIGPIPE" {
    yes "a photo of a dog" | head -n 50000 >texts.txt
    run bash -c '"$0" tokens "$1" --texts texts.txt 2>.err | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"' \
        "$CLIPSPAN" "$model"
    [ "$output" = 141 ]
    [ ! -s .err ]
}

@test "the man page and the completion come from the option table" {
    exits 0 "$CLIPSPAN" help --man && silent
    for option in output precision threads classes templates tensors texts; do
        grep -q '\\-\\-'"$option" .out
    done
    grep -q '^.TH CLIPSPAN 1' .out
    if command -v man >/dev/null; then
        [ -z "$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l .out 2>&1 >/dev/null)" ]
    fi
    exits 0 "$CLIPSPAN" help --bash && silent
    cp .out completion
    run -0 bash -c '. ./completion; COMP_WORDS=(clipspan embed --pre); COMP_CWORD=2; _clipspan; echo "${COMPREPLY[@]}"'
    [ "$output" = --precision ]
    run -0 bash -c '. ./completion; COMP_WORDS=(clipspan cl); COMP_CWORD=1; _clipspan; echo "${COMPREPLY[@]}"'
    [ "$output" = classify ]
    run -0 bash -c '. ./completion; COMP_WORDS=(clipspan embed --precision b); COMP_CWORD=3; _clipspan; echo "${COMPREPLY[@]}"'
    [ "$output" = bf16 ]
}

@test "version says what computes" {
    exits 0 "$CLIPSPAN" version --json
    json schema clipspan.version.v1
    [[ $("$JSON_AT" cpu_level <.out) =~ ^(generic|avx2|avx512)$ ]]
    CLIPSPAN_CPU=generic exits 0 "$CLIPSPAN" version --json
    json cpu_level generic
    CLIPSPAN_CPU=avx521 exits 2 "$CLIPSPAN" version && says "did you mean avx512?"
}

@test "a locale with a decimal comma, or with a dotless i, changes no number and no option" {
    command -v localedef >/dev/null || skip "no localedef"
    exits 0 "$CLIPSPAN" info "$model" --json
    cp .out plain
    tried=0
    for locale in de_DE tr_TR; do
        localedef -i $locale -f UTF-8 "./$locale.UTF-8" 2>/dev/null || continue
        LOCPATH=$PWD LC_ALL=$locale.UTF-8 exits 0 "$CLIPSPAN" info "$model" --json
        cmp plain .out
        LOCPATH=$PWD LC_ALL=$locale.UTF-8 CLIPSPAN_DRY_RUN=1 exits 0 "$CLIPSPAN" embed "$model" pics -o a.npy --single yes
        [ ! -e a.npy ]
        tried=$((tried + 1))
    done
    [ $tried -gt 0 ] || skip "no locale sources"
}

@test "one image, one text, one thread: nouns are singular" {
    singular() { # nothing in front of a plural is one
        ! grep -nE '(^|[^0-9.,-])1 (images|texts|heads|layers|chunks|blocks|threads|tensors|rounds|classes|lists|basis texts|random sets)\b' "$@"
    }
    printf 'red\ta red thing\n' >one.txt
    OMP_NUM_THREADS=1 exits 0 "$CLIPSPAN" version --table && singular .out
    exits 0 "$CLIPSPAN" scan "$model" pics/red/1.png -o run -j 1 -v --table && singular .out .err
    exits 0 "$CLIPSPAN" plan "$model" pics/red/1.png -o planned
    exits 4 "$CLIPSPAN" merge planned && says "1 of 1 chunk is not scanned" && singular .err
    exits 0 "$CLIPSPAN" atlas "$model" pics/red/1.png -o run --texts one.txt --classes red,blue --table && singular .out .err
    singular run/report.html
    exits 0 "$CLIPSPAN" span run --heads L0.H0 --table && singular .out
    exits 0 "$CLIPSPAN" edit "$model" run --heads L0.H0 -o edited --table && singular .out
    exits 0 "$CLIPSPAN" prune "$model" run --fraction 0.2 --by network -o pruned --table && singular .out
    exits 0 "$CLIPSPAN" info pruned --table && singular .out
    exits 0 "$CLIPSPAN" ablate run --heads L0.H0 --classes red,blue --random 1 --table && singular .out
    exits 0 "$CLIPSPAN" shortcut run --classes red,blue --cue "water;grass" --random 1 --table && singular .out
    exits 0 "$CLIPSPAN" report run --force -o page.html && singular page.html
}
