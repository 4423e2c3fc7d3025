#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# engines.sh PROGRAM JSON_AT MODEL SCRIPTS   Shards under the engines that start many processes: the bytes of a merged run are those of
# one process, with 1 % of the images damaged, after tasks that were killed, requeued and timed out. One TAP case an
# engine; one that is not installed is skipped.
# Engines are functions that are called by their names.
# shellcheck disable=SC2317
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$1 json_at=$2 model=$3 scripts=$4
engines=(processes parallel xargs mpirun snakemake dask slurm)
[ -z "${ENGINES:-}" ] || read -ra engines <<<"$ENGINES" # some of them alone
[ -z "${SLOW:-}" ] || { # a second time, with other kernels
    echo "1..0 # SKIP slow"
    exit 0
}
top=$(mktemp -d)
trap stop EXIT

stop() {
    local pid
    if [ -s "$top/slurm/pids" ]; then
        # slurmd and slurmctld, then munged
        for pid in $(tac "$top/slurm/pids"); do
            kill "$pid" 2>/dev/null
            for _ in $(seq 50); do
                kill -0 "$pid" 2>/dev/null || break
                sleep 0.1
            done
        done
    fi
    rm -rf "$top"
}

mkdir "$top/bin"
ln -s "$program" "$top/bin/clipspan"
export PATH=$top/bin:$PATH OMP_NUM_THREADS=1
cd "$top" || exit 1

# 1,200 images, 12 of them damaged.
base64 -d >one.png <<'PNG'
iVBORw0KGgoAAAANSUhEUgAAAAcAAAAFCAIAAAAG+GGPAAAAFElEQVR42mM8YaTBgAGYGLABykUBfYwBLNWWAYgAAAAASUVORK5CYII=
PNG
mkdir images
for i in $(seq 1200); do
    if [ $((i % 100)) = 7 ]; then echo broken >"images/$i.png"; else ln one.png "images/$i.png"; fi
done

# state RUN: the bytes of everything that is the same for any engine.
state() { (cd "$1" && find segments -type f -name '*.safetensors' -exec sha256sum {} + | sort -k2 && sha256sum statistics.safetensors); }

clipspan scan "$model" images -o one -q >/dev/null || [ $? = 3 ] || exit 1
state one >one.state

# finished RUN: the merge of its shards is what one process made, and tells the damaged images.
finished() {
    [ "$(clipspan status "$1" --json | "$json_at" left)" = 0 ] || { echo "left: $(clipspan status "$1" --tsv)" >&2 && return 1; }
    clipspan merge "$1" -q >/dev/null || [ $? = 3 ] || return 1
    [ "$(clipspan status "$1" --json | "$json_at" skipped)" = 12 ] || return 1
    state "$1" | cmp - one.state
}

plan() { clipspan plan "$model" images -o "$1" -q >/dev/null; }

# ---- Engines ----

# Four at once, without a plan; one is killed and started again.
processes() {
    local pids=() i
    for i in 1 2 3 4; do
        clipspan scan "$model" images -o run-processes --shard "$i/4" -q >/dev/null &
        pids+=($!)
    done
    sleep 0.1
    kill -9 "${pids[2]}" 2>/dev/null
    for i in 0 1 3; do wait "${pids[i]}" || return; done
    wait "${pids[2]}"
    clipspan scan run-processes --shard 3/4 -q >/dev/null || return
    finished run-processes
}

parallel_has() { type -P parallel >/dev/null; } # not the function of that name
parallel() {
    plan run-parallel || return
    # A task that runs out of time is stopped with TERM, ends with 75 and is tried again.
    command parallel --will-cite --halt now,fail=1 --retries 3 -j2 clipspan scan run-parallel --shard {}/5 -q ::: 1 2 3 4 5 >/dev/null || return
    finished run-parallel
}

xargs() {
    plan run-xargs || return
    seq 5 | command xargs -P2 -I{} clipspan scan run-xargs --shard {}/5 -q >/dev/null || return
    finished run-xargs
}

mpirun_has() { type -P mpirun >/dev/null; } # not the function of that name
mpirun() {
    plan run-mpi || return
    command mpirun --allow-run-as-root --oversubscribe -n 3 clipspan scan run-mpi --shard auto -q >/dev/null || return
    finished run-mpi
}

snakemake_has() { type -P snakemake >/dev/null; } # not the function of that name
snakemake() {
    command snakemake -s "$scripts/Snakefile" --cores 2 --quiet all --config model="$model" images=images run=run-snakemake shards=4 \
        >snakemake.log 2>&1 || { cat snakemake.log >&2 && return 1; }
    finished run-snakemake
}

dask_has() { /usr/bin/python3 -c 'import distributed' 2>/dev/null; }
dask() {
    plan run-dask || return
    /usr/bin/python3 "$scripts/dask_scan.py" run-dask 4 >dask.log 2>&1
    [ $? = 3 ] || { tail -5 dask.log >&2 && return 1; }
    finished run-dask
}

# Slurm on this machine alone, as root: daemons of our own beside whatever there is.
slurm_has() { command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && [ "$(id -u)" = 0 ]; }
slurm() {
    # shellcheck source=tests/engines/slurm.sh
    . "$here/slurm.sh"
    slurm_start || return 77 # daemons that this machine does not let start are none of ours
    plan run-slurm || return
    slurm_array || return
    finished run-slurm
}

has() { ! declare -F "$1_has" >/dev/null || "$1_has"; }

echo "1..${#engines[@]}"
number=0 failed=0
for engine in "${engines[@]}"; do
    number=$((number + 1))
    if ! has "$engine"; then
        echo "ok $number $engine # SKIP not installed, or needs root"
    else
        (set -u && "$engine") 2>"$engine.err"
        case $? in
        0) echo "ok $number $engine" ;;
        77) echo "ok $number $engine # SKIP it does not start here" ;;
        *) failed=1 && echo "not ok $number $engine" ;;
        esac
    fi
    [ ! -s "$engine.err" ] || sed "s|^|# |" "$engine.err" | tail -200
done
exit $failed
