#!/usr/bin/env bash
# Snakemake into .tools/snakemake, away from lesionseg's own environment; nothing to do if it is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target="$here/../../.tools/snakemake"
wanted=$(sed -n 's/^snakemake==//p' "$here/requirements.txt")
if [ "$("$target/bin/snakemake" --version 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi
"${PYTHON:-python3}" -m venv --clear "$target"
PIP_DISABLE_PIP_VERSION_CHECK=1 "$target/bin/pip" install -qq --no-input -r "$here/requirements.txt"
