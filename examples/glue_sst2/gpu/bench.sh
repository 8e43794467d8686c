#!/usr/bin/env bash
# What to ask of a machine with a GPU, what is worth most first, in two calls that take ten minutes together.
#
#   examples/glue_sst2/gpu/bench.sh check OUT [DEVICE...]      what the machine is, the same results as on the CPU, first rows
#   examples/glue_sst2/gpu/bench.sh measure OUT [DEVICE...]    training steps beside PyTorch, kernel times, noise, a study
#
# OUT is a folder for the results, complete after every line that this prints; the devices are those of --device (default:
# cuda wgpu), the first of them is measured most. What fails, or has no time left, costs only itself: OUT/failed.txt lists
# it, and the exit code is 1. Settings from the environment:
#   PROGRAM  glue_sst2 built elsewhere and carried here (pack.sh); without it, it is built here for the devices' features
#   PYTHON   python, with torch and transformers for PyTorch's rows (default: python3)
#   BUDGET   seconds after which nothing more is begun (default: 210 for check, 330 for measure)
#   SMALL    1 for few steps and rows, to try this script on a machine without a GPU
#   PATIENCE by which every limit but BUDGET is multiplied (default: 1)
set -uo pipefail
usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
here=$(cd "$(dirname "$0")" && pwd)
part=$1 out=$2
shift 2
case $part in check) budget=${BUDGET:-210} ;; measure) budget=${BUDGET:-330} ;; *) usage ;; esac
devices=("$@")
[ $# -gt 0 ] || devices=(cuda wgpu)
first=${devices[0]}
# What is compared with PyTorch's rows of the same name: on cuda, products of f32 are TF32.
single() { case $1 in cuda*) echo tf32 ;; *) echo f32 ;; esac; }
python=${PYTHON:-python3}
# Sizes of the encoders (layers, hidden size, heads), and batch × length of their rows.
mini='6 384 12' base='12 768 12' short=32:64 middle=32:128 long=128:128
steps=200 passes=9 seeds=5 rows=(--data "$here/../../../datasets/film-notes") same=(--max-train-samples 2112 --max-eval-samples 400)
[ "${SMALL:-0}" = 1 ] && {
    mini='1 32 2' base='2 32 2' short=2:8 middle=2:16 long=4:16
    steps=2 passes=1 seeds=1 same=(--max-train-samples 16 --max-eval-samples 8)
}

mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out/$part.failed.txt"
say() { echo "--- $SECONDS s: $*" | tee -a "$out/$part.log"; }
failed() { echo "$*" | tee -a "$out/$part.log" "$out/$part.failed.txt"; }
# try LIMIT NAME COMMAND...: what it prints is OUT/NAME.txt; its last line is shown.
try() {
    local limit=$(($1 * ${PATIENCE:-1})) name=$2 left=$((budget - SECONDS)) status
    shift 2
    [ "$left" -gt 0 ] || { failed "$name: left out, the $budget s of $part are used up"; return 1; }
    [ "$limit" -le "$left" ] || limit=$left
    say "$name"
    # On a signal the program finishes its step first, which takes long while kernels are compiled.
    timeout --kill-after=10 "$limit" "$@" >"$out/$name.txt" 2>"$out/$name.errors.txt"
    status=$?
    tail -n 1 "$out/$name.txt" | tee -a "$out/$part.log"
    [ -s "$out/$name.errors.txt" ] || rm -f "$out/$name.errors.txt"
    case $status in
    0) return ;;
    124 | 137) failed "$name: stopped after $limit s" ;;
    *) failed "$name: exit status $status: $(tail -n 1 "$out/$name.errors.txt" 2>/dev/null)" ;;
    esac
    return 1
}

