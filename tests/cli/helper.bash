# SPDX-License-Identifier: MIT
# What the tests of the program share. CLIPSPAN (the program), JSON_AT, GOLDEN (checkpoints) and CLIPSPAN_DATA come from
# Meson. Each test starts in a folder of its own with three images: pics/blue/1.png, pics/green/1.png, pics/red/1.png.

bats_require_minimum_version 1.5.0

png() { # png NAME: seven by five pixels of one colour
    case $1 in
    red) middle=M8YaTBgAGYGLABykUBfYwBLNWWAYgAAAAASUVORK5CYII= ;;
    blue) middle=M0itrHgAGYGLABykUBjUABVF8BDDoAAAAASUVORK5CYII= ;;
    green) middle=O0mebGgAGYGLABykUBeKoBIpKUwxcAAAAASUVORK5CYII= ;;
    esac
    printf 'iVBORw0KGgoAAAANSUhEUgAAAAcAAAAFCAIAAAAG+GGPAAAAFElEQVR42m%s' "$middle" | base64 -d
}

setup() {
    # The environment is part of the interface, so each test starts without it.
    for name in $(compgen -e CLIPSPAN_); do
        [ "$name" = CLIPSPAN_DATA ] || [ "$name" = CLIPSPAN_CPU ] || unset "$name"
    done
    unset NO_COLOR
    # shellcheck disable=SC2034 # the tests use it
    model=$GOLDEN/openclip-odd
    cd "$BATS_TEST_TMPDIR" || return 1
    mkdir -p pics/red pics/green pics/blue
    for colour in red green blue; do png $colour >pics/$colour/1.png; done
}

not_when_slow() { # for a case with the demo's model that takes minutes in slow builds (SLOW=1, sanitizers)
    [ -z "${SLOW:-}${ASAN_OPTIONS:-}" ] || skip "takes minutes in this build"
}

# run_split COMMAND...: as `run`, with standard output in $output and standard error in $errors.
run_split() {
    status=0
    "$@" >.out 2>.err || status=$?
    output=$(tr -d '\0' <.out)
    errors=$(tr -d '\0' <.err)
}

# What follows ends the test when it fails, also in front of &&, where a shell takes failures for answers.

# exits N COMMAND...: the command ends with N; shows what it said when not.
exits() {
    local wanted=$1
    shift
    run_split "$@"
    [ "$status" -eq "$wanted" ] && return 0
    printf 'exit %s where %s was expected from: %s\n--- stdout\n%s\n--- stderr\n%s\n' \
        "$status" "$wanted" "$*" "$output" "$errors"
    exit 1
}

says() { # says WORDS: standard error holds them
    case $errors in
    *"$1"*) return 0 ;;
    esac
    printf 'standard error lacks "%s":\n%s\n' "$1" "$errors"
    exit 1
}

shows() { # shows WORDS: standard output holds them
    case $output in
    *"$1"*) return 0 ;;
    esac
    printf 'standard output lacks "%s":\n%s\n' "$1" "$output"
    exit 1
}

json() { # json PATH WANTED: what standard output's JSON document has there
    local found
    found=$("$JSON_AT" "$1" <.out) || exit 1
    [ "$found" = "$2" ] && return 0
    printf '%s is %s where %s was expected\n' "$1" "$found" "$2"
    exit 1
}

silent() { # nothing on standard error
    [ -z "$errors" ] && return 0
    printf 'standard error holds:\n%s\n' "$errors"
    exit 1
}

nothing_left() { # nothing_left: no output or part of one in the current folder
    local found
    found=$(find . \( -name '*.npy' -o -name '*.rows.csv' -o -name '*.part' \) -print)
    [ -z "$found" ] && return 0
    printf 'left behind: %s\n' "$found"
    exit 1
}
