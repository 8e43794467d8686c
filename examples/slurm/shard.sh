#!/usr/bin/env bash
# One task of the array: a shard of the study. When SLURM sends SIGTERM, because the time is nearly up, the program
# writes a checkpoint and exits with 143. The task is then put back into the queue, and continues from the checkpoint.
set -uo pipefail
# shellcheck source=/dev/null
. "$1"
task="${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
shard="$SLURM_ARRAY_TASK_ID/$SHARDS"

# In the background: while a shell waits, it acts on a signal at once.
"$PROGRAM" "${STUDY[@]}" --out "$OUT" --shard "$shard" &
program=$!
stopped=no
trap 'stopped=yes; kill -TERM "$program" 2>/dev/null' TERM
wait "$program"
code=$?
# A signal ends this wait with 143, whatever the program does; its own code is that of a wait which no signal ends.
while [ "$stopped" = yes ]; do
    stopped=no
    wait "$program"
    code=$?
done

# A task that someone has cancelled is not running any more, and stays cancelled.
if [ "$code" -eq 143 ] && [ "$(squeue --noheader --job "$task" --format %T)" = RUNNING ]; then
    echo "shard $shard goes back into the queue"
    scontrol requeue "$task"
    # SLURM ends this script meanwhile.
    sleep 60
fi
exit "$code"
