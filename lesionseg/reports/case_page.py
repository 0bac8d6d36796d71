"""The case page: one scan's results in one HTML file, with the scan itself to page through."""

from __future__ import annotations

from pathlib import Path

from lesionseg.volume import CTVolume


def write_case_page(case_folder: Path, path: Path, *, volume: CTVolume | None = None) -> None:
    """Write the page of one segmented scan; it needs nothing else and no network.

    Parameters
    ----------
    case_folder : Path
        As `lesionseg segment` writes it.
    path : Path
        Where the HTML goes.
    volume : CTVolume, optional
        The scan on the label map's grid; without it the page has neither viewer nor histogram.

    Raises
    ------
    InputError
        If the case folder is incomplete or damaged.
    MeasurementError
        If the volume is another scan's.
    OutputError
        If the page cannot be written.
    """
    raise NotImplementedError
