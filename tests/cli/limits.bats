# SPDX-License-Identifier: MIT
# Limits of memory, stack and threads. Sanitizers need terabytes of address space, so their builds (without FLAKY) and
# those that are slow leave out what limits it.
load helper

setup_file() {
    export LOOK=$BATS_FILE_TMPDIR/look
    mkdir "$LOOK"
    find "$CLIPSPAN_DATA/demo/look" -type f | sort | head -n 40 | xargs -I{} cp {} "$LOOK"
}

limited() { # limited KB COMMAND...: address space
    local most=$1
    shift
    (ulimit -v "$most" && exec "$@")
}

@test "O1 --version and info work in 256 MB, a scan of the demo in 512 MB" {
    [ -n "$FLAKY" ] || skip
    exits 0 limited 262144 timeout 5 "$CLIPSPAN" --version
    exits 0 limited 200000 timeout 5 "$CLIPSPAN" --version
    exits 0 limited 262144 timeout 5 "$CLIPSPAN" info demo
    exits 0 limited 524288 "$CLIPSPAN" scan demo "$LOOK" -o run -j 2 --max-pixels 1000000
    exits 0 "$CLIPSPAN" scan demo "$LOOK" -o free -j 2 --max-pixels 1000000
    cmp run/statistics.safetensors free/statistics.safetensors
}

@test "O1 running out of memory is exit 7 with advice, in every thread and library" {
    [ -n "$FLAKY" ] || skip
    for most in 120000 160000; do
        for jobs in 1 2 7; do
            rm -rf run
            run_split limited $most timeout -s KILL 20 "$CLIPSPAN" scan demo "$LOOK" -o run -j $jobs
            [ "$status" = 0 ] || [ "$status" = 7 ] || [ "$status" = 127 ] || { echo "$most $jobs: $status $errors" && false; }
            [ "$status" != 7 ] || says "memory"
        done
    done
    exits 0 "$CLIPSPAN" scan demo "$LOOK" -o whole -q
    exits 7 limited 240000 timeout -s KILL 20 "$CLIPSPAN" roles whole --texts demo
    says "out of memory"
    says "use fewer threads (-j)"
}

@test "O1 --memory is what is planned with, and shared by the lanes" {
    exits 2 "$CLIPSPAN" embed "$model" pics -o a.npy --memory 5X && says "expected a size from 16M on"
    exits 0 "$CLIPSPAN" embed "$model" pics -o b.npy --memory 1.5G -j 3
    exits 0 env CLIPSPAN_MEMORY=64M "$CLIPSPAN" embed "$model" pics -o c.npy -j 3
    cmp b.npy c.npy
}

@test "O4 small stacks are raised, or are a clear error" {
    [ -n "$FLAKY" ] || skip
    exits 0 bash -c 'ulimit -S -s 64 && exec "$@"' - "$CLIPSPAN" scan demo "$LOOK" -o run -j 2
    exits 7 bash -c 'ulimit -s 128 && exec "$@"' - "$CLIPSPAN" info demo
    says "the stack is limited to 128 kB"
}

@test "O7 threads that cannot be started are fewer threads" {
    [ -n "$FLAKY" ] || skip
    exits 0 "$CLIPSPAN" scan demo "$LOOK" -o free -j 1 -q --max-pixels 1000000
    # 200 stacks of 8 MB do not fit into 700 MB
    if ldd "$CLIPSPAN" | grep -q libomp; then # LLVM's OpenMP takes memory that is then missing: said, with exit 7
        run_split limited 716800 "$CLIPSPAN" scan demo "$LOOK" -o run -j 200 --max-pixels 1000000
        [ "$status" = 7 ] && says "use fewer threads" && return
        [ "$status" = 0 ]
    else
        exits 0 limited 716800 "$CLIPSPAN" scan demo "$LOOK" -o run -j 200 --max-pixels 1000000
    fi
    cmp run/statistics.safetensors free/statistics.safetensors
}
