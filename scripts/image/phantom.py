"""Write the scan of a small phantom chest as DICOM: ``python phantom.py FOLDER``. Uses the package alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lesionseg.dicom.write import WriterSettings, write_ct_series
from lesionseg.phantoms import ChestSettings, add_lesions, chest_phantom


def main(folder: Path) -> None:
    settings = ChestSettings(shape=(40, 128, 128), spacing_mm=(7.5, 2.8, 2.8))
    chest = chest_phantom(settings, np.random.default_rng(1), np.random.default_rng(2))
    ill = add_lesions(chest, 15.0, 0.3, np.random.default_rng(3))
    header = WriterSettings(entropy="image", patient_id="PHANTOM", study_date="20200401")
    write_ct_series(ill.volume, folder, settings=header)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
