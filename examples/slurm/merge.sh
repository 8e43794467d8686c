#!/usr/bin/env bash
# The last job: makes one study of all shards. It trains nothing, and fails with their names if runs are missing.
set -euo pipefail
# shellcheck source=/dev/null
. "$1"
"$PROGRAM" "${STUDY[@]}" --out "$OUT" --merge
