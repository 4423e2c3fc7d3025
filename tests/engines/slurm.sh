# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A Slurm of one node for engines.sh, which sets top, program, scripts: its own daemons, ports and folders, and munge's key is not needed.

slurm_start() {
    local host cpus port
    host=$(hostname -s)
    cpus=$(nproc)
    port=$((20000 + RANDOM % 20000))
    mkdir -p "$top/slurm/state" "$top/slurm/spool"
    cat >"$top/slurm/slurm.conf" <<CONF
ClusterName=clipspan
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$top/slurm/munge.socket
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,requeue_setup_env_fail,bf_interval=1,batch_sched_delay=0
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$top/slurm/state
SlurmdSpoolDir=$top/slurm/spool
SlurmctldPidFile=$top/slurm/ctld.pid
SlurmdPidFile=$top/slurm/d.pid
SlurmctldLogFile=$top/slurm/ctld.log
SlurmdLogFile=$top/slurm/d.log
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=300
JobRequeue=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=60 State=UP OverSubscribe=FORCE:4
CONF
    export SLURM_CONF=$top/slurm/slurm.conf
    dd if=/dev/urandom of="$top/slurm/munge.key" bs=1024 count=1 status=none
    chmod 700 "$top/slurm" && chmod 600 "$top/slurm/munge.key"
    munged --force --key-file="$top/slurm/munge.key" --socket="$top/slurm/munge.socket" --pid-file="$top/slurm/munge.pid" \
        --log-file="$top/slurm/munge.log" --seed-file="$top/slurm/munge.seed" || return
    cat "$top/slurm/munge.pid" >>"$top/slurm/pids"
    slurmctld -D >/dev/null 2>&1 &
    echo $! >>"$top/slurm/pids"
    slurmd -D >/dev/null 2>&1 &
    echo $! >>"$top/slurm/pids"
    for _ in $(seq 100); do
        [ "$(sinfo -h -o %T 2>/dev/null)" = idle ] && return 0
        sleep 0.2
    done
    sinfo >&2
    tail -5 "$top/slurm/ctld.log" "$top/slurm/d.log" >&2
    return 1
}

# waited JOB...: all of them have left the queue.
waited() {
    for _ in $(seq 300); do
        [ -z "$(squeue -h -j "$1" 2>/dev/null)" ] && return 0
        sleep 0.2
    done
    squeue >&2
    return 1
}

# The script that is shipped, as an array of 4: task 2 is killed hard and requeued, task 3 gets TERM as at its time limit; then what is
# left once more, from `status --array`.
slurm_array() {
    local job rest
    job=$(sbatch --parsable --array=1-4 --cpus-per-task=1 --mem=0 -o "$top/slurm/%a.out" "$scripts/slurm.sh" "$top/run-slurm" 4) || return
    for _ in $(seq 100); do
        [ "$(squeue -h -t R -j "$job" | wc -l)" -gt 0 ] && break
        sleep 0.05
    done
    scancel --signal=KILL "${job}_2" 2>/dev/null
    scancel --batch --signal=TERM "${job}_3" 2>/dev/null
    waited "$job" || return
    rest=$(clipspan status "$top/run-slurm" --shards 4 --array)
    [ -z "$rest" ] || {
        job=$(sbatch --parsable --array="$rest" --cpus-per-task=1 --mem=0 -o "$top/slurm/%a.out" "$scripts/slurm.sh" "$top/run-slurm" 4) &&
            waited "$job" || return
    }
    cat "$top"/slurm/[0-9].out >&2
}