program=${PROGRAM:-}
if [ -z "$program" ]; then
    features=$(printf '%s\n' "${devices[@]%%:*}" persistence | sort -u | grep -vx flex | paste -sd, -)
    cargo build --release --example glue_sst2 --features "$features" --manifest-path "$here/../Cargo.toml" || exit 1
    program=$(cargo metadata --no-deps --format-version 1 --manifest-path "$here/../Cargo.toml" |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/examples/glue_sst2
    SECONDS=0
fi
program=$(realpath -e "$program") || exit 2
# What CubeCL tunes and compiles is kept between the calls, if the program was built with `persistence`.
mkdir -p "$out/kept"
printf '[environment]\npath = { directory = "%s/kept/environment" }\n' "$out" >"$out/kept/cubecl.toml"
cd "$out/kept" || exit 1

facts() {
    date -u '+%F %T UTC'
    uname -srm
    nproc
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv,noheader || echo 'no nvidia-smi'
    "$program" --version && "$program" --list-devices
}
# Encoders for the rows; their weights are drawn here, as they are too large to carry.
snapshots() {
    local tokenizer="$here/../assets/film-bert-3x192/tokenizer.json"
    [ -e mini ] || "$python" "$here/snapshot.py" "$tokenizer" $mini mini
    [ -e base ] || "$python" "$here/snapshot.py" "$tokenizer" $base base
}
export -f facts snapshots
export program python here mini base

# row DEVICE MODEL BATCH:LENGTH PRECISION STEPS
row() {
    local device=$1 model=$2 batch=${3%:*} length=${3#*:} precision=$4 name
    name=steps.$device.$model.${batch}x$length.$precision
    try 90 "${name//:/-}" "$program" --model "$PWD/$model" "${rows[@]}" --device "$device" --bench-steps "$5" \
        --batch-size "$batch" --max-length "$length" --pad-to-max-length --precision "$precision" &&
        "$python" "$here/rows.py" add "$out/steps.jsonl" "model=$model" "batch=$batch" "length=$length" \
            "by=glue_sst2 $device" "precision=$precision" <"$out/${name//:/-}.txt" >/dev/null
}
# peer LIMIT PRECISIONS MODES MODEL:BATCH:LENGTH...
peer() {
    local limit=$1 precisions=$2 modes=$3 place
    shift 3
    if ! "$python" -c 'import torch, transformers' 2>/dev/null; then
        failed "PyTorch's rows: left out, $python lacks torch or transformers"
        return
    fi
    try "$limit" "pytorch.$precisions.$modes" "$python" "$here/pytorch.py" "$out/steps.jsonl" "$steps" "$precisions" "$modes" \
        "${@/#/$PWD/}"
}
# One pair of runs on the bundled sentences. Packed batches would each have a shape of their own, for which kernels are tuned.
# The paths are given: a program built elsewhere looks for the bundled files where it was built.
runs() {
    "$program" --model "$here/../assets/film-bert-3x192" --data "$here/../../../datasets/film-notes" --batching shuffled --quiet \
        --device "$1" --out "$out/$2" "${@:3}"
}
export -f runs
export out

case $part in
check)
    try 20 facts bash -c facts
    try 60 snapshots bash -c snapshots
    rm -rf "$out/same"
    # Side by side: nothing is timed here.
    for device in $(printf '%s\n' flex "${devices[@]}" | sort -u); do
        try 150 "same.${device//:/-}" bash -c 'runs "$@"' runs "$device" "same/${device//:/-}" --seeds 1 --epochs 1 \
            --learning-rate 5e-5 --pad-to-max-length --max-length 64 "${same[@]}" &
    done
    wait
    for device in "${devices[@]}"; do
        try 20 "compared.${device//:/-}" "$python" "$here/rows.py" same "$out/same/flex/runs.jsonl" "$out/same/${device//:/-}/runs.jsonl"
    done
    row "$first" mini $short "$(single "$first")" $steps
    row "$first" mini $short bf16 $steps
    peer 60 f32,tf32,bf16 eager mini:$short
    ;;
measure)
    try 60 snapshots bash -c snapshots
    for precision in "$(single "$first")" bf16; do
        row "$first" mini $short $precision $steps
        row "$first" base $middle $precision $((steps / 2))
    done
    peer 120 f32,tf32,bf16 eager base:$middle mini:$long
    # Every kernel by itself, which makes the steps slower.
    for place in mini:$short base:$middle; do
        IFS=: read -r model batch length <<<"$place"
        try 60 "kernels.$model" env CUBECL_DEBUG_OPTION=profile-medium CUBECL_DEBUG_LOG="$out/kernels.$model.log" "$program" \
            --model "$PWD/$model" "${rows[@]}" --device "$first" --bench-steps 2 --batch-size "$batch" --max-length "$length" \
            --pad-to-max-length
        # The last step is at the end of a log of megabytes.
        [ ! -e "$out/kernels.$model.log" ] || { tail -c 400000 "$out/kernels.$model.log" >log && mv log "$out/kernels.$model.log"; }
    done
    for precision in "$(single "$first")" bf16; do row "$first" mini $long $precision $((steps / 2)); done
    peer 90 tf32,bf16 compile mini:$short base:$middle
    for device in "${devices[@]}"; do
        try 40 "noise.${device//:/-}" "$program" --device "$device" --bench-noise "$passes" &&
            "$python" "$here/rows.py" add "$out/noise.jsonl" "by=glue_sst2 $device" <"$out/noise.${device//:/-}.txt" >/dev/null
    done
    for device in "${devices[@]:1}"; do row "$device" mini $short "$(single "$device")" $((steps / 2)); done
    try 90 study bash -c 'runs "$@"' runs "$first" study --seeds "$seeds" "${same[@]}"
    ;;
esac
cd "$out" || exit 1
[ ! -e steps.jsonl ] || "$python" "$here/rows.py" table "$out" | tee table.md
say end
[ ! -e "$part.failed.txt" ]
