#!/usr/bin/env bash
# Build the wheel, the default model in it: wheel.sh FOLDER. PYTHON has pip and hatchling.
set -euo pipefail
folder=${1:?usage: wheel.sh FOLDER}
cd "$(dirname "$0")/../.."
mkdir -p "$folder"
"${PYTHON:-python3}" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
  --wheel-dir "$folder" .
ls "$folder"/lesionseg-*.whl
