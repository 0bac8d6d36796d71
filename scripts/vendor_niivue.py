"""Fetch the slice viewer of the case page, NiiVue, from its npm package.

    python scripts/vendor_niivue.py            # fetch with npm, check, write lesionseg/reports/vendor/
    python scripts/vendor_niivue.py --check    # only compare what lies there with SHA256SUMS; no network

A package whose bytes are not the ones named here is refused. For a new version, put its number and hashes
here and into the folder's README, run the script, and open a case page: ``pytest -m slow tests/reports``.
NiiVue's own licence is not in its npm package; ``LICENSE.niivue.txt`` is the file LICENSE of
https://github.com/niivue/niivue and stays as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "lesionseg" / "reports" / "vendor"
PACKAGE, VERSION = "@niivue/niivue", "0.69.0"
TARBALL_SHA256 = "6e9a6a471b428eb3b258a0086beca9187d95e43a781a39e8a519c6da246af485"
BUNDLE_MEMBER, BUNDLE = "package/dist/niivue.umd.js", "niivue.umd.js"
BUNDLE_SHA256 = "47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af"
OWN_LICENCE, OTHER_LICENCES, SUMS = "LICENSE.niivue.txt", "LICENSES.bundled.txt", "SHA256SUMS"
BUNDLED = (
    "fflate@0.8.3",
    "gl-matrix@3.4.4",
    "nifti-reader-js@0.8.0",
    "zarrita@0.5.4",
    "@zarrita/storage@0.1.4",
    "numcodecs@0.3.2",
    "@lukeed/uuid@2.0.1",
    "array-equal@1.0.2",
    "@ungap/structured-clone@1.4.0",
)
"""What the bundle holds besides NiiVue; the versions whose licences are kept."""


def packed(name: str, folder: Path) -> Path:
    """Tarball of an npm package; none of its code is run."""
    finished = subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", str(folder), name],
        check=True, capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    return folder / finished.stdout.strip().splitlines()[-1]


def bundle_bytes(folder: Path) -> bytes:
    tarball = packed(f"{PACKAGE}@{VERSION}", folder)
    refuse_other(tarball.name, tarball.read_bytes(), TARBALL_SHA256)
    with tarfile.open(tarball) as archive:
        content = member_bytes(archive, BUNDLE_MEMBER)
    refuse_other(BUNDLE_MEMBER, content, BUNDLE_SHA256)
    return content


def licence_text(name: str, folder: Path) -> str:
    """Licence file of a package under a line that names it."""
    with tarfile.open(packed(name, folder)) as archive:
        member = next(each for each in archive.getnames() if Path(each).name.lower().startswith("licen"))
        return f"==== {name}\n\n{member_bytes(archive, member).decode().strip()}\n"


def member_bytes(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    if stream is None:
        sys.exit(f"{name} is not a file")
    return stream.read()


def refuse_other(name: str, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        sys.exit(f"{name}: expected SHA-256 {expected}, found {found}. Nothing was written.")


def write_vendor() -> None:
    with tempfile.TemporaryDirectory() as name:
        content = bundle_bytes(Path(name))
        licences = "\n".join(licence_text(package, Path(name)) for package in BUNDLED)
    (VENDOR / BUNDLE).write_bytes(content)
    (VENDOR / OTHER_LICENCES).write_text(licences, encoding="utf-8", newline="\n")
    kept = (BUNDLE, OWN_LICENCE, OTHER_LICENCES)
    lines = [f"{hashlib.sha256((VENDOR / each).read_bytes()).hexdigest()}  {each}\n" for each in kept]
    (VENDOR / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def check_vendor() -> None:
    for line in (VENDOR / SUMS).read_text(encoding="utf-8").splitlines():
        expected, name = line.split()
        refuse_other(name, (VENDOR / name).read_bytes(), expected)
    refuse_other(BUNDLE, (VENDOR / BUNDLE).read_bytes(), BUNDLE_SHA256)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with SHA256SUMS; no network")
    if not parser.parse_args().check:
        write_vendor()
    check_vendor()
    print(f"{VENDOR / BUNDLE}: {PACKAGE} {VERSION}, as it should be")


if __name__ == "__main__":
    main()
