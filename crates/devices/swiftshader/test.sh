#!/usr/bin/env bash
# `cargo test-devices` with wgpu on SwiftShader, a Vulkan device without a GPU. Debian's chromium brings it, and the
# Vulkan loader; it is used where it is installed, and otherwise only unpacked.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../.."

vulkan=$(mktemp -d)
trap 'rm -r "$vulkan"' EXIT
chromium=/usr/lib/chromium
if [ ! -e "$chromium/vk_swiftshader_icd.json" ]; then
    (cd "$vulkan" && apt-get update -qq && apt-get download -qq chromium && dpkg -x chromium_*.deb .)
    chromium="$vulkan/usr/lib/chromium"
fi
# In a folder without the rest: beside the loader lie a libEGL and more of what only chromium should find.
mkdir "$vulkan/loader"
cc -O1 -Wall -shared -fPIC -Wl,-z,nodelete -o "$vulkan/loader/libvulkan.so.1" "$here/shared_memory.c"
VULKAN_LOADER="$chromium/libvulkan.so.1" LD_LIBRARY_PATH="$vulkan/loader" \
    VK_DRIVER_FILES="$chromium/vk_swiftshader_icd.json" cargo test-devices "$@"
