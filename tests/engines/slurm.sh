# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
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
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
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

# waited JOB: all of its tasks have left the queue. Slurm holds a requeued task back for two minutes; here it need not wait, but for
# the seconds in which a new start would be taken for the one that was revoked.
waited() {
    local held
    for _ in $(seq 100); do
        [ -z "$(squeue -h -j "$1" 2>/dev/null)" ] && return 0
        for held in $(squeue -h -r -t PD -j "$1" -o '%i %r' 2>/dev/null | sed -n 's/ BeginTime$//p'); do
            sleep 3
            scontrol update jobid="$held" starttime=now
        done
        sleep 1
    done
    squeue >&2
    tail -5 "$top/slurm/ctld.log" >&2
    return 1
}

# A program before the real one: in the first try of the tasks 1 to 3 the scan is halted as soon as it catches TERM, until TERM
# comes, so that there is a task in progress for whatever befalls it, however fast the machine is.
slurm_halting() {
    mkdir "$top/halting"
    cat >"$top/halting/clipspan" <<HALT
#!/usr/bin/env bash
bit() { [ \$((0x\$(sed -n "s/^\$1:\\s*//p" /proc/\$\$/status) & 0x4000)) -ne 0 ]; }
if [ "\$1" = scan ] && [ "\${SLURM_RESTART_COUNT:-0}" = 0 ] && [ "\${SLURM_ARRAY_TASK_ID:-0}" -le 3 ] && [ ! -e "$top/slurm/again" ]; then
    (
        until [ "\$(readlink /proc/\$\$/exe)" = "$(readlink -f "$program")" ] && bit SigCgt; do [ -e /proc/\$\$ ] && sleep 0.01 || exit; done
        kill -STOP \$\$ && echo \$\$ >"$top/slurm/halted.\$SLURM_ARRAY_TASK_ID"
        until bit ShdPnd; do [ -e /proc/\$\$ ] && sleep 0.1 || exit; done
        kill -CONT \$\$
    ) >/dev/null 2>&1 &
fi
exec "$program" "\$@"
HALT
    chmod +x "$top/halting/clipspan"
}

# submitted ARRAY OPTIONS...: the number of a job of the script that is shipped.
submitted() {
    local array=$1
    shift
    PATH=$top/halting:$PATH sbatch --parsable --array="$array" --cpus-per-task=1 --mem=0 "$@" -o "$top/slurm/%a.out" \
        "$scripts/slurm.sh" "$top/run-slurm" 4
}

# An array of 4 with a limit of a minute: task 1 is requeued by hand, task 2's scan killed hard, as by the kernel when memory ends, task 3 gets TERM for its time and requeues
# itself, task 4 just ends. Then what is left, which is task 2, from `status --array`.
slurm_array() {
    local job rest
    slurm_halting
    job=$(submitted 1-4 --time=1 --signal=B:TERM@55) || return
    for _ in $(seq 150); do
        [ "$(find "$top/slurm" -name 'halted.*' | wc -l)" = 3 ] && break
        sleep 0.1
    done
    [ "$(find "$top/slurm" -name 'halted.*' | wc -l)" = 3 ] || { squeue >&2 && cat "$top"/slurm/[0-9].out >&2 && return 1; }
    scontrol requeue "${job}_1" && kill -9 "$(cat "$top/slurm/halted.2")" || return
    waited "$job" || return
    grep -E 'requeue|time limit|SIG|WEXITSTATUS|WTERMSIG' "$top/slurm/ctld.log" "$top/slurm/d.log" | sed 's/.*\///' >&2
    rest=$(clipspan status "$top/run-slurm" --shards 4 --array)
    [ "$rest" = 2 ] || {
        cat "$top"/slurm/[0-9].out >&2
        grep -hE 'JobId=|error' "$top/slurm/ctld.log" "$top/slurm/d.log" >&2
        echo "left after the array: \"$rest\", not 2" >&2
        return 1
    }
    touch "$top/slurm/again"
    job=$(submitted "$rest") && waited "$job"
}
