#!/usr/bin/env bash
# Submits a study: an array of shards, and the job that merges them. Prints the number of each job.
#
#     examples/slurm/submit.sh [examples/slurm/study.conf]
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
conf="$(realpath "${1:-$here/study.conf}")"
# shellcheck source=/dev/null
. "$conf"
if ! [ "$PASSES" -ge 1 ] 2>/dev/null; then
    echo "PASSES is $PASSES, accepted is a whole number from 1" >&2
    exit 2
fi
# What a task asks for is enough.
if [ -z "${MERGE+set}" ]; then
    MERGE=("${TASK[@]}")
fi
mkdir -p "$OUT/slurm"

# A study with a grid is begun again when all tasks of the first array have ended: those that had to wait for others' tuning
# runs end with 1. Of a usual one, the merge follows if every task has succeeded.
after=()
for ((pass = 1; pass <= PASSES; pass++)); do
    # SIGTERM two minutes before the time is up, to the script itself.
    array=$(sbatch --parsable "${after[@]}" --job-name=shard --array="1-$SHARDS" --requeue --open-mode=append \
        --signal=B:TERM@120 --output="$OUT/slurm/%A_%a.log" "${TASK[@]}" "$here/shard.sh" "$conf")
    echo "array $array"
    after=(--dependency="afterany:$array")
done
merge=$(sbatch --parsable --dependency="afterok:$array" --kill-on-invalid-dep=yes --job-name=merge --open-mode=append \
    --output="$OUT/slurm/merge.log" "${MERGE[@]}" "$here/merge.sh" "$conf")
echo "merge $merge"
