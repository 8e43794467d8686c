#!/usr/bin/env bash
# Packs what bench.sh needs on a machine without a compiler: the program, the scripts, the bundled encoder and sentences.
#
#   examples/glue_sst2/gpu/pack.sh ARCHIVE.tar [FEATURES]      FEATURES default to cuda,wgpu,persistence
#   tar -xf ARCHIVE.tar && bench/unpack.sh && PROGRAM=bench/glue_sst2 bench/examples/glue_sst2/gpu/bench.sh check OUT cuda
#
# Stripped and compressed it is below 64 MiB, or this stops. PROGRAM=FILE packs that instead of building. Building for cuda
# needs LLVM (crates/devices/launches/llvm.sh); running needs libdevice.10.bc of CUDA's toolkit: LIBDEVICE=FILE packs it, too.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
archive=$(realpath -m "$1") features=${2:-cuda,wgpu,persistence}
root=$(cd "$(dirname "$0")/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=${PROGRAM:-}
if [ -z "$program" ]; then
    CARGO_PROFILE_RELEASE_STRIP=symbols cargo build --release --example glue_sst2 --features "$features" \
        --manifest-path "$root/examples/glue_sst2/Cargo.toml"
    program=$(cargo metadata --no-deps --format-version 1 --manifest-path "$root/Cargo.toml" |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/examples/glue_sst2
fi
mkdir -p "$work/bench/examples/glue_sst2/assets" "$work/bench/datasets"
cp -r "$root/examples/glue_sst2/gpu" "$work/bench/examples/glue_sst2/"
cp -r "$root/examples/glue_sst2/assets/film-bert-3x192" "$work/bench/examples/glue_sst2/assets/"
cp -r "$root/datasets/film-notes" "$work/bench/datasets/"
if [ -n "${LIBDEVICE:-}" ]; then
    mkdir -p "$work/bench/cuda/nvvm/libdevice"
    cp "$LIBDEVICE" "$work/bench/cuda/nvvm/libdevice/libdevice.10.bc"
fi
strip -o "$work/glue_sst2" "$program"
xz -T0 -6 -c "$work/glue_sst2" >"$work/bench/glue_sst2.xz"
cat >"$work/bench/unpack.sh" <<'UNPACK'
#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
xz -dc glue_sst2.xz >glue_sst2
chmod +x glue_sst2
[ ! -d cuda ] || echo "set CUDA_PATH=$PWD/cuda"
UNPACK
chmod +x "$work/bench/unpack.sh"
tar -cf "$archive" -C "$work" bench
size=$(stat -c %s "$archive")
echo "$archive: $((size / 1048576)) MiB"
[ "$size" -lt $((64 << 20)) ] || { echo "$archive: $size bytes, accepted are fewer than 64 MiB" >&2; exit 1; }
