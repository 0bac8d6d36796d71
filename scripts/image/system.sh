#!/usr/bin/env bash
# What lesionseg needs from the operating system (Debian or Ubuntu), as root: Python, Pango and a font for PDFs.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
packages=(ca-certificates fonts-dejavu-core libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0)
if ! command -v python3 >/dev/null || ! python3 -c 'import ensurepip' 2>/dev/null; then
  packages+=(python3 python3-venv)
fi
apt-get update
apt-get install -y --no-install-recommends "${packages[@]}"
rm -rf /var/lib/apt/lists/*
python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || {
  echo "lesionseg needs Python 3.11, 3.12 or 3.13; this base has $(python3 --version)" >&2
  exit 1
}
