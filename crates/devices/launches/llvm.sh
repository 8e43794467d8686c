#!/usr/bin/env bash
# Puts LLVM 23 where the build of the features `cuda`, `rocm` and `cpu` looks for it, so that nothing is downloaded from GitHub:
# cubecl-llvm asks tracel-llvm-bundler for a bundle, which is satisfied with `.tracel-llvm-installed` and `bin/llvm-config` in its
# folder. The libraries are Debian's, static and only unpacked; nothing is installed.
#
#   crates/devices/launches/llvm.sh FOLDER
#   XDG_DATA_HOME=FOLDER CUDARC_CUDA_VERSION=13000 cargo build --release --example glue_sst2 --features cuda
#
# Debian's sid moves on. SHA256SUMS beside this script pins the packages it was tried with; with others it stops, unless ANY=1.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
home=$(cd "$1" && pwd)
bundle=$home/tracel/tracel-llvm-23.1.0-4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo 'fetching Debian packages'
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true)
mkdir -p "$work/lists/partial" "$work/packages"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-https://deb.debian.org/debian} sid main" >"$work/sid.list"
of_sid() {
    apt-get -qq -o "Dir::Etc::sourcelist=$work/sid.list" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$work/lists" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}
of_sid update
cd "$work/packages"
of_sid download llvm-23 llvm-23-dev
if ! sha256sum --check --quiet "$here/SHA256SUMS"; then
    [ "${ANY:-0}" = 1 ] || { echo 'the packages are not those of SHA256SUMS; ANY=1 takes them anyway' >&2; exit 1; }
fi
# The static zstd and zlib of this system's own release.
apt-get -qq -o APT::Sandbox::User=root download libzstd-dev zlib1g-dev
for package in *.deb; do dpkg -x "$package" "$home/debian"; done
cd - >/dev/null

llvm=$home/debian/usr/lib/llvm-23
mkdir -p "$bundle/bin" "$bundle/lib"
ln -sfn "$llvm/include" "$bundle/include"
ln -sf "$llvm"/lib/*.a "$home/debian/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)"/lib{zstd,z}.a "$bundle/lib/"

# Names that the libraries want of a glibc from 2.38 on, for an older one.
cat >"$work/older_glibc.c" <<'C'
#include <stdlib.h>
#define WEAK __attribute__((weak))
WEAK long __isoc23_strtol(const char *text, char **end, int base) { return strtol(text, end, base); }
WEAK long long __isoc23_strtoll(const char *text, char **end, int base) { return strtoll(text, end, base); }
WEAK unsigned long __isoc23_strtoul(const char *text, char **end, int base) { return strtoul(text, end, base); }
WEAK unsigned long long __isoc23_strtoull(const char *text, char **end, int base) { return strtoull(text, end, base); }
C
cc -std=gnu17 -O2 -fPIC -c -o "$work/older_glibc.o" "$work/older_glibc.c"
rm -f "$bundle/lib/libolderglibc.a"
ar crs "$bundle/lib/libolderglibc.a" "$work/older_glibc.o"

# Debian's llvm-config, without the targets, Polly, z3 and libxml2 that CubeCL does not use.
components='analysis bitreader bitwriter irreader linker executionengine mcjit orcjit passes target nvptx native'
cat >"$bundle/bin/llvm-config" <<C
#!/bin/sh
real=$llvm/bin/llvm-config
case "\$*" in
*--libdir*) echo $bundle/lib ;;
*--includedir*) echo $bundle/include ;;
*--system-libs*) echo -lrt -ldl -lm ;;
*--libs*) echo \$("\$real" --link-static --libs $components) -lzstd -lz -lolderglibc ;;
*--cflags* | *--cxxflags*) "\$real" "\$@" | sed 's,-I[^ ]*,-I$bundle/include,' ;;
*) exec "\$real" "\$@" ;;
esac
C
chmod +x "$bundle/bin/llvm-config"
version=$("$bundle/bin/llvm-config" --version)
case $version in
23.*) ;;
*) echo "LLVM is $version, expected 23" >&2; exit 1 ;;
esac
touch "$bundle/.tracel-llvm-installed"
echo "LLVM $version is in $bundle"
