#!/usr/bin/env bash
# Go through the steps of the image on this machine, in a folder that is removed again; as CI does. The packages
# that lesionseg needs are those of .venv, not installed anew, and the system's packages are left as they are.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="$PWD/.venv"
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
version() { "$1" -c 'import ensurepip, sys; print(*sys.version_info[:2])' 2>/dev/null || true; }
# the system's Python, if it is of .venv's version: another may lie where only its owner may go
python="$venv/bin/python"
if [ "$(version /usr/bin/python3)" = "$(version "$python")" ]; then python=/usr/bin/python3; fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
PYTHON="$venv/bin/python" scripts/image/wheel.sh "$scratch/wheels"
PYTHON="$python" DEPENDENCIES="$site" scripts/image/install.sh "$scratch/lesionseg" "$scratch"/wheels/lesionseg-*.whl
scripts/image/check.sh "$scratch/lesionseg"
