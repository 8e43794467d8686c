#!/usr/bin/env bash
# Runs the scripts of this folder for real: on a SLURM of one node that it starts itself, with one task stopped in the middle, and
# compares the merged study with the same study without SLURM. Takes about a minute on two cores.
#
#     examples/slurm/try.sh [--install] [PROGRAM]
#
# PROGRAM is the example glue_sst2, which is built if it is not given. Without SLURM, or if not root, it says so and does nothing;
# `--install` installs Debian's packages first.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"

if [ "${1:-}" = --install ]; then
    shift
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
fi
PATH="$PATH:/usr/sbin:/sbin"
for tool in sbatch slurmctld slurmd munged; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: there is no $tool; Debian has it in slurm-wlm and munge, which --install installs"
        exit 0
    fi
done
if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: slurmd needs root"
    exit 0
fi
program="${1:-}"
if [ -z "$program" ]; then
    (cd "$root" && cargo build --quiet --example glue_sst2)
    program="$root/target/debug/examples/glue_sst2"
fi
program="$(realpath "$program")"

work="$(mktemp -d)"
finish() {
    code=$?
    for daemon in slurmd slurmctld munged; do
        if [ -f "$work/$daemon.pid" ]; then
            kill "$(cat "$work/$daemon.pid")" 2>/dev/null || true
        fi
    done
    if [ "$code" -eq 0 ]; then
        # They may still be writing.
        rm -rf "$work" 2>/dev/null || { sleep 3 && rm -rf "$work"; }
    else
        tail -n 20 "$work"/*.log "$work"/parts/slurm/*.log 2>/dev/null || true
        echo "failed; everything is in $work"
    fi
}
trap finish EXIT

# --- a SLURM of one node
node="$(hostname -s)"
port=$((20000 + $$ % 10000))
export SLURM_CONF="$work/slurm.conf"
mkdir "$work/spool" "$work/state"
cat >"$SLURM_CONF" <<END
ClusterName=try
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
# Requeued jobs wait until the credentials of their first start have expired.
AuthInfo=socket=$work/munge.socket,cred_expire=10
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
# No control groups: a container need not have any.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$node Default=YES State=UP
END
printf 'CgroupPlugin=cgroup/v1\nCgroupMountpoint=%s\nCgroupAutomount=no\n' "$work/cgroup" >"$work/cgroup.conf"
(umask 077 && head -c 1024 /dev/urandom >"$work/munge.key")
# munged wants folders above its files that only their owner can write to.
chmod 755 "$work"
munged --force --socket="$work/munge.socket" --key-file="$work/munge.key" --pid-file="$work/munged.pid" \
    --log-file="$work/munged.log" --seed-file="$work/munge.seed" 2>"$work/munged.start.log"
slurmctld -c
slurmd
for _ in $(seq 60); do
    if sinfo --noheader --states=idle --format %T 2>/dev/null | grep -q idle; then
        break
    fi
    sleep 1
done
echo "SLURM: $(sinfo --noheader --format '%N, %c CPUs, %T')"

# --- the same study, without and with it
study=(--preset quick --seeds 2 --epochs 2 --max-train-samples 512 --max-eval-samples 200 --checkpoint-minutes 0.02)
(cd "$root" && "$program" "${study[@]}" --out "$work/whole" --quiet >"$work/whole.txt")
cat >"$work/study.conf" <<END
PROGRAM="$program"
OUT="$work/parts"
SHARDS=2
STUDY=(${study[*]} --jobs 1)
PASSES=1
TASK=(--cpus-per-task=1)
END
submitted="$("$here/submit.sh" "$work/study.conf")"
echo "$submitted"
array="$(sed -n 's/^array //p' <<<"$submitted")"
merge="$(sed -n 's/^merge //p' <<<"$submitted")"

# Stop the second task once it has a checkpoint.
for _ in $(seq 600); do
    if compgen -G "$work/parts/checkpoints.2-of-2/*/0*/SHA256SUMS" >/dev/null; then
        break
    fi
    sleep 0.1
done
scancel --signal=TERM --batch "${array}_2"
echo "stopped task ${array}_2 after its first checkpoint"
state() {
    scontrol show job "$1" 2>/dev/null | sed -n 's/.* *JobState=\([A-Z_]*\).*/\1/p' | tail -n 1
}
for _ in $(seq 300); do
    case "$(state "$merge")" in COMPLETED | FAILED | CANCELLED) break ;; esac
    sleep 1
done

# --- what they leave
log="$work/parts/slurm/${array}_2.log"
grep -q 'goes back into the queue' "$log"
grep -m 1 'continues after step' "$log"
[ "$(state "$merge")" = COMPLETED ]
# Without times and the numbers of threads and of runs at the same time.
results() {
    sed -E 's/"(seconds|train_seconds|finished_unix)":[0-9.e-]+//g; s/"machine":\{[^}]*\}//' "$1/runs.jsonl"
}
cmp "$work/whole/summary.json" "$work/parts/summary.json"
cmp "$work/whole/plan.json" "$work/parts/plan.json"
diff -r "$work/whole/predictions" "$work/parts/predictions"
diff <(results "$work/whole" | sort) <(results "$work/parts" | sort)
[ "$(results "$work/parts" | wc -l)" -eq 4 ]
[ -s "$work/parts/report.html" ]
if compgen -G "$work/parts/*-of-*"; then
    echo "files of shards are left"
    exit 1
fi
echo "two shards, one of them stopped and requeued: the same summary, plan, predictions and records as without SLURM; $SECONDS s"
