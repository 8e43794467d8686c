#!/usr/bin/env bash
# Runs the tests of the kernels under AddressSanitizer and ThreadSanitizer (a nightly toolchain, for ThreadSanitizer with its
# component rust-src), or under Valgrind's memcheck. Each has a build of its own. What they showed: NOTES.md.
#
# usage: crates/fused/sanitize.sh [address|thread|valgrind]...    default: address thread
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- address thread
target=x86_64-unknown-linux-gnu
builds="${SANITIZE_TARGET_DIR:-target/sanitize}"
# More than this machine may have: the kernels divide their work by it.
export RAYON_NUM_THREADS="${RAYON_NUM_THREADS:-4}"

run() {
    cargo ${toolchain:+"$toolchain"} test --package fused --lib --tests --target "$target" --target-dir "$builds/$tool" "$@"
}

for tool in "$@"; do
    case "$tool" in
    address)
        toolchain=+nightly RUSTFLAGS=-Zsanitizer=address run
        ;;
    thread)
        # With the standard library: the sanitizer does not know what the locks in a prebuilt one order.
        toolchain=+nightly RUSTFLAGS=-Zsanitizer=thread run -Zbuild-std
        ;;
    valgrind)
        toolchain='' CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='valgrind --quiet --error-exitcode=9' run -- --test-threads=1
        ;;
    *)
        echo "tool is $tool, accepted are address, thread and valgrind" >&2
        exit 2
        ;;
    esac
done
