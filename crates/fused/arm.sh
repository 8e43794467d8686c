#!/usr/bin/env bash
# Runs the tests of the kernels and of their random streams as compiled for 64-bit ARM, where they take the NEON path, under qemu's
# user mode emulation. What they showed: NOTES.md.
#
# On Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
# Then:      rustup target add aarch64-unknown-linux-gnu
#
# usage: crates/fused/arm.sh [ARGUMENT OF CARGO TEST]...    default: --lib --tests
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v "$program" >/dev/null || {
        echo "$program is not installed; the head of this script says what to install" >&2
        exit 1
    }
done
[ $# -gt 0 ] || set -- --lib --tests
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER='qemu-aarch64 -L /usr/aarch64-linux-gnu'
# The tests spend their time in the kernels and in gemm. Burn is not what is tested, and optimising it takes minutes.
optimised=()
for package in chacha8-lanes fused gemm-common gemm-f16 gemm-f32 pulp; do
    optimised+=(--config "profile.dev.package.$package.opt-level=3")
done
cargo test --package fused --package chacha8-lanes --target aarch64-unknown-linux-gnu \
    --target-dir "${ARM_TARGET_DIR:-target/arm}" --config profile.dev.opt-level=0 "${optimised[@]}" "$@"
