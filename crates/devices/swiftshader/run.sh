#!/usr/bin/env bash
# Runs a command with SwiftShader as its Vulkan device, which needs no GPU:
#
#   crates/devices/swiftshader/run.sh cargo test-devices
#
# SwiftShader and the Vulkan loader come with Debian's chromium package. If it is not installed, it is downloaded and
# unpacked into a temporary folder.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)

vulkan=$(mktemp -d)
trap 'rm -r "$vulkan"' EXIT
chromium=/usr/lib/chromium
if [ ! -e "$chromium/vk_swiftshader_icd.json" ]; then
    (cd "$vulkan" && apt-get update -qq && apt-get download -qq chromium && dpkg -x chromium_*.deb .)
    chromium="$vulkan/usr/lib/chromium"
fi
# In a folder of its own: the loader's folder also has a libEGL and other files that only chromium should find.
mkdir "$vulkan/loader"
cc -O1 -Wall -shared -fPIC -Wl,-z,nodelete -o "$vulkan/loader/libvulkan.so.1" "$here/shared_memory.c"
# CubeCL makes an error for each kernel that a device cannot run, and tunes with hundreds: with backtraces, a fifth more time.
RUST_LIB_BACKTRACE=0 VULKAN_LOADER="$chromium/libvulkan.so.1" LD_LIBRARY_PATH="$vulkan/loader" \
    VK_DRIVER_FILES="$chromium/vk_swiftshader_icd.json" "$@"
