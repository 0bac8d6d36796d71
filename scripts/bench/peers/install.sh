#!/usr/bin/env bash
# The peers of the comparisons, in a virtual environment of their own, made anew each time.
#   scripts/bench/peers/install.sh [FOLDER]        (bench-output/peers unless named)
# PyPI's torch brings CUDA along on Linux; for the CPU build, as for lesionseg itself:
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu scripts/bench/peers/install.sh
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
folder="${1:-$(cd "$here/../../.." && pwd)/bench-output/peers}"
if [ -e "$folder" ] && [ ! -e "$folder/pyvenv.cfg" ]; then
  echo "$folder is there and is no virtual environment" >&2
  exit 2
fi
"${PYTHON:-python3}" -m venv --clear "$folder"
PIP_DISABLE_PIP_VERSION_CHECK=1 "$folder/bin/pip" install -q --no-input --no-deps -r "$here/requirements-bench.txt"
"$folder/bin/python" -c 'import dicom2nifti, dicomsdl, itk, lungmask, monai, openvino
import dynamic_network_architectures.architectures.unet'
echo "$folder/bin/python"
