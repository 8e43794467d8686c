#!/usr/bin/env bash
# Everything to check on a machine with a GPU, in one command: correctness, speed compared with PyTorch, and the study.
#
#   examples/glue_sst2/gpu/bench.sh MODEL DATA OUT [DEVICE...]
#
# MODEL and DATA are folders as --model and --data take them, OUT is a folder for the results, the devices are those
# of --device (default: cuda wgpu). Settings from the environment:
#   PROGRAM  glue_sst2 built elsewhere and carried here; without it, it is built here for the devices' features
#   PYTHON   python with torch and transformers for PyTorch's rows (default: python3); without torch they are left out,
#            with a message
#   SEEDS    pairs of the study (default: 12)
#   SMALL    1 for few steps and rows, to try this script on a machine without a GPU
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
model=$1 data=$2 out=$3
shift 3
devices=("$@")
[ $# -gt 0 ] || devices=(cuda wgpu)
python=${PYTHON:-python3}
seeds=${SEEDS:-12}
precisions=(f32 bf16)
steps=50 passes=9 batches=(32 128) lengths=(64 128) check=(--max-train-samples 3200 --max-eval-samples 872)
study=(--epochs 3 --learning-rate 2e-5) padding=()
if [ "${SMALL:-0}" = 1 ]; then
    steps=2 passes=1 batches=(8) lengths=(16) seeds=2 check=(--max-train-samples 16 --max-eval-samples 8 --batch-size 8)
    study=(--epochs 1 --learning-rate 5e-5 "${check[@]}") padding=(--pad-to-max-length --max-length 16)
fi

mkdir -p "$out"
program=${PROGRAM:-}
if [ -z "$program" ]; then
    features=$(printf '%s\n' "${devices[@]%%:*}" persistence | sort -u | grep -vx flex | paste -sd, -)
    cargo build --release --example glue_sst2 --features "$features" --manifest-path "$here/../Cargo.toml"
    program=$(cargo metadata --no-deps --format-version 1 --manifest-path "$here/../Cargo.toml" |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/examples/glue_sst2
fi
{
    date -u '+%F %T UTC'
    uname -srm
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo 'no nvidia-smi'
    "$program" --version
    "$program" --list-devices
} | tee "$out/machine.txt"

# By default sentences would be packed, and every batch would have its own shape, for which a GPU's kernels are compiled
# and tuned again.
run() { "$program" --model "$model" --data "$data" --batching shuffled "${padding[@]}" --quiet "$@"; }

echo '--- the same runs on flex and on each device'
rm -rf "$out/check"
for device in flex "${devices[@]}"; do
    run --device "$device" --out "$out/check/$device" --seeds 1 --epochs 1 --learning-rate 5e-5 "${check[@]}" >/dev/null
done
for device in "${devices[@]}"; do
    "$python" "$here/rows.py" same "$out/check/flex/runs.jsonl" "$out/check/$device/runs.jsonl"
done

echo '--- training steps'
models=("$model")
has_torch=0
if "$python" -c 'import torch, transformers' 2>/dev/null; then
    has_torch=1
    [ "${SMALL:-0}" = 1 ] || { "$python" "$here/pytorch.py" base "$model" "$out/bert-base" && models+=("$out/bert-base"); }
else
    echo "PyTorch's rows and those of BERT-base's size are left out: $python lacks torch and transformers"
fi
rm -f "$out/steps.jsonl"
for snapshot in "${models[@]}"; do
    for batch in "${batches[@]}"; do
        for length in "${lengths[@]}"; do
            row() { "$python" "$here/rows.py" add "$out/steps.jsonl" "model=$(basename "$snapshot")" "batch=$batch" "length=$length" "$@"; }
            for device in "${devices[@]}"; do
                for precision in "${precisions[@]}"; do
                    if timing=$("$program" --model "$snapshot" --data "$data" --device "$device" --bench-steps "$steps" \
                        --batch-size "$batch" --max-length "$length" --pad-to-max-length --precision "$precision"); then
                        row "by=glue_sst2 $device" "precision=$precision" <<<"$timing"
                    else
                        # A device must support f32. It may lack the other types; the program has just printed that.
                        [ "$precision" != f32 ] || exit 1
                    fi
                done
            done
            [ "$has_torch" = 1 ] || continue
            for precision in "${precisions[@]}"; do
                for mode in eager compile; do
                    "$python" "$here/pytorch.py" steps "$snapshot" "$steps" "$batch" "$length" "$precision" "$mode" |
                        row "by=PyTorch $mode" "precision=$precision"
                done
            done
        done
    done
done

echo '--- noise over 335 million parameters'
rm -f "$out/noise.jsonl"
for device in "${devices[@]}"; do
    "$program" --device "$device" --bench-noise "$passes" | "$python" "$here/rows.py" add "$out/noise.jsonl" "by=glue_sst2 $device"
done

"$python" "$here/rows.py" table "$out" | tee "$out/table.md"

echo '--- the study, on the first device'
run --device "${devices[0]}" --out "$out/study" --arms baseline,noisytune --seeds "$seeds" "${study[@]}" | tee "$out/study.txt"
