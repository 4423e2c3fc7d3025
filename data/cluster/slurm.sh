#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One shard of a planned run, as a task of a Slurm array that queues itself again when time is up.
#
#   clipspan plan MODEL photos/ -o /scratch/run
#   job=$(sbatch --parsable --array=1-64 slurm.sh /scratch/run 64)
#   sbatch --dependency=afterok:"$job" --wrap "clipspan merge /scratch/run"
#
# Later, only what is left: sbatch --array="$(clipspan status /scratch/run --shards 64 --array)" slurm.sh /scratch/run 64
#
#SBATCH --cpus-per-task=8
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
run=${1:?the folder of a planned run}
shards=${2:?how many shards it is scanned in}

# Two minutes before its end Slurm sends TERM to this script; a scan that gets it ends the chunks in progress.
clipspan scan "$run" --shard "auto/$shards" -j "${SLURM_CPUS_PER_TASK:-1}" &
scan=$!
trap 'kill -TERM $scan' TERM
wait $scan
code=$?
[ $code -le 128 ] || { # the trap ended the wait
    wait $scan
    code=$?
}
# 75: stopped, to be resumed; 143: so early that the program had not begun.
if { [ $code -eq 75 ] || [ $code -eq 143 ]; } && [ -n "${SLURM_JOB_ID:-}" ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}" && exit 0
fi
exit $code
