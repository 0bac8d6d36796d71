"""Read folders of DICOM with one reader, each as its own documentation tells; run by reader_table.py.

    PYTHON scripts/bench/peer_readers.py READER WORK.json

WORK.json lists ``[folder, result.npz]`` pairs. A result holds ``hu0`` and ``affine0`` (array indices to LPS
mm), further numbers where the reader made several volumes, or ``error``. Readers that want a list of files
are given those of the largest series.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

Volumes = list[tuple[Any, Any]]
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


class ReaderDiedError(RuntimeError):
    """A reader that is a program of its own was ended by a signal."""


def read_lesionseg(folder: Path) -> Volumes:
    from lesionseg.dicom import load_series

    volume = load_series(folder).volume
    return [(volume.hu, volume.geometry.affine)]


def read_simpleitk(folder: Path) -> Volumes:
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    series = [reader.GetGDCMSeriesFileNames(str(folder), uid) for uid in reader.GetGDCMSeriesIDs(str(folder))]
    if not series:  # nested folders
        series = [reader.GetGDCMSeriesFileNames(str(folder), "", recursive=True)]
    reader.SetFileNames(max(series, key=len))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return [(np.transpose(SimpleITK.GetArrayFromImage(image), (2, 1, 0)), affine)]


def read_highdicom(folder: Path) -> Volumes:
    import highdicom
    from pydicom import dcmread

    series = defaultdict(list)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        dataset = dcmread(path, force=True)
        if "SeriesInstanceUID" in dataset:
            series[dataset.SeriesInstanceUID].append(dataset)
    datasets = max(series.values(), key=len)
    for dataset in datasets:
        if not hasattr(dataset, "file_meta") or "TransferSyntaxUID" not in dataset.file_meta:
            dataset.ensure_file_meta()
            dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    volume = highdicom.get_volume_from_series(datasets)
    return [(volume.array, volume.affine)]


def _read_monai(folder: Path, kind: str) -> Volumes:
    import monai.data

    reader = getattr(monai.data, kind)(affine_lps_to_ras=False)
    array, meta = reader.get_data(reader.read(str(folder)))
    return [(np.asarray(array), np.asarray(meta["affine"]))]


def read_monai_itk(folder: Path) -> Volumes:
    return _read_monai(folder, "ITKReader")


def read_monai_pydicom(folder: Path) -> Volumes:
    return _read_monai(folder, "PydicomReader")


def _read_nifti(folder: Path) -> Volumes:
    import nibabel

    images = [nibabel.load(path) for path in sorted(folder.rglob("*.nii"))]
    return [(np.asarray(image.dataobj), RAS_TO_LPS @ image.affine) for image in images]


def read_dicom2nifti(folder: Path) -> Volumes:
    import dicom2nifti

    with tempfile.TemporaryDirectory() as out:
        dicom2nifti.convert_directory(str(folder), out, compression=False, reorient=False)
        return _read_nifti(Path(out))


def read_dcm2niix(folder: Path) -> Volumes:
    import subprocess

    import dcm2niix

    with tempfile.TemporaryDirectory() as out:
        command = [dcm2niix.bin, "-z", "n", "-b", "n", "-o", out, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode < 0:
            raise ReaderDiedError(f"dcm2niix was ended by signal {-done.returncode}")
        volumes = _read_nifti(Path(out))
        if not volumes:
            raise RuntimeError(done.stdout.strip().splitlines()[-1] if done.stdout else "no output")
        return volumes


READERS: dict[str, tuple[Callable[[Path], Volumes], str]] = {
    "lesionseg": (read_lesionseg, "lesionseg"),
    "SimpleITK": (read_simpleitk, "SimpleITK"),
    "highdicom": (read_highdicom, "highdicom"),
    "MONAI ITKReader": (read_monai_itk, "monai"),
    "MONAI PydicomReader": (read_monai_pydicom, "monai"),
    "dicom2nifti": (read_dicom2nifti, "dicom2nifti"),
    "dcm2niix": (read_dcm2niix, "dcm2niix"),
}


def _attempt(read: Callable[[Path], Volumes], folder: Path, target: Path) -> None:
    try:
        volumes = read(folder)
        arrays = {} if volumes else {"error": np.array("no volume came out")}
        for number, (hu, affine) in enumerate(volumes):
            arrays[f"hu{number}"], arrays[f"affine{number}"] = np.asarray(hu), np.asarray(affine, np.float64)
        np.savez(target, **arrays)
    except Exception as error:  # noqa: BLE001 - whatever a reader raises is its refusal
        np.savez(target, error=f"{type(error).__name__}: {str(error)[:300]}")


def main() -> int:
    name, work = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    read, package = READERS[name]
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    for folder, target in work:
        with contextlib.redirect_stdout(sys.stderr):
            _attempt(read, Path(folder), Path(target))
    print(metadata.version(package))
    return 0


if __name__ == "__main__":
    sys.exit(main())
