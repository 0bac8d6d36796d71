#!/usr/bin/env bash
# Install the wheel and what it needs, as requirements.lock pins it, into an environment of its own:
#   install.sh PREFIX WHEEL
# TORCH=cpu takes PyTorch without CUDA; TORCH=cuda the build with it. EXTRAS are lesionseg's, parted by commas.
# DEPENDENCIES=FOLDER takes the packages in that site-packages folder instead of installing them, which is how
# CI goes through these steps in seconds.
set -euo pipefail
prefix=${1:?usage: install.sh PREFIX WHEEL}
wheel=${2:?usage: install.sh PREFIX WHEEL}
lock="$(cd "$(dirname "$0")/../.." && pwd)/requirements.lock"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1

"${PYTHON:-python3}" -m venv "$prefix"
if [ -n "${DEPENDENCIES:-}" ]; then
  "$prefix/bin/pip" install --quiet --no-deps "$wheel"
  site=$("$prefix/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  echo "$DEPENDENCIES" > "$site/dependencies.pth"
else
  if [ "${TORCH:-cpu}" = cpu ]; then
    export PIP_EXTRA_INDEX_URL="${PIP_EXTRA_INDEX_URL:-} https://download.pytorch.org/whl/cpu"
  fi
  "$prefix/bin/pip" install --quiet --constraint "$lock" \
    "lesionseg[${EXTRAS:-codecs,openvino,pacs,pdf}] @ file://$(realpath "$wheel")"
fi
"$prefix/bin/lesionseg" --version
